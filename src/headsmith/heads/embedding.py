"""Landmark embeddings, measured: show the head to a detector and read which point of the surface lies under each landmark.

One picture would do, but a detector's answer wavers with the view and the person. So each point is measured on several people
and from several directions; the triangles and barycentric coordinates of all of them are placed on one mesh, and the median
point is kept. The caller renders and detects (``Watch``); here is what to look at and what to make of it.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray

from headsmith.contract.landmark_groups import COUNT, FACE_OVAL, LEFT_IRIS, LEFT_PUPIL, LIPS, RIGHT_IRIS, RIGHT_PUPIL
from headsmith.heads.embedding_types import Contour, Embedding
from headsmith.heads.model import HeadModel
from headsmith.heads.sighting import NOWHERE, Places, Sight, locate
from headsmith.maths.barycentrics import closest_barycentrics
from headsmith.maths.rotations import axis_angle_to_matrix

IRISES: tuple[int, ...] = (RIGHT_PUPIL, *RIGHT_IRIS, LEFT_PUPIL, *LEFT_IRIS)
SURFACES: dict[str, tuple[int, ...]] = {
    "eyes": IRISES,
    "skin": tuple(point for point in range(COUNT) if point not in IRISES),
}
"""Which points lie on which surface."""

OPEN = 0.2
"""Radians. Lips are measured on an open mouth: on a closed one, the inner points of both lips would share triangles."""

TURNS: tuple[tuple[float, float], ...] = ((0, 0), (-5, 0), (5, 0), (0, -5), (0, 5))
"""Yaw and pitch in degrees of the views of the mean head; people are seen from the front."""

PEOPLE, SPREAD, SEED = 8, 0.7, 0
"""How many people, the standard deviation of their identity codes, and the seed."""

YAWS: tuple[int, ...] = tuple(range(-50, 51, 10))
"""Degrees at which the face's outline is measured."""

PITCHES: tuple[int, ...] = (-4, 0, 4)
"""Degrees of pitch over which an outline is averaged."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class View:
    """What a detector saw of a rendered head.

    Attributes:
        sights: The rendering, by surface (the keys of ``SURFACES``), each showing that surface alone.
        points: The detector's points in pixels, or nothing where it saw no face.
    """

    sights: dict[str, Sight]
    points: Float[ndarray, "L 2"] | None


Watch = Callable[[Float[ndarray, "V 3"], Float[ndarray, "3 3"]], View]
"""Renders vertices of the head's frame, turned by a rotation, from the front, and detects."""


@dataclass(frozen=True)
class Subject:
    """A head to show: vertices at rest or with open mouth, and how it is turned."""

    vertices: Float[ndarray, "V 3"]
    turn: Float[ndarray, "3 3"]


@dataclass(frozen=True)
class Measured:
    """Points measured over several views: places on the canonical mesh, and how far single views lie from them, metres."""

    places: Places
    scatter: Float[ndarray, " L"]
    views: int


def measure_embedding(model: HeadModel, watch: Watch) -> tuple[Embedding, dict[str, float]]:
    """Return the embedding of MediaPipe's 478 points, with the outline at several yaws, and what to report.

    Points that no view placed are left out.

    Raises:
        RuntimeError: The detector saw no face in any view of a kind.
    """
    rest = measure(model, watch, subjects(model, 0.0), head_vertices(model))
    opened = measure(model, watch, subjects(model, OPEN), head_vertices(model, jaw=OPEN))
    faces, weights = rest.places.faces.copy(), rest.places.barycentrics.copy()
    lips = np.array(LIPS)
    faces[lips], weights[lips] = opened.places.faces[lips], opened.places.barycentrics[lips]
    scatter = np.where(np.isin(np.arange(COUNT), lips), opened.scatter, rest.scatter)
    points = np.flatnonzero(faces != NOWHERE)
    contour = measure_contour(model, watch)
    embedding = Embedding(points.astype(np.int32), faces[points].astype(np.int32), weights[points].astype(np.float32), contour)
    return embedding, summarise(points, scatter, rest.views + opened.views)


def summarise(points: Int[ndarray, " M"], scatter: Float[ndarray, " L"], views: int) -> dict[str, float]:
    """Return counts, and the scatter of single views about the kept places in millimetres."""
    inside = points[~np.isin(points, FACE_OVAL)]
    parts = {
        "all": points,
        "lips": np.array(LIPS),
        "irises": np.array(IRISES),
        "outline": np.array(FACE_OVAL),
        "inside": inside,
    }
    millimetres = {f"scatter_mm_{name}": float(1000 * np.nanmean(scatter[ids])) for name, ids in parts.items()}
    return {"points": len(points), "views": views, **millimetres}


