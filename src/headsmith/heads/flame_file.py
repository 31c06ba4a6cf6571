"""What was read from FLAME's own file, as an ``.npz`` without pickles: its bytes depend on what it holds alone.

Not on who read it: arrays stand in fixed order with a fixed date, and headers are written here, because those of numpy differ
between its releases.
"""

import os
import zipfile
from pathlib import Path
from typing import Final

import numpy as np
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.heads.flame_releases import Release
from headsmith.heads.flame_source import FlameSource

ARRAYS: Final = ("template", "directions", "correctives", "joint_regressor", "joints", "weights", "faces")
"""Attributes of ``FlameSource`` that are stored as they are, in this order."""

REMEDY: Final = "delete the file and run snakemake again: FLAME's own file is then read anew"

ALIGNMENT: Final = 64
"""Bytes to which the ``.npy`` format (numpy's enhancement proposal 1) pads what comes before the numbers."""


def save_source(source: FlameSource, path: str | os.PathLike[str]) -> None:
    """Write what was read; the caller sees to it that the file appears whole."""
    words = {"sha256": source.sha256, "release": source.release.name, "told_by": source.release.told_by}
    arrays = {name: getattr(source, name) for name in ARRAYS} | {name: np.array(word) for name, word in words.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), npy_bytes(array))


def npy_bytes(array: ndarray) -> bytes:
    """Return an array as a file of the ``.npy`` format, version 1.0: little-endian, by rows."""
    kind = array.dtype.newbyteorder("<")
    header = f"{{'descr': {kind.str!r}, 'fortran_order': False, 'shape': {array.shape!r}, }}"
    start = b"\x93NUMPY\x01\x00"
    length = -(-(len(start) + 2 + len(header) + 1) // ALIGNMENT) * ALIGNMENT - len(start) - 2
    text = header.ljust(length - 1) + "\n"
    return start + length.to_bytes(2, "little") + text.encode("latin1") + array.astype(kind, copy=False).tobytes("C")


def load_source(path: str | os.PathLike[str], model: str | os.PathLike[str]) -> FlameSource:
    """Return what ``save_source`` wrote.

    Args:
        path: The file.
        model: The licensed file that it was read from, for messages.

    Raises:
        UserError: It is missing or broken.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        release = Release(str(arrays["release"]), str(arrays["told_by"]))
        return FlameSource(Path(model), str(arrays["sha256"]), release, **{name: arrays[name] for name in ARRAYS})
    except FileNotFoundError as error:
        raise UserError("what was read of FLAME is not there", file=path, remedy="run snakemake: it is then read") from error
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, EOFError) as error:
        raise UserError(f"what was read of FLAME is broken: {error}", file=path, remedy=REMEDY) from error
