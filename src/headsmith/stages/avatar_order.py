"""The order in which frames train: fixed by the seed, so that a killed training goes on with the frames that were next."""

from collections.abc import Iterator

import torch

MOST_OF_A_PASS = {"basis": None, "mlp": 2000}
"""Frames of a pass, by deformation. FlashAvatar draws without putting back from a shuffled stack, which it refills with at most
2,000 frames (its code, ``train.py``); else a pass shows every frame once."""


def pass_rows(count: int, seed: int, number: int, most: int | None) -> list[int]:
    """Return the rows of one pass over ``count`` frames, in order; every pass has an order of its own."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + number)
    return torch.randperm(count, generator=generator)[:most].tolist()


def batches(
    count: int, seed: int, first: int, last: int, batch: int = 2, most: int | None = None
) -> Iterator[tuple[int, list[int]]]:
    """Yield step and rows of each batch from step ``first`` to before ``last``.

    Args:
        count: Training frames.
        seed: Fixes the order of each pass.
        first: Step to begin at; what a resumed training shows is what a whole one would have shown.
        last: Step to end before.
        batch: Frames a step.
        most: Frames of a pass; all where none is told.
    """
    length = min(count, most or count)
    rows: list[int] = []
    loaded = -1
    for step in range(first, last):
        chosen = []
        for position in range(step * batch, (step + 1) * batch):
            number, place = divmod(position, length)
            if number != loaded:
                rows, loaded = pass_rows(count, seed, number, most), number
            chosen.append(rows[place])
        yield step, chosen


def is_due(step: int, batch: int, every: int) -> bool:
    """Whether one of every ``every`` images is among those that the last of ``step`` steps showed."""
    return step * batch // every > (step - 1) * batch // every
