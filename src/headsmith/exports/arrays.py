"""A clip's tracking as arrays: ``.npz`` for NumPy, ``.mat`` for MATLAB and Octave."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy import ndarray
from scipy.io import savemat

LONGEST_NAME: Final = 31
"""Characters of a variable's name in a MAT-file of level 5."""

TEXT: Final = 116
"""Bytes of a MAT-file's text header (MathWorks, *MAT-File Format*, section 1); programs write their clock into it."""


def write_npz(path: Path, arrays: dict[str, ndarray]) -> None:
    """Write arrays of numbers and words; no pickles."""
    if objects := [name for name, array in arrays.items() if array.dtype.hasobject]:
        raise ValueError(f"{objects} would need pickles")
    np.savez(path, **arrays)


def write_mat(path: Path, arrays: dict[str, ndarray]) -> None:
    """Write arrays as a MAT-file of level 5: lists of words as cells, vectors as columns; same content, same bytes.

    Raises:
        ValueError: A name is too long for the format.
    """
    if long := [name for name in arrays if len(name) > LONGEST_NAME]:
        raise ValueError(f"{long} are longer than {LONGEST_NAME} characters")
    savemat(path, {name: as_matlab(array) for name, array in arrays.items()}, oned_as="column", do_compression=True)
    content = bytearray(path.read_bytes())
    content[:TEXT] = b"MATLAB 5.0 MAT-file, headsmith".ljust(TEXT)
    path.write_bytes(content)


def as_matlab(array: ndarray) -> ndarray | str:
    """Return an array as MATLAB likes it: numbers as double, one word as text, several as a cell."""
    if array.dtype.kind != "U":
        return array.astype(np.float64)
    return str(array) if array.ndim == 0 else array.astype(object)
