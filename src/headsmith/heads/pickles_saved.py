"""The dictionary that ``torch.save`` wrote of numpy arrays and plain values, read without torch and without running anything.

torch's own reader of weights alone hands an array's type and an array the states that a file holds for them, and crafted ones
make numpy take bytes for objects. Here all goes through ``pickles_machine``.
"""

import zipfile
import zlib
from pathlib import Path
from typing import Any, Final

from headsmith.contract.archives import file_size, open_archive
from headsmith.heads.pickles_arrays import as_array
from headsmith.heads.pickles_machine import Machine
from headsmith.heads.pickles_values import Record, Refusal

MOST_BYTES: Final = 2**26
"""Bytes of a file, and of what is packed in it; a frame's parameters have some ten thousand."""
CONTENT: Final = "data.pkl"
MAGIC: Final = (0x1950A86A20F9469CFC6C, 1001)
"""How files of torch before 1.6 begin: two numbers, each a pickle of its own, then one of the machine's facts."""
ARRAYS: Final = ("array", "buffer", "scalar")
DEPTH: Final = 2
"""Dictionaries within dictionaries whose arrays are read; deeper ones stay records."""


def read_saved(path: Path) -> Any:
    """Return what a file of ``torch.save`` holds: plain values, and arrays in dictionaries up to ``DEPTH`` deep.

    Raises:
        OSError: It cannot be opened.
        Refusal: It is no such file, is broken or too large, or asks for anything but arrays and plain values.
    """
    data = _pickle_of(path)
    return _plain(Machine(data).run(), DEPTH, {})


def _pickle_of(path: Path) -> bytes:
    try:
        file_size(path, MOST_BYTES)
        with path.open("rb") as stream:
            zipped = stream.read(2) == b"PK"
        if not zipped:
            return _after_magic(path.read_bytes())
        with open_archive(path, MOST_BYTES) as archive:
            found = [name for name in archive.namelist() if name.rpartition("/")[2] == CONTENT]
            if len(found) != 1:
                raise Refusal(f"it has {len(found)} members {CONTENT}: torch.save writes one")
            return archive.read(found[0])
    except Refusal:
        raise
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise Refusal(str(error)) from error


def _after_magic(data: bytes) -> bytes:
    """Return the pickle of the content in a file of torch before 1.6.

    Raises:
        Refusal: It does not begin like one.
    """
    for wanted in (*MAGIC, None):
        machine = Machine(data)
        value = machine.run()
        if wanted is not None and value != wanted:
            raise Refusal("it was not written by torch.save")
        data = data[machine.place :]
    return data


def _plain(value: Any, depth: int, known: dict[int, Any]) -> Any:
    """Return a value whose arrays are arrays; what stands in several places is read once."""
    if id(value) in known:
        return known[id(value)]
    if isinstance(value, Record) and value.name.kind in ARRAYS:
        known[id(value)] = as_array(value).copy()
    elif isinstance(value, dict) and depth:
        known[id(value)] = {key: _plain(part, depth - 1, known) for key, part in value.items()}
    else:
        return value
    return known[id(value)]
