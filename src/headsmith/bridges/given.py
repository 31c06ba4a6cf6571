"""What the readers of other programs' files share: numbered files, arrays that are checked, one value for a whole clip."""

import json
import re
import zipfile
import zlib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from headsmith.contract.archives import check_arrays, file_size
from headsmith.contract.errors import UserError, printable
from headsmith.heads.model import HeadModel
from headsmith.media.progress import note

SAME = 1e-4
"""Share by which a number that is one for the clip may differ between its frames, and codes in standard deviations: what
float32 and text lose."""
ORTHONORMAL = 1e-3
"""How far ``R R'`` may be from the identity: what float32 and text lose, and more than any error of a formula is."""
MOST_JSON = 2**26
"""Bytes: 30,000 frames of 100 codes with 20 digits each. A list of nothing takes 64 bytes for three of text."""
SPREAD = 1e-3
"""Identity codes that differ by more, in standard deviations, are told."""


def numbered_files(folder: Path, *endings: str) -> list[tuple[int, Path]]:
    """Return the files of a folder that are named by a number, in its order.

    Args:
        folder: The folder.
        endings: What follows the number, as ``.npz``.

    Raises:
        UserError: There is no such folder, no such file in it, two have the same number, or one with such an ending has none.
    """
    wanted = " or ".join(f"<number>{ending}" for ending in endings)
    if not folder.is_dir():
        raise UserError("this is not a folder", file=folder, remedy=f"name the folder that holds {wanted}")
    forms = re.compile(f"([0-9]{{1,9}})({'|'.join(map(re.escape, endings))})")
    found: dict[int, Path] = {}
    stray = None
    for path in sorted(folder.iterdir()):
        match = forms.fullmatch(path.name)
        if match and int(match[1]) in found:
            what = f"{path.name} and {found[int(match[1])].name} have the same number"
            raise UserError(what, file=folder, remedy="remove the one too many")
        if match:
            found[int(match[1])] = path
        elif path.name.endswith(endings) and not path.name.startswith("."):
            stray = path
    if not found:
        raise UserError(f"the folder holds no {wanted}", file=folder, remedy=f"name the folder that holds {wanted}")
    if stray:
        remedy = f"name frames {wanted}, counted from the video's first, and remove other files"
        raise UserError(f"{printable(stray.name)} is not named by a number, and would be left out", file=stray, remedy=remedy)
    return sorted(found.items())


def read_npz(path: Path, keys: Collection[str] | None = None) -> dict[str, ndarray]:
    """Return the arrays of an ``.npz``, without pickles.

    Args:
        path: The file.
        keys: Which arrays are read, of those that there are; all when left out.

    Raises:
        UserError: The file is missing or broken, or an array that is asked for holds Python objects.
    """
    try:
        check_arrays(path, keys)
        with np.load(path, allow_pickle=False) as content:
            return {key: content[key] for key in content.files if keys is None or key in keys}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        remedy = "save numbers alone, as arrays: what holds Python objects could run code when it is read"
        raise UserError(f"the file cannot be read: {error}", file=path, remedy=remedy) from error


def read_json(path: Path) -> Any:
    """Return what a ``.json`` holds.

    Raises:
        UserError: It is missing, too large, no text or no JSON, or nested as no list of frames is.
    """
    try:
        file_size(path, MOST_JSON)
        return json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        remedy = "write it anew, or copy it again: it is JSON that lists frames"
        raise UserError(f"the file cannot be read: {error}", file=path, remedy=remedy) from error


