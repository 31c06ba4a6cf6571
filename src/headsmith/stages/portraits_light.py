"""Light, plain colour and texture codes of portraits in closed form, the head as it lies."""

from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.maths.irradiance import irradiance
from headsmith.maths.room_lights import room_lights
from headsmith.stages import photometric_texture
from headsmith.stages.photometric_texture import TextureSpace
from headsmith.stages.portraits_shades import Shades
from headsmith.stages.portraits_surface import Surface
from headsmith.stages.portraits_synthesis import Shown
from headsmith.stages.portraits_unknowns import Unknowns

NOISE: Final = 0.08
"""Expected difference of a pixel's light from what normals and shades tell, as a share of it: pores, creases, wrong normals."""
COUNTED: Final = 300.0
"""All pixels count as so many: neighbouring ones share their errors."""
MOST: Final = 1500
"""Pixels, about, that are looked at: more of them tell nothing more."""
ROBUST: Final = 0.2
"""Difference, as a share of the light, at which a pixel counts half: lashes, beards, highlights."""
ROUNDS: Final = 4
DIMMEST: Final = 0.2
"""Light below which a pixel's share is no longer asked for."""


def solve_lights(
    shown: Shown,
    albedo: Float[Tensor, "n 3"],
    seen: Float[Tensor, "n 3"],
    unknowns: Unknowns,
    shades: Shades,
    *,
    coloured: bool,
    shared: bool,
) -> tuple[Float[Tensor, "B 9 _"], Float[Tensor, "B 3"]]:
    """Return each picture's light and colour, the likeliest of all; the mean light is 1 where the colour is sought.

    Args:
        shown: The pixels.
        albedo: Theirs, without the colour.
        seen: What the pictures show there.
        unknowns: Pictures without pixels keep theirs.
        shades: Of the skin, beyond the albedo.
        coloured: Whether the colour is sought; else it is 1.
        shared: Whether the three colours have one light.
    """
    base, lights, colours = irradiance(shown.normals).double(), unknowns.light.clone(), torch.ones_like(unknowns.colour)
    for row in range(len(lights)):
        mine = (shown.picture == row).nonzero()[:, 0]
        mine = mine[:: max(1, len(mine) // MOST)]
        if len(mine):
            colour = seen[mine].sum(0) / albedo[mine].sum(0) if coloured else torch.ones_like(colours[row])
            own, shade = albedo[mine] * colour, shades.at(shown.places[mine])
            groups = [[0, 1, 2]] if shared else [[0], [1], [2]]
            found = [solve_light(base[mine], shade, gains(own[:, group], seen[mine][:, group])) for group in groups]
            light = torch.stack(found, 1).to(lights)
            mean = (base[mine].to(lights) @ light).mean(0) if coloured else 1
            lights[row], colours[row] = light / mean, colour * mean
    return lights, colours


def gains(albedo: Float[Tensor, "n c"], seen: Float[Tensor, "n c"]) -> Float[Tensor, " n"]:
    """Return the light that brings albedo nearest to what is seen, by pixel."""
    return ((albedo * seen).sum(1) / albedo.square().sum(1).clamp(min=1e-6)).double()


def solve_light(base: Float[Tensor, "n 9"], shade: Float[Tensor, "n P"], seen: Float[Tensor, " n"]) -> Float[Tensor, "9"]:
    """Return the likeliest light of some pixels, whose shades are believed as ``portraits_shades``, and it as ``room_lights``.

    A pixel shows ``light (1 + shade)``, but for an error that is a share of its light. That is linear in light and shades once
    the light by which the shades are multiplied is that of the round before; errors count by Cauchy's weights, 1 / (1 + e^2),
    and the level of the light is that of the pixels.

    Args:
        base: Functions of the pixels' normals.
        shade: What each code of deviation 1 changes.
        seen: Light times shades.
    """
    mean, spread = room_lights()
    level, precision = seen.mean(), torch.block_diag(torch.linalg.inv(spread), torch.eye(shade.shape[1], dtype=base.dtype))
    expected, light, counted = torch.zeros(len(precision), dtype=base.dtype), mean, COUNTED / len(seen) / NOISE**2
    expected[:9] = mean
    share, codes = seen / level, expected
    for _ in range(ROUNDS):
        lit = base @ light
        strength = lit.clamp(min=DIMMEST)
        columns = torch.cat([base, shade * lit[:, None]], 1) / strength[:, None]
        apart = columns @ codes - share / strength
        weights = counted / (1 + (apart / ROBUST).square())
        normal = columns.mT @ (weights[:, None] * columns) + precision
        codes = torch.linalg.solve(normal, columns.mT @ (weights * share / strength) + precision @ expected)
        light = codes[:9]
        gain = (base @ light).mean()
        light, share, level = light / gain, share / gain, level * gain
    return light * level


def solve_codes(
    shown: Shown, light: Float[Tensor, "n _"], seen: Float[Tensor, "n 3"], surface: Surface, space: TextureSpace
) -> Float[Tensor, "1 C"]:
    """Return the texture codes, of deviation 1, under which pixels are met best in the least squares."""
    picture = torch.cat([space.mean[None], space.directions])
    texels = surface.frame.look_up(picture.flatten(0, 1), shown.uv).unflatten(1, (-1, 3)) * light[:, None]
    basis, apart = texels[:, 1:].transpose(1, 2).flatten(0, 1), (seen - texels[:, 0]).flatten()
    certainty = 1 / (photometric_texture.NOISE**2 * photometric_texture.REPEATED)
    normal = certainty * basis.mT @ basis + torch.eye(basis.shape[1], dtype=basis.dtype)
    return torch.linalg.solve(normal, certainty * basis.mT @ apart)[None]
