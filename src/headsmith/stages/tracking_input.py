"""What tracking reads: landmarks that fit the frames and the head, or a message that says what does not."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from headsmith.contract.conventions import CONVENTIONS, Convention
from headsmith.contract.errors import UserError
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
        trust: Confidence of each point, 0..1; zero where the frame has none.
        usable: Whether the frame's landmarks count.
        reasons: Why they do not, by place in the clip.
        hints: The detector's blendshapes; no names where it has none.
        convention: What the points are.
    """

    ids: tuple[int, ...]
    points: Float[ndarray, "T L 2"]
    trust: Float[ndarray, "T L"]
    usable: Bool[ndarray, " T"]
    reasons: dict[int, str]
    hints: Hints
    convention: Convention

    @property
    def eye_distance(self) -> float:
        """Mean distance between the outer eye corners over the usable frames, pixels: the unit of errors."""
        right, left = self.convention.outer_eye_corners
        apart = self.points[self.usable, right] - self.points[self.usable, left]
        return float(np.linalg.norm(apart, axis=-1).mean())


def read_landmarks(path: Path, clip: str) -> SeenLandmarks:
    """Return the landmarks of a clip; frames whose face leaps away and back do not count.

    Raises:
        UserError: The file cannot be read, its points are of no known convention, or no frame has landmarks.
    """
    keys = ("ids", "status", "points", "point_confidence", "blendshapes", "blendshape_names", "convention")
    content = read_landmark_arrays(path, clip, *keys)
    convention = known_convention(content, clip, path)
    status = content["status"]
    usable = (status == "ok") & np.isfinite(content["points"][..., :2]).all((1, 2))
    points = np.where(usable[:, None, None], content["points"][..., :2], 0).astype(np.float64)
    trust = np.where(usable[:, None], content["point_confidence"], 0).astype(np.float64)
    scores = np.where(usable[:, None], content["blendshapes"], 0).astype(np.float64)
    hints = Hints(tuple(content["blendshape_names"].tolist()), scores)
    ids = tuple(content["ids"].tolist())
    if not usable.any():
        raise UserError("no frame has landmarks", clip=clip, file=path, remedy="look at landmarks.json for the reasons")
    reasons = {int(place): str(status[place]) for place in np.flatnonzero(~usable)}
    return mark_leaps(SeenLandmarks(ids, points, trust, usable, reasons, hints, convention))


def known_convention(content: dict[str, ndarray], clip: str, path: Path) -> Convention:
    """Return the convention that a file of landmarks names.

    Raises:
        UserError: There is none of that name, or its number of points is another.
    """
    name, count = str(content["convention"]), content["points"].shape[1]
    remedy = f"delete {path} and run snakemake again: the landmarks are detected anew"
    if name not in CONVENTIONS:
        what = f"the landmarks are of an unknown convention, {name!r}; known are {', '.join(CONVENTIONS)}"
        raise UserError(what, clip=clip, file=path, remedy=remedy)
    if count != CONVENTIONS[name].count:
        what = f"the landmarks name the convention {name}, which has {CONVENTIONS[name].count} points, but have {count}"
        raise UserError(what, clip=clip, file=path, remedy=remedy)
    return CONVENTIONS[name]


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
    if seen.convention.name not in head.embeddings:
        known = ", ".join(sorted(head.embeddings)) or "none"
        what = f"the landmarks are {seen.convention.name}, the head {head.name} has points of: {known}"
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
