"""Beliefs about a talking head before a landmark is seen: how far codes go, how fast things change, what the detector hints at.

The time steps are the smallest that predict landmarks of left-out frames of a real clip (franck, every tenth of 300 frames) no
worse: 1.22 % of the eye distance for turns of 0.8 to 1.5 mrad. They go with ``tracking.noise`` at 1 %.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray
from torch import Tensor

from headsmith.contract.settings import TrackingSettings
from headsmith.heads.clip_types import ClipPriors
from headsmith.heads.landmark_model import CodeLayout

UNIT_RANGE = (0.0, 1.2)
"""Face units are drawn for 0..1; a fifth beyond is still a face."""
UNIT_DEVIATION, UNIT_STEP = 0.35, 0.08
CODE_RANGE, CODE_DEVIATION, CODE_STEP = (-4.0, 4.0), 1.0, 0.25
"""Codes of a statistical model are in standard deviations."""
LID_RANGE, LID_DEVIATION, LID_STEP, LID_DIFFERENCE = (0.0, 1.1), 0.5, 0.4, 0.1
"""Lids close within a frame or two, mostly together."""
JAW_RANGE = ((-0.02, 0.5), (-0.15, 0.15), (-0.05, 0.05))
JAW_DEVIATION, JAW_STEP = (0.15, 0.03, 0.005), (0.04, 0.01, 0.002)
"""Radians: opening, sideways, rolling."""
EYE_RANGE = ((-0.6, 0.6), (-0.8, 0.8), (-0.01, 0.01))
EYE_DEVIATION, EYE_STEP = (0.2, 0.3, 0.002), (0.15, 0.2, 0.002)
EYE_DIFFERENCE = (0.03, 0.08, 0.01)
"""Radians: down, to the side, rolling. Eyes go up and down together, and nearly together to the sides."""
TURN_STEP = 0.0006
"""Radians: change of the head's turn from frame to frame."""
SPOT_STEP = (0.002, 0.002, 0.00015)
"""Change of the speed at which the head crosses the picture, in distances of the eyes a frame, and grows (logarithm)."""
INDEPENDENT = 0.8
"""A clip tells as much about the person and the focal length as so many frames with independent errors would: a detector's
error on a person hardly changes from frame to frame, nor from a point to its neighbours (2.1 to 3.1 % of the eye distance on
rendered people, of which 1.9 to 3.0 % stay the same through a clip: docs/accuracy.md). With 8, landmarks are met to 0.93 %
instead of 0.99 % there, but by people 3.8 instead of 2.8 mm off, and with 0.08 to 1.11 % by people 2.6 mm off."""
FOCAL_IN_SIZES, FOCAL_DEVIATION = 3.5, 0.5
"""Expected focal length in image sizes (a face crop of a camera of ordinary view), and the deviation of its logarithm."""
BLINK_FLOOR, BLINK_PEAK, LEAST_BLINK = 0.05, 0.99, 0.3
"""Quantiles of the detector's blink score taken as open and closed lids, and the least span between them."""
LID_HINT, UNIT_HINT = 0.1, 0.5
"""Deviation of lids from the calibrated blink, and the share of a unit's score taken as its expected value."""


@dataclass(frozen=True)
class Hints:
    """What the detector says about expression: ``scores (T, S)`` in 0..1 by ``names``; rows of unseen frames may be NaN."""

    names: tuple[str, ...]
    scores: Float[ndarray, "T S"]


def build_priors(
    layout: CodeLayout,
    units: tuple[str, ...],
    hints: Hints,
    seen: Bool[Tensor, " T"],
    size: int,
    eye_distance: float,
    settings: TrackingSettings,
) -> ClipPriors:
    """Return the beliefs about a clip.

    Args:
        layout: Where codes lie.
        units: Names of the expression codes; those among the hints' names are face units, others in standard deviations.
        hints: The detector's scores.
        seen: Frames with landmarks.
        size: Side of the images, pixels.
        eye_distance: Between the outer corners of the eyes, pixels.
        settings: Weights of identity, expression and smoothness; at 1 the deviations are those above.
    """
    known = np.array([unit in hints.names for unit in units])
    columns = _columns(known)
    calm = 1 / math.sqrt(max(settings.smoothness, 1e-9))
    frames = max(int(seen.sum()), 1)
    told = min(1, INDEPENDENT / frames)
    return ClipPriors(
        code_mean=code_means(units, hints, seen),
        code_precision=settings.expression_weight * _precision(columns["deviation"], layout),
        code_low=columns["low"],
        code_high=columns["high"],
        code_slack=0.02,
        code_step=columns["step"] * calm,
        tied=torch.arange(len(seen)) + 1 < len(seen),
        turn_step=TURN_STEP * calm,
        spot_step=torch.tensor(SPOT_STEP, dtype=torch.float64) * calm * torch.tensor([eye_distance, eye_distance, 1.0]),
        identity=math.sqrt(told) / math.sqrt(max(settings.identity_weight, 1e-9)),
        identity_mean=torch.zeros(1, dtype=torch.float64),
        log_focal=(math.log(FOCAL_IN_SIZES * size), FOCAL_DEVIATION * math.sqrt(told)),
        told=told,
    )


