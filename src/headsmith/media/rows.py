"""Arrays of ``.npz`` files read row by row, so that memory does not grow with their length."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy import ndarray

from headsmith.contract.errors import UserError


def iterate_rows(path: Path, key: str, clip: str, *, what: str, remake: str) -> Iterator[ndarray]:
    """Yield the rows (the first axis) of one array of a file, without holding the others.

    Args:
        path: The file.
        key: Name of the array.
        clip: Name of the clip, for the message.
        what: What the file holds, for the message ("landmarks").
        remake: What happens when the file is deleted, for the message ("the landmarks are detected anew").

    Raises:
        UserError: The file is missing or broken, lacks the array, or holds it in another form than ``np.savez`` writes.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{key}.npy") as stream:
            shape, kind = _header(stream)
            size = int(np.prod(shape[1:], dtype=np.int64)) * kind.itemsize
            for _ in range(shape[0]):
                content = stream.read(size)
                if len(content) != size:
                    raise ValueError(f"the array {key} ends early")
                yield np.frombuffer(content, kind).reshape(shape[1:])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        remedy = f"delete {path} and run snakemake again: {remake}"
        raise UserError(f"the {what} cannot be read: {error}", clip=clip, file=path, remedy=remedy) from error


def _header(stream: zipfile.ZipExtFile) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, kind = read(stream)
    if by_columns or kind.hasobject or not shape:
        raise ValueError("not an array of numbers in rows")
    return shape, kind
