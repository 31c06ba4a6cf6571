"""Whether a container is whole, judged by the sizes that its outermost elements declare and not by the frame counts in it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

SEGMENT = b"\x18\x53\x80\x67"
EBML = b"\x1a\x45\xdf\xa3"
BOXES = frozenset(
    b"ftyp moov mdat free skip wide pnot uuid styp moof mfra sidx ssix meta meco pdin udta junk emsg prft imda".split()
)
"""What may stand outermost in an MP4 (ISO/IEC 14496-12, table 1) or a QuickTime file; anything else is not of the file."""


def cut_off(path: str | os.PathLike[str], family: str) -> bool:
    """Tell whether a file ends before an outermost element of it does.

    Args:
        path: The file.
        family: FFmpeg's name of the container's family. Families other than MP4, Matroska and AVI are streams of small
            packets: cut between two of them, they are whole.
    """
    reaches = next((reach for name, reach in FAMILIES.items() if name in family.split(",")), None)
    size = Path(path).stat().st_size
    if reaches is None:
        return False
    with Path(path).open("rb") as file:
        return reaches(file, size) > size


def _boxes_reach(file: BinaryIO, size: int) -> int:
    """Return where the last box of an MP4 or MOV file ends (ISO/IEC 14496-12, 4.2: 1: a long size follows; 0: to the end)."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        header = file.read(16)
        length, kind = int.from_bytes(header[:4], "big"), header[4:8]
        length = int.from_bytes(header[8:16], "big") if length == 1 else length
        if length < 8 or kind not in BOXES:
            break
        at += length
    return at


def _segment_reaches(file: BinaryIO, size: int) -> int:
    """Return where the segment of a Matroska or WebM file ends (RFC 9559, 4.5); 0 where its size is left open."""
    at = 0
    while at + 12 <= size:
        file.seek(at)
        header = file.read(12)
        width = 9 - header[4].bit_length()
        length = int.from_bytes(header[4 : 4 + width], "big") - (1 << 7 * width) if width < 9 else 0
        if header[:4] not in (EBML, SEGMENT) or length == (1 << 7 * width) - 1:
            return 0
        at += 4 + width + length
        if header[:4] == SEGMENT:
            break
    return at


def _chunks_reach(file: BinaryIO, size: int) -> int:
    """Return where the last RIFF chunk of an AVI file ends (Multimedia Programming Interface 1.0, chapter 2); 0: left open."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        header = file.read(8)
        length = int.from_bytes(header[4:], "little")
        if header[:4] != b"RIFF" or not length:
            break
        at += 8 + length
    return at


FAMILIES: dict[str, Callable[[BinaryIO, int], int]] = {
    "mp4": _boxes_reach,
    "matroska": _segment_reaches,
    "avi": _chunks_reach,
}
"""A container of each family, and how far its declared sizes reach."""
