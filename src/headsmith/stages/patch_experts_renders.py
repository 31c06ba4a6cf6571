"""Rendered faces whose landmarks are exactly known: people drawn from a head model, painted, lit and turned at random."""

from collections.abc import Iterator

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from numpy import ndarray

from headsmith.heads.container import HeadContainer
from headsmith.heads.model import HeadModel, HeadParameters
from headsmith.maths.cameras import FLIP
from headsmith.mesh.rasterize import rasterize_mesh
from headsmith.mesh.shading import spread, vertex_normals
from headsmith.stages.patch_experts_paint import RestMarks, draw_background, draw_hair, draw_looks, surface_colours
from headsmith.stages.patch_experts_training import Sample

SIZE = 224
"""Side of the pictures, in pixels."""
FACE = (0.62, 0.85)
"""Pixels a millimetre of the faces: from the smallest to the largest."""
FARTHEST = np.deg2rad((22.0, 62.0, 18.0))
"""Largest turns about x, y and z."""
PLAY = 0.15
"""Share of the units of expression that play."""
BEHIND = 0.008
"""Metres that a landmark may lie behind what is seen at its place, and still count as seen: lids and lips are thin."""
GAMMA = 2.2


def render_samples(head: HeadModel, count: int, seed: int) -> Iterator[Sample]:
    """Yield rendered faces.

    Args:
        head: The head, float32, with all of iBUG's 68 points.
        count: How many.
        seed: Of the people, their faces, light and backgrounds.
    """
    random = np.random.default_rng(seed)
    rest = RestMarks.of(head.container)
    for _ in range(count):
        vertices = draw_face(head, random)
        turned, screen = place_head(vertices, head.container, random)
        yield paint_sample(head.container, rest, vertices, turned, screen, random)


def draw_face(head: HeadModel, random: np.random.Generator) -> Float32[ndarray, "V 3"]:
    """Return the vertices of a person with some face, in the head's own axes, metres."""
    count = len(head.expression)
    plays = random.random(count) < PLAY
    calm = random.random() < 0.25
    expression = np.zeros(count) if calm else plays * random.random(count)
    jaw = np.zeros(3) if calm else np.array([0.3 * random.random() ** 2, 0.03 * random.normal(), 0.02 * random.normal()])
    eyes = np.tile([0.15 * random.normal(), 0.25 * random.normal(), 0.0], (2, 1))

    def row(values: ndarray) -> torch.Tensor:
        return torch.from_numpy(np.asarray(values, np.float32))[None]

    parameters = HeadParameters(
        identity=row(random.normal(size=len(head.identity))),
        expression=row(expression),
        jaw=row(jaw),
        eyes=row(eyes),
        neck=row(np.zeros(3)),
        eyelids=row(np.full(2, random.random() ** 3)),
    )
    with torch.no_grad():
        return head(parameters)[0].numpy()


def place_head(
    vertices: Float32[ndarray, "V 3"], head: HeadContainer, random: np.random.Generator
) -> tuple[Float32[ndarray, "V 3"], Float32[ndarray, "V 3"]]:
    """Return a head turned at random, in a camera's axes (metres), and where it is seen: pixels and depth."""
    x, y, z = random.uniform(-1, 1, 3) * FARTHEST
    turn = cv2.Rodrigues(np.array([x, 0, 0]))[0] @ cv2.Rodrigues(np.array([0, y, 0]))[0] @ cv2.Rodrigues(np.array([0, 0, z]))[0]
    middle = vertices[head.regions["face"]].mean(0)
    turned = ((vertices - middle) * FLIP) @ turn.T
    distance = random.uniform(0.5, 1.5)
    focal = 1000 * random.uniform(*FACE) * distance
    centre = SIZE / 2 + random.uniform(-0.06, 0.06, 2) * SIZE
    depth = turned[:, 2:] + distance
    screen = np.concatenate([focal * turned[:, :2] / depth + centre, depth], 1)
    return turned.astype(np.float32), screen.astype(np.float32)


def paint_sample(
    head: HeadContainer,
    rest: RestMarks,
    vertices: Float32[ndarray, "V 3"],
    turned: Float32[ndarray, "V 3"],
    screen: Float32[ndarray, "V 3"],
    random: np.random.Generator,
) -> Sample:
    """Return the picture of a turned head, and its landmarks."""
    ids, weights, depth = rasterize_mesh(screen, head.faces, SIZE, SIZE, cull=True)
    covered = ids >= 0
    normals = vertex_normals(turned, head.faces)
    looks = draw_looks(random)
    colours = surface_colours(head, rest, vertices, ids, weights, looks, random)
    normal = spread(normals.astype(np.float64), head.faces, ids, weights)
    behind = draw_background(SIZE, random)
    if looks.long:
        draw_hair(behind, screen[head.regions["face"], :2], looks.hair, random)
    picture = np.where(covered, colours * lit(normal, random), behind)
    shown = 255 * picture.clip(0, 1) ** (1 / GAMMA) + random.uniform(0.5, 4) * random.normal(size=picture.shape)
    image = cv2.GaussianBlur(shown.clip(0, 255).astype(np.uint8), (0, 0), random.uniform(0.3, 0.9))
    points = rest.on(screen[:, :2])
    return Sample(image, points.astype(np.float64), seen_in(depth, points, rest.on(screen)[:, 2]))


def seen_in(depth: Float32[ndarray, "S S"], points: Float[ndarray, "68 2"], own: Float[ndarray, " 68"]) -> Bool[ndarray, " 68"]:
    """Return which landmarks nothing hides: what is seen at or beside their pixel is not before them."""
    farthest = cv2.dilate(np.where(np.isfinite(depth), depth, 0).astype(np.float32), np.ones((3, 3), np.uint8))
    column, row = np.floor(points).astype(int).T
    inside = (row >= 0) & (column >= 0) & (row < SIZE) & (column < SIZE)
    there = farthest[row.clip(0, SIZE - 1), column.clip(0, SIZE - 1)]
    return inside & ((there <= 0) | (own < there + BEHIND))


def lit(normal: Float[ndarray, "H W 3"], random: np.random.Generator) -> Float[ndarray, "H W"]:
    """Return the light of one lamp and its surroundings on a surface."""
    lamp = random.normal(size=3) * (0.6, 0.4, 0.2) + (0, -0.3, -0.8)
    lamp /= np.linalg.norm(lamp)
    ambient = random.uniform(0.15, 0.6)
    shine = (normal @ lamp).clip(0) ** 12 * random.uniform(0, 0.12)
    return (ambient + (1.1 - ambient) * (normal @ lamp).clip(0) + shine) * random.uniform(0.55, 1.1)
