"""Where a mask lies in its picture."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray


def middle_of(inside: Bool[ndarray, "H W"]) -> Float[ndarray, "2"]:
    """Return the mean place (x, y) of a mask's pixels, of which there must be some; pixel centres lie at +0.5."""
    columns, rows = np.count_nonzero(inside, axis=0), np.count_nonzero(inside, axis=1)
    places = [counts @ (np.arange(len(counts)) + 0.5) / counts.sum() for counts in (columns, rows)]
    return np.array(places)
