"""The constrained local model of OpenFace: landmarks where patch experts respond, held together by a point distribution model.

Non-uniform regularised landmark mean-shift (Baltrusaitis, Robinson and Morency 2013, section 3; Saragih, Lucey and Cohn 2011,
*Deformable model fitting by regularized landmark mean-shift*, section 4.2): around each landmark experts respond to a window; a
kernel density of the responses says where the landmark would go; and the step of the model's parameters that explains all of
these shifts best is taken, first of the global parameters alone, then of all. Windows shrink as scales grow.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from numpy import ndarray

from headsmith.maths.point_distribution import GLOBALS, PointDistribution
from headsmith.nets.clnf_reference import Similarity, lay_shape, sample_areas, shrink
from headsmith.nets.clnf_shape import FaceShape, moved_by
from headsmith.nets.patch_experts import Expertise, Maps, PatchExperts, nearest_view

LARGEST_SHAPE, LARGEST_TURN = 3.0, np.pi / 2
"""Standard deviations of local parameters, and radians of a rotation's angles, at which the fit stops them."""
STILL = 0.01
"""Pixels of the reference frame; where all landmarks move by less in a step, no further is taken."""
SURE = 0.9
"""Confidence of a fit from which no other start is tried."""
FINEST = 1.4
"""Scales that are finer than so many times the picture's own tell nothing, and are left out."""


@dataclass(frozen=True)
class Effort:
    """How hard a fit tries.

    Attributes:
        windows: Sides of the response maps, in pixels of the reference frame, one for each scale in turn; where there are more
            windows than scales, the finest is used again.
        steps: Of the global parameters alone, and again of all, for each window.
        kernel: Deviation of the kernel density at the coarsest scale, in pixels of the reference frame; it grows by
            ``kernel_growth`` for each doubling of the scale.
        kernel_growth: See there.
        pull: Variance that is assumed of the shifts at the coarsest scale, in square millimetres; the more, the nearer shapes
            stay to the mean. It changes by ``pull_growth`` for each doubling of the scale.
        pull_growth: See there.
        trust: How much experts that were better where they were trained count for more: the exponent of their trust.
        peak: How much landmarks count for less whose expert responds little everywhere in its window, as behind a hand: the
            exponent of the largest response, in that of the middle landmark. OpenFace has none.
    """

    windows: tuple[int, ...] = (11, 9, 7, 5)
    steps: int = 5
    kernel: float = 1.5
    kernel_growth: float = 0.25
    pull: float = 25.0
    pull_growth: float = -15.0
    trust: float = 0.0
    peak: float = 1.0


FOR_VIDEO = Effort()
"""OpenFace's own for videos, but for ``peak``."""
FROM_LAST = Effort(pull=12.0, pull_growth=-6.0, peak=2.0)
"""From the last frame's fit. Shapes are pulled less than OpenFace's, and covered landmarks count for less: chosen on four clips
(docs/detectors.md)."""
FROM_FIVE_POINTS = replace(FROM_LAST, windows=(15, 11, 9, 7))
"""The same, but looking farther: a shape that was laid through five points is farther off than the last frame's."""
FOR_PICTURES = Effort(windows=(15, 13, 11, 11), steps=10, kernel=1.25, pull=35.0, trust=2.5)
"""OpenFace's own for single pictures (its option ``-wild``), but for ``peak``."""


@dataclass(frozen=True)
class ClnfFit:
    """A face that was fitted.

    Attributes:
        parameters: Of the model, in OpenFace's order.
        landmarks: In pixels (a pixel's centre at +0.5).
        responses: Of the experts where the landmarks ended, 0 for those that are not seen.
        confidence: That this is a face and its landmarks are right, 0..1.
    """

    parameters: Float[ndarray, " P"]
    landmarks: Float[ndarray, "L 2"]
    responses: Float[ndarray, " L"]
    confidence: float


