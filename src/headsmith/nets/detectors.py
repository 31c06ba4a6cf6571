"""One way to every detector of landmarks, and several of one kind working side by side."""

from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from headsmith.contract.conventions import IBUG68, IBUG68_FROM_MEDIAPIPE
from headsmith.contract.detectors import (
    CLNF_EXPERTS,
    CLNF_SHAPES,
    CONVENTION_OF,
    DLIB_MODEL,
    FAN_WEIGHTS,
    MEDIAPIPE_MODEL,
    OPENFACE,
    detector_files,
    further_files,
)
from headsmith.contract.errors import UserError
from headsmith.nets.face_landmarker import FaceLandmarker
from headsmith.nets.faces import Detector, Face
from headsmith.nets.finders import Finder, open_finder
from headsmith.nets.openface_landmarker import OpenFaceLandmarker


def open_detector(
    name: str, files: dict[str, Path], *, faces: str = "mediapipe", max_faces: int = 2, threads: int = 1
) -> Detector:
    """Open a detector of landmarks.

    Args:
        name: One of ``contract.detectors.CONVENTION_OF``; of ``openface`` each picture costs a process: see
            ``nets.openface_binary`` for many.
        files: Where the files lie that ``contract.detectors.detector_files`` and ``further_files`` name, by name; for
            ``openface`` the folder of its programs, by that name.
        faces: Who shows ``dlib``, ``fan`` and ``clnf`` where the face is: ``mediapipe`` or ``mtcnn``.
        max_faces: How many faces to look for, at most.
        threads: From so many threads at once ``detect`` may be called; the number changes no result.

    Raises:
        UserError: There is none of that name, or a file is missing, or is not what its name says.
    """
    wanted = (*detector_files(name, faces), *further_files(name), *((OPENFACE,) if name == OPENFACE else ()))
    missing = [file for file in wanted if file not in files]
    if missing:
        raise UserError(f"the detector {name} lacks {', '.join(missing)}", remedy="hand it all that detector_files names")
    openers: dict[str, Callable[[], Detector]] = {
        "mediapipe": lambda: FaceLandmarker(files[MEDIAPIPE_MODEL], max_faces),
        "mediapipe68": lambda: MappedLandmarker(files[MEDIAPIPE_MODEL], max_faces),
        "dlib": lambda: open_dlib(files[DLIB_MODEL], open_finder(faces, files, max_faces)),
        "fan": lambda: open_fan(files[FAN_WEIGHTS], open_finder(faces, files, max_faces)),
        "clnf": lambda: open_local_model(files[CLNF_SHAPES], files[CLNF_EXPERTS], open_finder(faces, files, max_faces)),
        "openface": lambda: OpenFaceLandmarker(files[OPENFACE], max_faces),
    }
    return openers[name]() if threads == 1 else DetectorTeam(openers[name], threads)


def open_dlib(model: Path, finder: Finder) -> Detector:
    """Open dlib's landmarker; its library is loaded only now.

    Raises:
        UserError: The model file is missing or is not a shape predictor of 68 points.
    """
    from headsmith.nets.dlib_landmarker import DlibLandmarker

    return DlibLandmarker(model, finder)


def open_fan(weights: Path, finder: Finder) -> Detector:
    """Open FAN; torch, 200 MB of it, is loaded only now.

    Raises:
        UserError: The file is missing or does not hold FAN's weights.
    """
    from headsmith.nets.fan_landmarker import FanLandmarker

    return FanLandmarker(weights, finder)


def open_local_model(shapes: Path, experts: Path, finder: Finder) -> Detector:
    """Open the constrained local model; torch is loaded only now.

    Raises:
        UserError: A file is missing or unsound.
    """
    from headsmith.nets.clnf_landmarker import open_clnf

    return open_clnf(shapes, experts, finder)


class DetectorTeam:
    """Detectors of one kind, of which each call takes one that is idle.

    Args:
        opener: Opens one.
        size: How many.
    """

    def __init__(self, opener: Callable[[], Detector], size: int) -> None:
        self._all = [opener() for _ in range(size)]
        self._idle: SimpleQueue[Detector] = SimpleQueue()
        for detector in self._all:
            self._idle.put(detector)
        self.convention = self._all[0].convention

    def __enter__(self) -> "DetectorTeam":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for detector in self._all:
            detector.__exit__(kind, error, trace)

    def detect(self, image: UInt8[ndarray, "H W 3"]) -> list[Face]:
        """Return the faces in an RGB picture; waits while all detectors are at work."""
        detector = self._idle.get()
        try:
            return detector.detect(image)
        finally:
            self._idle.put(detector)


class MappedLandmarker(FaceLandmarker):
    """MediaPipe's face landmarker, its points brought to the 68 of iBUG; blendshapes and depth are kept.

    Args:
        model: Path of ``face_landmarker.task``.
        max_faces: How many faces to look for.

    Raises:
        UserError: The model file is missing or is not a face landmarker.
    """

    convention = CONVENTION_OF["mediapipe68"]

    def detect(self, image: UInt8[ndarray, "H W 3"]) -> list[Face]:
        """Find faces, as ``FaceLandmarker`` does."""
        return [map_to_ibug(face) for face in super().detect(image)]


def map_to_ibug(face: Face) -> Face:
    """Return a face of 478 points with the 68 of iBUG; each is the mean of the one or two points that stand for it."""
    points = np.stack([face.points[list(sources)].mean(0) for sources in IBUG68_FROM_MEDIAPIPE])
    return Face(points, face.blendshapes, face.confidence, np.ones(IBUG68.count, np.float32))
