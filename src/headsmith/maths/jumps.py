"""Jumps in a sequence of masks: frames that overlap too little with the frame before."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool
from numpy import ndarray


@dataclass
class JumpWatch:
    """Watches masks go by, one at a time, and keeps the frames that differ too much from the one before.

    The measure is the intersection over union (Jaccard's index) of neighbours: 1 where they are the same, 0 where they share
    nothing. Memory holds one mask.

    Attributes:
        least: The smallest overlap that is no jump, 0..1; 0 finds none.
        jumps: Frame id and overlap of each jump so far, in the order added.
    """

    least: float
    jumps: list[tuple[int, float]] = field(default_factory=list)
    _before: Bool[ndarray, "H W"] | None = field(default=None, init=False, repr=False)
    _area: int = field(default=0, init=False, repr=False)

    def add(self, frame_id: int, mask: Bool[ndarray, "H W"]) -> float:
        """Take the next mask, of the size of all others, and return its overlap with the one before; the first's is 1.

        The mask must not be changed afterwards.
        """
        area = int(np.count_nonzero(mask))
        overlap = 1.0
        if self._before is not None:
            shared = int(np.count_nonzero(self._before & mask))
            overlap = overlap_of(shared, self._area, area)
            if overlap < self.least:
                self.jumps.append((frame_id, round(overlap, 4)))
        self._before, self._area = mask, area
        return overlap


def overlap_of(shared: int, first: int, second: int) -> float:
    """Return the intersection over union of two masks, 0..1, from the pixels they share and have; two empty ones give 1."""
    union = first + second - shared
    return shared / union if union else 1.0
