"""What an outside image's file says of itself, and its pixels as they are stored, turned into no other kind of image."""

import struct
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Shaped
from numpy import ndarray

from headsmith.media.images import JPEG_BARE, JPEG_SIGNATURE, JPEG_SIZED, PNG_SIGNATURE

PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Channels by colour type (ISO/IEC 15948, table 11.1); type 3 holds places in a palette."""
PALETTE = 3
PNG_END, JPEG_END = b"IEND\xaeB`\x82", b"\xff\xd9"
MOST_AFTER_END = 64
"""Bytes after a JPEG's end within which the end is looked for: some writers pad."""


@dataclass(frozen=True)
class ImageFacts:
    """What the header and the end of a file say.

    Attributes:
        kind: ``png`` or ``jpg``.
        size: Width and height, pixels.
        channels: Numbers a pixel.
        bits: Bits a number.
        palette: Whether pixels are places in a palette.
        whole: Whether the file has its end.
    """

    kind: str
    size: tuple[int, int]
    channels: int
    bits: int
    palette: bool
    whole: bool


def image_facts(content: bytes) -> ImageFacts | None:
    """Return what the bytes of a PNG or JPEG say of it; None where they are neither or end in the header.

    PNG: ISO/IEC 15948, 11.2.2. JPEG: ITU-T T.81, B.2.2: precision, lines, samples a line, components.
    """
    if content.startswith(PNG_SIGNATURE) and content[12:16] == b"IHDR" and len(content) > 26:
        width, height, bits, colour = struct.unpack(">IIBB", content[16:26])
        whole = content.rstrip(b"\0").endswith(PNG_END)
        return ImageFacts("png", (width, height), PNG_CHANNELS.get(colour, 0), bits, colour == PALETTE, whole)
    at = 2 if content.startswith(JPEG_SIGNATURE) else len(content)
    while at + 10 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker in JPEG_SIZED:
            bits, height, width, channels = struct.unpack(">BHHB", content[at + 4 : at + 10])
            return ImageFacts("jpg", (width, height), channels, bits, False, JPEG_END in content[-MOST_AFTER_END:])
        at += 1 if marker == 0xFF else 2 if marker in JPEG_BARE else 2 + struct.unpack(">H", content[at + 2 : at + 4])[0]
    return None


def decode_as_stored(content: bytes) -> Shaped[ndarray, "H W *C"] | None:
    """Return the pixels of a file with its own channels and bits, colours as BGR; None where it is broken."""
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
