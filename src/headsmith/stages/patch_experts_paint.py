"""The paint on rendered heads that experts are taught by: skin, lips, eyes, brows, lids, beards, hair, and what is behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from jaxtyping import Float, Float32, Int
from numpy import ndarray

from headsmith.contract.conventions import IBUG68
from headsmith.heads.container import HeadContainer
from headsmith.mesh.shading import spread, vertex_normals

BROW, LASHES = 0.0045, 0.0011
"""Half the heights of painted brows and lashes, in metres."""
BROW_HEIGHTS = (0.3, 0.8, 1.0, 1.0, 0.9)
"""Half the height of a brow at each of its five points, from the tail on, in ``BROW``."""
BROW_BELOW = (0.2, 0.8, 1.0, 0.9, 0.0)
"""How far below each point the middle of the brow is, in ``BROW``: the points are on its upper edge, but for the ends'."""
CREASE = (0.0025, 0.007)
"""Metres that the crease of the upper lid, or what is painted up to there, lies above the lashes."""
CREASE_WIDTH = 0.0007
CAVITY = 0.25
"""Relative darkness of a vertex whose neighbours rise above it by a whole edge's length."""
IRIS = 0.0059
Line = Sequence[int]


@dataclass(frozen=True)
class Looks:
    """How a person is painted: grey values of skin, brows and lashes, iris, hair, in linear light; beards; long hair."""

    skin: float
    brow: float
    iris: float
    hair: float
    stubble: float
    long: bool


@dataclass(frozen=True)
class RestMarks:
    """Where paint goes, on the head at rest, metres, the head's own axes (y up).

    Attributes:
        places: The 68 landmarks.
        faces: Their triangles.
        weights: Barycentric coordinates.
        hollow: How far each vertex lies below its neighbours, in the mean length of its edges.
    """

    places: Float[ndarray, "68 3"]
    faces: Int[ndarray, "68 3"]
    weights: Float[ndarray, "68 3"]
    hollow: Float[ndarray, " V"]

    @classmethod
    def of(cls, head: HeadContainer) -> "RestMarks":
        """Return those of a head."""
        marks = head.embeddings[IBUG68.name]
        faces = head.faces[marks.faces]
        places = (head.template[faces] * marks.barycentrics[..., None]).sum(1)
        return cls(places, faces, marks.barycentrics, hollows(head.template.astype(np.float64), head.faces))

    def on(self, values: Float[ndarray, "V C"]) -> Float[ndarray, "68 C"]:
        """Return values of vertices at the landmarks."""
        return (values[self.faces] * self.weights[..., None]).sum(1)


def hollows(vertices: Float[ndarray, "V 3"], faces: Int[ndarray, "F 3"]) -> Float[ndarray, " V"]:
    """Return how far the mean of each vertex's neighbours lies outside of it, in the mean length of its edges, -1..1."""
    total, lengths, corners = np.zeros_like(vertices), np.zeros(len(vertices)), vertices[faces]
    for corner in range(3):
        for other in ((corner + 1) % 3, (corner + 2) % 3):
            step = corners[:, other] - corners[:, corner]
            np.add.at(total, faces[:, corner], step)
            np.add.at(lengths, faces[:, corner], np.linalg.norm(step, axis=1))
    return ((total * vertex_normals(vertices, faces)).sum(1) / lengths.clip(1e-12)).clip(-1, 1)


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
    tones = vertex_tones(head, rest, looks, random)
    place = spread(head.template.astype(np.float64), head.faces, ids, weights)
    colours = spread(tones[:, None], head.faces, ids, weights)[..., 0]
    paint_lids(colours, place, rest, looks, random)
    paint_brows(colours, place, rest, looks, random)
    for side in ("left", "right"):
        ball = head.regions[f"{side}_eyeball"]
        on_ball = (ids >= 0) & np.isin(head.faces, ball).all(1)[ids]
        points = np.einsum("nc,ncd->nd", weights[on_ball], vertices[head.faces[ids[on_ball]]]) - vertices[ball].mean(0)
        radius = np.linalg.norm(points[:, :2], axis=1)
        colours[on_ball] = np.where(radius < 0.4 * IRIS, 0.004, np.where(radius < IRIS, looks.iris, colours[on_ball]))
    return colours


