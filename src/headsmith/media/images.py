"""Images on disk: PNG through OpenCV, RGB or grey, 8 bits."""

import os
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from headsmith.contract.errors import UserError
from headsmith.media.atomic import disk_full_explained

PNG_COMPRESSION = 1


def read_image(path: str | os.PathLike[str], *, grey: bool = False, clip: str | None = None) -> UInt8[np.ndarray, "H W *C"]:
    """Return an image as RGB ``(H, W, 3)``, or as grey ``(H, W)`` when asked, 0..255.

    Raises:
        UserError: The file is missing or is no image.
    """
    remedy = "delete the manifest of its folder (the .json beside it) and run snakemake again"
    try:
        content = np.frombuffer(Path(path).read_bytes(), np.uint8)
    except OSError as error:
        raise UserError(f"the image cannot be read: {error.strerror}", clip=clip, file=path, remedy=remedy) from error
    flags = cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR
    image = cv2.imdecode(content, flags) if len(content) else None
    if image is None:
        raise UserError("the file is not an image", clip=clip, file=path, remedy=remedy)
    return image if grey else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def encode_png(image: UInt8[np.ndarray, "H W *C"]) -> bytes:
    """Return the PNG file of an RGB ``(H, W, 3)`` or grey ``(H, W)`` image; the same pixels give the same bytes.

    Raises:
        ValueError: The array is of another shape.
    """
    if image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)):
        raise ValueError(f"an image is (H, W, 3) or (H, W), not {image.shape}")
    pixels = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, content = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, PNG_COMPRESSION])
    return content.tobytes()


def write_image(path: str | os.PathLike[str], image: UInt8[np.ndarray, "H W *C"]) -> bytes:
    """Write an RGB or grey image as PNG and return the bytes written.

    Not atomic by itself: write into an ``atomic_folder``, or to an ``atomic_path``.

    Raises:
        UserError: The disk is full.
        ValueError: The array is not an image.
    """
    content = encode_png(image)
    with disk_full_explained(path):
        Path(path).write_bytes(content)
    return content