@dataclass
class _Window:
    """Response maps around a shape, and the frame they lie in."""

    maps: Maps
    base: Float[ndarray, "L 2"]
    into: Similarity
    back: Similarity
    weights: Float[ndarray, " L"]
    kernel: float
    pull: float
    grid: Float[ndarray, "Q 2"] = field(init=False)

    def __post_init__(self) -> None:
        side = self.maps.shape[1]
        steps = np.arange(side) - (side - 1) / 2
        self.grid = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2)

    def densities(self, shape: Float[ndarray, "L 2"]) -> tuple[Float[ndarray, "L 2"], Float[ndarray, "L Q"]]:
        """Return where landmarks are in their windows, and the responses times the kernel about there."""
        half = (self.maps.shape[1] - 1) / 2
        place = ((shape - self.base) @ self.into.matrix.T).clip(-half, half)
        squared = np.square(self.grid[None] - place[:, None]).sum(2)
        return place, self.maps.reshape(len(shape), -1) * np.exp(-squared / (2 * self.kernel**2))

    def shifts(self, shape: Float[ndarray, "L 2"]) -> Float[ndarray, "L 2"]:
        """Return the mean shift of each landmark, in pixels of the picture."""
        place, density = self.densities(shape)
        total = density.sum(1, keepdims=True)
        mean = density @ self.grid / np.maximum(total, 1e-12)
        return np.where(total > 1e-12, mean - place, 0) @ self.back.matrix.T

    def responses(self, shape: Float[ndarray, "L 2"]) -> Float[ndarray, " L"]:
        """Return the mean response about each landmark."""
        place, density = self.densities(shape)
        kernel = np.exp(-np.square(self.grid[None] - place[:, None]).sum(2) / (2 * self.kernel**2)).sum(1)
        return density.sum(1) / kernel


