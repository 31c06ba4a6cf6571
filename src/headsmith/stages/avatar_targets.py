"""What the pixels of a frame are to training: the picture over its background, and how much each of them counts."""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from headsmith.splat.avatar import View

OFTEN_ENOUGH = 5
"""Frames in which a pixel must show the background alone to count as known; others are filled in from around."""

RIM = 4
"""Pixels around the head mask in which neither head nor clothes are sure."""

CLOTHES_WEIGHT = 0.2
"""Weight of pixels with clothes. They are painted over by the plate: the avatar ends at the collar, and not in rags."""

FILL_RADIUS = 3.0
"""Pixels around a hole that the filling looks at (Telea, An Image Inpainting Technique, 2004)."""

COLOURS = {"green": (0, 255, 0), "white": (255, 255, 255)}
"""Backgrounds of one colour (FlashAvatar's code, ``train.py``)."""


def clothes_of(matte: UInt8[np.ndarray, "H W"], head: UInt8[np.ndarray, "H W"]) -> Float[np.ndarray, "H W"]:
    """Return how much each pixel shows clothes, 0..1: what the matte keeps well outside of the head mask.

    The ``RIM`` around the head mask is nobody's: there the mask may cut off hair.
    """
    around = cv2.dilate(head, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * RIM + 1, 2 * RIM + 1)))
    return np.where(around > 0, 0, matte) / 255.0


def pixel_weights(
    matte: UInt8[np.ndarray, "H W"], mouth: UInt8[np.ndarray, "H W"], head: UInt8[np.ndarray, "H W"], mouth_weight: float
) -> Float[np.ndarray, "H W"]:
    """Return how much each pixel counts: 1 on head and background, ``1 + mouth_weight`` in the mouth, little on clothes.

    Just outside of the head mask, only the background's share of a pixel counts.
    """
    weight = np.where(head > 0, 1.0, 1.0 - matte / 255.0) + CLOTHES_WEIGHT * clothes_of(matte, head)
    return (weight * (1 + mouth_weight * (mouth > 0))).astype(np.float16)


def over_plate(
    image: UInt8[np.ndarray, "H W 3"],
    matte: UInt8[np.ndarray, "H W"],
    head: UInt8[np.ndarray, "H W"],
    plate: UInt8[np.ndarray, "H W 3"],
) -> UInt8[np.ndarray, "H W 3"]:
    """Return a frame whose clothes are painted over by the plate."""
    clothes = clothes_of(matte, head)[..., None]
    return (image * (1 - clothes) + plate * clothes).round().astype(np.uint8)


def over_colour(
    image: UInt8[np.ndarray, "H W 3"],
    matte: UInt8[np.ndarray, "H W"],
    head: UInt8[np.ndarray, "H W"],
    colour: tuple[int, int, int],
) -> UInt8[np.ndarray, "H W 3"]:
    """Return a frame over one colour, cut out by the matte and then by the head mask (FlashAvatar's code, ``train.py``)."""
    kept = image * (matte / 255)[..., None] + np.array(colour) * (1 - matte / 255)[..., None]
    share = (head / 255)[..., None]
    return (kept * share + np.array(colour) * (1 - share)).round().astype(np.uint8)


def fill_plate(total: Float[np.ndarray, "H W 3"], seen: Float[np.ndarray, "H W"]) -> UInt8[np.ndarray, "H W 3"]:
    """Return the mean of the background where it was seen often enough, filled in elsewhere."""
    mean = (total / np.maximum(seen, 1)[..., None]).round().astype(np.uint8)
    hidden = (seen < OFTEN_ENOUGH).astype(np.uint8)
    return mean if hidden.all() else cv2.inpaint(mean, hidden, FILL_RADIUS, cv2.INPAINT_TELEA)


@dataclass(frozen=True)
class FramePlan:
    """How a frame becomes a record.

    Attributes:
        background: ``plate``, or a name of ``COLOURS``.
        mouth_weight: Extra weight of the mouth.
    """

    background: str
    mouth_weight: float

    def record(self, parts: tuple[np.ndarray, ...], plate: UInt8[np.ndarray, "H W 3"], view: View) -> dict[str, np.ndarray]:
        """Return a frame's record from image, matte, mouth mask and head mask.

        Over a colour every pixel weighs 1, and ``1 + mouth_weight`` in the mouth: FlashAvatar's two Huber terms in one.
        """
        image, matte, mouth, head = parts
        if self.background == "plate":
            weight, picture = pixel_weights(matte, mouth, head, self.mouth_weight), over_plate(image, matte, head, plate)
            alpha = matte / 255 * (1 - clothes_of(matte, head))
        else:
            weight = (1 + self.mouth_weight * (mouth / 255)).astype(np.float16)
            picture = over_colour(image, matte, head, COLOURS[self.background])
            alpha = matte / 255 * (head / 255)
        filled = (alpha * 255).round().astype(np.uint8)
        return {"points": view.points.numpy(), "weight": weight, "image": picture, "head": head, "alpha": filled}

    def behind(self, plate: UInt8[Tensor, "H W 3"]) -> Float[Tensor, "H W 3"] | Float[Tensor, "3"]:
        """Return what the avatar is drawn over, 0..1."""
        return (plate if self.background == "plate" else torch.tensor(COLOURS[self.background])).float() / 255
