"""What tracking reads: landmarks that fit the frames and the head, or a message that says what does not."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.contract.landmark_groups import OUTER_EYE_CORNERS
from headsmith.contract.manifest import Manifest
from headsmith.heads.clip_priors import Hints
from headsmith.heads.container import HeadContainer
from headsmith.media.arrays import read_landmark_arrays

LEAP = 0.5
"""A face whose middle lies farther, in eye distances, from the median of the frames around it is another's, or none."""
AROUND = 3
"""Frames on either side that a leap is judged by."""


@dataclass(frozen=True)
class SeenLandmarks:
    """The landmarks of a clip.

    Attributes:
        ids: Frame ids.
        points: Pixels, corner origin; zero where the frame has none.
        usable: Whether the frame's landmarks count.
        reasons: Why they do not, by place in the clip.
        hints: The detector's blendshapes.
        convention: Name of the detector's points.
    """

    ids: tuple[int, ...]
    points: Float[ndarray, "T L 2"]
    usable: Bool[ndarray, " T"]
    reasons: dict[int, str]
    hints: Hints
    convention: str

    @property
    def eye_distance(self) -> float:
        """Mean distance between the outer eye corners over the usable frames, pixels: the unit of errors."""
        right, left = OUTER_EYE_CORNERS
        apart = self.points[self.usable, right] - self.points[self.usable, left]
        return float(np.linalg.norm(apart, axis=-1).mean())


def read_landmarks(path: Path, clip: str) -> SeenLandmarks:
    """Return the landmarks of a clip; frames whose face leaps away and back do not count.

    Raises:
        UserError: The file cannot be read, or no frame has landmarks.
    """
    keys = ("ids", "status", "points", "blendshapes", "blendshape_names", "convention")
    content = read_landmark_arrays(path, clip, *keys)
    status = content["status"]
    usable = (status == "ok") & np.isfinite(content["points"]).all((1, 2))
    points = np.where(usable[:, None, None], content["points"][..., :2], 0).astype(np.float64)
    scores = np.where(usable[:, None], content["blendshapes"], 0).astype(np.float64)
    hints = Hints(tuple(content["blendshape_names"].tolist()), scores)
    ids, convention = tuple(content["ids"].tolist()), str(content["convention"])
    if not usable.any():
        raise UserError("no frame has landmarks", clip=clip, file=path, remedy="look at landmarks.json for the reasons")
    reasons = {int(place): str(status[place]) for place in np.flatnonzero(~usable)}
    return mark_leaps(SeenLandmarks(ids, points, usable, reasons, hints, convention))


def mark_leaps(seen: SeenLandmarks) -> SeenLandmarks:
    """Return the landmarks with frames left out whose face lies elsewhere than in the frames around."""
    places = np.flatnonzero(seen.usable)
    middles = seen.points[places].mean(1)
    windows = [middles[max(0, i - AROUND) : i + AROUND + 1] for i in range(len(places))]
    expected = np.array([np.median(window, axis=0) for window in windows])
    leaps = places[np.linalg.norm(middles - expected, axis=1) > LEAP * seen.eye_distance]
    usable = seen.usable.copy()
    usable[leaps] = False
    return replace(seen, usable=usable, reasons=seen.reasons | {int(place): "leap" for place in leaps})


def check_input(seen: SeenLandmarks, head: HeadContainer, manifest: Manifest, clip: str, landmarks: Path) -> None:
    """Accept landmarks, head and frames that belong together.

    Raises:
        UserError: The head has no points of the landmarks' convention, or frames and landmarks differ.
    """
    if seen.convention not in head.embeddings:
        known = ", ".join(sorted(head.embeddings)) or "none"
        what = f"the landmarks are {seen.convention}, the head {head.name} has points of: {known}"
        remedy = "delete the head's file and run snakemake again, so that its landmarks are measured with this detector"
        raise UserError(what, clip=clip, file=landmarks, remedy=remedy)
    if seen.ids != manifest.ids:
        what = f"landmarks of {len(seen.ids)} frames beside {manifest.count} frames: they do not belong together"
        remedy = f"delete {landmarks} and run snakemake again: the landmarks are detected anew"
        raise UserError(what, clip=clip, file=landmarks, remedy=remedy)
    if manifest.size[0] != manifest.size[1]:
        remedy = "set frames.crop to `face` or `none`: both give squares"
        raise UserError(f"frames are {manifest.size}, not square", clip=clip, file=landmarks, remedy=remedy)


def check_bad_share(bad: dict[int, str], seen: SeenLandmarks, most: float, clip: str, landmarks: Path) -> None:
    """Accept a clip by the share of frames that cannot be used.

    Args:
        bad: Why, by place in the clip.
        seen: The landmarks.
        most: Largest share allowed.
        clip: Name of the clip.
        landmarks: Their file.

    Raises:
        UserError: There are more.
    """
    if len(bad) <= most * len(seen.ids):
        return
    counts = {reason: list(bad.values()).count(reason) for reason in sorted(set(bad.values()))}
    told = ", ".join(f"{count} {reason}" for reason, count in counts.items())
    first = seen.ids[min(bad)]
    what = f"{len(bad)} of {len(seen.ids)} frames cannot be tracked ({told}; the first is {first}); at most {most:.0%} may"
    remedy = "look at the landmarks' quality picture; cut the clip by start and end, or raise tracking.max_bad"
    raise UserError(what, clip=clip, file=landmarks, remedy=remedy)
