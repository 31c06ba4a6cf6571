"""From what is sought to what a camera would see: landmarks, and the colours of the skin's pixels."""

from dataclasses import dataclass

import torch
import torch.nn.functional as nn
from jaxtyping import Bool, Float, Int
from torch import Tensor

from headsmith.heads.embedding_contour import head_yaw, nearest_rows
from headsmith.maths.barycentrics import interpolate_on_faces
from headsmith.maths.irradiance import irradiance
from headsmith.mesh.renderers import Renderer
from headsmith.stages.photometric_texture import TextureSpace
from headsmith.stages.portraits_start import WEAK_DEPTH
from headsmith.stages.portraits_surface import Surface
from headsmith.stages.portraits_unknowns import Frozen, Unknowns

GRAZING = 0.3
"""Cosine between normal and viewing direction below which skin is not compared: 73 degrees."""


@dataclass(frozen=True)
class Posed:
    """The head's vertices before the cameras.

    Attributes:
        turned: In the camera's axes, about the pivot, metres.
        screen: x and y in pixels of the crop, and depth, metres.
    """

    turned: Float[Tensor, "B V 3"]
    screen: Float[Tensor, "B V 3"]


@dataclass(frozen=True)
class Shown:
    """The pixels of skin that are compared, of all pictures one after the other.

    Attributes:
        picture: Which picture each is of.
        rows: Where it lies.
        columns: Where it lies.
        uv: Texture coordinates.
        normals: Unit normals, in the camera's axes.
        places: Where they are on the mean head, metres.
    """

    picture: Int[Tensor, " n"]
    rows: Int[Tensor, " n"]
    columns: Int[Tensor, " n"]
    uv: Float[Tensor, "n 2"]
    normals: Float[Tensor, "n 3"]
    places: Float[Tensor, "n 3"]


def pose(unknowns: Unknowns, frozen: Frozen, surface: Surface) -> Posed:
    """Return the head before the cameras.

    A pinhole at the distance Z of the pivot, which sees it at s and a metre there as k pixels, sees a point that lies p from
    the pivot at ``(s + k p_xy) / (1 + p_z / Z)`` from the principal point; a weak camera is the same with Z infinite.
    """
    vertices = surface.model(unknowns.parameters())
    turned = (vertices - surface.pivot) @ frozen.turned(unknowns).mT
    nearness = frozen.nearness(unknowns)[:, None, None]
    scale = unknowns.spot[:, None, 2:].exp()
    plane = (frozen.size * unknowns.spot[:, None, :2] + scale * turned[..., :2]) / (1 + turned[..., 2:] * nearness)
    depth = WEAK_DEPTH if frozen.weak else 1 / nearness
    return Posed(turned, torch.cat([plane + frozen.size / 2, depth + turned[..., 2:]], -1))


def see_landmarks(posed: Posed, surface: Surface) -> Float[Tensor, "B L 2"]:
    """Return where all places of landmarks are seen, pixels of the crop."""
    return interpolate_on_faces(posed.screen[..., :2], surface.corners, surface.barycentrics)


def chosen_places(frozen: Frozen, unknowns: Unknowns, surface: Surface) -> Bool[Tensor, "B L"]:
    """Return which places of landmarks a camera sees: those that keep their place, and of the others those of its yaw."""
    sliding, count = surface.sliding, len(unknowns.turn)
    if sliding is None:
        return torch.ones(count, len(surface.points), dtype=torch.bool)
    with torch.no_grad():
        spot = frozen.size * unknowns.spot[:, :2] / unknowns.spot[:, 2:].exp()
        distance = 1 / frozen.nearness(unknowns).clamp(min=1e-3)
        near = nearest_rows(sliding.yaws, head_yaw(frozen.turned(unknowns), torch.cat([spot, distance[:, None]], 1)).double())
    return (sliding.rows < 0) | (sliding.rows == near[:, None])


def normals_of(vertices: Float[Tensor, "B V 3"], faces: Int[Tensor, "F 3"]) -> Float[Tensor, "B V 3"]:
    """Return unit normals, outwards: the sum over a vertex' triangles, each by its area."""
    first, second, third = (vertices[:, corner] for corner in faces.unbind(1))
    across = torch.linalg.cross(second - first, third - first)
    total = torch.zeros_like(vertices)
    for corner in faces.unbind(1):
        total = total.index_add(1, corner, across)
    return nn.normalize(total, dim=-1)


def show(posed: Posed, surface: Surface, renderer: Renderer, skin: Bool[Tensor, "B S S"], size: int) -> Shown:
    """Return the pixels at which skin is compared.

    Args:
        posed: The heads.
        surface: Of them.
        renderer: Draws them.
        skin: Where each picture shows skin.
        size: Side of the crop, pixels; pictures may be smaller or larger.
    """
    side = skin.shape[1]
    scale = posed.screen.new_tensor((side / size, side / size, 1.0))
    normals = normals_of(posed.turned, surface.faces)
    fixed = torch.cat([surface.uv, surface.model.template[surface.vertex_of]], -1)
    attributes = torch.cat([fixed.expand(len(skin), -1, -1), normals[:, surface.vertex_of]], -1)
    screen = (posed.screen * scale)[:, surface.vertex_of].contiguous()
    drawn = renderer.interpolate(screen, surface.drawn, attributes, (side, side))
    used = drawn.mask & skin & (drawn.image[..., 7].detach() < -GRAZING)
    values = drawn.image[used]
    return Shown(*used.nonzero(as_tuple=True), values[:, :2], nn.normalize(values[:, 5:], dim=-1), values[:, 2:5].detach())


def skin_albedo(
    shown: Shown, unknowns: Unknowns, surface: Surface, space: TextureSpace | None, offset: bool
) -> Float[Tensor, "n 3"]:
    """Return the albedo of the pixels.

    Args:
        shown: The pixels.
        unknowns: What is sought.
        surface: The head's.
        space: The texture space over the surface's texels; none: a plain colour.
        offset: Whether the offset counts.
    """
    picture = None if space is None else space.mean + torch.einsum("n,nchw->chw", unknowns.texture[0], space.directions)
    if offset:
        picture = unknowns.offset if picture is None else picture + unknowns.offset
    texels = 0 if picture is None else surface.frame.look_up(picture, shown.uv)
    return texels + unknowns.colour[shown.picture] if space is None else texels


def skin_light(shown: Shown, unknowns: Unknowns) -> Float[Tensor, "n _"]:
    """Return the light that falls on the pixels, of one column or of one for each colour."""
    return (irradiance(shown.normals)[:, None] @ unknowns.light[shown.picture])[:, 0]
