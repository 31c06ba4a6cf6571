"""Plain colours by region: a texture for every head, from nothing but its container."""

from typing import Final

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from headsmith.exports.surface import Surface
from headsmith.exports.texture_layout import as_picture, lay_out
from headsmith.heads.colours import SKIN, Colour
from headsmith.heads.container import HeadContainer

COLOURS: Final[dict[str, Colour]] = {
    "neck": (188, 148, 124),
    "scalp": (120, 92, 74),
    "face": (213, 174, 149),
    "forehead": (218, 181, 156),
    "nose": (222, 172, 146),
    "eye_region": (203, 158, 135),
    "left_eye_region": (203, 158, 135),
    "right_eye_region": (203, 158, 135),
    "ears": (214, 158, 134),
    "left_ear": (214, 158, 134),
    "right_ear": (214, 158, 134),
    "eyelids": (193, 148, 127),
    "left_eyelid": (193, 148, 127),
    "right_eyelid": (193, 148, 127),
    "mouth_cavity": (110, 45, 45),
    "lips": (178, 104, 100),
    "tongue": (190, 90, 95),
    "teeth": (240, 238, 228),
    "upper_teeth": (240, 238, 228),
    "lower_teeth": (232, 228, 214),
    "left_eyeball": (238, 238, 238),
    "right_eyeball": (238, 238, 238),
}
"""Of the regions that heads have; later ones win. The rest is skin."""


def triangle_colours(head: HeadContainer) -> Float[ndarray, "F 3"]:
    """Return the colour of each triangle, 0..255: that of the last region in which all of its corners lie."""
    colours = np.tile(np.array(SKIN, np.float64), (len(head.faces), 1))
    for name, colour in COLOURS.items():
        if name in head.regions:
            colours[np.isin(head.faces, head.regions[name]).all(1)] = colour
    return colours


def paint_regions(head: HeadContainer, size: int) -> UInt8[ndarray, "S S 3"]:
    """Return the texture of plain colours, RGB."""
    texels = lay_out(Surface.of(head), size)
    return as_picture(texels.picture(triangle_colours(head)[texels.faces]))
