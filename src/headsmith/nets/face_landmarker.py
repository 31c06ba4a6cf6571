"""MediaPipe's face landmarker: 478 points with irises and 52 blendshapes, stateless, one picture at a time.

The model file (``face_landmarker.task``) is a zip that holds the detector, the landmark network and the blendshape network.
MediaPipe 1.2.2 tells neither the detector's score nor the landmark network's presence in its results (``visibility`` and
``presence`` are ``None``), so the detector inside the same file is run once more by itself: a face's confidence is the score
of the detection in which the face's points lie.
"""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import mediapipe
import numpy as np
from jaxtyping import Float, Float32, UInt8
from mediapipe.tasks.python import BaseOptions, vision
from numpy import ndarray

from headsmith.contract.conventions import MEDIAPIPE478
from headsmith.contract.errors import UserError
from headsmith.nets.faces import Face, cap_size
from headsmith.nets.silence import silent_stderr

SMALLEST_SIDE = 512
"""Pictures with a smaller shorter side are enlarged first: the network reads its crop of the face from them bilinearly."""

LONGEST_ENLARGED = 2048
"""No picture is enlarged beyond this on the longer side, however narrow it is."""

WEAKEST_DETECTION = 0.3
"""Detections below this score are not faces. Under MediaPipe's own 0.5, so that a weak face is seen and told as weak."""

USUAL_DETECTION = 0.5
"""MediaPipe's own."""

BLENDSHAPE_NAMES: tuple[str, ...] = (
    *("_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    *("cheekPuff", "cheekSquintLeft", "cheekSquintRight"),
    *("eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight"),
    *("eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight"),
    *("eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight"),
    *("jawForward", "jawLeft", "jawOpen", "jawRight"),
    *("mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel", "mouthLeft"),
    *("mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthRight"),
    *("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight"),
    *("mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight"),
    *("noseSneerLeft", "noseSneerRight"),
)
"""The 52 outputs of MediaPipe's blendshape network, in its order."""


class FaceLandmarker:
    """MediaPipe's face landmarker in image mode: no state between pictures, the same answer for the same picture.

    One instance works for one thread at a time; two in two threads find nearly twice as many faces a second.

    Args:
        model: Path of ``face_landmarker.task``.
        max_faces: How many faces to look for.
        plain: Whether it is used as other programs do: pictures as they are, whatever their size, and MediaPipe's own limit
            for detections. Its points shift by parts of a pixel with that size.

    Raises:
        UserError: The model file is missing or is not a face landmarker.
    """

    convention = MEDIAPIPE478.name

    def __init__(self, model: str | Path, max_faces: int = 2, *, plain: bool = False) -> None:
        self._plain = plain
        landmarker, detector = read_model(Path(model))
        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_buffer=landmarker),
            num_faces=max_faces,
            min_face_detection_confidence=USUAL_DETECTION if plain else WEAKEST_DETECTION,
            output_face_blendshapes=True,
        )
        detector_options = vision.FaceDetectorOptions(
            base_options=BaseOptions(model_asset_buffer=detector), min_detection_confidence=WEAKEST_DETECTION
        )
        with silent_stderr():
            self._landmarker = vision.FaceLandmarker.create_from_options(options)
            self._detector = vision.FaceDetector.create_from_options(detector_options)
            blank = native(np.zeros((SMALLEST_SIDE, SMALLEST_SIDE, 3), np.uint8))
            self._landmarker.detect(blank)
            self._detector.detect(blank)

    def __enter__(self) -> "FaceLandmarker":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Release the networks."""
        with silent_stderr():
            self._landmarker.close()
            self._detector.close()

    def detect(self, image: UInt8[ndarray, "H W 3"]) -> list[Face]:
        """Find faces.

        Args:
            image: RGB picture, ``(H, W, 3)`` uint8.

        Returns:
            The faces, in MediaPipe's order; empty where there is none.
        """
        small, back = (np.ascontiguousarray(image), np.ones(2, np.float32)) if self._plain else cap_size(image)
        found = self._landmarker.detect(native(small if self._plain else enlarge(small)))
        if not found.face_landmarks:
            return []
        points = [points_in_pixels(face, image.shape[1], image.shape[0]) for face in found.face_landmarks]
        scores = confidences(points, self._detector.detect(native(small)).detections, back)
        shapes = [np.array([shape.score for shape in face], np.float32) for face in found.face_blendshapes]
        sure = np.ones(MEDIAPIPE478.count, np.float32)
        return [Face(*parts, sure) for parts in zip(points, shapes, scores, strict=True)]


def native(image: UInt8[ndarray, "H W 3"]) -> mediapipe.Image:
    """Return an RGB picture as MediaPipe takes it."""
    return mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image)


def read_model(path: Path) -> tuple[bytes, bytes]:
    """Return the bytes of a ``.task`` file and of the face detector inside it.

    Raises:
        UserError: The file is missing or is not a face landmarker.
    """
    remedy = "fetch face_landmarker.task again (see config/assets.yaml)"
    try:
        with zipfile.ZipFile(path) as archive:
            detector = archive.read("face_detector.tflite")
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"the face landmarker cannot be read: {error}", file=path, remedy=remedy) from error
    return path.read_bytes(), detector


def enlarge(image: UInt8[ndarray, "H W 3"]) -> UInt8[ndarray, "h w 3"]:
    """Return a picture enlarged bicubically, if need be, until its shorter side has ``SMALLEST_SIDE`` pixels.

    A narrow picture stays below that, its longer side being at most ``LONGEST_ENLARGED``.
    """
    scale = min(SMALLEST_SIDE / min(image.shape[:2]), LONGEST_ENLARGED / max(image.shape[:2]))
    if scale <= 1:
        return np.ascontiguousarray(image)
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)


def points_in_pixels(landmarks: Sequence[Any], width: int, height: int) -> Float32[ndarray, "478 3"]:
    """Return normalised landmarks in pixels; MediaPipe's z has the unit of its x (both are divided by the width).

    Raises:
        ValueError: There are not 478 points: the model is of another kind.
    """
    points = np.array([(point.x * width, point.y * height, point.z * width) for point in landmarks], np.float32)
    if len(points) != MEDIAPIPE478.count:
        raise ValueError(f"the landmarker gave {len(points)} points, not {MEDIAPIPE478.count}")
    return points


def confidences(
    faces: Sequence[Float32[ndarray, "478 3"]], detections: Sequence[Any], back: Float32[ndarray, "2"]
) -> list[float]:
    """Return for each face the best score of the detections whose box holds the centre of the face's points.

    Args:
        faces: Points in pixels of the picture as given.
        detections: MediaPipe's detections, boxes in pixels of the picture that it was shown.
        back: What the latter's x and y are multiplied with to get the former's.
    """
    centres = [points[:, :2].mean(0) / back for points in faces]
    return [max((d.categories[0].score for d in detections if holds(d.bounding_box, c)), default=0.0) for c in centres]


def holds(box: Any, point: Float[ndarray, "2"]) -> bool:
    """Whether a MediaPipe bounding box holds a point, both in the same pixels."""
    inside_x = box.origin_x <= point[0] <= box.origin_x + box.width
    return bool(inside_x and box.origin_y <= point[1] <= box.origin_y + box.height)
