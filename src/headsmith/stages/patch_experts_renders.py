"""Rendered faces whose landmarks are exactly known: people drawn from a head model, painted, lit and turned at random."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int
from numpy import ndarray

from headsmith.contract.conventions import IBUG68
from headsmith.heads.container import HeadContainer
from headsmith.heads.model import HeadModel, HeadParameters
from headsmith.maths.cameras import FLIP
from headsmith.mesh.rasterize import rasterize_mesh
from headsmith.mesh.shading import spread, vertex_normals
from headsmith.stages.patch_experts_training import Sample

SIZE = 224
"""Side of the pictures, in pixels."""
FACE = (0.62, 0.85)
"""Pixels a millimetre of the faces: from the smallest to the largest."""
FARTHEST = np.deg2rad((22.0, 62.0, 18.0))
"""Largest turns about x, y and z."""
BROW, LASHES = 0.0045, 0.0011
"""Half the widths of painted brows and lashes, in metres."""
PLAY = 0.15
"""Share of the units of expression that play."""
LIP, IRIS = (0.78, 0.52, 0.50), 0.0059
BEHIND = 0.008
"""Metres that a landmark may lie behind what is seen at its place, and still count as seen: lids and lips are thin."""
GAMMA = 2.2


@dataclass(frozen=True)
class Looks:
    """How a person is painted: grey values of skin, brows and lashes, iris, hair, in linear light; beards; long hair."""

    skin: float
    brow: float
    iris: float
    hair: float
    stubble: float
    long: bool


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


@dataclass(frozen=True)
class RestMarks:
    """Where paint goes, on the head at rest, metres, the head's own axes.

    Attributes:
        places: The 68 landmarks.
        faces: Their triangles.
        weights: Barycentric coordinates.
    """

    places: Float[ndarray, "68 3"]
    faces: Int[ndarray, "68 3"]
    weights: Float[ndarray, "68 3"]

    @classmethod
    def of(cls, head: HeadContainer) -> "RestMarks":
        """Return those of a head."""
        marks = head.embeddings[IBUG68.name]
        faces = head.faces[marks.faces]
        return cls((head.template[faces] * marks.barycentrics[..., None]).sum(1), faces, marks.barycentrics)

    def on(self, values: Float[ndarray, "V C"]) -> Float[ndarray, "68 C"]:
        """Return values of vertices at the landmarks."""
        return (values[self.faces] * self.weights[..., None]).sum(1)


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
    behind = draw_background(random)
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


def surface_colours(
    head: HeadContainer,
    rest: RestMarks,
    vertices: Float32[ndarray, "V 3"],
    ids: Int[ndarray, "H W"],
    weights: Float[ndarray, "H W 3"],
    looks: Looks,
    random: np.random.Generator,
) -> Float[ndarray, "H W"]:
    """Return the grey of the surface at each pixel, linear light: skin, lips, eyes, mouth, brows, lashes, hair, stubble."""
    tones = vertex_tones(head, looks, random)
    place = spread(head.template.astype(np.float64), head.faces, ids, weights)
    colours = spread(tones[:, None], head.faces, ids, weights)[..., 0]
    for first, last in ((17, 22), (22, 27)):
        near = distance_to_line(place, rest.places[first:last]) < BROW * random.uniform(0.6, 1.3)
        colours = np.where(near, looks.brow, colours)
    for line in ((36, 37, 38, 39), (42, 43, 44, 45)):
        near = distance_to_line(place, rest.places[list(line)]) < LASHES * random.uniform(0.5, 1.5)
        colours = np.where(near, 0.4 * looks.brow, colours)
    for side in ("left", "right"):
        ball = head.regions[f"{side}_eyeball"]
        on_ball = (ids >= 0) & np.isin(head.faces, ball).all(1)[ids]
        points = np.einsum("nc,ncd->nd", weights[on_ball], vertices[head.faces[ids[on_ball]]]) - vertices[ball].mean(0)
        radius = np.linalg.norm(points[:, :2], axis=1)
        colours[on_ball] = np.where(radius < 0.4 * IRIS, 0.004, np.where(radius < IRIS, looks.iris, colours[on_ball]))
    return colours


def draw_looks(random: np.random.Generator) -> Looks:
    """Return how a person drawn at random is painted."""
    skin = random.uniform(0.08, 0.6)
    hair, iris = random.uniform(0.005, 0.4), random.uniform(0.01, 0.12)
    return Looks(skin, skin * random.uniform(0.1, 0.8), iris, hair, random.random(), random.random() < 0.4)


def draw_hair(picture: Float[ndarray, "S S"], face: Float32[ndarray, "n 2"], tone: float, random: np.random.Generator) -> None:
    """Draw long hair behind a face, streaked."""
    middle, wide = face.mean(0), np.ptp(face[:, 0])
    beside = 0.1 * wide * np.array((random.normal(), 1.0))
    centre = (middle + beside).round().astype(int).tolist()
    size = [round(float(wide * random.uniform(*limits))) for limits in ((0.65, 1.0), (0.8, 1.3))]
    inside = np.zeros_like(picture)
    cv2.ellipse(inside, centre, size, random.uniform(-10, 10), 0, 360, 1.0, -1, cv2.LINE_AA)
    streaks = cv2.GaussianBlur(random.random(picture.shape), (0, 0), 1.0, sigmaY=8.0) - 0.5
    picture += inside * (tone * (1 + random.uniform(0, 8) * streaks) - picture)


def vertex_tones(head: HeadContainer, looks: Looks, random: np.random.Generator) -> Float[ndarray, " V"]:
    """Return the grey of each vertex, linear light."""
    # blotches of the skin: waves of some centimetres, so that experts do not learn that skin is even
    phase, wave = random.uniform(0, 2 * np.pi, (4, 1)), random.normal(size=(4, 3)) * 90
    blotches = np.sin(head.template @ wave.T + phase.T).sum(1) * random.uniform(0, 0.05)
    tones = looks.skin * (1 + blotches)
    below = head.template[:, 1] < head.template[head.regions["lips"]][:, 1].max() + 0.012
    if looks.stubble > 0.6:
        tones = np.where(below, tones * random.uniform(0.35, 0.9), tones)
    regions = {
        "scalp": looks.hair,
        **(dict.fromkeys(("ears", "neck"), looks.hair) if looks.long else {}),
        "lips": looks.skin * random.uniform(0.45, 0.95),
        "mouth_cavity": 0.02,
        "tongue": 0.12,
        "teeth": 0.6,
        "left_eyeball": 0.62,
        "right_eyeball": 0.62,
    }
    for name, tone in regions.items():
        tones[head.regions.get(name, [])] = tone
    return tones


def distance_to_line(places: Float[ndarray, "H W 3"], line: Float[ndarray, "n 3"]) -> Float[ndarray, "H W"]:
    """Return how far places are from the nearest point of an open line."""
    best = np.full(places.shape[:2], np.inf)
    for first, last in pairwise(line):
        along = last - first
        share = (((places - first) @ along) / max(float(along @ along), 1e-12)).clip(0, 1)
        best = np.minimum(best, np.linalg.norm(places - first - share[..., None] * along, axis=-1))
    return best


def draw_background(random: np.random.Generator) -> Float[ndarray, "S S"]:
    """Return something blurred behind a head, linear light."""
    picture = np.full((SIZE, SIZE), random.uniform(0.02, 0.7))
    for cells in (2, 4, 9, 20):
        coarse = random.normal(0, 0.16 / np.sqrt(cells), (cells, cells)).astype(np.float32)
        picture += cv2.resize(coarse, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    for _ in range(random.integers(0, 5)):
        corner, extent = random.integers(-40, SIZE, 2), random.integers(15, 120, 2)
        cv2.rectangle(picture, corner.tolist(), (corner + extent).tolist(), float(random.uniform(0.01, 0.8)), -1)
    return cv2.GaussianBlur(picture, (0, 0), random.uniform(0.5, 6)).clip(0.003, 1)
