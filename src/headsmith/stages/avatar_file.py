"""Reading a trained avatar back: the counterpart of what ``stages.avatar`` writes."""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.contract.errors import UserError
from headsmith.splat.avatar import Avatar, AvatarShape
from headsmith.splat.avatars import make_avatar
from headsmith.splat.binding import Binding
from headsmith.stages.avatar_views import ClipViews


@dataclass(frozen=True)
class TrainedAvatar:
    """An avatar ready to render.

    Attributes:
        avatar: The model.
        binding: Where its Gaussians lie on the head.
        plate: The clip's background, 0..1.
    """

    avatar: Avatar
    binding: Binding
    plate: Float[Tensor, "H W 3"]


def read_avatar(path: Path, views: ClipViews, clip: str) -> TrainedAvatar:
    """Read an avatar trained on a clip.

    Raises:
        UserError: The file cannot be read, or the avatar belongs to another head.
    """
    again = f"delete {path} and run snakemake again: the avatar is trained anew"
    try:
        content = torch.load(path, weights_only=True, map_location="cpu")
        binding = Binding(**content["binding"])
        avatar = make_avatar(binding.points(views.rest(), views.head.faces), AvatarShape(**content["shape"]), seed=0)
        avatar.load_state_dict(content["state"])
        plate, head = content["plate"].float() / 255, content["head_sha256"]
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, EOFError) as error:
        raise UserError(f"the avatar cannot be read: {error}", clip=clip, file=path, remedy=again) from error
    if head != views.head.sha256:
        what = f"the avatar belongs to head {head[:12]}, the tracking to {views.head.sha256[:12]}"
        raise UserError(what, clip=clip, file=path, remedy=again)
    return TrainedAvatar(avatar.eval(), binding, plate)