def _columns(known: Bool[ndarray, " E"]) -> dict[str, Float[Tensor, " C"]]:
    """Return deviation, step and bounds of every code, in the layout's order."""

    def joined(unit: float, code: float, lid: float, jaw: tuple[float, ...], eye: tuple[float, ...]) -> Tensor:
        return torch.tensor([*np.where(known, unit, code), lid, lid, *jaw, *eye, *eye], dtype=torch.float64)

    low, high = (
        joined(*(item[end] for item in (UNIT_RANGE, CODE_RANGE, LID_RANGE)), *(_ends(r, end) for r in (JAW_RANGE, EYE_RANGE)))
        for end in (0, 1)
    )
    deviation = joined(UNIT_DEVIATION, CODE_DEVIATION, LID_DEVIATION, JAW_DEVIATION, EYE_DEVIATION)
    step = joined(UNIT_STEP, CODE_STEP, LID_STEP, JAW_STEP, EYE_STEP)
    return {"deviation": deviation, "step": step, "low": low, "high": high}


def _ends(ranges: tuple[tuple[float, float], ...], end: int) -> tuple[float, ...]:
    return tuple(pair[end] for pair in ranges)


def _precision(deviation: Float[Tensor, " C"], layout: CodeLayout) -> Float[Tensor, "C C"]:
    """Return the inverse covariance: each code by itself, and both lids and both eyes together."""
    precision = torch.diag(deviation**-2)
    left, right = layout.angles(1), layout.angles(2)
    pairs = [(layout.expression, layout.expression + 1, LID_DIFFERENCE)]
    pairs += [(left.start + axis, right.start + axis, EYE_DIFFERENCE[axis]) for axis in range(3)]
    for one, other, difference in pairs:
        block = difference**-2 * torch.tensor([[1.0, -1.0], [-1.0, 1.0]], dtype=torch.float64)
        places = torch.tensor([one, other])
        precision[places[:, None], places] += block
    lids = torch.arange(layout.expression, layout.linear)
    precision[lids, lids] += LID_HINT**-2
    return precision


def code_means(units: tuple[str, ...], hints: Hints, seen: Bool[Tensor, " T"]) -> Float[Tensor, "T C"]:
    """Return the expected codes of each frame: a share of the unit's score, and calibrated blinks; zero where unseen."""
    layout = CodeLayout(len(units))
    means = torch.zeros(len(seen), layout.count, dtype=torch.float64)
    for column, unit in enumerate(units):
        if unit in hints.names:
            means[:, column] = UNIT_HINT * _score(hints, unit, seen)
    for side, name in enumerate(("eyeBlinkLeft", "eyeBlinkRight")):
        if name in hints.names:
            means[:, layout.expression + side] = calibrate_blink(_score(hints, name, seen), seen)
    return means


def _score(hints: Hints, name: str, seen: Bool[Tensor, " T"]) -> Float[Tensor, " T"]:
    scores = torch.from_numpy(hints.scores[:, hints.names.index(name)]).double()
    return torch.where(seen, scores, torch.zeros_like(scores))


def calibrate_blink(scores: Float[Tensor, " T"], seen: Bool[Tensor, " T"]) -> Float[Tensor, " T"]:
    """Return lids in 0..1 from blink scores: scores of open lids have a floor and closed ones a peak, both the clip's own.

    Args:
        scores: The detector's scores, 0..1.
        seen: Frames whose score counts; others get 0.
    """
    if not seen.any():
        return torch.zeros_like(scores)
    floor, peak = (torch.quantile(scores[seen], quantile) for quantile in (BLINK_FLOOR, BLINK_PEAK))
    lids = ((scores - floor) / (peak - floor).clamp(min=LEAST_BLINK)).clamp(0, 1)
    return torch.where(seen, lids, torch.zeros_like(lids))
