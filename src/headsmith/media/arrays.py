"""Reading ``.npz`` files that stages hand on: named arrays, no pickles, and one message for all that may be wrong."""

from collections.abc import Iterable
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy import ndarray

from headsmith.contract.errors import UserError


def read_arrays(path: Path, keys: Iterable[str], clip: str, *, what: str, remake: str) -> dict[str, ndarray]:
    """Return arrays of a file by name.

    Args:
        path: The file.
        keys: Names of the arrays wanted, all of which must be there.
        clip: Name of the clip, for the message.
        what: What the file holds, for the message ("landmarks").
        remake: What happens when the file is deleted, for the message ("the landmarks are detected anew").

    Raises:
        UserError: The file is missing or broken, or lacks an array.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            return {key: content[key] for key in keys}
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        remedy = f"delete {path} and run snakemake again: {remake}"
        raise UserError(f"the {what} cannot be read: {error}", clip=clip, file=path, remedy=remedy) from error


def read_landmark_arrays(path: Path, clip: str, *keys: str) -> dict[str, ndarray]:
    """Return arrays of ``landmarks.npz`` by name (docs/outputs.md).

    Raises:
        UserError: The file is missing or broken, or lacks an array.
    """
    return read_arrays(path, keys, clip, what="landmarks", remake="the landmarks are detected anew")
