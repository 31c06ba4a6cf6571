"""Chunks of a clip that are matted as streams of their own, on other machines if need be, and put together without a seam.

RVM remembers for long. At 15 borders within franck, cap12 and pexels (192 pixels), a stream that began so many frames before
differs from the stream of the whole clip, in levels of 0..255, by

    halo                                     0          8         32         96
    mean, the worst border of each clip      3.0 1.3 2.5   0.9 3.6 1.9   0.6 3.5 1.5   0.3 0.6 1.2
    pixels within 2 levels, the worst, %     91  94  94    93  93  95    94  94  96    96  96  97

so that no halo shorter than the clip hides a border by itself: edges differ, and clothes that look like the wall. Therefore a
chunk also shows its last ``FADE`` frames of warming up, and the chunk before fades into it over them. What the fade adds to
the step from a frame to the next is at most 18, 29 and 20 levels on 99.9 % of the pixels of the three clips, where their own
motion makes 22, 26 and 68 (a hard border on cap12: 78).

The borders follow from the number of frames and the setting alone: who computes which chunk changes nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.contract.manifest import read_manifest
from headsmith.media.frames import iterate_frames

HALO = 96
"""Frames before a chunk with which its stream begins."""
FADE = 48
"""The last frames of the halo, over which the chunk before fades into this one."""


@dataclass(frozen=True)
class Chunk:
    """Frames ``first`` to ``last``, not included, counted from the first frame of the folder."""

    first: int
    last: int

    @property
    def begin(self) -> int:
        """The frame with which the stream begins."""
        return max(self.first - HALO, 0)

    @property
    def shown(self) -> int:
        """The first frame whose matte is kept."""
        return max(self.first - FADE, 0)


def chunks_of(count: int, length: int) -> list[Chunk]:
    """Return the chunks of a clip, of nearly equal length.

    Args:
        count: Frames of the clip.
        length: ``MatteSettings.chunk``.

    Raises:
        UserError: The length is neither 0 nor at least ``HALO``.
    """
    if 0 < length < HALO:
        raise UserError(f"matte.chunk is {length}", remedy=f"set it to 0, or to {HALO} or more: streams warm up for that long")
    number = max(1, round(count / length)) if length else 1
    borders = [count * index // number for index in range(number + 1)]
    return [Chunk(first, last) for first, last in pairwise(borders)]


def streams_of(count: int, length: int, jobs: int) -> list[Chunk]:
    """Return the streams of a clip that several jobs work at.

    They are those of the setting, where it cuts the clip: whoever computes them, the mattes are the same bits. Where it does
    not, the clip is cut into as many as there are jobs, but into none that are shorter than their halo.

    Args:
        count: Frames of the clip.
        length: ``MatteSettings.chunk``.
        jobs: How many jobs there are.

    Raises:
        UserError: As ``chunks_of``.
    """
    if length or jobs == 1:
        return chunks_of(count, length)
    number = max(1, min(jobs, count // HALO))
    borders = [count * index // number for index in range(number + 1)]
    return [Chunk(first, last) for first, last in pairwise(borders)]


def merged_mattes(parts: Sequence[Path], clip: str) -> Iterator[tuple[int, UInt8[ndarray, "S S"]]]:
    """Yield frame id and matte of a whole clip from its chunks; at most ``FADE`` mattes are held.

    Args:
        parts: Manifests of the chunks, in order.
        clip: Name of the clip, for messages.

    Raises:
        UserError: A part is missing or broken.
    """
    ids = [read_manifest(part, clip=clip, verify=False).ids for part in parts]
    held: dict[int, UInt8[ndarray, "S S"]] = {}
    for part, following in zip(parts, [*ids[1:], ()], strict=True):
        overlap, later = len(held), set(following)
        for place, (frame_id, matte) in enumerate(iterate_frames(part, clip, grey=True)):
            shown = fade(held.pop(frame_id), matte, (place + 1) / (overlap + 1)) if frame_id in held else matte
            if frame_id in later:
                held[frame_id] = shown
            else:
                yield frame_id, shown


def fade(before: UInt8[ndarray, "S S"], after: UInt8[ndarray, "S S"], share: float) -> UInt8[ndarray, "S S"]:
    """Return the mean of two mattes in which ``after`` has that share, 0..1."""
    mixed = before.astype(np.float32) * np.float32(1 - share) + after.astype(np.float32) * np.float32(share)
    return np.round(mixed).astype(np.uint8)
