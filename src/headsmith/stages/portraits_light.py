"""Where the colours of a portrait begin: light, plain colour and texture codes in closed form, the head as it lies."""

from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.maths.irradiance import irradiance
from headsmith.stages.photometric_texture import NOISE, REPEATED, TextureSpace
from headsmith.stages.portraits_surface import Surface
from headsmith.stages.portraits_synthesis import Shown
from headsmith.stages.portraits_unknowns import Unknowns

STEADY: Final = 0.05
"""Share of the pixels' own weight by which a light is drawn to an even one."""


def solve_lights(
    shown: Shown,
    albedo: Float[Tensor, "n 3"],
    seen: Float[Tensor, "n 3"],
    unknowns: Unknowns,
    *,
    coloured: bool,
    shared: bool,
) -> tuple[Float[Tensor, "B 9 _"], Float[Tensor, "B 3"]]:
    """Return each picture's light and colour: the squares of the differences are least.

    Light is found for each colour by itself; a shared light and a colour are the nearest product of the two (the first pair of
    singular vectors), and the mean light over the pixels is 1 where the colour is sought.

    Args:
        shown: The pixels.
        albedo: Theirs, without the colour.
        seen: What the pictures show there.
        unknowns: Pictures without pixels keep theirs.
        coloured: Whether the colour is sought; else it is 1.
        shared: Whether the three colours have one light.
    """
    base, lights, colours = irradiance(shown.normals), unknowns.light.clone(), torch.ones_like(unknowns.colour)
    for row in range(len(lights)):
        mine = shown.picture == row
        if mine.any():
            found = solve_light(base[mine], albedo[mine], seen[mine])
            lights[row], colours[row] = told_apart(found, base[mine], coloured, shared)
    return lights, colours


def solve_light(base: Float[Tensor, "n 9"], albedo: Float[Tensor, "n 3"], seen: Float[Tensor, "n 3"]) -> Float[Tensor, "9 3"]:
    """Return the light of each colour, drawn a little to an even one."""
    columns = albedo.mT[:, :, None] * base
    normal, side = columns.mT @ columns, columns.mT @ seen.mT[..., None]
    even = torch.zeros_like(side)
    even[:, 0, 0] = seen.mean(0) / (albedo.mean(0).clamp(min=1e-3) * base[:, 0].mean())
    steady = STEADY * normal.diagonal(dim1=1, dim2=2).mean(1)[:, None, None] * torch.eye(9, dtype=base.dtype)
    return torch.linalg.solve(normal + steady, side + steady @ even)[..., 0].mT


def told_apart(
    light: Float[Tensor, "9 3"], base: Float[Tensor, "n 9"], coloured: bool, shared: bool
) -> tuple[Float[Tensor, "9 _"], Float[Tensor, "3"]]:
    """Return light, shared or by colour, and colour, of a light that holds both."""
    ones = light.new_ones(3)
    if not coloured:
        return (light.mean(1, keepdim=True) if shared else light), ones
    colour = (base @ light).mean(0)
    if not shared:
        return light / colour, colour
    left, sizes, right = torch.linalg.svd(light, full_matrices=False)
    column = left[:, :1] * sizes[0]
    mean = (base @ column).mean()
    return column / mean, right[0] * mean


def solve_codes(
    shown: Shown, light: Float[Tensor, "n _"], seen: Float[Tensor, "n 3"], surface: Surface, space: TextureSpace
) -> Float[Tensor, "1 C"]:
    """Return the texture codes, of deviation 1, under which pixels are met best in the least squares."""
    picture = torch.cat([space.mean[None], space.directions])
    texels = surface.frame.look_up(picture.flatten(0, 1), shown.uv).unflatten(1, (-1, 3)) * light[:, None]
    basis, apart = texels[:, 1:].transpose(1, 2).flatten(0, 1), (seen - texels[:, 0]).flatten()
    certainty = 1 / (NOISE**2 * REPEATED)
    normal = certainty * basis.mT @ basis + torch.eye(basis.shape[1], dtype=basis.dtype)
    return torch.linalg.solve(normal, certainty * basis.mT @ apart)[None]
