"""Whether masks fit the faces of a clip: the lips inside the mouth, the nose outside and above it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.contract.labels import LABELS
from headsmith.maths.masks import middle_of
from headsmith.stages.masks_faces import Face

NOSE = LABELS.index("nose")
LIPS = frozenset(("upper_lip", "lower_lip"))

AROUND = 1
"""A point counts as inside a mask up to so many pixels beyond its edge: landmarks lie on the lips' very outline."""
MOST_NOSE = 0.2
"""Largest share of the nose's points in a mouth mask; its lowest may touch the upper lip when the head is bent."""
LEAST_AROUND = 0.5
"""Smallest share of a mouth mask that lies around the lips."""
MOST_ABOVE = 0.1
"""Largest share of a clip's mouth masks whose middle lies above the tip of the nose."""

REMEDY = (
    "the parser may not fit this clip (a small or covered face), its label order may be wrong (parsing.label_order), or "
    "masks.sets may name wrong labels"
)


@dataclass(frozen=True)
class Evidence:
    """What shows that masks do not fit: enough to draw it.

    Attributes:
        mask: Name of the set.
        labels: Its label names.
        parsing: Manifest of the label maps.
        landmarks: The clip's landmarks.
        faults: Frame id and what is wrong with its mask, worst first.
    """

    mask: str
    labels: tuple[str, ...]
    parsing: Path
    landmarks: Path
    faults: list[tuple[int, str]]


class MasksRefused(UserError):
    """Masks that do not fit the faces of their clip.

    Args:
        what: What is wrong with them.
        clip: Name of the clip.
        file: The folder that they would have stood in.
        evidence: The frames that show it.
        sheet: A picture of the evidence, once it is drawn.
    """

    def __init__(self, what: str, *, clip: str, file: Path, evidence: Evidence, sheet: Path | None = None) -> None:
        shown = f"look at {sheet}: the worst frames come first; " if sheet else ""
        super().__init__(what, clip=clip, file=file, remedy=shown + REMEDY)
        self.evidence = evidence


@dataclass(frozen=True)
class Fit:
    """How a mask fits the face of its frame.

    Attributes:
        lips: Share of the lips' points in it; 1 where its labels do not hold the lips.
        nose: Share of the nose's points in it, for the mouth.
        nose_pixels: Number of its pixels that are labelled nose, for the mouth.
        around: Share of its pixels around the lips, for the mouth.
        below: How far its middle lies below the nose's tip, in pixels along the face's own axis, for the mouth.
    """

    lips: float = 1.0
    nose: float = 0.0
    nose_pixels: int = 0
    around: float = 1.0
    below: float = 1.0

    def faults(self, least_lips: float) -> list[str]:
        """Return what is wrong with it, in words."""
        found = {
            f"{self.nose_pixels:,} pixels of the nose inside": self.nose_pixels > 0,
            f"{self.nose:.0%} of the nose's points inside": self.nose > MOST_NOSE,
            f"{self.lips:.0%} of the lips' points inside": self.lips < least_lips,
            f"{self.around:.0%} of it around the lips": self.around < LEAST_AROUND,
            "its middle above the nose's tip": self.below <= 0,
        }
        return [words for words, wrong in found.items() if wrong]

    @property
    def badness(self) -> float:
        """What frames are ordered by: 0 for a mask that fits."""
        return (1 - self.lips) + (1 - self.around) + self.nose + (self.nose_pixels > 0) + (self.below <= 0)


