"""Patch experts: for each landmark, how much the picture around a place looks as if the landmark were there.

Experts see pictures brought to a *reference frame*, where faces look straight up and have a known size, ``scale`` pixels a
millimetre. There are several scales, the coarsest first, and at each several *views*: directions in which faces look, with
experts of their own and an account of which landmarks can be seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Float32
from numpy import ndarray
from numpy.lib.stride_tricks import sliding_window_view

Maps = Float32[ndarray, "L W W"]
"""Responses in a square window around each landmark, not below 0; rows are y."""


@runtime_checkable
class PatchExperts(Protocol):
    """The experts of one scale.

    Attributes:
        scale: Pixels a millimetre of the reference frame.
        support: Side of the patch that an expert sees, in pixels of the reference frame, odd.
        views: Rotations about x, y and z in which the faces of each view look, radians.
        visible: Which landmarks each view has experts for.
        trust: How good each expert was where it was trained, above 0.
    """

    scale: float
    support: int
    views: Float[ndarray, "V 3"]
    visible: Bool[ndarray, "V L"]
    trust: Float[ndarray, "V L"]

    def respond(self, areas: Float32[ndarray, "L A A"], view: int) -> Maps:
        """Return the responses to areas of the reference frame, one around each landmark.

        Args:
            areas: Grey values; ``A = W + support - 1``, so that a patch around each place of the window lies within.
            view: Whose experts respond; landmarks that it does not see get zeros.
        """
        ...


@dataclass(frozen=True)
class Expertise:
    """All experts of a detector.

    Attributes:
        scales: The coarsest first.
        certainty: Offset and slope of the logistic function that makes a face's confidence of its mean response.
        about: Who made them.
        offsets: How far what they look for lies from the shape model's points, in millimetres and the model's axes; None: they
            look for those.
    """

    scales: Sequence[PatchExperts]
    certainty: tuple[float, float]
    about: str
    offsets: Float[ndarray, "L 3"] | None = None


@dataclass(frozen=True)
class Layer:
    """A layer of small networks, one for each expert of a view.

    Attributes:
        weights: By expert, from inputs to outputs.
        biases: By expert.
        rectified: Whether what is below zero becomes zero; else the logistic function follows.
    """

    weights: Float32[ndarray, "L I O"]
    biases: Float32[ndarray, "L O"]
    rectified: bool


@dataclass(frozen=True)
class NetworkExperts:
    """Small networks that see contrast-normalised patches; all landmarks of a view at once.

    As OpenFace's CEN: Zadeh et al. 2017, *Convolutional experts constrained local model for 3D facial landmark detection*,
    section 3.1.

    Attributes:
        scale: Pixels a millimetre of the reference frame.
        support: Side of a patch.
        views: Rotations of the views, radians.
        visible: Which landmarks each view sees.
        trust: Of each expert.
        layers: Of each view, from patches to one number.
    """

    scale: float
    support: int
    views: Float[ndarray, "V 3"]
    visible: Bool[ndarray, "V L"]
    trust: Float[ndarray, "V L"]
    layers: tuple[tuple[Layer, ...], ...]

    def respond(self, areas: Float32[ndarray, "L A A"], view: int) -> Maps:
        """Return the responses to areas, one around each landmark."""
        side = areas.shape[1] - self.support + 1
        values = normalised_patches(areas, self.support)
        for layer in self.layers[view]:
            values = values @ layer.weights + layer.biases[:, None]
            values = np.maximum(values, 0) if layer.rectified else logistic(values)
        return values.reshape(len(areas), side, side) * self.visible[view, :, None, None]


@dataclass(frozen=True)
class Correlator:
    """One template of a correlation expert.

    Attributes:
        template: What is looked for, of mean 0 and norm 1.
        slope: Factor on the correlation, -1..1.
        offset: Added to it.
        height: Factor on the logistic function of the sum.
        gradient: Whether it is looked for in the squared gradient of the picture, not in the picture.
    """

    template: Float32[ndarray, "S S"]
    slope: float
    offset: float
    height: float
    gradient: bool = False


@dataclass(frozen=True)
class CorrelationExpert:
    """What OpenFace's CCNF and SVR experts have in common: correlations with templates, each through a logistic function.

    Attributes:
        correlators: Their responses are added up (CCNF), or multiplied (SVR).
        multiplied: Which of the two.
        smoothing: By side of the window: the matrix that smooths flattened responses (CCNF's edges between neighbours); None:
            they are not smoothed.
    """

    correlators: tuple[Correlator, ...]
    multiplied: bool = False
    smoothing: dict[int, Float32[ndarray, "_ _"]] | None = None

    def respond(self, area: Float32[ndarray, "A A"], support: int) -> Float32[ndarray, "W W"]:
        """Return the responses in an area.

        Raises:
            ValueError: Responses are smoothed, and not in windows of this size.
        """
        side = area.shape[0] - support + 1
        kinds = {item.gradient for item in self.correlators}
        patches = {kind: normalised_patches((squared_gradient(area) if kind else area)[None], support)[0] for kind in kinds}
        each = [
            item.height * logistic(patches[item.gradient] @ item.template.ravel() * item.slope + item.offset)
            for item in self.correlators
        ]
        response = np.prod(each, 0) if self.multiplied else np.sum(each, 0)
        if self.smoothing is not None:
            if side not in self.smoothing:
                raise ValueError(f"these experts know windows of {sorted(self.smoothing)} pixels, not of {side}")
            response = self.smoothing[side] @ response
        response = response - min(float(response.min()), 0.0)
        return response.reshape(side, side).astype(np.float32)


@dataclass(frozen=True)
class CorrelationExperts:
    """The CCNF or SVR experts of one scale; attributes as of ``PatchExperts``.

    Attributes:
        experts: By view and landmark; None where it is not seen.
    """

    scale: float
    support: int
    views: Float[ndarray, "V 3"]
    visible: Bool[ndarray, "V L"]
    trust: Float[ndarray, "V L"]
    experts: tuple[tuple[CorrelationExpert | None, ...], ...]

    def respond(self, areas: Float32[ndarray, "L A A"], view: int) -> Maps:
        """Return the responses to areas, one around each landmark."""
        side = areas.shape[1] - self.support + 1
        maps = np.zeros((len(areas), side, side), np.float32)
        for landmark, expert in enumerate(self.experts[view]):
            if expert is not None and self.visible[view, landmark]:
                maps[landmark] = expert.respond(areas[landmark], self.support)
        return maps


def squared_gradient(area: Float32[ndarray, "A A"]) -> Float32[ndarray, "A A"]:
    """Return the squared length of the differences between the neighbours of each pixel; zero at the border."""
    result = np.zeros_like(area)
    beside, below = area[1:-1, 2:] - area[1:-1, :-2], area[2:, 1:-1] - area[:-2, 1:-1]
    result[1:-1, 1:-1] = np.square(beside) + np.square(below)
    return result


def normalised_patches(areas: Float32[ndarray, "L A A"], support: int) -> Float32[ndarray, "L Q P"]:
    """Return every patch of areas, flat, row by row, less its mean and divided by its norm; an even patch becomes zeros."""
    patches = sliding_window_view(areas, (support, support), (1, 2)).reshape(len(areas), -1, support * support)
    return normalise(patches)


def normalise(patches: Float32[ndarray, "*N P"]) -> Float32[ndarray, "*N P"]:
    """Return patches less their mean, divided by their norm; an even patch becomes zeros."""
    centred = patches - patches.mean(-1, keepdims=True)
    length = np.sqrt(np.square(centred).sum(-1, keepdims=True))
    return centred / np.where(length > 1e-3, length, np.inf)


def logistic(values: Float32[ndarray, "*N"]) -> Float32[ndarray, "*N"]:
    """Return ``1 / (1 + exp(-x))``, without overflow."""
    return 0.5 + 0.5 * np.tanh(0.5 * values)


def nearest_view(views: Float[ndarray, "V 3"], rotation: Float[ndarray, "3"]) -> int:
    """Return which view looks most as a face turned so (OpenFace: least squared difference of the three angles)."""
    return int(np.square(views - rotation).sum(1).argmin())
