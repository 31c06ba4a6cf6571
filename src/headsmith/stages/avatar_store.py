"""Training frames on disk: one file, a record a frame, read by file offset.

What is read so lies in the system's cache, not in the process: mapped files count as its memory, and grow with the clip.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from headsmith.media.atomic import atomic_path, writing_explained

NUMBERS = {"points": torch.float32, "weight": torch.float16, "image": torch.uint8, "head": torch.uint8, "alpha": torch.uint8}
"""Kinds of numbers of the arrays, the wide ones first, so that each begins where its kind may."""


@dataclass(frozen=True)
class RowStore:
    """Records of equal size in a file, each of named arrays, in the order of ``NUMBERS``.

    Attributes:
        folder: Holds ``rows.bin``, and ``rows.json`` from the moment when the former is whole.
        shapes: Shape of each array of a record.
    """

    folder: Path
    shapes: dict[str, tuple[int, ...]]

    @property
    def path(self) -> Path:
        """The file with the records."""
        return self.folder / "rows.bin"

    @property
    def marker(self) -> Path:
        """The file that says that they are whole."""
        return self.folder / "rows.json"

    @property
    def size(self) -> int:
        """Bytes of a record."""
        return sum(prod(shape) * NUMBERS[name].itemsize for name, shape in self.shapes.items())

    def is_whole(self, key: str, count: int) -> bool:
        """Whether so many records, made under this key, are there."""
        try:
            content = json.loads(self.marker.read_text())
            return content == {"key": key, "count": count} and self.path.stat().st_size == count * self.size
        except (OSError, ValueError):
            return False

    def write(self, records: Iterable[dict[str, np.ndarray]], key: str, clip: str) -> None:
        """Write all records, then the marker.

        Raises:
            UserError: The disk is full.
            ValueError: An array has another shape, or another kind of numbers.
        """
        self.marker.unlink(missing_ok=True)
        count = 0
        with writing_explained(self.path, clip):
            self.folder.mkdir(parents=True, exist_ok=True)
            with self.path.open("wb") as stream:
                for record in records:
                    stream.write(b"".join(self._bytes(name, record[name]) for name in self.shapes))
                    count += 1
                stream.flush()
                os.fsync(stream.fileno())
            with atomic_path(self.marker) as partial:
                partial.write_text(json.dumps({"key": key, "count": count}))

    def read(self, row: int, pinned: bool = False) -> UInt8[Tensor, " bytes"]:
        """Return the bytes of a record, in memory that a GPU can fetch from where asked for.

        Raises:
            ValueError: The file ends before.
        """
        content = torch.empty(self.size, dtype=torch.uint8, pin_memory=pinned)
        with self.path.open("rb", buffering=0) as stream:
            stream.seek(row * self.size)
            if stream.readinto(memoryview(content.numpy())) != self.size:
                raise ValueError(f"{self.path} ends within record {row}")
        return content

    def arrays(self, content: UInt8[Tensor, " bytes"]) -> dict[str, Tensor]:
        """Return the arrays of a record by name, where its bytes lie."""
        found, start = {}, 0
        for name, shape in self.shapes.items():
            end = start + prod(shape) * NUMBERS[name].itemsize
            found[name] = content[start:end].view(NUMBERS[name]).view(shape)
            start = end
        return found

    def _bytes(self, name: str, values: np.ndarray) -> bytes:
        kind = np.dtype(str(NUMBERS[name]).removeprefix("torch."))
        if (values.shape, values.dtype) != (self.shapes[name], kind):
            raise ValueError(f"{name} is {values.dtype} {values.shape}, not {kind} {self.shapes[name]}")
        return values.tobytes()
