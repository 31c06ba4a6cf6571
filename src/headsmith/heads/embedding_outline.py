"""The points that a detector puts on the face's silhouette: measured at several turns of the head, because they slide.

A detector of 68 points marks the outline of the cheeks and the jaw where it sees it, so its points 0 to 16 lie elsewhere on the
skin at each turn. A single picture does not tell where: along the edge of a cheek, centimetres of skin share a pixel. But over
small turns a point moves as if it were fixed, so for each of several yaws it is triangulated from the views of the mean head at
that yaw and the ones beside it, tilted up and down, and from where it is on several people; then it is put on the nearest skin.
"""

import logging

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray

from headsmith.contract.conventions import Convention
from headsmith.heads.container import HeadContainer
from headsmith.heads.embedding import TOLERANCE, UnseenError, View, Watch, head_vertices, sample_codes, stack_cameras, turn
from headsmith.heads.embedding_types import Contour, Embedding
from headsmith.heads.model import HeadModel
from headsmith.heads.sighting import Places, locate, nearest_on_mesh
from headsmith.maths.cameras import Camera, project
from headsmith.maths.triangulation import triangulate

YAWS: tuple[int, ...] = tuple(range(-40, 41, 5))
"""Degrees."""

BESIDE = 5
"""Degrees of yaw, on either side, from which views count for a yaw."""

PITCHES: tuple[int, ...] = (-8, 0, 8)
"""Degrees by which the mean head is tilted at each yaw."""

PEOPLE, LEAST = 4, 3
"""How many people are shown at each yaw, and how many views must tell a yaw's points for it to be kept."""

REACH = 12
"""Pixels. Points beside the head, up to so far away, are put on its edge."""

LOST = 0.06
"""A view whose points within the face lie farther off than this share of the distance of the eyes, in the median, is not used.
Over 85 of dlib's views of the head anny it is 0.02 to 0.04 up to 25 degrees of yaw, 0.04 to 0.21 at 30, and 0.17 to 0.74
beyond, where dlib loses the face."""

EARS: tuple[str, ...] = ("ears", "left_ear", "right_ear")
BELOW_CHIN = 0.003
"""Metres below the chin's point at which the neck is taken to begin: seen from the front it stands behind the jaw's edge."""

logger = logging.getLogger(__name__)


def discerning(watch: Watch, known: Embedding, triangles: Int[ndarray, "F 3"], convention: Convention) -> Watch:
    """Return a watch that takes a detector which puts the eyes, the nose and the lips elsewhere for one that saw no face.

    Args:
        watch: The watch.
        known: About where the points lie, as another detector told.
        triangles: The head's triangles.
        convention: What the points are.
    """
    inner = known.take(tuple(point for point in known.points.tolist() if point not in convention.outline))
    places = Places(inner.faces, inner.barycentrics.astype(np.float64))
    corners = [inner.points.tolist().index(point) for point in convention.outer_eye_corners]

    def careful(vertices: Float[ndarray, "V 3"], turned: Float[ndarray, "3 3"]) -> View:
        view = watch(vertices, turned)
        if view.points is None:
            return view
        expected = project(torch.as_tensor(places.on(vertices, triangles)), view.camera)[0].numpy()
        apart = np.linalg.norm(expected[corners[0]] - expected[corners[1]])
        miss = np.median(np.linalg.norm(view.points[inner.points] - expected, axis=1)) / apart
        return View(view.camera, view.sights, None if miss > LOST else view.points)

    return careful


def outline_triangles(
    head: HeadContainer, skin: Int[ndarray, " n"], known: Embedding, convention: Convention
) -> Int[ndarray, " m"]:
    """Return the triangles of the skin that may carry the outline: no ear, where the head says what is ear, and no neck.

    Args:
        head: The head.
        skin: The triangles of its skin.
        known: About where the points lie; the lowest of the outline is the chin.
        convention: What the points are.
    """
    corners = head.template[head.faces]
    chin = (
        Places(known.faces, known.barycentrics.astype(np.float64)).on(head.template.astype(np.float64), head.faces)[:, 1].min()
    )
    ears = [ids for name, ids in head.regions.items() if name in EARS]
    ear = np.isin(head.faces, np.concatenate([np.zeros(0, np.int32), *ears])).any(1)
    return skin[~ear[skin] & (corners[skin, :, 1].mean(1) > chin - BELOW_CHIN)]


