"""Chunks of a clip: the shares of its frames that jobs of their own work at, on several nodes of a cluster (`cluster.chunks`).

A chunk is called ``2of4``. Who computes what follows from the name and the number of frames alone.
"""

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def chunk_names(count: int) -> list[str]:
    """Return the names of so many chunks, in order; none where a clip is one piece."""
    return [f"{number}of{count}" for number in range(1, count + 1)] if count > 1 else []


def is_first(name: str) -> bool:
    """Whether this is the first of a clip's chunks."""
    return name.startswith("1of")


def count_of(name: str) -> int:
    """Return of how many chunks this is one."""
    return int(name.split("of")[1])


def share(name: str, items: Sequence[Item]) -> Sequence[Item]:
    """Return a chunk's share of a clip's frames, or of whatever is divided; empty where there are fewer than chunks."""
    number, count = map(int, name.split("of"))
    return items[len(items) * (number - 1) // count : len(items) * number // count]
