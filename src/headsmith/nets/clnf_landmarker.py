"""The 68 points of the constrained local model: in single pictures, and along a clip, where each fit begins at the last."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from torch import Tensor

from headsmith.contract.conventions import IBUG68
from headsmith.contract.errors import UserError
from headsmith.maths.point_distribution import GLOBALS, PointDistribution
from headsmith.maths.point_distribution_fit import fit_shapes
from headsmith.nets.clnf import FROM_FIVE_POINTS, FROM_LAST, Clnf, ClnfFit, Effort, five_points_of
from headsmith.nets.faces import Face, FaceBox, cap_size
from headsmith.nets.finders import Finder
from headsmith.nets.mtcnn_boxes import openface_boxes
from headsmith.nets.patch_experts import Expertise
from headsmith.nets.patch_experts_file import read_experts
from headsmith.nets.patch_experts_openface import read_expertise
from headsmith.nets.point_distribution_file import read_point_distribution

FIVE_NOISE = 1.0
"""Deviation of a finder's five points, in pixels of a face 100 pixels wide: what MTCNN's are off by (docs/detectors.md)."""
OTHER_VIEWS = ((0.0, -0.5, 0.0), (0.0, 0.5, 0.0))
"""Turns about x, y and z, radians, of further starts beside that of the five points, which tell a face's turn only roughly."""
LOST = 0.5
"""Below this confidence a face is not where the last fit was."""
AS_MUCH = 0.97
"""Fits to which experts respond so many times as much as to another are as good."""
LOOK_AGAIN = 5
"""A lost face is looked for by the finder in every picture; one that is followed is still compared in one of so many."""
APART = 0.5
"""Where the finder sees the face so far from the fit, in sides of its box, the fit is given up."""


def open_clnf(model: Path, experts: Path, finder: Finder) -> "ClnfLandmarker":
    """Open the model and the experts of files.

    Args:
        model: A point distribution model, OpenFace's own or ours.
        experts: Our ``experts.npz``, or a folder of OpenFace's.
        finder: Shows where faces are; it is closed with this.

    Raises:
        UserError: A file is missing or unsound, or they do not belong together.
    """
    distribution = read_point_distribution(model)
    expertise = read_expertise(experts) if experts.is_dir() else read_experts(experts)
    points = expertise.scales[0].visible.shape[1]
    if not len(distribution.mean) == points == IBUG68.count:
        what = f"the model has {len(distribution.mean)} points, its experts know {points}, and iBUG's are {IBUG68.count}"
        raise UserError(what, file=experts, remedy="name a model and experts of 68 points")
    return ClnfLandmarker(distribution, expertise, finder)


class ClnfLandmarker:
    """The constrained local model in pictures, each by itself.

    Opening one sets torch to one thread: several, in threads, fill the cores.

    Args:
        model: The point distribution model of 68 points.
        expertise: The patch experts.
        finder: Shows where faces are; it is closed with this.
        effort: How hard fits try.
    """

    convention = IBUG68.name

    def __init__(
        self, model: PointDistribution, expertise: Expertise, finder: Finder, effort: Effort = FROM_FIVE_POINTS
    ) -> None:
        torch.set_num_threads(1)
        self.clnf = Clnf(model, expertise, effort)
        self._five, self.finder = five_points_of(self.clnf.model), finder

    def __enter__(self) -> "ClnfLandmarker":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.finder.__exit__(kind, error, trace)

    def detect(self, image: UInt8[ndarray, "H W 3"]) -> list[Face]:
        """Return the faces in an RGB picture; empty where there is none.

        A face's confidence is the smaller one of the finder's and the fit's, a point's its expert's response, of the largest.
        """
        small, back = cap_size(image)
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        return [face_of(self.fit(grey, found), back, found.confidence) for found in self.finder.detect(small)]

    def fit(self, grey: UInt8[ndarray, "H W"], found: FaceBox) -> ClnfFit:
        """Return the fit to a face that a finder shows in a grey picture, the best from several starts.

        Where fits that begin at the five points do not lead to a face, as when a hand is before the mouth, the points may be
        wrong themselves: one that begins in the box counts then, unless experts respond to it less.
        """
        best = self.clnf.fit_best(grey, self.starts(found))
        if best.confidence >= LOST:
            return best
        other = self.clnf.fit(grey, self.start_in_box(found))
        return other if other.responses.mean() >= AS_MUCH * best.responses.mean() else best

    def start_in_box(self, found: FaceBox) -> Float[ndarray, " P"]:
        """Return the face at rest that looks straight ahead and fills the box, turned as the eyes say.

        The box is first corrected as OpenFace corrects MTCNN's, to hold what the 68 points do.
        """
        left, top, right, bottom = openface_boxes(np.asarray(found.box, np.float32)[None])[0].astype(np.float64)
        seen, own = (points[1] - points[0] for points in (found.points, self._five.mean.numpy()))
        start = np.zeros(GLOBALS + len(self.clnf.model.variances))
        start[0], start[3] = 1.0, np.arctan2(seen[1], seen[0]) - np.arctan2(own[1], own[0])
        shape = self.clnf.landmarks(start)
        low, high = shape.min(0), shape.max(0)
        start[0] = (((right - left), (bottom - top)) / (high - low)).mean()
        start[4:GLOBALS] = np.array((left + right, top + bottom)) / 2 - start[0] * (low + high) / 2
        return start

    def starts(self, found: FaceBox) -> list[Float[ndarray, " P"]]:
        """Return parameters to begin with: the model at the finder's five points, and the same with other turns."""
        first = through_five(self._five, found)[0].numpy()
        others = []
        for turn in OTHER_VIEWS:
            other = first.copy()
            other[1:4] += turn
            other[GLOBALS:] = 0
            others.append(other)
        return [first, *others]


