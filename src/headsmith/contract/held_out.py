"""How many frames are held out of training: a number of them, or a share of those that can be used."""

import re
from fractions import Fraction
from math import floor

PERCENT = r"(?!0+(\.0+)?%)\d{1,2}(\.\d+)?%"
"""A share as it is written: more than 0 and less than 100 percent."""


def count_held_out(held_out: int | str, usable: int) -> int:
    """Return how many frames are held out.

    Args:
        held_out: A number of frames, or a share of them such as ``10%``.
        usable: How many frames there are.

    Returns:
        The number itself, which may be more than there are; or the share, rounded to the nearest frame (halves up), at least 1.

    Raises:
        ValueError: The text is no share.
    """
    if isinstance(held_out, int):
        return held_out
    if not re.fullmatch(PERCENT, held_out):
        raise ValueError(f"{held_out!r} is no share such as 10%")
    return max(1, floor(Fraction(held_out.removesuffix("%")) * usable / 100 + Fraction(1, 2)))
