"""Training frames on disk, in the form that training reads at random: plain arrays, mapped into memory.

Images, weights and bound points of every frame are written once, as a stream; the operating system keeps of them what memory
has room for, so a long clip needs no more memory than a short one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from headsmith.media.frames import iterate_frames
from headsmith.media.progress import progress
from headsmith.splat.avatar import Target, View
from headsmith.splat.binding import Binding
from headsmith.stages.avatar_views import ClipViews

CLEAR = 5
"""Largest matte, of 255, of a pixel that shows the background alone."""

OFTEN_ENOUGH = 5
"""Frames in which a pixel must show the background alone to count as known; others are filled in from around."""

RIM = 4
"""Pixels around the head mask in which neither head nor clothes are sure."""

CLOTHES_WEIGHT = 0.2
"""Weight of pixels with clothes. They are painted over by the plate: the avatar ends at the collar, and not in rags."""

FILL_RADIUS = 3.0
"""Pixels around a hole that the filling looks at (Telea, An Image Inpainting Technique, 2004)."""


@dataclass(frozen=True)
class TrainingSources:
    """Manifests of the folders that training reads."""

    frames: Path
    matte: Path
    mouth_masks: Path
    head_masks: Path

    def read(self, ids: list[int], clip: str, verify: bool) -> Iterator[tuple[np.ndarray, ...]]:
        """Yield image, matte, mouth mask and head mask of each frame; ``verify`` hashes the folders first."""
        streams = [iterate_frames(self.frames, clip, ids=ids, verify=verify)]
        for path in (self.matte, self.mouth_masks, self.head_masks):
            streams.append(iterate_frames(path, clip, ids=ids, grey=True, verify=verify))
        for parts in zip(*streams, strict=True):
            yield tuple(image for _, image in parts)


@dataclass(frozen=True)
class TrainingFrames:
    """The frames of one training, a row each, in the order of ``ids``."""

    ids: list[int]
    images: UInt8[np.ndarray, "T H W 3"]
    weights: Float[np.ndarray, "T H W"]
    heads: UInt8[np.ndarray, "T H W"]
    points: Float[np.ndarray, "T N 3"]
    clip_views: ClipViews
    plate: UInt8[Tensor, "H W 3"]

    def view(self, row: int) -> View:
        """Return a frame's points, condition and camera."""
        at = self.clip_views.rows[self.ids[row]]
        points = torch.from_numpy(np.array(self.points[row]))
        return View(points, self.clip_views.conditions[at], self.clip_views.cameras[at])

    def target(self, row: int) -> Target:
        """Return a frame's picture and weights."""
        image = torch.from_numpy(self.images[row].astype(np.float32) / 255)
        weight, head = (torch.from_numpy(part[row].astype(np.float32)) for part in (self.weights, self.heads))
        return Target(image, weight, head / 255)


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


def fill_plate(total: Float[np.ndarray, "H W 3"], seen: Float[np.ndarray, "H W"]) -> UInt8[np.ndarray, "H W 3"]:
    """Return the mean of the background where it was seen often enough, filled in elsewhere."""
    mean = (total / np.maximum(seen, 1)[..., None]).round().astype(np.uint8)
    hidden = (seen < OFTEN_ENOUGH).astype(np.uint8)
    return mean if hidden.all() else cv2.inpaint(mean, hidden, FILL_RADIUS, cv2.INPAINT_TELEA)


def prepare_frames(
    *,
    clip: str,
    ids: list[int],
    sources: TrainingSources,
    views: ClipViews,
    binding: Binding,
    mouth_weight: float,
    folder: Path,
) -> TrainingFrames:
    """Write the training frames' arrays into a folder and map them.

    Args:
        clip: Name of the clip.
        ids: Training frames.
        sources: Manifests of frames, mattes and masks.
        views: The tracked clip.
        binding: Where the Gaussians lie on the head.
        mouth_weight: Extra weight of the mouth.
        folder: Where the arrays are kept; an existing one of them is written anew.

    Raises:
        UserError: A folder differs from its manifest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    width, height = views.cameras.size
    shapes = {"images": ((height, width, 3), "u1"), "weights": ((height, width), "f2"), "heads": ((height, width), "u1")}
    shapes["points"] = ((len(binding.faces), 3), "f4")
    arrays = {
        name: np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=kind, shape=(len(ids), *shape))
        for name, (shape, kind) in shapes.items()
    }
    plate = find_plate(ids, sources, clip)
    stream = zip(sources.read(ids, clip, verify=False), views.views(ids, binding), strict=True)
    for row, ((image, matte, mouth, head), view) in enumerate(progress(stream, len(ids), f"{clip}: training frames")):
        clothes = clothes_of(matte, head)[..., None]
        arrays["images"][row] = (image * (1 - clothes) + plate * clothes).round()
        arrays["weights"][row] = pixel_weights(matte, mouth, head, mouth_weight)
        arrays["heads"][row] = head
        arrays["points"][row] = view.points.numpy()
    return TrainingFrames(ids, *arrays.values(), clip_views=views, plate=torch.from_numpy(plate))


def find_plate(ids: list[int], sources: TrainingSources, clip: str) -> UInt8[np.ndarray, "H W 3"]:
    """Return the background of a clip: the mean of the pixels that show it alone."""
    total = seen = np.zeros(1)
    for image, matte, _, head in progress(sources.read(ids, clip, verify=True), len(ids), f"{clip}: background plate"):
        clear = (matte <= CLEAR) & (head == 0)
        total = total + image * clear[..., None]
        seen = seen + clear
    return fill_plate(total, seen)
