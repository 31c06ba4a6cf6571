"""The losses of a portrait's fit: landmarks, colours of the skin, and what is believed of all that is sought."""

import math
from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.contract.settings import TrackingSettings
from headsmith.heads.clip_priors import FOCAL_DEVIATION, FOCAL_IN_SIZES, Hints, build_priors
from headsmith.heads.clip_types import ClipPriors
from headsmith.heads.landmark_model import CodeLayout
from headsmith.heads.model import HeadModel
from headsmith.maths.priors import L2Prior, Prior
from headsmith.maths.robust import charbonnier
from headsmith.stages.portraits_unknowns import Unknowns

ROBUST_LANDMARK: Final = 4.0
"""Distance, in expected errors, at which a landmark's loss turns linear: four times tracking's, or colours, whose own model is
rough beside the lips, would drag single landmarks away."""
ROBUST_COLOUR: Final = 0.1
"""Difference of colours, of 1, at which their loss turns linear: highlights and creases are no light of a matte surface."""
NECK_DEVIATION: Final = 0.1
"""Radians."""


@dataclass(frozen=True)
class Priors:
    """What is believed of codes; what is None is the head's own belief.

    Attributes:
        identity: Of the identity codes that are sought ``(1, K)``.
        expression: Of the jaw's axis-angle and the expression codes that are sought ``(B, 3 + E)``.
        texture: Of the texture codes that are sought ``(1, C)``.
    """

    identity: Prior | None = None
    expression: Prior | None = None
    texture: Prior | None = None


@dataclass(frozen=True)
class Beliefs:
    """What is believed of all codes.

    Attributes:
        priors: Of identity, jaw and expression, texture; all are there.
        codes: The head's own: deviations and bounds of expression, eyelids, jaw and eyes.
        units: What steps are measured in, by name: the deviations of what is believed; 1 for others.
        focal: Expected logarithm of the focal length, pixels of the crop.
    """

    priors: Priors
    codes: ClipPriors
    units: dict[str, Tensor]
    focal: float


def believe(model: HeadModel, priors: Priors, size: int) -> Beliefs:
    """Return the head's own beliefs, with others' in their place where there are any.

    Args:
        model: With the codes that are sought alone.
        priors: Others'.
        size: Side of the crop, pixels.
    """
    layout, kind = CodeLayout(len(model.expression)), model.template.dtype
    seen, none = torch.ones(1, dtype=torch.bool), Hints((), torch.zeros(1, 0).numpy())
    own = build_priors(layout, model.container.expression_names, none, seen, size, 1.0, TrackingSettings())
    variance = 1 / own.code_precision.diagonal()
    jaw = variance[layout.angles(0)]
    rest = L2Prior(torch.cat([jaw, variance[: layout.expression]]).to(kind))
    known = Priors(priors.identity or L2Prior(), priors.expression or rest, priors.texture or L2Prior())
    spread = own.code_precision.diagonal().rsqrt().to(kind)
    units = {
        "expression": spread[: layout.expression],
        "eyelids": spread[layout.expression : layout.linear],
        "jaw": spread[layout.angles(0)],
        "eyes": spread[layout.linear + 3 :].reshape(2, 3),
        "neck": torch.full((3,), NECK_DEVIATION, dtype=kind),
    }
    return Beliefs(known, own, units, math.log(FOCAL_IN_SIZES * size))


def landmark_loss(
    seen: Float[Tensor, "B L 2"], pixels: Float[Tensor, "B L 2"], weights: Float[Tensor, "B L"], noise: Float[Tensor, " B"]
) -> Float[Tensor, ""]:
    """Return the mean robust squared distance of landmarks, in expected errors.

    Args:
        seen: Where the head's are.
        pixels: Where they were detected.
        weights: Of each, 0 or more.
        noise: Expected error in each picture, pixels.
    """
    squared = ((seen - pixels) / noise[:, None, None]).square().sum(-1)
    return (weights * charbonnier(squared, ROBUST_LANDMARK)[0]).sum() / weights.sum()


def colour_loss(shown: Float[Tensor, "n 3"], picture: Float[Tensor, "n 3"]) -> Float[Tensor, ""]:
    """Return half the mean robust squared difference of colours, 0..1, over pixels and channels."""
    return charbonnier((shown - picture).square(), ROBUST_COLOUR)[0].mean() / 2


def pose_loss(unknowns: Unknowns, beliefs: Beliefs, weak: bool) -> Float[Tensor, ""]:
    """Return how unlikely eyelids, eyes, neck and focal length are, and how far codes lie beyond their bounds, by picture."""
    codes, own = unknowns.codes(), beliefs.codes
    precision = own.code_precision.to(codes).clone()
    expression = unknowns.expression.shape[1]
    told = [*range(expression), *range(expression + 2, expression + 5)]
    precision[told] = 0
    precision[:, told] = 0
    beyond = (codes - codes.clamp(own.code_low.to(codes), own.code_high.to(codes))) / own.code_slack
    parts = ((codes @ precision) * codes).sum() + beyond.square().sum()
    parts = parts + (unknowns.neck / NECK_DEVIATION).square().sum()
    if not weak:
        parts = parts + ((unknowns.focal - beliefs.focal) / FOCAL_DEVIATION).square().sum()
    return parts / len(codes)


def light_loss(unknowns: Unknowns, start: Unknowns) -> Float[Tensor, ""]:
    """Return how far light and colour are from where they began, by picture: only one of the two can be told from pictures."""
    light = (unknowns.light - start.light).square().sum((1, 2)) / unknowns.light.shape[2]
    return (light + (unknowns.colour - start.colour).square().sum(1)).mean()


def smooth_loss(offset: Float[Tensor, "3 h w"]) -> Float[Tensor, ""]:
    """Return the mean squared difference of neighbouring texels."""
    return (offset[:, 1:] - offset[:, :-1]).square().mean() + (offset[:, :, 1:] - offset[:, :, :-1]).square().mean()
