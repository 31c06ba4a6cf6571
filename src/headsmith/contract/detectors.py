"""The detectors of landmarks: their names, the convention in which each numbers its points, and the files that each opens.

The files are assets (``config/assets.yaml``), by name. ``dlib``, ``fan`` and ``clnf`` must be shown where the face is; who does
that is a finder: ``mediapipe`` or ``mtcnn``. ``clnf`` opens files that rules make, or the user's own; ``openface`` runs
programs.
"""

from collections.abc import Iterable

from headsmith.contract.conventions import IBUG68, MEDIAPIPE478
from headsmith.contract.errors import UserError

MEDIAPIPE_MODEL = "face_landmarker.task"
MTCNN_WEIGHTS = ("mtcnn/pnet.pt", "mtcnn/rnet.pt", "mtcnn/onet.pt")
DLIB_MODEL = "dlib/shape_predictor_68_face_landmarks.dat"
FAN_WEIGHTS = "fan/2DFAN4-11f355bf06.pth.tar"

CONVENTION_OF: dict[str, str] = {
    "mediapipe": MEDIAPIPE478.name,
    "mediapipe68": IBUG68.name,
    "dlib": IBUG68.name,
    "fan": IBUG68.name,
    "clnf": IBUG68.name,
    "openface": IBUG68.name,
}
"""The convention of each detector's points; the keys are all detectors there are (``file`` reads, and detects nothing)."""

BLENDSHAPE_DETECTORS = ("mediapipe", "mediapipe68")
"""Those that tell MediaPipe's 52 blendshapes as well."""

FINDERS: dict[str, tuple[str, ...]] = {"mediapipe": (MEDIAPIPE_MODEL,), "mtcnn": MTCNN_WEIGHTS}
"""The files of those who find where faces are."""

CLNF_SHAPES, CLNF_EXPERTS = "clnf/shapes", "clnf/experts"
"""Names by which ``clnf`` is handed its point distribution model and its patch experts; they are no assets."""
CLNF = "clnf"
OPENFACE = "openface"
TEACHERS = ("franck.mp4", "cap12.mp4", "pexels.mp4", "single_face.mp4")
"""The videos whose frames teach patch experts what real faces look like."""

_OWN_FILES: dict[str, tuple[str, ...]] = {"dlib": (DLIB_MODEL,), "fan": (FAN_WEIGHTS,)}


def detector_files(name: str, faces: str = "mediapipe") -> tuple[str, ...]:
    """Return the names of the assets that a detector opens.

    Args:
        name: One of ``CONVENTION_OF``.
        faces: The finder, for ``dlib``, ``fan`` and ``clnf``; the others find faces themselves.

    Raises:
        UserError: There is no detector, or no finder, of that name.
    """
    if name not in CONVENTION_OF:
        raise UserError(f"unknown landmark detector {name!r}", remedy=f"use one of: {', '.join(CONVENTION_OF)}")
    if faces not in FINDERS:
        raise UserError(f"unknown finder of faces {faces!r}", remedy=f"use one of: {', '.join(FINDERS)}")
    if name == OPENFACE:
        return ()
    return FINDERS[faces] + _OWN_FILES.get(name, ()) if name in (*_OWN_FILES, CLNF) else FINDERS["mediapipe"]


def further_files(name: str) -> tuple[str, ...]:
    """Return the names of the files that a detector opens and that are no assets."""
    return (CLNF_SHAPES, CLNF_EXPERTS) if name == CLNF else ()


def head_detectors(name: str, faces: str = "mediapipe") -> tuple[str, ...]:
    """Return the names of the assets that a head is shown to: MediaPipe's, and those of a detector with other points.

    Args:
        name: ``landmarks.detector``: one of ``CONVENTION_OF``, or ``file``.
        faces: The finder, for ``dlib`` and ``fan``.
    """
    own = detector_files(name, faces) if name in _OWN_FILES else ()
    return (MEDIAPIPE_MODEL, *(file for file in own if file != MEDIAPIPE_MODEL))


def detector_behind(files: Iterable[str]) -> tuple[str, str] | None:
    """Return which detector with points of its own, and which finder, the names of assets belong to; None where there is none.

    Args:
        files: Names of assets.
    """
    names = set(files)
    pairs = [(name, faces) for name in _OWN_FILES for faces in FINDERS if names.issuperset(detector_files(name, faces))]
    return max(pairs, key=lambda pair: len(detector_files(*pair)), default=None)