def paint_brows(
    colours: Float[ndarray, "H W"],
    place: Float[ndarray, "H W 3"],
    rest: RestMarks,
    looks: Looks,
    random: np.random.Generator,
) -> None:
    """Paint brows: bands whose upper edge is at the landmarks, thin at the tail, of hairs that cover the skin more or less."""
    high, cover, ragged = BROW * random.uniform(0.5, 1.2), random.uniform(0.5, 1.0), random.uniform(0, 0.5)
    for brow in ((17, 18, 19, 20, 21), (26, 25, 24, 23, 22)):
        line = rest.places[list(brow)].astype(np.float64)
        line[:, 1] -= high * np.array(BROW_BELOW)
        # ends are round: they begin so much farther in
        line[-1] += 0.6 * high * unit(line[-2] - line[-1])
        across = np.array(BROW_HEIGHTS) * high
        there = close_to(place, line, 2 * high)
        inside = np.full(len(there[0]), -np.inf)
        for rank in range(4):
            away = distance_to_line(place[there], line[rank : rank + 2])
            inside = np.maximum(inside, 1 - 2 * away / (across[rank] + across[rank + 1]))
        rough = 1 + ragged * (random.random(len(inside)) - 0.5)
        colours[there] += cover * (2.5 * inside * rough).clip(0, 1) * (looks.brow - colours[there])


def paint_lids(
    colours: Float[ndarray, "H W"],
    place: Float[ndarray, "H W 3"],
    rest: RestMarks,
    looks: Looks,
    random: np.random.Generator,
) -> None:
    """Paint the crease of the upper lids, the shade between it and the lashes, and the lashes."""
    above, dark = random.uniform(*CREASE), random.uniform(0.5, 1.0)
    shade = random.uniform(0.5, 1.05) if random.random() < 0.5 else 1.0
    thick = LASHES * random.uniform(0.3, 1.6)
    for line in ((36, 37, 38, 39), (42, 43, 44, 45)):
        lashes = rest.places[list(line)].astype(np.float64)
        there = close_to(place, lashes, 2 * above)
        near = place[there]
        tones = colours[there]
        tones *= np.where(distance_to_line(near - (0, above / 2, 0), lashes) < above / 2, shade, 1.0)
        tones *= np.where(distance_to_line(near - (0, above, 0), lashes) < CREASE_WIDTH, dark, 1.0)
        colours[there] = np.where(distance_to_line(near, lashes) < thick, 0.4 * looks.brow, tones)


def close_to(place: Float[ndarray, "H W 3"], line: Float[ndarray, "n 3"], reach: float) -> tuple[ndarray, ndarray]:
    """Return the rows and columns of pixels that show what is in a box about a line."""
    return ((place > line.min(0) - reach) & (place < line.max(0) + reach)).all(2).nonzero()


def unit(vector: Float[ndarray, "3"]) -> Float[ndarray, "3"]:
    """Return a vector of length 1."""
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def draw_looks(random: np.random.Generator) -> Looks:
    """Return how a person drawn at random is painted."""
    skin = random.uniform(0.08, 0.6)
    hair, iris = random.uniform(0.005, 0.4), random.uniform(0.01, 0.12)
    return Looks(skin, skin * random.uniform(0.05, 0.7), iris, hair, random.random(), random.random() < 0.4)


def vertex_tones(head: HeadContainer, rest: RestMarks, looks: Looks, random: np.random.Generator) -> Float[ndarray, " V"]:
    """Return the grey of each vertex, linear light."""
    # blotches of the skin: waves of some centimetres, so that experts do not learn that skin is even
    phase, wave = random.uniform(0, 2 * np.pi, (4, 1)), random.normal(size=(4, 3)) * 90
    blotches = np.sin(head.template @ wave.T + phase.T).sum(1) * random.uniform(0, 0.05)
    tones = looks.skin * (1 + blotches)
    tones *= 1 - (random.uniform(0, 3) * CAVITY * rest.hollow).clip(-0.3, 0.7)
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


def distance_to_line(places: Float[ndarray, "N 3"], line: Float[ndarray, "n 3"]) -> Float[ndarray, " N"]:
    """Return how far places are from the nearest point of an open line."""
    best = np.full(len(places), np.inf)
    for first, last in pairwise(line):
        along = last - first
        share = (((places - first) @ along) / max(float(along @ along), 1e-12)).clip(0, 1)
        best = np.minimum(best, np.linalg.norm(places - first - share[..., None] * along, axis=-1))
    return best


def draw_background(size: int, random: np.random.Generator) -> Float[ndarray, "S S"]:
    """Return something blurred behind a head, linear light."""
    picture = np.full((size, size), random.uniform(0.02, 0.7))
    for cells in (2, 4, 9, 20):
        coarse = random.normal(0, 0.16 / np.sqrt(cells), (cells, cells)).astype(np.float32)
        picture += cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    for _ in range(random.integers(0, 5)):
        corner, extent = random.integers(-40, size, 2), random.integers(15, 120, 2)
        cv2.rectangle(picture, corner.tolist(), (corner + extent).tolist(), float(random.uniform(0.01, 0.8)), -1)
    return cv2.GaussianBlur(picture, (0, 0), random.uniform(0.5, 6)).clip(0.003, 1)
