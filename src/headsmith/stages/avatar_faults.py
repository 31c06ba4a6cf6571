"""What stops a training, told with the place where it stopped and how to go on: numbers that are not finite, a full disk."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from headsmith.contract.errors import UserError
from headsmith.splat.avatar import Target, View
from headsmith.stages.avatar_frames import TrainingFrames


@dataclass
class Place:
    """Where a training is.

    Attributes:
        clip: Name of the clip.
        state: The file of its last saved state.
        total: Images of the whole training.
        images: Images shown when the last step began.
        saved: Images shown at the last saved state.
        before: Frame ids of the last step that was done.
        ids: Frame ids of the step that is under way.
    """

    clip: str
    state: Path
    total: int
    images: int = 0
    saved: int = 0
    before: tuple[int, ...] = ()
    ids: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"after {self.images} of {self.total} images"

    @property
    def kept(self) -> str:
        """What the next run does."""
        if self.saved == 0:
            return "begins anew: no state was saved yet"
        return f"goes on after {self.saved} images, the last state that was saved"


def is_finite(avatar: nn.Module) -> bool:
    """Whether all numbers that an avatar learns are finite."""
    return all(bool(parameter.isfinite().all()) for parameter in avatar.parameters())


def check_losses(losses: list[float], avatar: nn.Module, frames: TrainingFrames, place: Place) -> None:
    """Raise ``UserError`` where a loss is not finite."""
    if not all(map(math.isfinite, losses)):
        raise not_finite(f"the loss is {losses}", avatar, frames, place)


def check_avatar(avatar: nn.Module, frames: TrainingFrames, place: Place) -> None:
    """Raise ``UserError`` where the avatar holds numbers that are not finite, so that it is not saved."""
    if not is_finite(avatar):
        raise not_finite("the avatar holds numbers that are not finite", avatar, frames, place)


def not_finite(what: str, avatar: nn.Module, frames: TrainingFrames, place: Place) -> UserError:
    """Return the error of a training whose numbers are not finite; it tells the frames to blame."""
    at_fault = broken_frames(frames, place)
    if at_fault:
        remedy = f"delete {frames.store.folder} and run again: the frames are prepared anew, and the training {place.kept}"
        told = f"{what} {place}: frames {at_fault}, as training reads them, hold numbers that are not finite"
        return UserError(told, clip=place.clip, file=frames.store.path, remedy=remedy)
    spoilt = not is_finite(avatar) and place.before
    frames_told = f"frames {list(place.before)} spoilt it in the step before" if spoilt else f"frames {list(place.ids)}"
    remedy = (
        f"run again: the training {place.kept}. If it stops at the same place, change a setting of the variant: "
        "precision `full`, a larger `batch`, or another `seed`"
    )
    return UserError(f"{what} {place}: {frames_told}", clip=place.clip, file=place.state, remedy=remedy)


def broken_frames(frames: TrainingFrames, place: Place) -> list[int]:
    """Return those frames of the last two steps whose records hold numbers that are not finite."""
    wanted = dict.fromkeys((*place.before, *place.ids))
    return [frame_id for frame_id in wanted if not sound(*_delivered(frames, frames.ids.index(frame_id)))]


def _delivered(frames: TrainingFrames, row: int) -> tuple[View, Target]:
    return frames.deliver(row, frames.load(row))


def sound(view: View, target: Target) -> bool:
    """Whether all numbers of a frame are finite."""
    parts = (view.points, view.condition, target.image, target.weight, target.head)
    return all(bool(part.isfinite().all()) for part in parts)


@contextmanager
def stops_told(place: Place) -> Iterator[None]:
    """Add to an error that stops a training, such as a full disk, where it stopped and from where the next run goes on."""
    try:
        yield
    except UserError as error:
        what = f"{error.what}\n  the training stopped {place}, frames {list(place.ids)}; the next run {place.kept}"
        raise UserError(what, clip=error.clip or place.clip, file=error.file, remedy=error.remedy) from error
