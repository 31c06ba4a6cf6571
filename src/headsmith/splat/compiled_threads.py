"""Threads that share the frames of a batch, or the parts of one frame.

They sleep when there is nothing to do, so a busy machine slows them no more than its load.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import TypeVar

import numpy as np

Result = TypeVar("Result")


@cache
def helpers(threads: int) -> ThreadPoolExecutor:
    """Threads that share work."""
    return ThreadPoolExecutor(threads, thread_name_prefix="rasterize")


def share(work: Callable[[int, int], object], count: int, threads: int, step: int = 1, parts: int = 1) -> list:
    """Calls work(first, last) over a range: at once, or in a few parts a thread, which begin at multiples of a step."""
    if threads == 1:
        return [work(0, count)]
    steps = -(-count // step)
    edges = np.unique(np.linspace(0, steps, parts * threads + 1).astype(int) * step).tolist()
    running = [helpers(threads).submit(work, *ends) for ends in pairwise(edges)]
    return [part.result() for part in running]


def over_frames(work: Callable[[int, int], Result], frames: int, threads: int) -> list[Result]:
    """Calls work(frame, threads) for all frames: each in a thread of its own, or one with all threads."""
    if frames == 1 or threads == 1:
        return [work(frame, threads) for frame in range(frames)]
    return list(helpers(threads).map(lambda frame: work(frame, 1), range(frames)))
