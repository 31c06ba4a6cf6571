"""Training frames as training takes them: pictures over a background, weights and bound points, streamed from disk.

They are written once, as a stream, and read row by row (``avatar_store``): a long clip needs no more memory than a short one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from headsmith.contract.errors import UserError
from headsmith.maths.cameras import Camera
from headsmith.media.atomic import atomic_path
from headsmith.media.frames import iterate_frames
from headsmith.media.progress import progress
from headsmith.splat.avatar import Target, View
from headsmith.splat.binding import Binding
from headsmith.stages.avatar_store import RowStore
from headsmith.stages.avatar_targets import FramePlan, fill_plate
from headsmith.stages.avatar_views import ClipViews

CLEAR = 5
"""Largest matte, of 255, of a pixel that shows the background alone."""


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
    """The frames of one training, a record each, in the order of ``ids``.

    Attributes:
        ids: Training frames, then held-out ones for previews.
        count: How many of them train.
        store: Their pictures, weights and points.
        conditions: What drives the avatar in each, on the device.
        cameras: Of each, on the device.
        plate: The clip's background.
        background: What the avatar is drawn over in training, 0..1, on the device: the plate or a colour.
    """

    ids: list[int]
    count: int
    store: RowStore
    conditions: Float[Tensor, "T C"]
    cameras: Camera
    plate: UInt8[Tensor, "H W 3"]
    background: Float[Tensor, "H W 3"] | Float[Tensor, "3"]

    @property
    def device(self) -> torch.device:
        """Where training runs."""
        return self.conditions.device

    def load(self, row: int) -> UInt8[Tensor, " bytes"]:
        """Read a frame's record; for a GPU into memory from which it is sent while others are worked on."""
        return self.store.read(row, pinned=self.device.type == "cuda")

    def deliver(self, row: int, content: UInt8[Tensor, " bytes"]) -> tuple[View, Target]:
        """Return what was loaded of a frame as training takes it, on the device."""
        arrays = self.store.arrays(content.to(self.device, non_blocking=True))
        view = View(arrays["points"], self.conditions[row], self.cameras[row])
        image, head, alpha = (arrays[name].float().div_(255) for name in ("image", "head", "alpha"))
        return view, Target(image, arrays["weight"].float(), head, alpha)


def prepare_frames(
    *,
    clip: str,
    ids: list[int],
    previews: list[int],
    sources: TrainingSources,
    views: ClipViews,
    binding: Binding,
    plan: FramePlan,
    folder: Path,
    key: str,
    device: torch.device,
) -> TrainingFrames:
    """Write the records of the training frames into a folder; those that are whole and were made under the same key stay.

    Args:
        clip: Name of the clip.
        ids: Training frames.
        previews: Held-out frames that are shown while training.
        sources: Manifests of frames, mattes and masks.
        views: The tracked clip.
        binding: Where the Gaussians lie on the head.
        plan: How frames become records.
        folder: Where they are kept.
        key: Changes with all that the records depend on.
        device: Where training runs.

    Raises:
        UserError: A folder differs from its manifest, a frame's head is no finite numbers, or the disk is full.
    """
    width, height = views.cameras.size
    shapes = {
        "points": (len(binding.faces), 3),
        "weight": (height, width),
        "image": (height, width, 3),
        "head": (height, width),
        "alpha": (height, width),
    }
    store, known = RowStore(folder, shapes), folder / "plate.npy"
    every = [*ids, *previews]
    if not (store.is_whole(key, len(every)) and known.exists()):
        plate = find_plate(ids, sources, clip)
        save_plate(known, plate)
        store.write(make_records(clip, every, sources, views, binding, plan, plate), key, clip)
    plate = torch.from_numpy(np.load(known, allow_pickle=False))
    rows = torch.tensor([views.rows[frame_id] for frame_id in every])
    conditions, cameras = views.on(device, rows)
    return TrainingFrames(every, len(ids), store, conditions, cameras, plate, plan.behind(plate).to(device))


def make_records(
    clip: str,
    ids: list[int],
    sources: TrainingSources,
    views: ClipViews,
    binding: Binding,
    plan: FramePlan,
    plate: UInt8[np.ndarray, "H W 3"],
) -> Iterator[dict[str, np.ndarray]]:
    """Yield the records of frames.

    Raises:
        UserError: A frame's head is no finite numbers.
    """
    stream = zip(ids, sources.read(ids, clip, verify=False), views.views(ids, binding), strict=True)
    for frame_id, parts, view in progress(stream, len(ids), f"{clip}: training frames"):
        if not (view.points.isfinite().all() and view.condition.isfinite().all()):
            remedy = "delete tracking.npz of the clip and run snakemake again: the clip is tracked anew"
            raise UserError(f"the tracked head of frame {frame_id} is no finite numbers", clip=clip, remedy=remedy)
        yield plan.record(parts, plate, view)


def save_plate(path: Path, plate: UInt8[np.ndarray, "H W 3"]) -> None:
    """Keep the background beside the records."""
    with atomic_path(path) as partial, partial.open("wb") as stream:
        np.save(stream, plate, allow_pickle=False)


def find_plate(ids: list[int], sources: TrainingSources, clip: str) -> UInt8[np.ndarray, "H W 3"]:
    """Return the background of a clip: the mean of the pixels that show it alone."""
    total = seen = np.zeros(1)
    for image, matte, _, head in progress(sources.read(ids, clip, verify=True), len(ids), f"{clip}: background plate"):
        clear = (matte <= CLEAR) & (head == 0)
        total = total + image * clear[..., None]
        seen = seen + clear
    return fill_plate(total, seen)