class Clnf:
    """A model and its experts.

    Args:
        model: The point distribution model, float64.
        expertise: The experts.
        effort: How hard a fit tries.
    """

    def __init__(self, model: PointDistribution, expertise: Expertise, effort: Effort = FOR_VIDEO) -> None:
        self.model, self.expertise, self.effort = where_experts_look(model, expertise), expertise, effort
        self._shape = FaceShape(self.model)
        self._limits = LARGEST_SHAPE * np.sqrt(self._shape.variances)

    def fit(self, image: UInt8[ndarray, "H W"], start: Float[ndarray, " P"], effort: Effort | None = None) -> ClnfFit:
        """Return the face in a grey picture that a fit from a start finds.

        Args:
            image: The picture.
            start: Parameters of the model.
            effort: How hard it tries; None: as the fitter was told.
        """
        effort = effort or self.effort
        parameters = start.copy()
        finest = FINEST * max(parameters[0], 1e-6)
        scales = [scale for scale in self.expertise.scales if scale.scale <= finest] or [self.expertise.scales[0]]
        window = None
        for rank, side in enumerate(effort.windows):
            experts = scales[min(rank, len(scales) - 1)]
            window = self._look(image, parameters, experts, side, effort)
            for rigid in (True, False):
                parameters = self._settle(parameters, window, effort.steps, rigid=rigid)
        shape = self.landmarks(parameters)
        responses = window.responses(shape) * (window.weights > 0)
        return ClnfFit(parameters, shape, responses, self.certainty(responses, window.weights))

    def fit_best(self, image: UInt8[ndarray, "H W"], starts: Sequence[Float[ndarray, " P"]]) -> ClnfFit:
        """Return the best of the faces that fits from several starts find.

        The first start counts where it leads to a face that is ``SURE`` enough; else all are tried at the coarsest scale, and
        the fit goes on from the one at whose landmarks experts respond most.

        Args:
            image: The grey picture.
            starts: Parameters of the model, the most probable first: say, several views.
        """
        first = self.fit(image, starts[0])
        if first.confidence >= SURE or len(starts) == 1:
            return first
        coarse = replace(self.effort, windows=self.effort.windows[:1])
        tried = [self.fit(image, start, coarse) for start in starts]
        best = self.fit(image, max(tried, key=lambda found: found.responses.mean()).parameters)
        return max(first, best, key=lambda found: found.confidence)

    def landmarks(self, parameters: Float[ndarray, " P"]) -> Float[ndarray, "L 2"]:
        """Return where parameters put landmarks, in pixels."""
        return self._shape.landmarks(parameters)

    def certainty(self, responses: Float[ndarray, " L"], weights: Float[ndarray, " L"]) -> float:
        """Return the confidence of a face from the responses at its landmarks."""
        seen = weights > 0
        offset, slope = self.expertise.certainty
        mean = float(responses[seen].mean()) if seen.any() else 0.0
        return 0.5 + 0.5 * math.tanh((offset + slope * mean) / 2)

    def _look(
        self, image: UInt8[ndarray, "H W"], parameters: Float[ndarray, " P"], experts: PatchExperts, side: int, effort: Effort
    ) -> _Window:
        shape = self.landmarks(parameters)
        into = lay_shape(shape, self._shape.straight(parameters, experts.scale))
        back = into.inverse()
        areas = sample_areas(shrink(image, into.scale), shape, back.matrix, side + experts.support - 1)
        view = nearest_view(experts.views, parameters[1:4])
        doublings = np.log2(experts.scale / self.expertise.scales[0].scale)
        weights = experts.visible[view] * experts.trust[view] ** effort.trust
        maps = experts.respond(areas, view)
        weights = weights * relative_peaks(maps, weights > 0) ** effort.peak
        kernel = effort.kernel + effort.kernel_growth * doublings
        pull = max(effort.pull + effort.pull_growth * doublings, 1e-3)
        return _Window(maps, shape, into, back, weights, kernel, pull)

    def _settle(self, parameters: Float[ndarray, " P"], window: _Window, steps: int, *, rigid: bool) -> Float[ndarray, " P"]:
        """Return the parameters after steps towards the means of the densities."""
        shape = self.landmarks(parameters)
        for _ in range(steps):
            parameters = self._clamp(self._step(parameters, window, window.shifts(shape), rigid=rigid))
            moved = self.landmarks(parameters)
            if np.abs(moved - shape).max() * window.into.scale < STILL:
                return parameters
            shape = moved
        return parameters

    def _step(
        self, parameters: Float[ndarray, " P"], window: _Window, shifts: Float[ndarray, "L 2"], *, rigid: bool
    ) -> Float[ndarray, " P"]:
        slopes = self._shape.slopes(parameters)
        loaded = slopes * np.repeat(window.weights, 2)[:, None]
        count = GLOBALS if rigid else slopes.shape[1]
        matrix, side = loaded[:, :count].T @ slopes[:, :count], loaded[:, :count].T @ shifts.ravel()
        if not rigid:
            # the shifts are taken to be off by so many millimetres, whatever the picture's size
            pull = window.pull * parameters[0] ** 2 / self._shape.variances
            matrix[range(GLOBALS, count), range(GLOBALS, count)] += pull
            side[GLOBALS:] -= pull * parameters[GLOBALS:]
        step = np.zeros(len(parameters))
        # landmarks that are not seen, or lie in a plane, leave a direction open: nothing moves along it
        step[:count] = np.linalg.lstsq(matrix, side, rcond=1e-12)[0] if rigid else np.linalg.solve(matrix, side)
        return moved_by(parameters, step)

    def _clamp(self, parameters: Float[ndarray, " P"]) -> Float[ndarray, " P"]:
        parameters[1:4] = parameters[1:4].clip(-LARGEST_TURN, LARGEST_TURN)
        parameters[GLOBALS:] = parameters[GLOBALS:].clip(-self._limits, self._limits)
        return parameters


def where_experts_look(model: PointDistribution, expertise: Expertise) -> PointDistribution:
    """Return the model with its mean moved to what experts look for."""
    return model if expertise.offsets is None else model.moved(torch.from_numpy(expertise.offsets))


def relative_peaks(maps: Maps, seen: Bool[ndarray, " L"]) -> Float[ndarray, " L"]:
    """Return the largest response of each map, in that of the middle one of those that count, within 0.05 and 1.5."""
    peaks = maps.max((1, 2)).astype(np.float64)
    middle = float(np.median(peaks[seen])) if seen.any() else 0.0
    return (peaks / max(middle, 1e-9)).clip(0.05, 1.5)


FIVE: tuple[tuple[int, ...], ...] = ((36, 37, 38, 39, 40, 41), (42, 43, 44, 45, 46, 47), (30,), (48,), (54,))
"""The landmarks whose mean is each of MTCNN's five points: eyes, tip of the nose, corners of the mouth."""


def five_points_of(model: PointDistribution) -> PointDistribution:
    """Return the model of MTCNN's five points."""
    means, modes = (torch.stack([part[list(points)].mean(0) for points in FIVE]) for part in (model.mean, model.modes))
    return PointDistribution(means, modes, model.variances)
