"""The training loop: steps of two images, in an order fixed by the seed, from which a killed training goes on."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from headsmith.contract.settings import AvatarSettings
from headsmith.media.atomic import atomic_path
from headsmith.media.progress import progress
from headsmith.splat.avatar import Avatar
from headsmith.stages.avatar_frames import TrainingFrames

BATCH = 2
"""Images a step, always, so that the number of threads changes no result."""

CURVE_EVERY = 100
"""Steps between rows of the training curve."""


@dataclass
class Training:
    """A training under way.

    Attributes:
        avatar: What is trained.
        optimiser: Its optimiser.
        step: Steps done.
        curve: Rows of the training curve: images shown, mean loss since the last row.
        losses: Losses since the last row.
    """

    avatar: Avatar
    optimiser: torch.optim.Adam
    step: int = 0
    curve: list[tuple[int, float]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    def save(self, path: Path, key: str) -> None:
        """Write a resumable state."""
        state = {"key": key, "step": self.step, "curve": self.curve, "losses": self.losses}
        state |= {"avatar": self.avatar.state_dict(), "optimiser": self.optimiser.state_dict()}
        save_tensors(state, path)

    def resume(self, path: Path, key: str) -> bool:
        """Go on from a state of the same training, if there is one; tell whether there was."""
        if not path.exists():
            return False
        state = torch.load(path, weights_only=True)
        if state["key"] != key:
            return False
        self.avatar.load_state_dict(state["avatar"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.losses = state["step"], state["losses"]
        self.curve = [tuple(row) for row in state["curve"]]
        return True


def batches(count: int, seed: int, first: int, last: int) -> Iterator[tuple[int, list[int]]]:
    """Yield step and rows of each batch from step ``first`` to before ``last``.

    Every pass over the frames has an order of its own, fixed by seed and pass, so a resumed training sees the same frames.
    """
    order: list[int] = []
    loaded = -1
    for step in range(first, last):
        rows = []
        for position in range(step * BATCH, (step + 1) * BATCH):
            epoch, place = divmod(position, count)
            if epoch != loaded:
                generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
                order, loaded = torch.randperm(count, generator=generator).tolist(), epoch
            rows.append(order[place])
        yield step, rows


def run_training(
    clip: str, training: Training, frames: TrainingFrames, settings: AvatarSettings, threads: int, state: Path, key: str
) -> None:
    """Do the steps that are left, a thread for each image of a batch, saving a resumable state now and then."""
    plate = frames.plate.float() / 255
    steps = -(-settings.iterations // BATCH)

    def learn(row: int) -> float:
        loss = training.avatar.loss(frames.view(row), frames.target(row), plate, training.step / steps) / BATCH
        loss.backward()
        return loss.item() * BATCH

    todo = batches(len(frames.ids), settings.seed, training.step, steps)
    with ThreadPoolExecutor(min(threads, BATCH)) as pool:
        for step, rows in progress(todo, steps - training.step, f"{clip}: training, steps of {BATCH} images"):
            training.avatar.set_rates(training.optimiser, step / steps)
            training.losses += pool.map(learn, rows)
            training.optimiser.step()
            training.optimiser.zero_grad(set_to_none=True)
            training.step = step + 1
            if training.step % CURVE_EVERY == 0 or training.step == steps:
                training.curve.append((training.step * BATCH, sum(training.losses) / len(training.losses)))
                training.losses.clear()
            if training.step % max(1, settings.save_every // BATCH) == 0:
                training.save(state, key)


def save_tensors(content: dict[str, Any], path: Path) -> None:
    """Write tensors and plain values; through an open file, for given a name ``torch.save`` writes it into the file."""
    with atomic_path(path) as partial, partial.open("wb") as stream:
        torch.save(content, stream)
