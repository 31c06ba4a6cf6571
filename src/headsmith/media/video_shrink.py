"""Shrinking frames of planar YCbCr with 8 bits before their colours are converted: half the time of FFmpeg's own scaler."""

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange
from jaxtyping import Float64, UInt8

PLANAR = frozenset(("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p"))
"""Formats of three planes with 8 bits."""
LEAST_SHRINK = 2.0
"""Below this scale FFmpeg's scaler is as fast."""
HALVED_FROM = 4.0
"""From this scale on pairs of pixels are averaged first, which is fast, and the rest after."""
WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114)}
"""Kr and Kb of BT.709 and BT.601 (ITU-R BT.709-6 and BT.601-7, section 3), by FFmpeg's numbers of colour matrices."""


def can_shrink(frame: av.VideoFrame, matrix: int, size: int) -> bool:
    """Whether ``shrink`` knows the frame's format and its colour matrix, and is the faster way to a square of a side."""
    return frame.format.name in PLANAR and matrix in WEIGHTS and min(frame.width, frame.height) >= LEAST_SHRINK * size


def shrink(frame: av.VideoFrame, matrix: int, size: int) -> UInt8[np.ndarray, "size size 3"]:
    """Return a frame as RGB of ``size`` pixels a side, 0..255: each plane averaged over areas, then the colours converted.

    Args:
        frame: A decoded frame for which ``can_shrink`` holds; whole, or a region of one.
        matrix: FFmpeg's number of the colour matrix.
        size: Side of the result.
    """
    full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
    planes = [averaged(pixels(plane), size) for plane in frame.planes]
    return cv2.transform(cv2.merge(planes), rgb_from_ycbcr(*WEIGHTS[matrix], full=full))


def pixels(plane: av.video.plane.VideoPlane) -> UInt8[np.ndarray, "H W"]:
    """Return a plane's pixels, which it keeps."""
    data = np.frombuffer(plane, np.uint8)
    return np.lib.stride_tricks.as_strided(data, (plane.height, plane.width), (plane.line_size, 1), writeable=False)


def averaged(plane: UInt8[np.ndarray, "H W"], size: int) -> UInt8[np.ndarray, "size size"]:
    """Return a plane of ``size`` pixels a side, each the mean of the area that it covers; chroma may grow, bilinearly."""
    height, width = plane.shape
    if min(height, width) >= HALVED_FROM * size and height % 2 == width % 2 == 0:
        plane = cv2.resize(plane, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    shrinks = min(plane.shape) >= size
    return cv2.resize(plane, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def rgb_from_ycbcr(red: float, blue: float, *, full: bool) -> Float64[np.ndarray, "3 4"]:
    """Return the affine map from Y'CbCr of 8 bits to R'G'B' of 8 bits.

    Args:
        red: Kr, the weight of red in luma.
        blue: Kb, that of blue.
        full: Whether all of 0..255 is used; else 16..235 for luma and 16..240 for chroma.
    """
    green = 1 - red - blue
    luma, chroma, black = (1.0, 1.0, 0.0) if full else (255 / 219, 255 / 224, 16.0)
    in_red, in_blue = 2 * (1 - red) * chroma, 2 * (1 - blue) * chroma
    linear = np.array(
        [
            [luma, 0, in_red],
            [luma, -in_blue * blue / green, -in_red * red / green],
            [luma, in_blue, 0],
        ]
    )
    return np.column_stack([linear, -linear @ (black, 128.0, 128.0)])
