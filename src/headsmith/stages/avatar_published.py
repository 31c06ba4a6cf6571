"""What training with FlashAvatar's own deformation has beside: a perceptual distance, a checkpoint to go on from."""

from pathlib import Path
from typing import Any

import torch

from headsmith.contract.settings import AvatarSettings
from headsmith.media.progress import note
from headsmith.splat.flashavatar import FlashAvatar
from headsmith.stages.avatar_perceptual import load_perceptual
from headsmith.stages.avatar_start import start_from
from headsmith.stages.avatar_state import Training


def start_published(
    training: Training,
    settings: AvatarSettings,
    clip: str,
    perceptual: Path | None,
    backbone: Path | None,
    start_checkpoint: Path | None,
) -> None:
    """Give an untrained avatar its perceptual distance, and make it what a checkpoint holds, where there are such.

    As in FlashAvatar, training goes on after the checkpoint's iteration and ends at ``settings.iterations``; one that is beyond
    them stays as it is.

    Raises:
        UserError: A file cannot be read, or the checkpoint belongs to another head or map.
    """
    avatar = training.avatar
    if not isinstance(avatar, FlashAvatar):
        return
    if perceptual is not None:
        avatar.perceptual = load_perceptual(perceptual, backbone, next(avatar.parameters()).device)
    if start_checkpoint is not None:
        images = start_from(start_checkpoint, clip, avatar, training.optimiser)
        training.step = images // settings.batch
        note(f"{clip}: going on from a checkpoint after {images} of {settings.iterations} training images")


def kept_optimiser(training: Training) -> dict[str, Any] | None:
    """Return the state of the optimiser, off a GPU, where a checkpoint may be written of the avatar; None for others."""
    if not isinstance(training.avatar, FlashAvatar):
        return None
    state = training.optimiser.state_dict()
    entries = {key: {name: _on_cpu(value) for name, value in entry.items()} for key, entry in state["state"].items()}
    return {"param_groups": state["param_groups"], "state": entries}


def _on_cpu(value: Any) -> Any:
    return value.cpu() if isinstance(value, torch.Tensor) else value
