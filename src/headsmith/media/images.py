"""The house's own images on disk: PNG through OpenCV, RGB or grey, 8 bits. For outside images see ``pictures.py``."""

import os
import struct
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from headsmith.contract.errors import UserError
from headsmith.media.atomic import writing_explained
from headsmith.media.sizes import MOST_PIXELS, check_pixels

__all__ = ["MOST_PIXELS", "decode_image", "encode_png", "read_content", "read_image", "write_image"]

PNG = (
    *(cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
)
"""Differences from the row above, only repeated bytes matched: smaller than the best filter for each row, in half its time."""
FLAT_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 3, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE)
"""For masks and label maps: a quarter of the time of the best filter for each row, and half of that of reading."""
REMEDY = "delete the manifest of its folder (the .json beside it) and run snakemake again"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"
JPEG_SIZED = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of a JPEG's frame header, SOF0 to SOF15 (ITU-T T.81, table B.1); the three left out say other things."""
JPEG_BARE = frozenset((0x01, 0xFF, *range(0xD0, 0xD9)))
"""Markers without a length; 0xFF fills."""


def read_image(path: str | os.PathLike[str], *, grey: bool = False, clip: str | None = None) -> UInt8[np.ndarray, "H W *C"]:
    """Return an image, PNG or JPEG, as RGB ``(H, W, 3)``, or as grey ``(H, W)`` when asked, 0..255.

    Raises:
        UserError: The file is missing, is neither PNG nor JPEG, is broken, or claims more than ``MOST_PIXELS`` pixels.
    """
    return decode_image(read_content(path, clip), path, grey=grey, clip=clip)


def read_content(path: str | os.PathLike[str], clip: str | None = None) -> bytes:
    """Return the bytes of an image's file.

    Raises:
        UserError: It cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or error
        raise UserError(f"the image cannot be read: {told}", clip=clip, file=path, remedy=REMEDY) from error


def decode_image(
    content: bytes, path: str | os.PathLike[str], *, grey: bool = False, clip: str | None = None
) -> UInt8[np.ndarray, "H W *C"]:
    """Return the image that the bytes of a file hold, as ``read_image`` does; ``path`` and ``clip`` are for messages."""
    size = claimed_size(content)
    if size is None:
        raise UserError("the file is not an image", clip=clip, file=path, remedy=REMEDY)
    check_pixels(*size, clip=clip, file=path, remedy=REMEDY)
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR)
    if image is None:
        raise UserError("the file is not an image, or it is cut off", clip=clip, file=path, remedy=REMEDY)
    return image if grey else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def claimed_size(content: bytes) -> tuple[int, int] | None:
    """Return the width and height that the header of a PNG or JPEG claims; None where it is neither or ends too early.

    PNG: ISO/IEC 15948, 11.2.2 (IHDR comes first). JPEG: ITU-T T.81, B.2.2, the first frame header.
    """
    if content.startswith(PNG_SIGNATURE) and content[12:16] == b"IHDR" and len(content) >= 24:
        return struct.unpack(">II", content[16:24])
    return _jpeg_size(content) if content.startswith(JPEG_SIGNATURE) else None


def encode_png(image: UInt8[np.ndarray, "H W *C"], *, flat: bool = False) -> bytes:
    """Return the PNG file of an RGB ``(H, W, 3)``, RGBA or grey ``(H, W)`` image; the same pixels give the same bytes.

    Args:
        image: 0..255.
        flat: Whether it has large areas of one value, as masks and label maps do; it is then encoded, and decoded, faster.

    Raises:
        ValueError: The array is of another shape.
    """
    if image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,), (4,)):
        raise ValueError(f"an image is (H, W, 3), (H, W, 4) or (H, W), not {image.shape}")
    orders = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    pixels = image if image.ndim == 2 else cv2.cvtColor(image, orders[image.shape[2]])
    _, content = cv2.imencode(".png", pixels, FLAT_PNG if flat else PNG)
    return content.tobytes()


def write_image(path: str | os.PathLike[str], image: UInt8[np.ndarray, "H W *C"]) -> bytes:
    """Write an RGB or grey image as PNG and return the bytes written.

    Not atomic by itself: write into an ``atomic_folder``, or to an ``atomic_path``.

    Raises:
        UserError: The disk is full.
        ValueError: The array is not an image.
    """
    content = encode_png(image)
    with writing_explained(path):
        Path(path).write_bytes(content)
    return content


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker in JPEG_SIZED:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 1 if marker == 0xFF else 2 if marker in JPEG_BARE else 2 + struct.unpack(">H", content[at + 2 : at + 4])[0]
    return None
