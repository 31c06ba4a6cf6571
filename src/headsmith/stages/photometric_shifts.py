"""How far, and with what certainty, each anchor of the drawn face must shift to show what a frame shows.

The loss of a frame is ``1/2 sum rho(|I - A L|^2)`` over its pixels of skin: I the frame, A the texture that the drawn surface
has there, L the light, rho of Charbonnier. Its gradient by the vertices' pixels comes through the differentiable rasterizer.
Its curvature is that of Gauss and Newton, ``S = sum w (dA/dx L)' (dA/dx L)`` (Lucas and Kanade 1981; the texture's slopes
stand for the frame's, as in Baker and Matthews 2004, *Lucas-Kanade 20 Years On*, section 3.2). Over the vertices that an anchor
stands for both are summed. With the largest eigenvalue s of S the shift ``-g / s`` of weight s has the same gradient and at
least the same curvature, so that a fit to these shifts lowers the loss itself (majorisation: Hunter and Lange 2004) and settles
where it does.
"""

from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headsmith.heads.photometric_anchors import Anchors
from headsmith.maths.harmonics import harmonics
from headsmith.maths.robust import charbonnier
from headsmith.stages.photometric_skin import Skin, fit_light
from headsmith.stages.photometric_views import Look, Surface

LONGEST: Final = 2.0
"""Pixels of the drawn size: a texture tells no more about longer shifts."""
ROBUST: Final = 2.0
"""Deviations of colour at which the loss turns linear."""
FEWEST: Final = 100
"""Pixels of skin below which a frame tells nothing."""


@dataclass(frozen=True)
class Shifts:
    """What one frame tells.

    Attributes:
        shifts: Of each anchor, pixels of the drawn size.
        weights: Inverse variance of each shift along both axes, as if the pixels' errors were independent; 0 where unseen.
        light: The frame's light.
        squares: Mean squared difference of colours, of 1.
        middle: Median length of the difference of colours.
    """

    shifts: Float[Tensor, "A 2"]
    weights: Float[Tensor, " A"]
    light: Float[Tensor, "9 3"]
    squares: float
    middle: float


def measure(look: Look, skin: Skin, surface: Surface, anchors: Anchors, deviation: float) -> Shifts | None:
    """Return what a frame tells, or nothing where it shows too little skin.

    Args:
        look: The frame.
        skin: What skin looks like.
        surface: The head.
        anchors: Of its face.
        deviation: Expected difference of colours, of 1.
    """
    if len(look.colours) < FEWEST:
        return None
    albedo = skin.frame.look_up(skin.texture, look.uv)
    light = fit_light(albedo.detach(), look.normals, look.colours, skin.light)
    lit = harmonics(look.normals) @ light
    squared = (look.colours - albedo * lit).square().sum(-1)
    loss, weights = charbonnier(squared / deviation**2, ROBUST)
    (pull,) = torch.autograd.grad(loss.sum() / 2, look.screen)
    squares = squared.detach()
    tensors = pixel_tensors(look, skin, surface, lit, weights.detach() / deviation**2)
    force, curvature = gather(look, surface, anchors, -pull[:, :2], tensors)
    strongest = torch.linalg.eigvalsh(curvature)[:, 1]
    seen = strongest > 1e-3 * strongest.max()
    shifts = torch.where(seen[:, None], force / strongest.clamp(min=1e-12)[:, None], 0)
    length = shifts.norm(dim=-1, keepdim=True)
    shifts = shifts * (LONGEST / length.clamp(min=LONGEST))
    return Shifts(shifts, strongest * seen, light, float(squares.mean()) / 3, float(squares.median().sqrt()))


def pixel_tensors(
    look: Look, skin: Skin, surface: Surface, lit: Float[Tensor, "n 3"], weights: Float[Tensor, " n"]
) -> Float[Tensor, "n 2 2"]:
    """Return the products of the drawn colours' derivatives by x and y, summed over colours."""
    by_uv = skin.frame.look_up(skin.slopes, look.uv.detach()).unflatten(-1, (2, 3)) * lit[:, None]
    slopes = screen_slopes(look.screen.detach(), surface.uv, surface.faces.long())[look.faces] @ by_uv
    return (slopes @ slopes.mT) * weights[:, None, None]


def screen_slopes(screen: Float[Tensor, "U 3"], uv: Float[Tensor, "U 2"], faces: Int[Tensor, "F 3"]) -> Float[Tensor, "F 2 2"]:
    """Return the derivatives of u and v (columns) by x and y (rows) over each triangle, taken as flat on the screen."""
    first, second, third = screen[:, :2][faces].unbind(1)
    sides = torch.stack([second - first, third - first], 1)
    first, second, third = uv[faces].unbind(1)
    coordinates = torch.stack([second - first, third - first], 1)
    area = sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0]
    inverse = torch.stack([sides[:, 1, 1], -sides[:, 0, 1], -sides[:, 1, 0], sides[:, 0, 0]], -1).unflatten(-1, (2, 2))
    return inverse / torch.where(area.abs() > 1e-9, area, torch.inf)[:, None, None] @ coordinates


def gather(
    look: Look, surface: Surface, anchors: Anchors, force: Float[Tensor, "U 2"], tensors: Float[Tensor, "n 2 2"]
) -> tuple[Float[Tensor, "A 2"], Float[Tensor, "A 2 2"]]:
    """Return the sums over each anchor's vertices; a pixel's tensor is divided among its triangle's corners."""
    nearest = torch.from_numpy(anchors.nearest)[surface.vertex_of]
    count, own = len(anchors.vertices), nearest >= 0
    forces = force.new_zeros(count, 2).index_add_(0, nearest[own], force[own])
    owners = nearest[surface.faces.long()][look.faces]
    sums = force.new_zeros(count, 4)
    for corner in range(3):
        share = look.barycentrics[:, corner, None] * tensors.flatten(1)
        sums.index_add_(0, owners[:, corner], share)
    return forces, sums.unflatten(-1, (2, 2))
