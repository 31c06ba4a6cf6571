"""OpenFace's binary files, read with nothing taken on trust, and what its files of patch experts begin with.

Little-endian, without gaps. A matrix is rows, columns, OpenCV's number of its type (ints), and its entries row by row.
"""

import struct
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from headsmith.nets.openface_text import TYPES, FaultyFileError, TextNumbers

MOST_VIEWS, MOST_POINTS, LARGEST_SUPPORT = 64, 1000, 63


class Bytes:
    """The content of a binary file, one thing after the other.

    Args:
        content: All of it.
    """

    def __init__(self, content: bytes) -> None:
        self._content, self._place = content, 0

    @property
    def left(self) -> int:
        """How many bytes follow."""
        return len(self._content) - self._place

    def take(self, count: int, what: str) -> bytes:
        """Return the next bytes.

        Raises:
            FaultyFileError: There are fewer.
        """
        if count > self.left:
            raise FaultyFileError(f"the file ends within {what}: {self.left} of {count} bytes are there")
        self._place += count
        return self._content[self._place - count : self._place]

    def whole(self, what: str, least: int, most: int) -> int:
        """Return the next int.

        Raises:
            FaultyFileError: There is none, or it is out of bounds.
        """
        (value,) = struct.unpack("<i", self.take(4, what))
        if not least <= value <= most:
            raise FaultyFileError(f"{what} is {value}, not within {least} to {most}")
        return value

    def number(self, what: str) -> float:
        """Return the next double.

        Raises:
            FaultyFileError: There is none, or it is not finite.
        """
        (value,) = struct.unpack("<d", self.take(8, what))
        if not np.isfinite(value):
            raise FaultyFileError(f"{what} is not finite")
        return value

    def matrix(self, what: str) -> Float[ndarray, "R C"]:
        """Return the next matrix.

        Raises:
            FaultyFileError: It is cut off, or an entry is not finite.
        """
        rows, columns = (self.whole(f"the number of {name} of {what}", 0, 2**24) for name in ("rows", "columns"))
        number = self.whole(f"the type of {what}", 0, 255)
        if number not in TYPES:
            raise FaultyFileError(f"{what} is of OpenCV's type {number}, which is not read")
        kind = np.dtype("<" + TYPES[number])
        entries = np.frombuffer(self.take(rows * columns * kind.itemsize, what), kind).astype(np.float64)
        if not np.isfinite(entries).all():
            raise FaultyFileError(f"{what} has a number that is not finite")
        return entries.reshape(rows, columns)


@dataclass(frozen=True)
class Header:
    """What the files begin with: scale, rotations of the views in radians, and which landmarks each sees."""

    scale: float
    views: Float[ndarray, "V 3"]
    visible: Bool[ndarray, "V L"]


def read_header(stream: Bytes | TextNumbers) -> Header:
    """Return what a file of patch experts begins with.

    Raises:
        FaultyFileError: It is cut off, or claims what no such file has.
    """
    scale = stream.number("the scale")
    count = stream.whole("the number of views", 1, MOST_VIEWS)
    if not 0 < scale < 100:
        raise FaultyFileError(f"the scale is {scale:g} pixels a millimetre")
    centres = [stream.matrix("a view's rotation") for _ in range(count)]
    seen = [stream.matrix("what a view sees") for _ in range(count)]
    if any(centre.size != 3 for centre in centres) or len({part.size for part in seen}) != 1:
        raise FaultyFileError("views have no rotation of three numbers, or several numbers of points")
    if not 0 < seen[0].size <= MOST_POINTS:
        raise FaultyFileError(f"a view has {seen[0].size} points")
    views = np.deg2rad(np.stack([centre.ravel() for centre in centres]))
    return Header(scale, views, np.stack([part.ravel() != 0 for part in seen]))