def through_five(five: PointDistribution, found: FaceBox) -> Float[Tensor, "1 P"]:
    """Return parameters of a model (`five_points_of`) laid through a finder's five points."""
    wide = max(found.box[2] - found.box[0], 1.0)
    points = torch.from_numpy(found.points.astype(np.float64))[None]
    return fit_shapes(five, points, noise=FIVE_NOISE * wide / 100).parameters


class ClnfTracker:
    """The constrained local model along a clip of one face: fits begin at the last one; a lost face is found again.

    Args:
        landmarker: Fits faces, and finds them.
        effort: How hard fits try that begin at the last one.
    """

    def __init__(self, landmarker: ClnfLandmarker, effort: Effort = FROM_LAST) -> None:
        self._landmarker, self._effort = landmarker, effort
        self._last: ClnfFit | None = None
        self._since = 0

    @property
    def lost(self) -> bool:
        """Whether there is no fit to begin at."""
        return self._last is None

    def track(self, image: UInt8[ndarray, "H W 3"]) -> Face | None:
        """Return the face in the next RGB picture of the clip; None where it is lost."""
        small, back = cap_size(image)
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        fitted = None if self._last is None else self._landmarker.clnf.fit(grey, self._last.parameters, self._effort)
        self._since += 1
        if fitted is not None and self._since >= LOOK_AGAIN:
            self._since = 0
            fitted = fitted if self._is_there(small, fitted) else None
        if fitted is None or fitted.confidence < LOST:
            fitted = self._find(small, grey)
        self._last = fitted if fitted is not None and fitted.confidence >= LOST else None
        return None if self._last is None else face_of(self._last, back, 1.0)

    def _find(self, small: UInt8[ndarray, "H W 3"], grey: UInt8[ndarray, "H W"]) -> ClnfFit | None:
        self._since = 0
        fits = [self._landmarker.fit(grey, found) for found in self._landmarker.finder.detect(small)]
        return max(fits, key=lambda fit: fit.confidence, default=None)

    def _is_there(self, small: UInt8[ndarray, "H W 3"], fitted: ClnfFit) -> bool:
        """Return whether the finder sees the face where the fit is, or sees none at all: then the fit is believed."""
        found = self._landmarker.finder.detect(small)
        return not found or nearest(found, fitted.landmarks)


def nearest(found: Sequence[FaceBox], landmarks: Float[ndarray, "L 2"]) -> bool:
    """Return whether one of a finder's faces is where landmarks are."""
    middle = landmarks.mean(0)
    for face in found:
        left, top, right, bottom = face.box
        apart = np.hypot((left + right) / 2 - middle[0], (top + bottom) / 2 - middle[1])
        if apart < APART * max(right - left, bottom - top):
            return True
    return False


def face_of(fit: ClnfFit, back: Float[ndarray, "2"], confidence: float) -> Face:
    """Return a fit as a face, in pixels of the picture as it was given."""
    points = np.full((len(fit.landmarks), 3), np.nan, np.float32)
    points[:, :2] = fit.landmarks * back
    trust = fit.responses / max(float(fit.responses.max()), 1e-6)
    return Face(points, np.zeros(0, np.float32), min(confidence, fit.confidence), trust.clip(0, 1).astype(np.float32))
