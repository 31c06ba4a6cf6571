"""How certain a tracked clip is, in the units that people and files know, and which frames are too uncertain to be used."""

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.track import MISSING, OK, OUTLIER, UNCERTAIN
from headsmith.contract.settings import TrackingSettings
from headsmith.heads.clip_certainty import Certainty, clip_certainty
from headsmith.heads.clip_fit import ClipFit
from headsmith.heads.clip_identity import Person
from headsmith.heads.clip_step import work
from headsmith.heads.clip_types import ClipProblem
from headsmith.stages.tracking_input import SeenLandmarks


def ask_certainty(problem: ClipProblem, fit: ClipFit, threads: int) -> Certainty:
    """Return how certainly a clip is known at its fit."""
    with work(threads) as worker:
        return clip_certainty(problem, fit.state, worker, fit.reduced)


def deviations_of(
    certainty: Certainty, person: Person, problem: ClipProblem, seen: SeenLandmarks
) -> dict[str, ndarray | float]:
    """Return standard deviations as ``Tracked`` has them, by name.

    Identity codes outside the directions that are sought keep the prior's.
    """
    codes = problem.landmarks.layout.count
    own = np.concatenate([certainty.own[:, : codes + 3].numpy(), certainty.shift.numpy()], 1)
    shown, sought = person.directions.square(), certainty.identity.square()
    rest = (1 - shown.sum(0)).clamp(min=0) * problem.priors.identity**2 / problem.priors.told
    identity = (sought @ shown + rest).sqrt() if len(sought) else torch.zeros_like(person.mean)
    return {
        "deviation": 100 * certainty.pixels.numpy() / seen.eye_distance,
        "parameter_deviation": own,
        "identity_deviation": identity.numpy(),
        "focal_deviation": certainty.log_focal,
    }


def judge_frames(
    deviation: Float[ndarray, " T"], reasons: dict[int, str], seen: SeenLandmarks, settings: TrackingSettings
) -> tuple[tuple[str, ...], dict[int, str]]:
    """Return the status of each frame, and why frames are not ok, by place in the clip.

    Args:
        deviation: Standard deviation of the landmarks' places, percent of the eye distance.
        reasons: Why frames are missing or outliers.
        seen: The landmarks.
        settings: How large a deviation may be.
    """
    vague = [int(t) for t in np.flatnonzero(deviation > settings.max_deviation) if int(t) not in reasons]
    told = {t: f"known to {deviation[t]:.1f} %" for t in vague}
    status = [OK] * len(seen.ids)
    for t in reasons:
        status[t] = OUTLIER if seen.usable[t] or seen.reasons.get(t) == "leap" else MISSING
    for t in vague:
        status[t] = UNCERTAIN
    return tuple(status), reasons | told
