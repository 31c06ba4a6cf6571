"""What one fitted picture shows of a head's skin: the albedo of each texel that is seen, in the head's unwrapping.

A texel is seen where it faces the camera, nothing of the head lies before it, and the labels say skin: ``exports.texture_bake``
looks. The light of the fit is divided out (``portraits_file``: a colour is albedo times light), so that what is left is the
skin's own. Colours that the sensor clipped, and those in deep shade, where a division would show the sensor's noise, count as
hidden.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Float32
from numpy import ndarray

from headsmith.contract.labels import LABELS
from headsmith.exports.surface import Surface
from headsmith.exports.texture_bake import View, look, sample
from headsmith.exports.texture_layout import Texels, lay_out
from headsmith.heads.container import HeadContainer
from headsmith.heads.model import HeadModel
from headsmith.maths.irradiance import irradiance
from headsmith.mesh.shading import vertex_normals
from headsmith.stages.portraits_file import FittedPortrait
from headsmith.stages.portraits_prepared import PreparedPortrait

SEEN_LABELS: Final = (
    *("skin", "nose", "left_brow", "right_brow", "left_eye", "right_eye", "left_ear", "right_ear"),
    *("upper_lip", "lower_lip", "neck"),
)
"""What is a head's own: neither hair, which its mesh has not, nor the inside of the mouth, nor what is worn."""
SHADE: Final = 0.15
"""Light below which a texel counts as hidden; even light before a face is about 1."""
CLIPPED: Final = 252
"""Value of a channel from which on the sensor may have clipped it."""


@dataclass(frozen=True)
class Sheet:
    """Where textures of a head are laid out.

    Attributes:
        model: The head, float64.
        surface: Its triangles.
        texels: Those of the texture.
    """

    model: HeadModel
    surface: Surface
    texels: Texels

    @classmethod
    def of(cls, model: HeadModel, size: int) -> "Sheet":
        """Return the sheet of so many texels a side."""
        surface = Surface.of(model.container)
        return cls(model, surface, lay_out(surface, size))

    @property
    def head(self) -> HeadContainer:
        """The head as arrays."""
        return self.model.container

    def normals(self) -> Float32[ndarray, "M 3"]:
        """Return unit normals of the texels of the mean head, in its own axes."""
        return units(self.texels.spread(self.surface.normals(self.head.template), self.surface.faces))


@dataclass(frozen=True)
class Unwrapped:
    """What a picture shows.

    Attributes:
        colours: RGB over the level of the light, which is its harmonic of degree 0; of nothing where a texel is hidden.
        light: The light that a texel gets, over that level; 1 where hidden.
        weights: How well each texel is seen: the cube of the cosine to the camera times the square of the light, at most 1;
            0: hidden.
    """

    colours: Float32[ndarray, "M 3"]
    light: Float32[ndarray, "M 3"]
    weights: Float32[ndarray, " M"]

    @property
    def albedo(self) -> Float32[ndarray, "M 3"]:
        """RGB, 0..1 where the light is well fitted: the colours without all of the light."""
        return divided(self.colours, self.light, 1.0)


def unwrap(sheet: Sheet, prepared: PreparedPortrait, fitted: FittedPortrait) -> Unwrapped:
    """Return what a fitted picture shows of each texel."""
    with torch.no_grad():
        vertices = fitted.in_camera(sheet.model(fitted.parameters()).numpy())
    faces, count = sheet.surface.faces, len(sheet.texels.faces)
    mask = np.isin(prepared.labels, [LABELS.index(name) for name in SEEN_LABELS])
    view = View(prepared.picture, mask, vertices, fitted.seen_at(vertices)[:, :2])
    rows, xy, share = look(sheet.texels, faces, view)
    normals = units(sheet.texels.take(rows).spread(vertex_normals(vertices, faces), faces))
    waves = irradiance(torch.from_numpy(normals.astype(np.float64))).numpy()
    light, level = waves @ fitted.light, waves[:, :1] @ fitted.light[:1]
    found = sample(prepared.picture, xy)
    good = (light > SHADE).all(1) & (level > SHADE).all(1) & (found < CLIPPED).all(1)
    result = Unwrapped(np.zeros((count, 3), np.float32), np.ones((count, 3), np.float32), np.zeros(count, np.float32))
    result.colours[rows[good]] = found[good] / 255 / level[good]
    result.light[rows[good]] = light[good] / level[good]
    result.weights[rows[good]] = share[good] * np.minimum(light[good].mean(1), 1) ** 2
    return result


def divided(colours: Float32[ndarray, "*n 3"], light: Float32[ndarray, "*n 3"], share: float) -> Float32[ndarray, "*n 3"]:
    """Return colours from which a share of what light differs by direction is divided out."""
    return (colours / (1 + np.float32(share) * (light - 1))).astype(np.float32)


def units(vectors: Float32[ndarray, "n 3"]) -> Float32[ndarray, "n 3"]:
    """Return vectors brought to length 1."""
    return (vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)).astype(np.float32)
