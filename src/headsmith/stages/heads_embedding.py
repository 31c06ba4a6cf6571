"""Which detector, or which file, places which landmarks on a head."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from headsmith.contract.conventions import CONVENTIONS, IBUG68, MEDIAPIPE478
from headsmith.contract.detectors import MEDIAPIPE_MODEL, detector_behind
from headsmith.contract.errors import UserError
from headsmith.contract.exchange import FLAME_HEADS
from headsmith.contract.settings import HeadsSettings
from headsmith.heads.container import HeadContainer
from headsmith.heads.embedding import UnseenError, measure_embedding
from headsmith.heads.embedding_files import GivenLandmarks, read_embeddings
from headsmith.heads.embedding_ibug import embed_ibug
from headsmith.heads.embedding_outline import discerning, measure_contour, outline_triangles
from headsmith.heads.embedding_types import Contour, Embedding
from headsmith.heads.model import HeadModel
from headsmith.nets.detectors import open_detector
from headsmith.nets.face_landmarker import FaceLandmarker, read_model
from headsmith.stages.heads_watch import closing_faces, faces_of, watcher

FROM_MEDIAPIPE: tuple[str, ...] = ("brows", "eyes")
"""Parts of the face that a detector of 68 points does not place itself: renderings have neither brows nor lashes.

With dlib, the tracking errors of three clips (franck, cap12, pexels) are 0.78 % of the eye distance in the mean with these
parts from MediaPipe's points, 0.87 % with no part from there, and 0.88 % with all.
"""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Surfaces:
    """Triangles of a head by what may lie on them.

    Attributes:
        head: The head.
        eyes: Of the eyeballs.
        skin: Of the skin.
    """

    head: HeadContainer
    eyes: Int[ndarray, " _"]
    skin: Int[ndarray, " _"]

    @classmethod
    def of(cls, head: HeadContainer) -> "Surfaces":
        """Return a head's surfaces, by its regions ``left_eyeball``, ``right_eyeball`` and ``skin``."""
        skin = np.setdiff1d(faces_of(head, ("skin",)), closing_faces(head))
        return cls(head, faces_of(head, ("left_eyeball", "right_eyeball")), skin)


def check_detectors(detectors: dict[str, Path]) -> None:
    """Refuse detectors that are not there, before a head is made for them to see.

    Raises:
        UserError: A file is missing or broken.
    """
    read_model(detectors[MEDIAPIPE_MODEL])
    for path in detectors.values():
        if not path.is_file():
            raise UserError("a detector's file is not there", file=path, remedy="fetch it again (see config/assets.yaml)")


def embed_head(head: HeadContainer, detectors: dict[str, Path], settings: HeadsSettings) -> HeadContainer:
    """Return a head with landmarks of both conventions, and with a contour where a detector or a file tells one.

    What the user's files hold is used. MediaPipe's points are else those of its detector, measured; iBUG's 68 are those of the
    detector that tracking uses, measured, or else MediaPipe's points that stand for them.

    Args:
        head: The head, with the regions ``left_eyeball``, ``right_eyeball`` and ``skin``.
        detectors: The detectors' files, by name of the asset: MediaPipe's, and those of dlib or FAN where tracking uses these.
        settings: The head's settings.

    Raises:
        UserError: A file is missing or refused, or no detector sees a face in the head and no file says where its points are.
    """
    given, surfaces = given_landmarks(head, settings), Surfaces.of(head)
    seen = see_mediapipe(surfaces, detectors[MEDIAPIPE_MODEL])
    if seen is None and not given.embeddings:
        remedy = "name the official files of its landmarks in heads.embeddings; if this head has a face, report this message"
        raise UserError(f"MediaPipe sees no face in renderings of the head {head.name}", remedy=remedy)
    mediapipe = merge(given.embeddings.get(MEDIAPIPE478.name), seen, MEDIAPIPE478.irises)
    ibug, contour = place_ibug(surfaces, detectors, seen or mediapipe, given)
    for name, embedding in ((MEDIAPIPE478.name, mediapipe), (IBUG68.name, ibug)):
        lacking = CONVENTIONS[name].count - (0 if embedding is None else len(embedding.points))
        logger.info("%s: %s", name, f"{lacking} points have no place on this head" if lacking else "all points have a place")
        head = head if embedding is None else head.with_embedding(name, embedding)
    return head if contour is None else head.with_contour(IBUG68.name, contour)


