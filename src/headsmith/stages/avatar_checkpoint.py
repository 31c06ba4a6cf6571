"""A trained avatar as FlashAvatar's checkpoint file, `chkpnt<it>.pth`, from which its own code goes on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from headsmith.contract.errors import UserError
from headsmith.media.atomic import atomic_path
from headsmith.splat.flashavatar import FlashAvatar
from headsmith.splat.flashavatar_checkpoint import write_content
from headsmith.stages.avatar_file import read_avatar
from headsmith.stages.avatar_views import load_views

GPU: Final = "cuda:0"
"""Where a checkpoint's tensors say that they were: FlashAvatar loads them to where they say, and draws on a GPU alone."""

_FOR_GPU: set[int] = set()


def _location(storage: torch.UntypedStorage) -> str | None:
    return GPU if storage.data_ptr() in _FOR_GPU else None


torch.serialization.register_package(0, _location, lambda storage, location: None)


def write_checkpoint(*, clip: str, avatar: Path, head: Path, tracking: Path, output: Path) -> None:
    """Write a trained avatar as FlashAvatar's checkpoint, with which its `train.py` goes on and its `test.py` draws.

    Args:
        clip: Name of the clip.
        avatar: ``avatar.pt`` of a variant with ``deformation: mlp``.
        head: The head container.
        tracking: ``tracking.npz``.
        output: The checkpoint to write, ``chkpnt<iteration>.pth``.

    Raises:
        UserError: The avatar cannot be read, is of the other deformation, or belongs to another head.
    """
    trained = read_avatar(avatar, load_views(clip=clip, tracking=tracking, head=head), clip)
    if not isinstance(trained.avatar, FlashAvatar):
        what = "only avatars of the deformation `mlp` have a checkpoint of FlashAvatar's"
        raise UserError(what, clip=clip, file=avatar, remedy="set avatar.<variant>.deformation to mlp")
    content = torch.load(avatar, weights_only=True, map_location="cpu")
    name = f"chkpnt{content['settings']['iterations']}.pth"
    if output.name != name:
        what = f"{output.name} is asked for, and the avatar was trained to another iteration"
        raise UserError(what, clip=clip, file=avatar, remedy=f"ask for {name}, or set avatar.<variant>.iterations")
    saved = write_content(trained.avatar, content["optimiser"], content["images"])
    with atomic_path(output) as partial, partial.open("wb") as stream, tagged_for_gpu(saved):
        torch.save(saved, stream)


@contextmanager
def tagged_for_gpu(content: Any) -> Iterator[None]:
    """Have tensors of a content say that they were on a GPU, when ``torch.save`` writes them; counts of steps stay."""
    places = {tensor.untyped_storage().data_ptr() for tensor in _tensors(content) if tensor.ndim}
    _FOR_GPU.update(places)
    try:
        yield
    finally:
        _FOR_GPU.difference_update(places)


def _tensors(content: Any) -> Iterator[Tensor]:
    if isinstance(content, Tensor):
        yield content
    elif isinstance(content, dict | list | tuple):
        for part in content.values() if isinstance(content, dict) else content:
            yield from _tensors(part)
