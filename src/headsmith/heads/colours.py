"""Plain colours of a head's regions."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.heads.container import HeadContainer

Colour = tuple[int, int, int]
"""Red, green, blue, 0..255."""
SKIN: Final[Colour] = (205, 165, 140)
"""Of what lies in no region that has a colour."""


def vertex_colours(head: HeadContainer, colours: Mapping[str, Colour]) -> Float[ndarray, "V 3"]:
    """Return the colour of each vertex, 0..255: that of the last of the named regions that it is in, else of skin.

    Args:
        head: Its regions.
        colours: By region; those that the head does not have count for nothing.
    """
    found = np.tile(np.array(SKIN, np.float64), (len(head.template), 1))
    for name, colour in colours.items():
        found[head.regions.get(name, [])] = colour
    return found