def given_landmarks(head: HeadContainer, settings: HeadsSettings) -> GivenLandmarks:
    """Return what the user's files say; they are of FLAME, so nothing for another head.

    Raises:
        UserError: A file is missing or refused.
    """
    if head.name not in FLAME_HEADS:
        return GivenLandmarks()
    return read_embeddings([Path(name) for name in settings.embeddings])


def see_mediapipe(surfaces: Surfaces, model: Path) -> Embedding | None:
    """Return where MediaPipe's detector sees its points, or nothing where it sees no face.

    Raises:
        UserError: The detector's file is missing or broken.
    """
    shown = {"eyes": surfaces.eyes, "skin": surfaces.skin}
    with FaceLandmarker(model, max_faces=1) as detector:
        try:
            watch = watcher(surfaces.head, detector, shown)
            embedding, figures = measure_embedding(HeadModel.from_container(surfaces.head), watch, shown)
        except UnseenError as error:
            logger.warning("MediaPipe's points could not be measured: %s", error)
            return None
    tell("MediaPipe's points", figures)
    return embedding


def place_ibug(
    surfaces: Surfaces, detectors: dict[str, Path], mediapipe: Embedding | None, given: GivenLandmarks
) -> tuple[Embedding | None, Contour | None]:
    """Return the places of iBUG's 68 points, and those of the sliding outline where it is known.

    Raises:
        UserError: A detector's file is missing or broken.
    """
    head, found, contour = surfaces.head, None, given.contours.get(IBUG68.name)
    if mediapipe is not None:
        found = embed_ibug(mediapipe, head.template.astype(np.float64), head.faces, surfaces.skin)
    stated = given.embeddings.get(IBUG68.name)
    own = detector_behind(detectors)
    if own is not None and found is not None and (stated is None or len(stated.points) < IBUG68.count or contour is None):
        measured = see_ibug(surfaces, own, detectors, found)
        if measured is not None:
            found, contour = measured[0], contour or measured[1]
    return merge(stated, found, range(IBUG68.count)), contour


def see_ibug(
    surfaces: Surfaces, own: tuple[str, str], detectors: dict[str, Path], mapped: Embedding
) -> tuple[Embedding, Contour] | None:
    """Return where a detector of 68 points sees them, and its sliding outline, or nothing where it sees no face.

    Brows and eyes stay where ``mapped`` has them, see ``FROM_MEDIAPIPE``.

    Raises:
        UserError: The detector's file is missing or broken.
    """
    head, model = surfaces.head, HeadModel.from_container(surfaces.head)
    shown = {"eyes": surfaces.eyes, "skin": surfaces.skin}
    outline = outline_triangles(head, surfaces.skin, mapped, IBUG68)
    with open_detector(own[0], detectors, faces=own[1], max_faces=1) as detector:
        watch = discerning(watcher(head, detector, {**shown, "outline": outline}), mapped, head.faces, IBUG68)
        try:
            embedding, figures = measure_embedding(model, watch, shown, IBUG68)
            contour, more = measure_contour(model, watch, IBUG68, outline)
        except UnseenError as error:
            logger.warning("the points of %s could not be measured, those of MediaPipe stand for them: %s", own[0], error)
            return None
    tell(f"points of {own[0]}", figures | more)
    kept = mapped.take(tuple(point for part in FROM_MEDIAPIPE for point in IBUG68.parts[part] if point in mapped.points))
    return merge(kept, merge(contour.at(0.0), embedding, range(IBUG68.count)), range(IBUG68.count)), contour


def merge(first: Embedding | None, second: Embedding | None, wanted: Iterable[int]) -> Embedding | None:
    """Return the points of the first, and those of the second that the first lacks and that are wanted; or all of the one."""
    if first is None or second is None:
        return first or second
    fresh = np.isin(second.points, list(wanted)) & ~np.isin(second.points, first.points)
    points = np.concatenate([first.points, second.points[fresh]])
    order = np.argsort(points)
    faces = np.concatenate([first.faces, second.faces[fresh]])[order]
    return Embedding(points[order], faces, np.concatenate([first.barycentrics, second.barycentrics[fresh]])[order])


def tell(what: str, figures: dict[str, int | float]) -> None:
    """Log what was measured."""
    logger.info("%s, measured: %s", what, ", ".join(f"{name} {value:.3g}" for name, value in figures.items()))
