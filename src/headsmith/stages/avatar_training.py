"""The training loop: steps of a few images, from whose saved states a killed training goes on to the same result."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from headsmith.contract.settings import AvatarSettings
from headsmith.media.parallel import map_in_order
from headsmith.media.progress import progress
from headsmith.splat.avatar import Avatar, Silhouette
from headsmith.splat.basis import BasisAvatar
from headsmith.stages.avatar_faults import Place, check_avatar, check_losses, is_finite, not_finite, stops_told
from headsmith.stages.avatar_frames import TrainingFrames
from headsmith.stages.avatar_order import MOST_OF_A_PASS, batches, is_due
from headsmith.stages.avatar_progress import (
    CURVE_EVERY,
    SHOWN,
    CurveRow,
    mean_psnr,
    preview,
    spread,
    write_curve,
    write_preview,
)
from headsmith.stages.avatar_silhouettes import silhouette_after
from headsmith.stages.avatar_state import Training

AHEAD = 3
"""Batches that are read from disk while another trains."""

SYNC_EVERY = 50
"""Steps between looks at a GPU's losses: each look waits for it."""

Gradients = list[Tensor | None]


@dataclass(frozen=True)
class TrainingFiles:
    """Where a training keeps what.

    Attributes:
        state: The resumable state.
        key: What must not change between two parts of one training.
        curve: The curve while training goes on.
        pictures: Folder of the previews.
    """

    state: Path
    key: str
    curve: Path
    pictures: Path