class MaskWatch:
    """Watches the masks of a clip, tells which are wrong, and in the end whether they may count.

    Args:
        mask: Name of the set; ``mouth`` is checked most.
        labels: The set's label names.
        least_lips: Smallest share of the lips' points that must lie in masks whose labels hold the lips.
    """

    def __init__(self, mask: str, labels: tuple[str, ...], least_lips: float) -> None:
        self._mask = mask
        self._least_lips = least_lips if set(labels) >= LIPS else 0.0
        self._faults: list[tuple[float, int, str]] = []
        self._checked = self._filled = self._above = self._nose_pixels = 0
        self._sums = dict.fromkeys(("lips", "nose", "around"), 0.0)

    def add(self, frame_id: int, inside: Bool[ndarray, "H W"], labels: UInt8[ndarray, "H W"], face: Face | None) -> None:
        """Take a frame's mask, its label map, and its face where it has one."""
        empty = not inside.any()
        fit = Fit() if face is None else self._fit(inside, labels, face, empty)
        faults = ["empty"] if empty else fit.faults(self._least_lips)
        if faults:
            self._faults.append((fit.badness, frame_id, "; ".join(faults)))
        if face is not None:
            self._account(fit, empty)

    @property
    def flagged(self) -> list[dict[str, Any]]:
        """Frames whose mask is wrong, for the manifest: ``id`` and ``reason``."""
        return [{"id": frame_id, "reason": reason} for _, frame_id, reason in self._faults]

    @property
    def faults(self) -> list[tuple[int, str]]:
        """The same, worst first, as frame id and reason."""
        return [(frame_id, reason) for _, frame_id, reason in sorted(self._faults, key=lambda fault: -fault[0])]

    @property
    def wrong(self) -> list[str]:
        """What is wrong with the masks of the whole clip, in words; nothing where they may count."""
        lips, nose, around = (total / max(self._checked, 1) for total in self._sums.values())
        above = self._above / max(self._filled, 1)
        found = {
            f"{self._nose_pixels:,} of their pixels are labelled nose": self._nose_pixels > 0,
            f"{nose:.0%} of the nose's points lie in them (at most {MOST_NOSE:.0%} may)": nose > MOST_NOSE,
            f"only {lips:.0%} of the lips' points lie in them (at least {self._least_lips:.0%} must)": lips < self._least_lips,
            f"only {around:.0%} of them lies around the lips (at least {LEAST_AROUND:.0%} must)": around < LEAST_AROUND,
            f"the middle of {above:.0%} lies above the nose's tip (at most {MOST_ABOVE:.0%} may)": above > MOST_ABOVE,
        }
        return [words for words, wrong in found.items() if wrong]

    def _fit(self, inside: Bool[ndarray, "H W"], labels: UInt8[ndarray, "H W"], face: Face, empty: bool) -> Fit:
        lips = share_inside(inside, face.lips, AROUND) if self._least_lips else 1.0
        if self._mask != "mouth" or empty:
            return Fit(lips)
        left, top, width, height = cv2.boundingRect(inside.view(np.uint8))
        box = (slice(top, top + height), slice(left, left + width))
        patch, corner = inside[box], np.array([left, top])
        return Fit(
            lips=lips,
            nose=share_inside(inside, face.nose),
            nose_pixels=int(np.count_nonzero(patch & (labels[box] == NOSE))),
            around=share_around(patch, box_around(face) - corner),
            below=float((middle_of(patch) + corner - face.tip) @ face.down),
        )

    def _account(self, fit: Fit, empty: bool) -> None:
        self._checked += 1
        self._filled += not empty
        self._above += fit.below <= 0
        self._nose_pixels += fit.nose_pixels
        for name in self._sums:
            self._sums[name] += getattr(fit, name)


def share_inside(inside: Bool[ndarray, "H W"], points: Float[ndarray, "n 2"], reach: int = 0) -> float:
    """Return the share of points, x and y from the upper left corner, in a mask or at most ``reach`` pixels beside it."""
    height, width = inside.shape
    columns, rows = np.floor(points).astype(np.intp).T
    steps = np.arange(-reach, reach + 1)[:, None]
    rows, columns = np.clip(rows + steps, 0, height - 1), np.clip(columns + steps, 0, width - 1)
    near = inside.ravel()[rows[:, None] * width + columns]
    return np.count_nonzero(near.any((0, 1))) / len(points)


def box_around(face: Face) -> Float[ndarray, "4 2"]:
    """Return the corners of the lips' box, upright in the face's own axes, grown on all sides by a quarter of its width."""
    axes = np.array([[face.down[1], -face.down[0]], face.down])
    along = face.lips @ axes.T
    low, high = along.min(0), along.max(0)
    reach = (high[0] - low[0]) / 4
    (left, top), (right, bottom) = low - reach, high + reach
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]]) @ axes


def share_around(inside: Bool[ndarray, "H W"], corners: Float[ndarray, "4 2"]) -> float:
    """Return the share of a mask's pixels, of which there must be some, that lie in a box, to the pixel."""
    near = np.zeros(inside.shape, np.uint8)
    cv2.fillConvexPoly(near, np.round(corners - 0.5).astype(np.int32), 1)
    return int(np.count_nonzero(near.view(bool) & inside)) / int(np.count_nonzero(inside))
