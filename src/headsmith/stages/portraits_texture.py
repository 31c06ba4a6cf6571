"""The textures of a portrait's head: the albedo that was fitted, and what the picture shows of the skin."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from numpy import ndarray

from headsmith.contract.exchange import FLAME_HEADS
from headsmith.contract.labels import MASKS, label_ids
from headsmith.exports.surface import Surface
from headsmith.exports.texture_bake import View, bake
from headsmith.exports.texture_fill import fill
from headsmith.exports.texture_layout import Texels, as_picture, lay_out
from headsmith.exports.texture_regions import COLOURS
from headsmith.heads.colours import vertex_colours
from headsmith.heads.container import HeadContainer
from headsmith.heads.texture import TextureModel
from headsmith.maths.cameras import FLIP
from headsmith.maths.irradiance import irradiance
from headsmith.stages.portraits_codes import DecodedPortrait
from headsmith.stages.portraits_crop import cut, moved, scale_of
from headsmith.stages.portraits_file import FittedPortrait
from headsmith.stages.portraits_prepared import PreparedPortrait

DECA_SIZE, USUAL_SIZE = 256, 1024
FINER: Final = 4
"""The picture is looked at with so many pixels along the crop's side for each texel along the texture's, at most."""
SEEN: Final = tuple(name for name in MASKS["head"] if name not in ("glasses", "hat", "earring", "necklace"))
"""Labels of pixels that show the head."""
TRUST: Final = 0.05
"""Weight of a look at which a texel is half what the picture shows; a look from straight ahead weighs 1."""


@dataclass(frozen=True)
class Layout:
    """What all portraits of a head share.

    Attributes:
        head: The head.
        surface: Its surface.
        texels: Of the textures that are written.
        size: Their side.
    """

    head: HeadContainer
    surface: Surface
    texels: Texels
    size: int

    @classmethod
    def of(cls, head: HeadContainer, size: int) -> "Layout":
        """Return the layout of textures of so many texels a side; 0: the usual number for the head."""
        surface = Surface.of(head)
        size = size or (DECA_SIZE if head.name in FLAME_HEADS else USUAL_SIZE)
        return cls(head, surface, lay_out(surface, size), size)

    def spread(self, values: Float[ndarray, "V C"]) -> Float32[ndarray, "U U C"]:
        """Return values of vertices over the unwrapping."""
        return self.texels.picture(self.texels.spread(values, self.surface.faces))


def albedo_map(fitted: FittedPortrait, texture: TextureModel | None, size: int) -> Float32[ndarray, "U U 3"]:
    """Return the albedo that was fitted, RGB of about 0..1, over the head's unwrapping.

    Args:
        fitted: The portrait.
        texture: The texture space whose codes it has; None where it has none.
        size: Side of the picture.
    """
    plain = np.ones((size, size, 3), np.float32)
    if texture is not None:
        count = len(fitted.texture)
        plain = resized((texture.mean + texture.directions[..., :count] @ fitted.texture.astype(np.float32)) / 255, size)
    offset = resized(fitted.offset, size) if fitted.offset.size else 0
    return (plain * fitted.colour.astype(np.float32) + offset).astype(np.float32)


def resized(picture: Float[ndarray, "U U *C"], size: int) -> Float32[ndarray, "S S *C"]:
    """Return a picture of another size."""
    way = cv2.INTER_AREA if size < len(picture) else cv2.INTER_LINEAR
    return cv2.resize(np.asarray(picture, np.float32), (size, size), interpolation=way)


def extract_texture(
    fitted: FittedPortrait,
    decoded: DecodedPortrait,
    prepared: PreparedPortrait,
    picture: UInt8[ndarray, "H W 3"],
    layout: Layout,
    albedo: Float32[ndarray, "U U 3"] | None,
) -> UInt8[ndarray, "U U 3"]:
    """Return what the picture shows of the head, over its unwrapping, RGB.

    What it does not show, hidden by the head itself, by hair, or by the picture's edge, is the fitted albedo in the fitted
    light, where there is one; else the colours around it, smoothly.

    Args:
        fitted: The portrait.
        decoded: Its head.
        prepared: Its crop.
        picture: The whole picture, from whose own pixels colours are taken.
        layout: Of the head.
        albedo: What was fitted, at the layout's size; None: there is none.
    """
    size, side = layout.size, prepared.picture.shape[0]
    wide = int(np.clip(side / scale_of(prepared.crop), side, FINER * size))
    larger = np.diag([wide / side, wide / side, 1.0])
    shown = np.isin(prepared.labels, label_ids(SEEN)).astype(np.uint8)
    mask = cv2.resize(shown, (wide, wide), interpolation=cv2.INTER_NEAREST) > 0
    seen_at = moved(decoded.seen[:, :2], larger)
    view = View(cut(picture, larger @ prepared.crop, wide), mask, decoded.before, seen_at)
    colours, weights = bake(layout.texels, layout.surface.faces, lambda: [view])
    if albedo is None:
        around = vertex_colours(layout.head, COLOURS)
        return as_picture(layout.texels.picture(fill(layout.texels, layout.surface.faces, colours, weights, around)))
    lit = (albedo * light_map(fitted, decoded, layout) * 255)[layout.texels.covered]
    trust = (weights / (weights + TRUST))[:, None]
    return as_picture(layout.texels.picture(trust * colours + (1 - trust) * lit))


def light_map(fitted: FittedPortrait, decoded: DecodedPortrait, layout: Layout) -> Float32[ndarray, "U U 3"]:
    """Return the fitted light over the head's unwrapping."""
    normals = torch.from_numpy(decoded.normals * FLIP)
    return layout.spread((irradiance(normals) @ torch.from_numpy(fitted.light)).numpy())


def normal_map(normals: Float[ndarray, "V 3"], layout: Layout) -> UInt8[ndarray, "U U 3"]:
    """Return normals over the unwrapping as colours: red, green and blue of 0..255 are x, y and z of -1..1, DECA's world."""
    spread = layout.spread(normals)
    return as_picture((spread / np.maximum(np.linalg.norm(spread, axis=-1, keepdims=True), 1e-6) + 1) / 2 * 255)
