"""A tracked clip whose every number is known, with frames of every status, as a stage that tracked it would write it."""

from dataclasses import replace

import numpy as np
from stages.imported_clip import CONTAINER, FRAMES, MODEL, SIDE, true_track

from headsmith.bridges.track import MISSING, OUTLIER, UNCERTAIN, project_embedded
from headsmith.contract.conventions import MEDIAPIPE478
from headsmith.heads.clip_priors import Hints
from headsmith.stages.tracking_input import SeenLandmarks
from headsmith.stages.tracking_output import Tracked, on_outline

BAD = {3: (MISSING, "no_face"), 12: (OUTLIER, 'error of 5.2 %, "far" off'), 13: (UNCERTAIN, "deviation of 3.0 %")}
EMBEDDING = CONTAINER.embeddings[MEDIAPIPE478.name]
PARAMETERS = len(MODEL.expression) + 2 + 9 + 6


def tracked_clip(bad=BAD, noise=1.0, **changes):
    """The clip, seen with noise of so many pixels in all landmarks."""
    track = true_track()
    exact = project_embedded(track, MODEL, EMBEDDING)
    points = np.zeros((FRAMES, MEDIAPIPE478.count, 2))
    points[:, EMBEDDING.points] = exact + noise * np.random.default_rng(1).normal(size=exact.shape)
    usable = np.array([t not in bad or bad[t][0] != MISSING for t in range(FRAMES)])
    hints = Hints((), np.zeros((FRAMES, 0)))
    reasons = {t: reason for t, (_, reason) in bad.items()}
    seen = SeenLandmarks(tuple(range(FRAMES)), points, np.ones(points.shape[:2]), usable, dict(reasons), hints, MEDIAPIPE478)
    apart = np.linalg.norm(exact - points[:, EMBEDDING.points], axis=-1)
    errors = np.where(usable[:, None], 100 * apart / seen.eye_distance, np.nan)
    residual = errors[:, ~on_outline(EMBEDDING.points, MEDIAPIPE478)].mean(1)
    status = tuple(bad[t][0] if t in bad else "ok" for t in range(FRAMES))
    track = replace(track, status=status, residual=residual, convention=MEDIAPIPE478.name)
    return replace(Tracked(track, seen, CONTAINER, np.zeros(3), EMBEDDING.points, errors, reasons, {}), **changes)


def deviations():
    """Standard deviations that grow over the clip."""
    growing = np.linspace(0.5, 1.5, FRAMES)
    return {
        "deviation": growing,
        "parameter_deviation": growing[:, None] * np.linspace(0.01, 0.02, PARAMETERS),
        "identity_deviation": np.full(len(MODEL.identity), 0.25),
        "focal_deviation": 0.05,
    }


__all__ = ["BAD", "CONTAINER", "EMBEDDING", "FRAMES", "MODEL", "PARAMETERS", "SIDE", "deviations", "tracked_clip"]
