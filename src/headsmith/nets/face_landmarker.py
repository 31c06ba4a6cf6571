"""MediaPipe's face landmarker: 478 points with irises and 52 blendshapes, stateless, one picture at a time.

The model file (``face_landmarker.task``) is a zip that holds the detector, the landmark network and the blendshape network.
MediaPipe 1.2.2 tells neither the detector's score nor the landmark network's presence in its results (``visibility`` and
``presence`` are ``None``), so the detector inside the same file is run once more by itself: a face's confidence is the score
of the detection in which the face's points lie.
"""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import mediapipe
import numpy as np
from jaxtyping import Float, Float32, UInt8
from mediapipe.tasks.python import BaseOptions, vision
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.contract.landmark_groups import CONVENTION, COUNT
from headsmith.nets.silence import silent_stderr

__all__ = ["BLENDSHAPE_NAMES", "CONVENTION", "Face", "FaceLandmarker"]

SMALLEST_SIDE = 512
"""Pictures with a smaller shorter side are enlarged first: the network reads its crop of the face from them bilinearly."""

WEAKEST_DETECTION = 0.3
"""Detections below this score are not faces. Under MediaPipe's own 0.5, so that a weak face is seen and told as weak."""

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


@dataclass(frozen=True)
class Face:
    """One detected face.

    Attributes:
        points: ``(478, 3)`` float32: x right and y down in pixels from the picture's upper left corner (a pixel's centre is
            at +0.5), z in the same unit, smaller towards the camera, zero near the head's centre.
        blendshapes: ``(52,)`` float32 in 0..1, in the order of ``BLENDSHAPE_NAMES``.
        confidence: The detector's score, 0..1; 0 where the detector alone does not see the face again.
    """

    points: Float32[ndarray, "478 3"]
    blendshapes: Float32[ndarray, "52"]
    confidence: float

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the points, in pixels."""
        low, high = self.points[:, :2].min(0), self.points[:, :2].max(0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])


class FaceLandmarker:
    """MediaPipe's face landmarker in image mode: no state between pictures, the same answer for the same picture.

    Args:
        model: Path of ``face_landmarker.task``.
        max_faces: How many faces to look for.

    Raises:
        UserError: The model file is missing or is not a face landmarker.
    """

    def __init__(self, model: str | Path, max_faces: int = 2) -> None:
        landmarker, detector = read_model(Path(model))
        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_buffer=landmarker),
            num_faces=max_faces,
            min_face_detection_confidence=WEAKEST_DETECTION,
            output_face_blendshapes=True,
        )
        detector_options = vision.FaceDetectorOptions(
            base_options=BaseOptions(model_asset_buffer=detector), min_detection_confidence=WEAKEST_DETECTION
        )
        with silent_stderr():
            self._landmarker = vision.FaceLandmarker.create_from_options(options)
            self._detector = vision.FaceDetector.create_from_options(detector_options)
            blank = mediapipe.Image(
                image_format=mediapipe.ImageFormat.SRGB, data=np.zeros((SMALLEST_SIDE, SMALLEST_SIDE, 3), np.uint8)
            )
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
        picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=enlarge(image))
        found = self._landmarker.detect(picture)
        if not found.face_landmarks:
            return []
        size = (image.shape[1], image.shape[0])
        points = [points_in_pixels(face, *size) for face in found.face_landmarks]
        scores = confidences(points, self._detector.detect(picture).detections, size[0] / picture.width)
        shapes = [np.array([shape.score for shape in face], np.float32) for face in found.face_blendshapes]
        return [Face(*parts) for parts in zip(points, shapes, scores, strict=True)]


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
    """Return a picture whose shorter side is at least ``SMALLEST_SIDE`` pixels, enlarged bicubically if need be."""
    scale = SMALLEST_SIDE / min(image.shape[:2])
    if scale <= 1:
        return np.ascontiguousarray(image)
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)


def points_in_pixels(landmarks: Sequence[Any], width: int, height: int) -> Float32[ndarray, "478 3"]:
    """Return normalised landmarks in pixels; MediaPipe's z has the unit of its x (both are divided by the width).

    Raises:
        ValueError: There are not 478 points: the model is of another kind.
    """
    points = np.array([(point.x * width, point.y * height, point.z * width) for point in landmarks], np.float32)
    if len(points) != COUNT:
        raise ValueError(f"the landmarker gave {len(points)} points, not {COUNT}")
    return points


def confidences(faces: Sequence[Float32[ndarray, "478 3"]], detections: Sequence[Any], scale: float) -> list[float]:
    """Return for each face the best score of the detections whose box holds the centre of the face's points.

    Args:
        faces: Points in pixels of the picture as given.
        detections: MediaPipe's detections, boxes in pixels of the enlarged picture.
        scale: Pixels as given, per pixel of the enlarged picture.
    """
    centres = [points[:, :2].mean(0) / scale for points in faces]
    return [max((d.categories[0].score for d in detections if holds(d.bounding_box, c)), default=0.0) for c in centres]


def holds(box: Any, point: Float[ndarray, "2"]) -> bool:
    """Whether a MediaPipe bounding box holds a point, both in the same pixels."""
    inside_x = box.origin_x <= point[0] <= box.origin_x + box.width
    return bool(inside_x and box.origin_y <= point[1] <= box.origin_y + box.height)
