"""Reading a pickle from a file without running anything in it."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from headsmith.contract.archives import file_size
from headsmith.contract.errors import UserError
from headsmith.heads.pickles_machine import Machine
from headsmith.heads.pickles_values import Record, Refusal

MAX_BYTES: Final = 400 * 2**20
"""Size of a file: seven times a FLAME model, whose 5,023 x 3 x 436 numbers of 8 bytes are 53 MB."""

REMEDY: Final = "use the file as its authors published it; if it is, report this message, and open it with nothing else"

Read = TypeVar("Read")


@dataclass(frozen=True)
class PickleFile:
    """A pickle as plain data.

    Attributes:
        path: Where it was read.
        sha256: Hash of its bytes.
        values: What it holds: a dictionary whose arrays are still records.
        records: Every object that the pickle makes, also those that are not part of what it holds.
        data: The bytes themselves.
    """

    path: Path
    sha256: str
    values: dict[Any, Any]
    records: tuple[Record, ...] = field(default=(), repr=False)
    data: bytes = field(default=b"", repr=False)

    def read(self, key: str, reader: Callable[[Any], Read]) -> Read:
        """Return one value through a reader of ``pickles_arrays``.

        Raises:
            UserError: The key is missing, or the reader refuses the value.
        """
        if key not in self.values:
            names = ", ".join(sorted(ascii(name) for name in self.values if isinstance(name, str))[:20])
            raise UserError(f"{key} is missing; the file has {names or 'nothing'}", file=self.path, remedy=REMEDY)
        try:
            return reader(self.values[key])
        except Refusal as refusal:
            raise UserError(f"{key} cannot be read: {refusal}", file=self.path, remedy=REMEDY) from refusal


def read_pickle(path: str | os.PathLike[str], missing: str) -> PickleFile:
    """Return the dictionary that a pickle of protocol 0 to 5 holds, text of Python 2 read as latin1.

    Args:
        path: The file.
        missing: What to do if it is not there.

    Raises:
        UserError: The file is missing, too large, broken, holds no dictionary, or asks for anything that is not on the list
            ``pickles_values.ALLOWED``.
    """
    data = read_bytes(Path(path), missing)
    try:
        machine = Machine(data)
        values = machine.run()
    except Refusal as refusal:
        raise UserError(f"this pickle is refused: {refusal}", file=path, remedy=REMEDY) from refusal
    if not isinstance(values, dict):
        raise UserError(f"this pickle holds a {type(values).__name__}, not a dictionary", file=path, remedy=REMEDY)
    return PickleFile(Path(path), hashlib.sha256(data).hexdigest(), values, tuple(machine.records), data)


def read_bytes(path: Path, missing: str) -> bytes:
    """Return a file's bytes.

    Raises:
        UserError: It is missing, no file, may not be read, or is too large.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise UserError(f"the file has {size} bytes, over the {MAX_BYTES} that are read", file=path, remedy=REMEDY)
        file_size(path, MAX_BYTES)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UserError("the file is not there", file=path, remedy=missing) from error
    except (OSError, ValueError) as error:
        raise UserError(f"the file cannot be read: {getattr(error, 'strerror', error)}", file=path, remedy=missing) from error
