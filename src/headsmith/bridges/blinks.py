"""Eyelids from blink scores, calibrated to the person.

A detector's score is a probability: open eyes are not at 0, a blink does not reach 1, and both differ between people.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.track import Track

SCORED = ("flame_head_tracker", "blendshapes")
"""Trackers whose eyelids are such scores."""
OPEN, CLOSED = 5.0, 95.0
"""Percentiles: of all frames, which is the open eye; of those in blinks, which is the closed one."""
LEAST_RANGE = 0.25
"""A score that spans less above the open eye holds no blink."""
BLINKING = 0.5
"""A blink begins at this share of the score's range."""


@dataclass(frozen=True)
class BlinkRange:
    """The scores of a person's open and closed eye; ``closed`` is None where no blink was seen, and nothing is changed."""

    open: float
    closed: float | None


def blink_range(scores: Float[ndarray, " T"]) -> BlinkRange:
    """Return what a person's open and closed eye scores.

    Args:
        scores: Of one eye, in 0..1.
    """
    low, high = float(np.percentile(scores, OPEN)), float(scores.max())
    if high - low < LEAST_RANGE:
        return BlinkRange(low, None)
    blinks = scores[scores > low + BLINKING * (high - low)]
    return BlinkRange(low, float(np.percentile(blinks, CLOSED)))


def calibrate_blinks(track: Track) -> tuple[Track, tuple[BlinkRange, BlinkRange]]:
    """Return the clip with scores mapped so that the person's open eye is 0 and the closed one 1, an eye at a time.

    Args:
        track: The clip; its eyelids are blink scores.
    """
    ranges = [blink_range(scores) for scores in track.eyelids.T]
    eyelids = [
        scores if found.closed is None else ((scores - found.open) / (found.closed - found.open)).clip(0, 1)
        for scores, found in zip(track.eyelids.T, ranges, strict=True)
    ]
    return replace(track, eyelids=np.stack(eyelids, 1)), (ranges[0], ranges[1])
