"""The pictures of portraits as the fit compares them: at any size, with the pixels that show skin."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headsmith.contract.errors import UserError
from headsmith.contract.labels import label_ids
from headsmith.stages.portraits_prepared import PreparedPortrait

PLAIN: Final = ("skin", "nose")
"""Labels of what has about one colour."""
COLOURED: Final = (*PLAIN, "left_brow", "right_brow", "upper_lip", "lower_lip")
"""Labels of what moves with the mesh and keeps its colours; not eyes, which shine, nor the mouth, which opens, nor hair."""
ALL_SKIN: Final = 0.99
"""Share of a pixel's area that must be skin, where pictures are made smaller."""
EDGE: Final = np.ones((3, 3), np.uint8)
"""Pixels by the border of the skin show what lies beside it too."""
FEWEST: Final = 200
"""Pixels of skin, of a picture of 224 pixels a side, from which its light may follow."""


@dataclass(frozen=True)
class Pictures:
    """Pictures of one size.

    Attributes:
        colours: RGB, 0..1.
        skin: Where they show skin that is compared.
    """

    colours: Float[Tensor, "B S S 3"]
    skin: Bool[Tensor, "B S S"]


def open_pictures(prepared: Sequence[PreparedPortrait], side: int, plain: bool, kind: torch.dtype) -> Pictures:
    """Return pictures made smaller, area by area.

    Args:
        prepared: The pictures.
        side: Their new side, pixels.
        plain: Whether only skin of about one colour counts.
        kind: Precision.
    """
    pairs = [_smaller(part, side, PLAIN if plain else COLOURED) for part in prepared]
    colours, skin = (torch.from_numpy(np.stack(parts)) for parts in zip(*pairs, strict=True))
    return Pictures(colours.to(kind), skin)


def _smaller(part: PreparedPortrait, side: int, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    picture, skin = part.picture, np.isin(part.labels, label_ids(labels)).astype(np.float32)
    if side != len(picture):
        picture, skin = (cv2.resize(whole, (side, side), interpolation=cv2.INTER_AREA) for whole in (picture, skin))
    inner = cv2.erode((skin > ALL_SKIN).astype(np.uint8), EDGE, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return picture.astype(np.float64) / 255, inner > 0


def check_skin(prepared: Sequence[PreparedPortrait]) -> None:
    """Accept pictures in which there is skin to compare.

    Raises:
        UserError: There is next to none.
    """
    for part in prepared:
        count = int(np.isin(part.labels, label_ids(PLAIN)).sum())
        if count < FEWEST * (len(part.labels) / 224) ** 2:
            what = f"only {count} pixels of the picture are labelled as skin, so neither colours nor light can be fitted"
            remedy = "look at its label map, name a better picture, or set portraits.photometric to false"
            raise UserError(what, clip=part.name, remedy=remedy)
