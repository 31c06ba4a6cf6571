"""One person's motion, told in terms of another's head."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headsmith.contract.errors import UserError
from headsmith.contract.exchange import FLAME_HEADS
from headsmith.contract.settings import ReenactmentSettings
from headsmith.heads.container import HeadContainer
from headsmith.heads.model import HeadParameters
from headsmith.maths.cameras import Camera
from headsmith.media.arrays import read_arrays
from headsmith.stages.avatar_views import CHUNK, ClipViews
from headsmith.stages.novel_views_poses import middle_of_clip, posed_views, repeated
from headsmith.stages.tracking_file import KEYS

MOVING = ("expression", "jaw", "eyes", "eyelids", "neck")
"""What of a head's parameters moves."""

CALM = 0.1
"""Share of a clip's frames whose expressions move the head least, which tell what the person's neutral face is: a median over
all frames is a smile where somebody mostly smiles."""


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


def neutral_of(views: ClipViews, ids: list[int]) -> tuple[HeadParameters, Camera]:
    """Return a person's neutral face and the middle of the poses: expression and jaw are the calmest frames' medians."""
    parameters, camera = middle_of_clip(views, ids)
    moved = torch.cat([distances_from_rest(views, some) for some in torch.tensor(ids).split(CHUNK)])
    calmest = moved.argsort(stable=True)[: max(1, round(CALM * len(ids)))].tolist()
    calm, _ = middle_of_clip(views, [ids[place] for place in calmest])
    return replace(parameters, expression=calm.expression, jaw=calm.jaw), camera


def distances_from_rest(views: ClipViews, ids: Int[Tensor, " n"]) -> Float[Tensor, " n"]:
    """Return how far expression and jaw move the head in some frames, root of the mean square over vertices, metres."""
    rows = torch.tensor([views.rows[frame_id] for frame_id in ids.tolist()])
    still = repeated(views.head.neutral(), len(rows))
    moving = {name: getattr(views.parameters, name)[rows] for name in ("expression", "jaw")}
    vertices = views.head(replace(still, identity=views.parameters.identity, **moving))
    return (vertices - views.rest()).square().sum(-1).mean(-1).sqrt()


def transferred(driver: Driver, own: ClipViews, own_ids: list[int], settings: ReenactmentSettings) -> ClipViews:
    """Return the avatar's head in each of the driver's usable frames, before the avatar's own camera.

    Turns and shifts are always told from the median pose, so that the head stays where its own camera sees it: it turns in the
    camera's axes by ``R_t R_0'`` of the driver's rotation, and shifts by its translation less the median one.

    Args:
        driver: Whose motion.
        own: The avatar's clip.
        own_ids: Its training frames.
        settings: Whether expressions are told from each person's neutral face, and whose pose is taken.
    """
    rows = torch.tensor([driver.views.rows[frame_id] for frame_id in driver.ids])
    there, driving = neutral_of(driver.views, driver.ids)
    here, camera = neutral_of(own, own_ids)
    parts = {name: getattr(driver.views.parameters, name)[rows] for name in MOVING}
    if settings.expression == "relative":
        parts = {name: part - getattr(there, name) + getattr(here, name) for name, part in parts.items()}
    parts["eyelids"] = parts["eyelids"].clamp(0, 1)
    if own.head.container.name not in FLAME_HEADS:
        parts["expression"] = parts["expression"].clamp(min=0)
    shared = (camera.rotation, camera.translation, camera.focal, camera.principal)
    still = Camera(*(part.expand(len(rows), *part.shape) for part in shared), camera.size)
    if settings.pose == "driver":
        seen = driver.views.cameras[rows]
        turned = seen.rotation @ driving.rotation.T @ camera.rotation
        still = replace(still, rotation=turned, translation=camera.translation + seen.translation - driving.translation)
    return posed_views(own, HeadParameters(own.parameters.identity, **parts), still)
