"""Landmark embeddings, measured: show the head to a detector and find the points of the surface that it means.

MediaPipe's 478 points are those of a mesh of its own, also where that mesh is hidden: on a turned head the far side of the
face's outline is told *behind* the cheek, not on the silhouette. So a point is a fixed point of the head, and one frontal
picture does not tell it: on the sides of the face, seen at a grazing angle, a pixel is a centimetre. Each point is triangulated
from many views of the mean head and of several people, then put on the nearest place of its surface. Other detectors' points
are measured so too, but for those on the outline, which are on the silhouette and slide: see ``embedding_outline``.

The caller renders and detects (``Watch``); here is what to look at and what to make of it.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray

from headsmith.contract.conventions import MEDIAPIPE478, Convention
from headsmith.heads.embedding_types import Embedding
from headsmith.heads.model import HeadModel
from headsmith.heads.sighting import NOWHERE, Places, Sight, locate, nearest_on_mesh
from headsmith.maths.cameras import Camera, project
from headsmith.maths.rotations import axis_angle_to_matrix
from headsmith.maths.triangulation import triangulate

OPEN = 0.2
"""Radians. Lips are measured on an open mouth: on a closed one, the inner points of both lips would share triangles."""

YAWS: tuple[float, ...] = (-30.0, -20.0, -10.0, -5.0, 0.0, 5.0, 10.0, 20.0, 30.0)
PITCHES: tuple[float, ...] = (-8.0, 8.0)
"""Degrees by which the mean head is turned to either side, and up and down."""

PEOPLE, SPREAD, SEED = 8, 0.7, 0
"""How many people are shown from the front, the standard deviation of their identity codes, and the seed."""

TOLERANCE = 1.5
"""Pixels beyond which a view counts less: about 1 mm in renderings of the stage's size."""

logger = logging.getLogger(__name__)


class UnseenError(RuntimeError):
    """The detector does not see a face in the renderings of a head."""


@dataclass(frozen=True)
class View:
    """What a detector saw of a rendered head.

    Attributes:
        camera: The camera of the rendering; the world is the head's own frame.
        sights: The rendering, by surface (``eyes``, ``skin``), each showing that surface alone.
        points: The detector's points in pixels, or nothing where it saw no face.
    """

    camera: Camera
    sights: dict[str, Sight]
    points: Float[ndarray, "L 2"] | None


Watch = Callable[[Float[ndarray, "V 3"], Float[ndarray, "3 3"]], View]
"""Renders vertices of the head's frame, turned by a rotation, from the front, and detects."""


@dataclass(frozen=True)
class Measured:
    """Points measured over several views.

    Attributes:
        places: Where they are on the head.
        error: Mean distance between the images of the places and the detector's points in the views, pixels.
        lift: Distance from the triangulated point to the surface, metres.
        views: How many views there were.
    """

    places: Places
    error: Float[ndarray, " L"]
    lift: Float[ndarray, " L"]
    views: int


def measure_embedding(
    model: HeadModel, watch: Watch, surfaces: dict[str, Int[ndarray, " n"]], convention: Convention = MEDIAPIPE478
) -> tuple[Embedding, dict[str, int | float]]:
    """Return the embedding of a detector's points, and what to report.

    Points that fewer than two views told are left out.

    Args:
        model: The head.
        watch: Renders and detects.
        surfaces: Triangles of each surface: of the ``eyes``, on which irises lie, and of the ``skin``, on which all else does.
        convention: What the detector's points are.

    Raises:
        UnseenError: The detector saw no face in nearly all renderings.
    """
    rest = measure(model, watch, surfaces, convention, 0.0)
    opened = measure(model, watch, surfaces, convention, OPEN)
    lips = np.isin(np.arange(convention.count), convention.lips)
    faces = np.where(lips, opened.places.faces, rest.places.faces)
    weights = np.where(lips[:, None], opened.places.barycentrics, rest.places.barycentrics)
    points = np.flatnonzero(faces != NOWHERE)
    figures: dict[str, int | float] = {"points": len(points), "views": rest.views + opened.views}
    figures |= summarise("error_px", np.where(lips, opened.error, rest.error), convention)
    figures |= summarise("lift_mm", 1000 * np.where(lips, opened.lift, rest.lift), convention)
    embedding = Embedding(points.astype(np.int32), faces[points].astype(np.int32), weights[points].astype(np.float32))
    return embedding, figures


