"""Which frames the tracking's picture shows: those that went wrong, the worst, the median, and the best."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.stages.quality_tracking_data import TrackedClip

BAD = "Frames that are not ok, the worst first"
WORST = "The worst of the frames that are ok"
MEDIAN = "The median of the frames that are ok"
BEST = "The best of the frames that are ok"
APART = 40
"""Frames of one kind lie at least this part of the clip apart, as far as there are enough: neighbours look alike."""


def choose_frames(tracked: TrackedClip, rows: int, columns: int) -> list[tuple[str, list[int]]]:
    """Return headings with places in the clip; the rows of frames are dealt out to the kinds in turn, to the worst first.

    Args:
        tracked: The clip.
        rows: Of frames, in all.
        columns: Frames in a row.
    """
    good, bad, residual = np.flatnonzero(tracked.ok), np.flatnonzero(~tracked.ok), tracked.track.residual
    middle = np.abs(residual - np.median(residual[good])) if len(good) else residual
    kinds = {
        BAD: (bad, -np.nan_to_num(residual)),
        WORST: (good, -residual),
        MEDIAN: (good, middle),
        BEST: (good, residual),
    }
    order = [kind for kind in (WORST, BAD, MEDIAN, BEST) if len(kinds[kind][0])][: max(1, rows)]
    dealt = {kind: columns * len(range(number, max(1, rows), len(order))) for number, kind in enumerate(order)}
    return [(kind, lowest(*kinds[kind], dealt[kind])) for kind in kinds if kind in dealt]


def lowest(places: ndarray, badness: Float[ndarray, " T"], count: int) -> list[int]:
    """Return the places with the lowest values in rising order, apart from each other as far as there are enough.

    Args:
        places: To choose from.
        badness: Of every frame of the clip.
        count: How many to choose at most.
    """
    waiting = places[np.argsort(badness[places], kind="stable")].tolist()
    chosen: list[int] = []
    for apart in (len(badness) // APART, 0):
        for place in waiting:
            if len(chosen) < count and all(abs(place - other) > apart for other in chosen):
                chosen.append(place)
    return sorted(chosen, key=lambda place: badness[place])
