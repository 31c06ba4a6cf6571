"""One person's motion, told in terms of another's head."""

from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.contract.errors import UserError
from headsmith.contract.settings import ReenactmentSettings
from headsmith.heads.container import HeadContainer
from headsmith.heads.model import HeadParameters
from headsmith.maths.cameras import Camera
from headsmith.media.arrays import read_arrays
from headsmith.stages.avatar_views import ClipViews
from headsmith.stages.novel_views_poses import middle_of_clip, posed_views
from headsmith.stages.tracking_file import KEYS

MOVING = ("expression", "jaw", "eyes", "eyelids", "neck")
"""What of a head's parameters moves."""


@dataclass(frozen=True)
class Driver:
    """Whose motion is taken over.

    Attributes:
        clip: Name of the clip.
        views: Its tracking.
        ids: Its usable frames.
    """

    clip: str
    views: ClipViews
    ids: list[int]


def usable_frames(clip: str, tracking: Path, head: HeadContainer, avatar_clip: str) -> list[int]:
    """Return the frames of a driver that are tracked well.

    Raises:
        UserError: The file cannot be read, belongs to another head than the avatar's clip, or has no such frame.
    """
    arrays = read_arrays(tracking, KEYS, clip, what="tracking", remake="the head is tracked anew")
    made_with = str(arrays["head_sha256"])
    if made_with != head.sha256:
        what = f"{clip} is tracked with another head ({made_with[:12]}) than the avatar of {avatar_clip} ({head.sha256[:12]})"
        remedy = "track both with the same heads.model, or bring the driver over to the avatar's by the target convert_head"
        raise UserError(f"{what}: codes of one mean nothing on the other", clip=clip, file=tracking, remedy=remedy)
    ids = [int(frame_id) for frame_id, status in zip(arrays["ids"], arrays["status"], strict=True) if status == "ok"]
    if not ids:
        raise UserError("no frame of the driver is tracked", clip=clip, file=tracking, remedy="look at its quality sheets")
    return ids


def transferred(driver: Driver, own: ClipViews, own_ids: list[int], settings: ReenactmentSettings) -> ClipViews:
    """Return the avatar's head in each of the driver's usable frames, before the avatar's own camera.

    Turns and shifts are always told from the median pose, so that the head stays where its own camera sees it: it turns in the
    camera's axes by ``R_t R_0'`` of the driver's rotation, and shifts by its translation less the median one.

    Args:
        driver: Whose motion.
        own: The avatar's clip.
        own_ids: Its training frames.
        settings: Whether expressions are told from each person's median, and whose pose is taken.
    """
    rows = torch.tensor([driver.views.rows[frame_id] for frame_id in driver.ids])
    there, driving = middle_of_clip(driver.views, driver.ids)
    here, camera = middle_of_clip(own, own_ids)
    parts = {name: getattr(driver.views.parameters, name)[rows] for name in MOVING}
    if settings.expression == "relative":
        parts = {name: part - getattr(there, name) + getattr(here, name) for name, part in parts.items()}
    parts["eyelids"] = parts["eyelids"].clamp(0, 1)
    still = Camera(*(expanded(getattr(camera, item.name), len(rows)) for item in fields(camera)[:4]), camera.size)
    if settings.pose == "driver":
        seen = driver.views.cameras[rows]
        turned = seen.rotation @ driving.rotation.T @ camera.rotation
        still = replace(still, rotation=turned, translation=camera.translation + seen.translation - driving.translation)
    return posed_views(own, HeadParameters(own.parameters.identity, **parts), still)


def expanded(part: Float[Tensor, "*n"], count: int) -> Float[Tensor, "T *n"]:
    """Return a tensor, repeated."""
    return part.expand(count, *part.shape)