def summarise(name: str, values: Float[ndarray, " L"], convention: Convention) -> dict[str, float]:
    """Return the mean of a figure over all points and over parts of the face."""
    parts = {"lips": convention.lips, "irises": convention.irises, "outline": convention.outline}
    others = tuple(point for point in range(convention.count) if not any(point in part for part in parts.values()))
    return {f"{name}_{part}": float(np.nanmean(values[list(ids)])) for part, ids in {**parts, "others": others}.items() if ids}


def surface_points(convention: Convention) -> dict[str, Int[ndarray, " _"]]:
    """Return which points lie on which surface."""
    skin = np.setdiff1d(np.arange(convention.count), convention.irises)
    return {"eyes": np.array(convention.irises, np.int64), "skin": skin}


def measure(
    model: HeadModel, watch: Watch, surfaces: dict[str, Int[ndarray, " n"]], convention: Convention, jaw: float
) -> Measured:
    """Return all points' places, measured with the mouth open by ``jaw`` radians."""
    mean = head_vertices(model, jaw=jaw)
    views = [watch(mean, turn(*angles)) for angles in [(yaw, 0.0) for yaw in YAWS] + [(0.0, pitch) for pitch in PITCHES]]
    people = [watch(head_vertices(model, codes, jaw), np.eye(3)) for codes in sample_codes(model)]
    front = views[YAWS.index(0)]
    triangles = model.container.faces
    images = [(view.camera, view.points) for view in views if view.points is not None]
    images += [
        (front.camera, on_mean_head(view, front, mean, triangles, convention)) for view in people if view.points is not None
    ]
    missed = len(views) + len(people) - len(images)
    if missed:
        logger.warning("the detector saw no face in %d of %d renderings of the head", missed, missed + len(images))
    if len(images) < 2:
        raise UnseenError("the detector saw a face in fewer than two renderings of the head")
    return place_points(images, mean, triangles, surfaces, convention)


def on_mean_head(
    view: View, front: View, mean: Float[ndarray, "V 3"], triangles: Int[ndarray, "F 3"], convention: Convention
) -> Float[ndarray, "L 2"]:
    """Return where a view's points lie in another view of the mean head: the same places, NaN where there are none."""
    images = np.full((convention.count, 2), np.nan)
    for surface, ids in surface_points(convention).items():
        places = locate(view.points[ids], view.sights[surface], triangles)
        images[ids] = project(torch.as_tensor(places.on(mean, triangles)), front.camera)[0].numpy()
    return images


def place_points(
    images: list[tuple[Camera, Float[ndarray, "L 2"]]],
    vertices: Float[ndarray, "V 3"],
    triangles: Int[ndarray, "F 3"],
    surfaces: dict[str, Int[ndarray, " n"]],
    convention: Convention,
) -> Measured:
    """Return the places of points that several cameras saw."""
    cameras = stack_cameras([camera for camera, _ in images])
    pixels = torch.as_tensor(np.stack([points for _, points in images]))
    points = triangulate(pixels, cameras, TOLERANCE).numpy()
    faces = np.full(convention.count, NOWHERE, np.int64)
    weights = np.full((convention.count, 3), 1 / 3)
    for surface, ids in surface_points(convention).items():
        places = nearest_on_mesh(points[ids], vertices, triangles, surfaces[surface])
        faces[ids], weights[ids] = places.faces, places.barycentrics
    places = Places(faces, weights)
    placed = places.on(vertices, triangles)
    again = project(torch.as_tensor(placed).expand(len(images), -1, 3), cameras)[0]
    error = np.nanmean((again - pixels).norm(dim=-1).numpy(), 0)
    return Measured(places, error, np.linalg.norm(placed - points, axis=1), len(images))


def stack_cameras(cameras: list[Camera]) -> Camera:
    """Return single cameras of one image size as a batch."""
    names = ("rotation", "translation", "focal", "principal")
    return Camera(*(torch.stack([getattr(camera, name) for camera in cameras]) for name in names), cameras[0].size)


def sample_codes(model: HeadModel) -> Float[ndarray, "N K"]:
    """Return the identity codes of ``PEOPLE`` people."""
    return SPREAD * np.random.default_rng(SEED).standard_normal((PEOPLE, len(model.identity)))


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
