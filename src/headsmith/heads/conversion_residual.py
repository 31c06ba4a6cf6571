"""How far apart two heads lie after a conversion, in millimetres: of the person at rest, over the frames, and by region."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

MILLI = 1000.0
BINS = np.concatenate([[0.0], np.geomspace(1e-6, 1e3, 9001), [np.inf]])
"""Ends of the histogram's bins, millimetres; each is 0.23 % wider than the one before."""
TAIL = 0.95


class Residuals:
    """Collects distances frame by frame, in memory that does not grow with the clip.

    Args:
        regions: Which places belong to what.
    """

    def __init__(self, regions: dict[str, Bool[ndarray, " L"]]) -> None:
        self._regions = regions
        self._counts = np.zeros(len(BINS) - 1, np.int64)
        self._sum: float | Float[ndarray, " L"] = 0.0
        self._largest: float | Float[ndarray, " L"] = 0.0
        self._frames = 0

    def add(self, distances: Float[ndarray, "B L"]) -> None:
        """Take the distances of some frames, metres."""
        millimetres = MILLI * distances
        self._counts += np.bincount(np.searchsorted(BINS[1:], millimetres.ravel(), side="left"), minlength=len(self._counts))
        self._sum = self._sum + millimetres.sum(0)
        self._largest = np.maximum(self._largest, millimetres.max(0))
        self._frames += len(distances)

    @property
    def mean(self) -> float:
        """Mean distance over all places and frames, millimetres; 0 where there is no frame."""
        return float(np.mean(self._sum)) / max(self._frames, 1)

    def summary(self) -> dict[str, object]:
        """Return ``mean_mm``, ``p95_mm``, ``max_mm``, and ``regions_mm``: the mean by region."""
        largest = float(np.max(self._largest))
        tail = BINS[1:][np.searchsorted(np.cumsum(self._counts), TAIL * self._counts.sum())] if self._frames else 0.0
        by_place = np.asarray(self._sum) / max(self._frames, 1)
        regions = {name: float(by_place[rows].mean()) for name, rows in self._regions.items()} if self._frames else {}
        return {"mean_mm": self.mean, "p95_mm": min(float(tail), largest), "max_mm": largest, "regions_mm": regions}
