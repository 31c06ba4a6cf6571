"""Frames that are not seen one by one: many by one process of OpenFace's, or each after the one before."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from headsmith.contract.detectors import CLNF, OPENFACE
from headsmith.contract.errors import UserError
from headsmith.contract.settings import LandmarksSettings
from headsmith.nets.detectors import open_detector
from headsmith.nets.faces import Face
from headsmith.nets.openface_landmarker import OpenFaceLandmarker

TOGETHER = 200
"""So many frames are looked at by one process of OpenFace's; it takes seconds to load its networks."""

Frames = Iterator[tuple[int, UInt8[np.ndarray, "H W 3"]]]


def special_stream(
    images: Frames, clip: str, files: dict[str, Path], settings: LandmarksSettings, most: int
) -> Iterator[tuple[int, list[Face]]] | None:
    """Return the stream of each frame's id and faces where frames are not seen one by one; None where they are.

    Raises:
        UserError: OpenFace is asked for, and its programs are not named or not there.
    """
    if settings.detector == OPENFACE:
        if not settings.openface:
            remedy = "name the folder of OpenFace's programs in landmarks.openface, or choose another landmarks.detector"
            raise UserError("landmarks.detector is `openface`, and no program is named", clip=clip, remedy=remedy)
        return openface_stream(images, OpenFaceLandmarker(Path(settings.openface), most))
    if settings.detector == CLNF and settings.follow:
        return followed_stream(images, files, settings)
    return None


def openface_stream(images: Frames, detector: OpenFaceLandmarker) -> Iterator[tuple[int, list[Face]]]:
    """Yield each frame's id and faces, many frames by one process."""
    while batch := list(islice(images, TOGETHER)):
        found = detector.detect_batch([image for _, image in batch])
        yield from ((frame_id, faces) for (frame_id, _), faces in zip(batch, found, strict=True))


def followed_stream(images: Frames, files: dict[str, Path], settings: LandmarksSettings) -> Iterator[tuple[int, list[Face]]]:
    """Yield each frame's id and the face that is followed through them, none where it is lost."""
    from headsmith.nets.clnf_landmarker import ClnfTracker

    with open_detector(CLNF, files, faces=settings.faces, max_faces=1) as landmarker:
        tracker = ClnfTracker(landmarker)
        for frame_id, image in images:
            face = tracker.track(image)
            yield frame_id, [] if face is None else [face]
