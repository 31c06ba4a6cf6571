"""The boxes between the networks of MTCNN: rows of left, top, right, bottom.

Inside MTCNN they are counted as in MATLAB, where it was trained: pixels from 1, the last one inside. A box therefore is
``right - left + 1`` wide, and covers ``left - 1`` to ``right`` in coordinates whose zero is the picture's edge.
"""

import numpy as np
from jaxtyping import Float32, Int64
from numpy import ndarray

Boxes = Float32[ndarray, "N 4"]


def suppress(
    boxes: Boxes, scores: Float32[ndarray, " N"], most: float, *, by_smaller: bool = False, inclusive: int = 0
) -> Int64[ndarray, " K"]:
    """Return which boxes remain, best first, when none may overlap a better one by more than a share.

    Args:
        boxes: The boxes.
        scores: How good each is.
        most: The largest allowed share, 0..1.
        by_smaller: The overlap's share is taken of the smaller box; else of what both cover together.
        inclusive: 1 where the last pixel counts for a box's width, else 0.
    """
    order = np.argsort(-scores, kind="stable")
    areas = sizes(boxes, inclusive).prod(1)
    kept = []
    while order.size:
        best, order = order[0], order[1:]
        kept.append(best)
        corners = np.maximum(boxes[best, :2], boxes[order, :2]), np.minimum(boxes[best, 2:], boxes[order, 2:])
        common = sizes(np.concatenate(corners, 1), inclusive).prod(1)
        whole = np.minimum(areas[best], areas[order]) if by_smaller else areas[best] + areas[order] - common
        order = order[common <= most * whole]
    return np.array(kept, np.int64)


def sizes(boxes: Boxes, inclusive: int) -> Float32[ndarray, "N 2"]:
    """Return widths and heights, zero where a box is turned inside out."""
    return np.maximum(boxes[:, 2:] - boxes[:, :2] + np.float32(inclusive), np.float32(0))


def move_sides(boxes: Boxes, offsets: Boxes, inclusive: int) -> Boxes:
    """Return boxes whose sides are moved by offsets given in widths (left, right) and heights (top, bottom)."""
    size = boxes[:, 2:] - boxes[:, :2] + np.float32(inclusive)
    return boxes + offsets * np.tile(size, 2)


def make_square(boxes: Boxes) -> Boxes:
    """Return boxes grown about their centres until both sides are as long as the longer one."""
    size = boxes[:, 2:] - boxes[:, :2]
    side = size.max(1, keepdims=True)
    corner = boxes[:, :2] + (size - side) * np.float32(0.5)
    return np.concatenate((corner, corner + side), 1)


OPENFACE = (-0.0075, 0.2459, 1.0323, 0.7751)
"""What OpenFace makes of MTCNN's boxes, whose shape is not that of its 68 points: by how many widths the left side is moved, by
how many heights the top, and how many times as wide and as high the box is (``FaceDetectorMTCNN``)."""


def openface_boxes(boxes: Boxes) -> Boxes:
    """Return boxes as OpenFace corrects them."""
    beside, below, wider, higher = OPENFACE
    size = boxes[:, 2:] - boxes[:, :2]
    corner = boxes[:, :2] + size * np.array((beside, below), np.float32)
    return np.concatenate((corner, corner + size * np.array((wider, higher), np.float32)), 1)


def windows(rows: Int64[ndarray, " N"], columns: Int64[ndarray, " N"], scale: float) -> Boxes:
    """Return the windows of 12 pixels, a stride of 2 apart, that P-Net judges, in pixels of the picture as given.

    Args:
        rows: Rows in P-Net's output.
        columns: Columns in P-Net's output.
        scale: Size of the picture that P-Net saw, of the picture as given.
    """
    corner = 2.0 * np.stack((columns, rows), 1)
    return np.floor(np.concatenate((corner + 1, corner + 12), 1) / scale).astype(np.float32)


def pixels_inside(boxes: Boxes, width: int, height: int) -> Int64[ndarray, "N 4"]:
    """Return first column, first row, end column, end row (not included) of what boxes cover of a picture, counted from 0.

    A box that covers no pixel has an end that is not beyond its start.
    """
    whole = np.trunc(boxes).astype(np.int64)
    start = np.maximum(whole[:, :2], 1) - 1
    return np.concatenate((start, np.minimum(whole[:, 2:], (width, height))), 1)