def measure_contour(
    model: HeadModel, watch: Watch, convention: Convention, chosen: Int[ndarray, " n"]
) -> tuple[Contour, dict[str, int | float]]:
    """Return the sliding places of a convention's outline, and what to report. Yaws at which too few views tell are left out.

    Args:
        model: The head.
        watch: Renders and detects; its views have the sight ``outline``, of the chosen triangles.
        convention: What the detector's points are.
        chosen: Triangles that may carry the outline, see ``outline_triangles``.

    Raises:
        UnseenError: The head's outline was not found from the front.
    """
    mean, triangles = head_vertices(model), model.container.faces
    outline = np.array(convention.outline)
    images = see_all(model, watch, mean, outline)
    rows: dict[int, Places] = {}
    misses = []
    for yaw in YAWS:
        near = [image for beside, image in images if abs(beside - yaw) <= BESIDE]
        if len(near) >= LEAST and any(beside == yaw for beside, _ in images):
            cameras = stack_cameras([camera for camera, _ in near])
            pixels = torch.as_tensor(np.stack([points for _, points in near]))
            rows[yaw] = nearest_on_mesh(triangulate(pixels, cameras, TOLERANCE).numpy(), mean, triangles, chosen)
            again = project(torch.as_tensor(rows[yaw].on(mean, triangles)).expand(len(near), -1, 3), cameras)[0]
            misses.append(float((again - pixels).norm(dim=-1).nanmean()))
    rows = {yaw: places for yaw, places in rows.items() if places.found.all()}
    if 0 not in rows:
        raise UnseenError("the detector did not find the outline of the face from the front")
    lost = [yaw for yaw in YAWS if yaw not in rows]
    if lost:
        logger.info("the detector did not find the face turned by %s degrees", ", ".join(map(str, lost)))
    figures = {"contour_yaws": len(rows), "contour_error_px": float(np.mean(misses))}
    return smooth_rows(rows, mean, triangles, outline), figures


def see_all(
    model: HeadModel, watch: Watch, mean: Float[ndarray, "V 3"], outline: Int[ndarray, " M"]
) -> list[tuple[int, tuple[Camera, Float[ndarray, "M 2"]]]]:
    """Return the outline's points in all views in which it was found, each with its camera and its yaw in degrees."""
    found = []
    people = [head_vertices(model, codes) for codes in sample_codes(model)[:PEOPLE]]
    for yaw in YAWS:
        views = [watch(mean, turn(float(yaw), float(pitch))) for pitch in PITCHES]
        found += [(yaw, (view.camera, view.points[outline])) for view in views if view.points is not None]
        for view in (watch(person, turn(float(yaw), 0.0)) for person in people):
            if view.points is not None:
                places = locate(view.points[outline], view.sights["outline"], model.container.faces, REACH)
                on_mean = torch.as_tensor(places.on(mean, model.container.faces))
                found.append((yaw, (view.camera, project(on_mean, view.camera)[0].numpy())))
    return found


def smooth_rows(
    rows: dict[int, Places], vertices: Float[ndarray, "V 3"], triangles: Int[ndarray, "F 3"], outline: Int[ndarray, " M"]
) -> Contour:
    """Return the contour of places by yaw in degrees; a place that leaps away and back goes to the middle of its neighbours'.

    Each coordinate becomes the median of three neighbouring yaws, and the nearest place of the triangles in use is taken.
    """
    degrees = sorted(rows)
    points = np.stack([rows[yaw].on(vertices, triangles) for yaw in degrees])
    padded = np.concatenate([points[:1], points, points[-1:]])
    middle = np.median([padded[:-2], padded[1:-1], padded[2:]], 0)
    used = np.unique(np.concatenate([rows[yaw].faces for yaw in degrees]))
    places = nearest_on_mesh(middle.reshape(-1, 3), vertices, triangles, used)
    shape = (len(degrees), len(outline))
    weights = places.barycentrics.reshape(*shape, 3).astype(np.float32)
    return Contour(
        outline.astype(np.int32), np.deg2rad(np.array(degrees)), places.faces.reshape(shape).astype(np.int32), weights
    )