def measure_contour(model: HeadModel, watch: Watch) -> Contour:
    """Return the face's outline at ``YAWS``, each averaged over ``PITCHES``."""
    vertices, oval = head_vertices(model), np.array(FACE_OVAL)
    outlines = []
    for yaw in YAWS:
        turned = [Subject(vertices, turn(yaw, pitch)) for pitch in PITCHES]
        outlines.append(measure(model, watch, turned, vertices).places)
    faces = np.stack([places.faces[oval] for places in outlines])
    kept = (faces != NOWHERE).all(0)
    weights = np.stack([places.barycentrics[oval] for places in outlines])[:, kept]
    yaws = np.radians(YAWS).astype(np.float32)
    return Contour(yaws, oval[kept].astype(np.int32), faces[:, kept].astype(np.int32), weights.astype(np.float32))


def measure(model: HeadModel, watch: Watch, shown: list[Subject], canonical: Float[ndarray, "V 3"]) -> Measured:
    """Return all points' places: the median over views on the canonical mesh, put back on a triangle that a view found."""
    triangles = model.container.faces
    found = [places for subject in shown if (places := look(watch, subject, triangles)) is not None]
    if not found:
        raise RuntimeError(f"the detector saw no face in any of {len(shown)} renderings of the head")
    if len(found) < len(shown):
        logger.warning("the detector saw no face in %d of %d renderings of the head", len(shown) - len(found), len(shown))
    points = np.stack([places.on(canonical, triangles) for places in found])
    seen = np.isfinite(points).all(-1).any(0)
    middle = np.full(points.shape[1:], np.nan)
    middle[seen] = np.nanmedian(points[:, seen], 0)
    scatter = np.full(len(seen), np.nan)
    scatter[seen] = np.nanmean(np.linalg.norm(points - middle, axis=-1)[:, seen], 0)
    return Measured(
        put_on_surface(middle, np.stack([places.faces for places in found]), canonical, triangles), scatter, len(found)
    )


def look(watch: Watch, subject: Subject, triangles: Int[ndarray, "F 3"]) -> Places | None:
    """Return where one view places the points, or nothing where the detector saw no face."""
    view = watch(subject.vertices, subject.turn)
    if view.points is None:
        return None
    faces = np.full(COUNT, NOWHERE, np.int64)
    weights = np.full((COUNT, 3), 1 / 3)
    for surface, points in SURFACES.items():
        ids = np.array(points)
        places = locate(view.points[ids].astype(np.float64), view.sights[surface], triangles)
        faces[ids], weights[ids] = places.faces, places.barycentrics
    return Places(faces, weights)


def put_on_surface(
    points: Float[ndarray, "L 3"],
    candidates: Int[ndarray, "N L"],
    vertices: Float[ndarray, "V 3"],
    triangles: Int[ndarray, "F 3"],
) -> Places:
    """Return the nearest place to each point on any of its candidate triangles (``NOWHERE`` is none)."""
    faces = np.full(len(points), NOWHERE, np.int64)
    weights = np.full((len(points), 3), 1 / 3)
    best = np.full(len(points), np.inf)
    for row in candidates:
        usable = np.flatnonzero(row != NOWHERE)
        corners = vertices[triangles[row[usable]]]
        inside = closest_barycentrics(torch.as_tensor(points[usable]), torch.as_tensor(corners)).numpy()
        miss = np.linalg.norm(np.einsum("nc,ncd->nd", inside, corners) - points[usable], axis=1)
        better = miss < best[usable]
        ids = usable[better]
        faces[ids], weights[ids], best[ids] = row[ids], inside[better], miss[better]
    return Places(faces, weights)


def subjects(model: HeadModel, jaw: float) -> list[Subject]:
    """Return the mean head from several directions and several people from the front, the mouth open by ``jaw`` radians."""
    mean = head_vertices(model, jaw=jaw)
    chance = np.random.default_rng(SEED)
    codes = SPREAD * chance.standard_normal((PEOPLE, len(model.identity)))
    people = [Subject(head_vertices(model, person, jaw), np.eye(3)) for person in codes]
    return [Subject(mean, turn(yaw, pitch)) for yaw, pitch in TURNS] + people


def head_vertices(model: HeadModel, identity: Float[ndarray, " K"] | None = None, jaw: float = 0.0) -> Float[ndarray, "V 3"]:
    """Return the vertices of a person with the mouth open by ``jaw`` radians."""
    parameters = model.neutral()
    opening = torch.zeros_like(parameters.jaw)
    opening[0] = jaw
    codes = parameters.identity if identity is None else torch.as_tensor(identity, dtype=parameters.identity.dtype)
    return model(replace(parameters, identity=codes, jaw=opening)).double().numpy()


def turn(yaw: float, pitch: float) -> Float[ndarray, "3 3"]:
    """Return the head's turn of degrees about +y (to the subject's left), after one about +x (downwards)."""
    angles = torch.tensor([[0.0, yaw, 0.0], [pitch, 0.0, 0.0]], dtype=torch.float64).deg2rad()
    about_y, about_x = axis_angle_to_matrix(angles)
    return (about_y @ about_x).numpy()
