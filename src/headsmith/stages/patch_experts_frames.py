"""Real faces that experts are taught by: frames of videos, labelled by MediaPipe's points that stand for iBUG's."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from headsmith.contract.conventions import IBUG68
from headsmith.media.video_reader import VideoReader
from headsmith.nets.detectors import MappedLandmarker
from headsmith.nets.squares import Square
from headsmith.stages.patch_experts_training import Sample

AROUND = 1.8
"""Side of what is cut out, in sides of the face's box."""
SIDE = 256
LARGEST = 720
LEAST_CONFIDENCE = 0.6


def frame_samples(videos: list[Path], detector: Path, count: int) -> Iterator[Sample]:
    """Yield the one face of frames of videos, evenly spread, as grey cut-outs.

    Args:
        videos: The videos.
        detector: ``face_landmarker.task``.
        count: Frames of each video, about.

    Raises:
        UserError: A video or the detector cannot be read.
    """
    with MappedLandmarker(detector, max_faces=2) as landmarker:
        for video in videos:
            reader = VideoReader(video, max_side=LARGEST)
            every = max(1, reader.expected // count)
            for number, frame in enumerate(reader):
                faces = landmarker.detect(frame.image) if number % every == 0 else []
                if len(faces) == 1 and faces[0].confidence >= LEAST_CONFIDENCE:
                    left, top, right, bottom = faces[0].box
                    square = Square((left + right) / 2, (top + bottom) / 2, AROUND * max(right - left, bottom - top))
                    image = cv2.cvtColor(square.cut(frame.image, SIDE), cv2.COLOR_RGB2GRAY)
                    corner = np.array((square.x, square.y)) - square.side / 2
                    points = (faces[0].points[:, :2] - corner) * (SIDE / square.side)
                    yield Sample(image, points.astype(np.float64), np.ones(IBUG68.count, bool))