def whole_number(text: str) -> int | None:
    """Return the number of a frame; None where a text is none, or is beyond any clip's."""
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def numbers(content: Mapping[str, Any], key: str, shape: tuple[int, ...], path: Path) -> Float[ndarray, "*shape"]:
    """Return an array as float64, without the leading axes of 1 that it has beyond ``shape``.

    Args:
        content: Arrays by name.
        key: Which.
        shape: What it must have; -1 stands for any length.
        path: Where it stands, for messages.

    Raises:
        UserError: It is not there, no array of numbers, of another shape, or holds what is no finite number.
    """
    if key not in content:
        raise UserError(f"{key!r} is missing; there are: {', '.join(sorted(map(str, content)))}", file=path)
    try:
        values = np.asarray(content[key])
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise UserError(f"{key!r} is no array: its rows differ in length", file=path) from error
    if values.dtype.kind not in "fiu":
        raise UserError(f"{key!r} holds no numbers but {values.dtype}", file=path)
    lean = values.reshape(values.shape[len(values.shape) - len(shape) :]) if _lean(values, len(shape)) else values
    if lean.ndim != len(shape) or any(want not in (-1, have) for want, have in zip(shape, lean.shape, strict=True)):
        raise UserError(f"{key!r} is {values.shape}, not {shape} (-1: any length)", file=path)
    with np.errstate(over="ignore"):
        lean = lean.astype(np.float64)
    if not np.isfinite(lean).all():
        raise UserError(f"{key!r} holds NaN or infinity", file=path, remedy="remove the frame: absent ones are left out")
    return lean


def _lean(values: ndarray, axes: int) -> bool:
    return values.ndim > axes and set(values.shape[: values.ndim - axes]) == {1}


def are_rotations(matrices: Float[ndarray, "T 3 3"]) -> Bool[ndarray, " T"]:
    """Tell which matrices are rotations, within ``ORTHONORMAL``: their rows are orthonormal, and they do not mirror."""
    miss = np.abs(matrices @ np.swapaxes(matrices, -1, -2) - np.eye(3)).max((-2, -1))
    return (miss <= ORTHONORMAL) & (np.linalg.det(matrices) > 0)


def check_head(told: Any, model: HeadModel, path: Path) -> None:
    """Accept codes of the head that they are read for.

    Args:
        told: The sha256 of the head that a file names.
        model: The head.
        path: The file.

    Raises:
        UserError: They are another head's.
    """
    if told != model.sha256:
        what = f"its codes are of another head ({told!s:.12}) than {model.container.name} ({model.sha256:.12})"
        remedy = "set heads.model to that head, or carry it over: `snakemake convert_head` (conversion.to)"
        raise UserError(what, file=path, remedy=remedy)


def fit_codes(codes: Float[ndarray, "T n"], count: int, what: str, path: Path) -> Float[ndarray, "T count"]:
    """Return codes for a head that has ``count`` of them: zeros are added, or left out.

    Args:
        codes: One row a frame; a prefix of the head's.
        count: How many the head has.
        what: Their name, for the message.
        path: Where they stand.

    Raises:
        UserError: There are more, and they are not zero.
    """
    if codes[:, count:].any():
        remedy = "use the head model that it was tracked with (heads.model)"
        raise UserError(f"{codes.shape[1]} {what} codes, but the head has {count}", file=path, remedy=remedy)
    return np.pad(codes[:, :count], ((0, 0), (0, max(0, count - codes.shape[1]))))


def one_identity(rows: Float[ndarray, "T K"], path: Path) -> Float[ndarray, " K"]:
    """Return the identity codes of a clip: the median over its frames; how far they differ is told."""
    median = np.median(rows, axis=0)
    spread = float(np.abs(rows - median).max(initial=0))
    if spread > SPREAD:
        note(f"{path}: identity codes differ between frames by up to {spread:.3g}; their median is used")
    return median


def one_number(values: Iterable[float], what: str, path: Path, remedy: str) -> float:
    """Return the number that all frames of a clip share.

    Raises:
        UserError: It differs between frames.
    """
    found = np.array(list(values), np.float64)
    middle = float(np.median(found))
    if np.abs(found - middle).max() > SAME * abs(middle):
        raise UserError(f"the {what} changes, from {found.min():.6g} to {found.max():.6g}", file=path, remedy=remedy)
    return middle
