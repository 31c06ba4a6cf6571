"""Numbers out of MATLAB's files of version 5 to 7 (``.mat``), as MATLAB and ``scipy.io.savemat`` write them.

Only arrays of numbers are read; text, cells, structures, sparse matrices, objects and functions are skipped. Written from The
MathWorks' *MAT-File Format*: level 5 begins with 128 bytes of header, then elements follow, each a type, a size and its bytes.
SciPy's own reader follows types and sizes of crafted files out of its memory, so a stranger's file does not go there.
"""

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Shaped
from numpy import ndarray

from headsmith.contract.archives import file_size

MOST_BYTES: Final = 2**28
"""Of the file, and of all that is compressed in it: one frame's results with its pictures have some ten million."""
HEADER: Final = 128
TYPES: Final[dict[int, str]] = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
"""How numbers are stored, by the type of an element."""
INT8, INT32, UINT32, MATRIX, COMPRESSED = 1, 5, 6, 14, 15
CLASSES: Final = ("f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")
"""What arrays of the classes 6 (double) to 15 (uint64) hold."""
COMPLEX: Final = 0x800
MOST_AXES: Final = 8


@dataclass(frozen=True)
class Element:
    """An element: its type, and its bytes."""

    kind: int
    content: memoryview


def read_matlab(path: Path) -> dict[str, Shaped[ndarray, "..."]]:
    """Return the arrays of real numbers of a file, by name; of two of one name the later.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no such file, is broken, claims more than it has, or is too large.
    """
    file_size(path, MOST_BYTES)
    return parse_matlab(path.read_bytes())


def parse_matlab(data: bytes) -> dict[str, Shaped[ndarray, "..."]]:
    """Return the arrays of real numbers of a file's bytes, as ``read_matlab`` does.

    Raises:
        ValueError: It is no such file, is broken, or claims more than it has.
    """
    content = memoryview(data)
    order = {b"IM": "<", b"MI": ">"}.get(bytes(content[126:128]))
    if order is None:
        raise ValueError("it is no .mat of version 5 to 7")
    if content[125 if order == "<" else 124] != 1:
        raise ValueError("it is a .mat of version 7.3, which is another format")
    budget, found = MOST_BYTES, {}
    for element in _elements(content[HEADER:], order):
        if element.kind == COMPRESSED:
            unpacked = _unpack(element.content, budget)
            budget -= len(unpacked)
            element = next(_elements(unpacked, order), element)
        if element.kind == MATRIX:
            found |= _read_array(element.content, order)
    return found


def _elements(content: memoryview, order: str) -> Iterator[Element]:
    """Yield elements; short ones, of up to 4 bytes, have their size in the upper half of their type."""
    place, word = 0, np.dtype(f"{order}u4")
    while place + 8 <= len(content):
        kind, size = np.frombuffer(content[place : place + 8], word).tolist()
        start, length = place + 8, 8 + size
        if kind >> 16:
            kind, size, start, length = kind & 0xFFFF, kind >> 16, place + 4, 8
        if start + size > min(len(content), place + length):
            raise ValueError(f"it is cut off: an element claims {size} bytes, and {len(content) - start} are there")
        yield Element(kind, content[start : start + size])
        place += length if kind == COMPRESSED else -(-length // 8) * 8


def _unpack(content: memoryview, most: int) -> memoryview:
    stream = zlib.decompressobj()
    try:
        unpacked = stream.decompress(content, most + 1)
    except zlib.error as error:
        raise ValueError(f"what is compressed in it is broken: {error}") from error
    if len(unpacked) > most:
        raise ValueError(f"it unpacks to more than {MOST_BYTES} bytes")
    return memoryview(unpacked)


def _read_array(content: memoryview, order: str) -> dict[str, Shaped[ndarray, "..."]]:
    """Return an array by its name; nothing where it is not one of real numbers."""
    parts = _elements(content, order)
    flags, sides, name = (next(parts, Element(0, content[:0])) for _ in range(3))
    if flags.kind != UINT32 or len(flags.content) != 8:
        return {}
    word = int(np.frombuffer(flags.content[:4], f"{order}u4")[0])
    place = (word & 0xFF) - 6
    if word & COMPLEX or not 0 <= place < len(CLASSES):
        return {}
    title = bytes(name.content).decode("latin1")
    if sides.kind != INT32 or name.kind != INT8 or len(sides.content) % 4 or len(sides.content) > 4 * MOST_AXES:
        raise ValueError("one of its arrays has no shape or no name")
    shape = np.frombuffer(sides.content, f"{order}i4").tolist()
    numbers = next(parts, Element(0, content[:0]))
    if numbers.kind not in TYPES or min(shape, default=0) < 0:
        raise ValueError(f"its array {ascii(title)[:40]} holds no numbers")
    stored = np.dtype(order + TYPES[numbers.kind])
    if math.prod(shape) * stored.itemsize != len(numbers.content):
        raise ValueError(f"its array {ascii(title)[:40]} claims the shape {shape}, with {len(numbers.content)} bytes")
    values = np.frombuffer(numbers.content, stored).reshape(shape, order="F")
    return {title: values.astype(CLASSES[place])}
