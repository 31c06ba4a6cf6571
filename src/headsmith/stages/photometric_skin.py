"""The person's skin as the clip shows it: colours over the face, without the light, and the light of each frame."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.bridges.track import Track
from headsmith.maths.harmonics import CONSTANT, harmonics
from headsmith.media.parallel import map_in_order
from headsmith.mesh.texture import TextureFrame, fill_unseen
from headsmith.stages.photometric_views import Look, Surface, seen_vertices

RINGS: Final = 3
"""Texels beyond the seen ones that are filled, so that slopes at the border are not those of a hole."""
SEEN: Final = 0.3
"""Weight, in pixels of full light, from which a texel counts as seen."""
STEADY: Final = 0.05
"""Share of its pixels' weight by which a frame's light is drawn to the clip's."""


@dataclass(frozen=True)
class Skin:
    """What skin looks like.

    Attributes:
        frame: Where the texture lies.
        texture: Colours without light, 0..1 where light is 1.
        slopes: Its derivatives by u, then by v.
        light: Of the whole clip: spherical harmonics of normals in the camera's axes, by colour.
        lights: Of each frame.
    """

    frame: TextureFrame
    texture: Float[Tensor, "3 h w"]
    slopes: Float[Tensor, "6 h w"]
    light: Float[Tensor, "9 3"]
    lights: Float[Tensor, "T 9 3"]


def plain_skin(surface: Surface, track: Track, size: int) -> Skin:
    """Return skin of no colour in even light, with texels about as large as pixels of a picture of that size."""
    corners = surface.uv[surface.faces[surface.compared]]
    low, high = corners.amin((0, 1)), corners.amax((0, 1))
    _, pixels = seen_vertices(surface, track.take([0]))
    shown = pixels[torch.from_numpy(surface.head.faces).long()[surface.compared]] * (size / track.size[0])
    density = float((areas(shown) / areas(corners).clamp(min=1e-12)).median().sqrt())
    width, height = (max(2, round(density * float(side))) for side in high - low)
    frame = TextureFrame(tuple(low.tolist()), tuple(high.tolist()), width, height)
    light = torch.zeros(9, 3)
    light[0] = 1 / CONSTANT
    blank = torch.zeros(3, height, width)
    return Skin(frame, blank, torch.cat([blank, blank]), light, light.repeat(len(track.ids), 1, 1))


def areas(triangles: Float[Tensor, "F 3 2"]) -> Float[Tensor, " F"]:
    """Return the areas of plane triangles, doubled."""
    first, second = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    return (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]).abs()


def bake_skin(skin: Skin, look: Callable[[int], Look], places: list[int], threads: int) -> tuple[Skin, Float[Tensor, "h w"]]:
    """Return the skin with the texture that frames show under their lights, in the least squares, and its weights.

    Each frame's sums are made by themselves and added in order: the number of threads changes no bit.
    """

    def sums(place: int) -> Tensor:
        seen = look(place)
        lit = harmonics(seen.normals) @ skin.lights[place]
        return skin.frame.spread(seen.uv.detach(), torch.cat([seen.colours * lit, lit.square()], -1))

    total = torch.zeros(6, skin.frame.height, skin.frame.width)
    for _, part in map_in_order(sums, places, threads):
        total += part
    return with_texture(skin, total[:3] / total[3:].clamp(min=1e-6), total[3:].mean(0)), total[3:].mean(0)


def with_texture(skin: Skin, texture: Float[Tensor, "3 h w"], weights: Float[Tensor, "h w"]) -> Skin:
    """Return the skin with another texture, which holds where it was seen."""
    filled = fill_unseen(texture, weights > SEEN, RINGS)
    return replace(skin, texture=filled, slopes=skin.frame.slopes(filled))


def fit_light(
    albedo: Float[Tensor, "n 3"], normals: Float[Tensor, "n 3"], colours: Float[Tensor, "n 3"], light: Float[Tensor, "9 3"]
) -> Float[Tensor, "9 3"]:
    """Return the light under which skin shows colours, in the least squares, drawn a little to a given light."""
    base = harmonics(normals)
    columns = albedo.mT[:, :, None] * base
    normal = columns.mT @ columns
    side = columns.mT @ colours.mT[..., None]
    steady = STEADY * normal.diagonal(dim1=1, dim2=2).mean(1)[:, None, None] * torch.eye(9)
    return torch.linalg.solve(normal + steady, side + steady @ light.mT[..., None])[..., 0].mT


def with_lights(skin: Skin, lights: Iterable[tuple[int, Float[Tensor, "9 3"]]]) -> Skin:
    """Return the skin with new lights of some frames; the clip's is their mean, which the others get."""
    found = dict(lights)
    mean = torch.stack(list(found.values())).mean(0)
    every = [found.get(place, mean) for place in range(len(skin.lights))]
    return replace(skin, light=mean, lights=torch.stack(every))


def spread_evenly(places: list[int], most: int) -> list[int]:
    """Return at most so many of some places, evenly spaced."""
    if len(places) <= most:
        return places
    return [places[row] for row in np.linspace(0, len(places) - 1, most).round().astype(int).tolist()]
