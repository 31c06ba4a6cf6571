"""Tables of numbers as text (``.csv``), a row a frame."""

import csv
import math
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.contract.archives import file_size
from headsmith.contract.errors import UserError

LARGEST = 2**28
"""Bytes: 100,000 frames of 70 numbers with 30 digits each."""
MOST_ROWS, LAST = 2**20, 1e9
"""Rows of a table, and the last number of a frame."""


def read_table(
    path: Path, counter: str, needed: Sequence[str], optional: Sequence[str], remedy: str
) -> dict[str, Float[ndarray, " T"]]:
    """Return columns of a ``.csv`` by name, rows in the order of their numbers.

    Rows whose needed columns are all blank or NaN are frames in which nothing was found, and are left out.

    Args:
        path: The file; its first line names the columns.
        counter: The column of the frames' numbers.
        needed: Columns that must be there.
        optional: Columns that are returned where they are there.
        remedy: What to do where a needed one is missing.

    Raises:
        UserError: The file cannot be read or is too large, lacks a column, or holds no rows, or something that is no number.
    """
    rows = read_rows(path)
    present = next(rows, {})
    missing = [name for name in (counter, *needed) if name not in present]
    if missing:
        raise UserError(f"the table lacks {missing[0]}" + others(missing), file=path, remedy=remedy)
    names = [counter, *needed, *(name for name in optional if name in present)]
    found = array("d")
    for line, row in enumerate(rows, 2):
        numbers = [parse(row, name, line, path) for name in names]
        if not all(map(math.isnan, numbers[1 : 1 + len(needed)])):
            found.extend(numbers)
        if line > MOST_ROWS:
            raise UserError(f"the table has more than {MOST_ROWS} rows", file=path, remedy="cut the clip into parts")
    values = np.array(found).reshape(-1, len(names))
    values = values[np.argsort(values[:, 0], kind="stable")]
    check(values, names, counter, path)
    return dict(zip(names, np.ascontiguousarray(values.T), strict=True))


def others(missing: list[str]) -> str:
    """Return how many more are missing, in words."""
    return f" and {len(missing) - 1} other columns" if len(missing) > 1 else ""


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the names of the columns of a ``.csv``, then its rows as text by those names.

    Raises:
        UserError: It cannot be read, or is too large.
    """
    try:
        file_size(path, LARGEST)
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, skipinitialspace=True, restval="")
            yield {name: name for name in reader.fieldnames or ()}
            yield from reader
    except (OSError, ValueError, csv.Error) as error:
        remedy = "name a table (.csv) whose first line has the names of its columns"
        raise UserError(f"the table cannot be read: {error}", file=path, remedy=remedy) from error


def parse(row: dict[str, str], name: str, line: int, path: Path) -> float:
    """Return a number of a row; NaN where it is blank.

    Raises:
        UserError: It is something else.
    """
    text = row[name].strip()
    try:
        return float(text) if text else float("nan")
    except ValueError as error:
        raise UserError(f"{name} in line {line} is {text[:60]!r}, no number", file=path) from error


def check(values: Float[ndarray, "T n"], names: list[str], counter: str, path: Path) -> None:
    """Refuse rows that are not all numbers, or whose frames are not numbered.

    Raises:
        UserError: There are none, one has a gap, or frames have no or the same number.
    """
    if not len(values):
        raise UserError("the table has no row with scores", file=path)
    numbers = values[:, 0]
    if not np.isfinite(numbers).all() or (numbers < 0).any() or (numbers > LAST).any() or (numbers != numbers.round()).any():
        raise UserError(f"{counter} is not whole numbers from 0", file=path)
    if (np.diff(numbers) == 0).any():
        twice = int(numbers[:-1][np.diff(numbers) == 0][0])
        raise UserError(f"{counter} {twice} is there twice", file=path)
    gaps = np.argwhere(~np.isfinite(values))
    if len(gaps):
        row, column = gaps[0]
        what = f"{names[column]} of {counter} {int(numbers[row])} is blank or no finite number"
        raise UserError(what, file=path, remedy="leave all columns of a frame blank where no face was found")