@dataclass
class Loop:
    """One run of a training.

    Attributes:
        training: What is trained.
        frames: What it learns from.
        settings: The variant's.
        files: Where things are kept.
        place: Where it is, for messages.
        pool: Threads, each with an image of its own.
        silhouettes: Turned heads; none where the avatar takes none.
        unseen: What each step since the last look showed, and its losses.
    """

    training: Training
    frames: TrainingFrames
    settings: AvatarSettings
    files: TrainingFiles
    place: Place
    pool: ThreadPoolExecutor
    silhouettes: list[Silhouette]
    unseen: list[tuple[Place, Float[Tensor, " B"]]] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return -(-self.settings.iterations // self.settings.batch)

    def learn(self, place: int, row: int, content: UInt8[Tensor, " bytes"]) -> tuple[Tensor, Gradients]:
        """Return the loss of an image and its gradients, as shares of the batch in which it has a place."""
        view, target = self.frames.deliver(row, content)
        avatar, image = self.training.avatar, self.training.step * self.settings.batch + place
        loss = avatar.loss(view, target, self.frames.background, self.training.step / self.steps, image)
        silhouette = silhouette_after(self.silhouettes, image)
        if silhouette is not None and isinstance(avatar, BasisAvatar):
            loss = loss + avatar.silhouette_loss(silhouette)
        gradients = torch.autograd.grad(loss / self.settings.batch, list(avatar.parameters()), allow_unused=True)
        return loss.detach(), list(gradients)

    def learn_all(self, rows: list[int], contents: list[Tensor]) -> Float[Tensor, " B"]:
        """Give the parameters the gradients of a batch and return its losses; they are added in the batch's own order."""
        losses: list[Tensor] = []
        total: Gradients = []
        try:
            for loss, gradients in self.pool.map(self.learn, range(len(rows)), rows, contents):
                losses.append(loss)
                total = add_gradients(total, gradients) if total else gradients
        except ValueError as error:
            if is_finite(self.training.avatar):
                raise
            raise not_finite(str(error), self.training.avatar, self.frames, self.place) from error
        for parameter, gradient in zip(self.training.avatar.parameters(), total, strict=True):
            parameter.grad = gradient
        return torch.stack(losses)

    def step(self, rows: list[int], contents: list[Tensor]) -> None:
        """Do one step."""
        training, batch = self.training, self.settings.batch
        self.place.images, self.place.before = training.step * batch, self.place.ids
        self.place.ids = tuple(self.frames.ids[row] for row in rows)
        training.avatar.set_rates(training.optimiser, training.step / self.steps)
        losses = self.learn_all(rows, contents)
        training.optimiser.step()
        training.optimiser.zero_grad(set_to_none=True)
        training.step += 1
        self.unseen.append((replace(self.place), losses))

    def look(self) -> None:
        """Take the losses of the steps since the last look.

        Raises:
            UserError: One is not finite.
        """
        if not self.unseen:
            return
        values = torch.stack([losses for _, losses in self.unseen]).tolist()
        for (place, _), found in zip(self.unseen, values, strict=True):
            check_losses(found, self.training.avatar, self.frames, place)
            self.training.losses += found
        self.unseen.clear()

    def after_step(self) -> None:
        """Do what is due after a step: look at losses, extend the curve, save, draw."""
        training, batch = self.training, self.settings.batch
        last = training.step == self.steps
        curve, save, draw = (
            last or is_due(training.step, batch, every)
            for every in (CURVE_EVERY, self.settings.save_every, self.settings.preview_every)
        )
        if self.frames.device.type == "cpu" or curve or save or draw or training.step % SYNC_EVERY == 0:
            self.look()
        self.place.images = training.step * batch
        if curve or save or draw:
            check_avatar(training.avatar, self.frames, self.place)
        with stops_told(self.place):
            if curve or draw:
                self.extend_curve()
            if draw:
                self.draw()
            if save:
                self.save()

    def save(self) -> None:
        """Write a resumable state: last, for what is due at this step is not done again after it."""
        self.training.save(self.files.state, self.files.key)
        self.place.saved = self.place.images

    def extend_curve(self) -> None:
        """Add a row to the training curve, where there is a loss to tell."""
        training, frames = self.training, self.frames
        shown = spread(list(range(frames.count)), SHOWN), list(range(frames.count, len(frames.ids)))
        with evaluating(training.avatar):
            seen, held_out = (mean_psnr(training.avatar, frames, rows, self.pool) for rows in shown)
        loss = sum(training.losses) / len(training.losses)
        training.curve.append(CurveRow(training.step * self.settings.batch, loss, seen, held_out))
        training.losses.clear()

    def draw(self) -> None:
        """Write the curve, and a picture of held-out frames, or of training frames where none is held out."""
        frames = self.frames
        rows = list(range(frames.count, len(frames.ids))) or spread(list(range(frames.count)), SHOWN)
        with evaluating(self.training.avatar):
            picture = preview(self.training.avatar, frames, rows)
        write_preview(self.files.pictures, self.training.step * self.settings.batch, picture)
        write_curve(self.files.curve, self.training.curve)

    def detail(self) -> str:
        """Return how good the avatar was when last looked at."""
        return str(self.training.curve[-1]) if self.training.curve else ""


def add_gradients(total: Gradients, more: Gradients) -> Gradients:
    """Return the sums of gradients, made in place of the first; None stands for a parameter that had no part."""
    return [old if new is None else new if old is None else old.add_(new) for old, new in zip(total, more, strict=True)]


@contextmanager
def evaluating(avatar: Avatar) -> Iterator[None]:
    """Let the avatar show itself as it would after training, and train again afterwards."""
    avatar.eval()
    try:
        yield
    finally:
        avatar.train()


def run_training(
    clip: str,
    training: Training,
    frames: TrainingFrames,
    silhouettes: list[Silhouette],
    settings: AvatarSettings,
    threads: int,
    files: TrainingFiles,
) -> None:
    """Do the steps that are left.

    On a CPU each image of a batch has a thread of its own, up to ``threads``; how many there are changes no result. Frames are
    read ahead by another thread, and sent to a GPU while it works.

    Args:
        clip: Name of the clip.
        training: Where it stands.
        frames: What it learns from.
        silhouettes: Turned heads that it must stay whole in.
        settings: The variant's.
        threads: Images in work at once.
        files: Where state, curve and pictures go.

    Raises:
        UserError: Numbers are no longer finite, or the disk is full; the last good state is kept.
    """
    batch = settings.batch
    place = Place(clip, files.state, settings.iterations, saved=training.step * batch)
    steps = -(-settings.iterations // batch)
    order = batches(frames.count, settings.seed, training.step, steps, batch, MOST_OF_A_PASS[settings.deformation])
    loaded = map_in_order(lambda item: [frames.load(row) for row in item[1]], order, 1, AHEAD)
    with ThreadPoolExecutor(threads if frames.device.type == "cpu" else 1) as pool:
        loop = Loop(training, frames, settings, files, place, pool, silhouettes)
        shown = progress(
            loaded, steps * batch, f"{clip}: training, images", done=training.step * batch, each=batch, detail=loop.detail
        )
        for (_, rows), contents in shown:
            loop.step(rows, contents)
            loop.after_step()
