"""OpenFace's text files: matrices between comments, read with nothing taken on trust.

A matrix is its rows, its columns, OpenCV's number of its type, and its entries row by row. Lines that begin with ``#`` are
comments and may stand between matrices.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.contract.archives import file_size
from headsmith.contract.errors import UserError

TYPES: dict[int, str] = {0: "u1", 4: "i4", 5: "f4", 6: "f8"}
"""OpenCV's types of matrices with one channel (CV_8U, CV_32S, CV_32F, CV_64F), and numpy's."""
MOST_ENTRIES = 2**22
LONGEST_NUMBER = 64


class FaultyFileError(ValueError):
    """What is wrong with the content of a file, in words."""


class TextNumbers:
    """The numbers of a text, one after the other.

    Args:
        text: Numbers and comments.
    """

    def __init__(self, text: str) -> None:
        lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
        self._words = [word for line in lines for word in line.split()]
        self._place = 0

    @property
    def left(self) -> int:
        """How many numbers follow."""
        return len(self._words) - self._place

    def number(self, what: str) -> float:
        """Return the next number.

        Raises:
            FaultyFileError: There is none, or it is not finite.
        """
        return float(self.numbers(1, what)[0])

    def whole(self, what: str, least: int, most: int) -> int:
        """Return the next number, a whole one within bounds.

        Raises:
            FaultyFileError: It is none, or out of bounds.
        """
        value = self.number(what)
        if value != int(value) or not least <= value <= most:
            raise FaultyFileError(f"{what} is {value:g}, not a whole number from {least} to {most}")
        return int(value)

    def matrix(self, what: str, most: int = MOST_ENTRIES) -> Float[ndarray, "R C"]:
        """Return the next matrix.

        Raises:
            FaultyFileError: It is cut off, has more than ``most`` entries, or an entry that is not finite.
        """
        rows, columns = (self.whole(f"the number of {name} of {what}", 0, most) for name in ("rows", "columns"))
        kind = self.whole(f"the type of {what}", 0, 255)
        if kind not in TYPES:
            raise FaultyFileError(f"{what} is of OpenCV's type {kind}, which is not read")
        if rows * columns > most:
            raise FaultyFileError(f"{what} claims {rows} x {columns} entries, and {most} are read at most")
        return self.numbers(rows * columns, what).reshape(rows, columns)

    def numbers(self, count: int, what: str) -> Float[ndarray, " N"]:
        """Return the next numbers.

        Raises:
            FaultyFileError: There are fewer, or one is not finite.
        """
        words = self._words[self._place : self._place + count]
        self._place += len(words)
        if len(words) < count:
            raise FaultyFileError(f"the file ends within {what}: {len(words)} of {count} numbers are there")
        if long := next((word for word in words if len(word) > LONGEST_NUMBER), None):
            raise FaultyFileError(f"{what} has a number of {len(long)} signs")
        try:
            values = np.array([float(word) for word in words])
        except ValueError as error:
            raise FaultyFileError(f"{what}: {str(error)[:80]}") from error
        if not np.isfinite(values).all():
            raise FaultyFileError(f"{what} has a number that is not finite")
        return values


def read_text(path: Path, most: int, what: str, remedy: str) -> str:
    """Return the text of a file.

    Args:
        path: The file.
        most: Bytes that it may have.
        what: What it should be, for messages.
        remedy: What the user can do where it is not.

    Raises:
        UserError: It is not there, is no plain file, has more bytes, or is no text.
    """
    try:
        file_size(path, most)
        content = path.read_bytes()
        if b"\0" in content:
            raise ValueError("it is no text")
        return content.decode("ascii")
    except (OSError, ValueError) as error:
        raise UserError(f"{what} cannot be read: {error}", file=path, remedy=remedy) from error


def write_matrix(matrix: Float[ndarray, "R C"], comment: str) -> str:
    """Return a matrix of float64 as text, every entry with as many digits as give it back."""
    rows = "\n".join(" ".join(map(repr, row)) for row in np.asarray(matrix, np.float64).tolist())
    return f"# {comment}\n{matrix.shape[0]}\n{matrix.shape[1]}\n6\n{rows}\n"
