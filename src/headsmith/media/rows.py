"""Arrays of ``.npz`` files read and written row by row, so that memory does not grow with their length."""

import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy import ndarray

from headsmith.contract.errors import UserError

FLOAT = np.dtype("<f4")


class RowsWriter:
    """Collects rows of float32 arrays on disk and writes them, with other arrays, as ``np.savez`` would.

    Use it in a ``with`` block; what was collected is gone at its end.

    Args:
        folder: Where there is room for them.
        shapes: Shape of a row of each array, by name.
    """

    def __init__(self, folder: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self._shapes = dict(shapes)
        self._count = 0
        self._stack = ExitStack()
        folder.mkdir(parents=True, exist_ok=True)
        self._files = {name: self._stack.enter_context(tempfile.TemporaryFile(dir=folder)) for name in shapes}  # noqa: SIM115

    def __enter__(self) -> "RowsWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def add(self, rows: Mapping[str, ndarray] | None) -> None:
        """Add a row to each array; NaN where there are none.

        Raises:
            ValueError: A row has another shape.
        """
        for name, shape in self._shapes.items():
            row = np.full(shape, np.nan, FLOAT) if rows is None else np.ascontiguousarray(rows[name], FLOAT)
            if row.shape != shape:
                raise ValueError(f"a row of {name} is {row.shape}, not {shape}")
            self._files[name].write(row.tobytes())
        self._count += 1

    def save(self, path: Path, others: Mapping[str, ndarray]) -> None:
        """Write the file: the collected arrays, then the others."""
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for name, shape in self._shapes.items():
                header = {"descr": FLOAT.str, "fortran_order": False, "shape": (self._count, *shape)}
                with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                    np.lib.format.write_array_header_1_0(stream, header)
                    self._files[name].seek(0)
                    shutil.copyfileobj(self._files[name], stream)
            for name, values in others.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                    np.lib.format.write_array(stream, np.asanyarray(values), allow_pickle=False)


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
