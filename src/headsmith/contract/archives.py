"""What archives of arrays (``.npz``) and single arrays (``.npy``) claim, checked before anything is made for it.

numpy allocates what a header claims, and a zip unpacks to a thousand times its size. So what is unpacked is bounded, and a
claim must be worth the bytes that are there, no more and no fewer.
"""

import ast
import math
import os
import re
import stat
import struct
import zipfile
from collections.abc import Container
from io import BufferedIOBase
from pathlib import Path
from typing import Final

MOST_BYTES: Final = 2**31
"""Of all members, unpacked: VHAP's offsets of 5,143 vertices in 30,000 frames."""
MOST_INDEX: Final = 2**20
"""Bytes of a zip's index: some 10,000 members."""
MOST_HEADER: Final = 10_000
"""Bytes of an array's header that numpy reads without being told to trust it."""
MAGIC: Final = b"\x93NUMPY"
SIMPLE: Final = re.compile(r"[<>|=]?([biufcSU])([0-9]{1,6})")
"""Types of entries that are read: numbers, bytes and text."""
ENCRYPTED, PATCHED, STRONG = 0x1, 0x20, 0x40
METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
INDEX, INDEX64, LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"


def check_arrays(path: str | os.PathLike[str], keys: Container[str] | None = None, most: int = MOST_BYTES) -> None:
    """Accept an ``.npz`` whose arrays can be loaded.

    Args:
        path: The file.
        keys: Names of the arrays that will be loaded; all when left out.
        most: Bytes of all members, unpacked.

    Raises:
        OSError: It cannot be opened.
        ValueError: It is no zip archive of arrays, holds Python objects, claims more than it has, or more than ``most``.
    """
    with open_archive(path, most) as archive:
        for item in archive.infolist():
            name = item.filename.removesuffix(".npy")
            if keys is None or name in keys:
                with archive.open(item) as stream:
                    check_claim(stream, item.file_size, ascii(name)[:60])


def check_array(path: str | os.PathLike[str], most: int = MOST_BYTES) -> None:
    """Accept a ``.npy`` that can be loaded.

    Raises:
        OSError: It cannot be opened.
        ValueError: It is no array, holds Python objects, claims other than it has, or more than ``most``.
    """
    size = file_size(path, most)
    with Path(path).open("rb") as stream:
        check_claim(stream, size, "the array")


def open_archive(path: str | os.PathLike[str], most: int) -> zipfile.ZipFile:
    """Return a zip archive that can be read whole.

    Raises:
        OSError: It cannot be opened.
        ValueError: It is none, two members have one name, one is encrypted or compressed in an unusual way, or there are more
            bytes than ``most``.
    """
    _check_index(path, file_size(path, most))
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, struct.error, OverflowError) as error:
        raise ValueError(f"its index cannot be read: {error}") from error
    fault = _find_fault(archive.infolist(), most)
    if fault is not None:
        archive.close()
        raise ValueError(fault)
    return archive


def file_size(path: str | os.PathLike[str], most: int) -> int:
    """Return the size of a plain file, bytes.

    Raises:
        OSError: It is not there.
        ValueError: It is a folder, a pipe or a device, or larger than ``most``.
    """
    facts = Path(path).stat()
    if not stat.S_ISREG(facts.st_mode):
        raise ValueError("it is no plain file")
    if facts.st_size > most:
        raise ValueError(f"it has {facts.st_size} bytes, and {most} are read at most")
    return facts.st_size


def _check_index(path: str | os.PathLike[str], size: int) -> None:
    """Look at the end of a zip (PKWARE's APPNOTE, 4.3.14 to 4.3.16): the index it tells of is read whole."""
    with Path(path).open("rb") as stream:
        stream.seek(max(0, size - 2**16 - 42))
        end = stream.read()
    place = end.rfind(INDEX)
    if place < 0 or place + 22 > len(end):
        raise ValueError("it is no zip archive, or it is cut off")
    told = struct.unpack_from("<L", end, place + 12)[0]
    if end[max(0, place - 20) :].startswith(LOCATOR64):
        beside = end[place - 76 : place - 20] if place >= 76 else b""
        told = struct.unpack_from("<Q", beside, 40)[0] if beside.startswith(INDEX64) else MOST_INDEX + 1
    if told > MOST_INDEX:
        raise ValueError(f"the index of the archive has more than {MOST_INDEX} bytes")


def _find_fault(items: list[zipfile.ZipInfo], most: int) -> str | None:
    names = [item.filename.removesuffix(".npy") for item in items]
    if len(set(names)) < len(names):
        return "two of its members have one name"
    if any(item.flag_bits & (ENCRYPTED | PATCHED | STRONG) or item.compress_type not in METHODS for item in items):
        return "one of its members is encrypted, or compressed in an unusual way"
    total = sum(item.file_size for item in items)
    return f"it unpacks to {total} bytes, and {most} are read at most" if total > most else None


def check_claim(stream: BufferedIOBase, size: int, name: str) -> None:
    """Accept an array whose header claims as many bytes as there are (numpy's enhancement proposal 1).

    Args:
        stream: At its beginning.
        size: Bytes of header and entries.
        name: For messages.

    Raises:
        ValueError: It claims another size, or is no array of numbers or text.
    """
    start = stream.read(8)
    if start[:6] != MAGIC or len(start) < 8:
        raise ValueError(f"{name} is no array of numpy's")
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(stream.read(width), "little")
    if length > MOST_HEADER:
        raise ValueError(f"{name} has a header of {length} bytes")
    claimed, each = _claim(stream.read(length), name)
    there = size - 8 - width - length
    if claimed * each != there or (not each and claimed > 1):
        told = claimed if claimed < 10**12 else "over 10^12"
        raise ValueError(f"{name} claims {told} entries of {each} bytes, but {there} bytes are there")


def _claim(header: bytes, name: str) -> tuple[int, int]:
    """Return how many entries there are, and the bytes of each."""
    text = re.sub(r"(?<=[0-9])L\b", "", header.decode("latin1"))
    try:
        facts = ast.literal_eval(text.strip())
        kind, shape = facts["descr"], facts["shape"]
    except (SyntaxError, ValueError, TypeError, KeyError, MemoryError, RecursionError) as error:
        raise ValueError(f"{name} has a header that cannot be understood") from error
    simple = SIMPLE.fullmatch(kind) if isinstance(kind, str) else None
    if simple is None:
        raise ValueError(f"{name} holds entries of the type {ascii(kind)[:40]}: Python objects and records are not read")
    if not isinstance(shape, tuple) or not all(type(side) is int and side >= 0 for side in shape):
        raise ValueError(f"{name} claims the shape {ascii(shape)[:40]}")
    return math.prod(shape), int(simple[2]) * (4 if simple[1] == "U" else 1)
