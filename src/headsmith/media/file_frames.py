"""Sources whose frames are a file each: pictures, and a tracker's crops."""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from headsmith.media.parts import Part
from headsmith.media.sizes import capped_size, resize_image

USUAL_FPS = 25.0
"""Frames shown a second where nothing says another rate."""

Read = Callable[[Path, str | None], UInt8[np.ndarray, "H W 3"]]
"""Reads a file whole, RGB 0..255, upright; the second argument is the clip's name, for messages."""


@dataclass(frozen=True)
class FileFrame:
    """One frame.

    Attributes:
        source_index: Its number in the source, from 0.
        seconds: ``source_index`` over the rate.
        path: The file.
        size: Width and height of the image.
        read: Reads the file.
        clip: Name of the clip, for messages.
    """

    source_index: int
    seconds: float
    path: Path
    size: tuple[int, int]
    read: Read
    clip: str | None = None

    @property
    def name(self) -> str:
        """Name of the file, for messages."""
        return self.path.name

    @property
    def whole(self) -> UInt8[np.ndarray, "H W 3"]:
        """The file's own pixels, RGB 0..255, upright.

        Raises:
            UserError: The file is broken, cut off or gone.
        """
        return self.read(self.path, self.clip)

    @cached_property
    def image(self) -> UInt8[np.ndarray, "H W 3"]:
        """The same at the reader's size; made when first asked for."""
        return resize_image(self.whole, self.size)


class FileReader:
    """Streams frames that are a file each, the same ones at each iteration.

    Args:
        path: What was opened.
        files: Number and file of each frame, ascending.
        source_size: Width and height that all files share.
        remarks: What the user should know, a sentence each.
        read: Reads one of the files.
        fps: Frames a second; all are kept. 0: ``USUAL_FPS``.
        start: First second, included; None: the beginning.
        end: Last second, not included; None: the end.
        max_side: Longer side of the images at most, reached by area averaging; 0 leaves them.
        clip: Name of the clip, for messages.

    Attributes:
        size: Width and height of the images.
        decoded: Frames handed out in the last iteration.
        broken: 0: a broken file is an error.

    Raises:
        UserError: The part lies after the end.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        files: Sequence[tuple[int, Path]],
        source_size: tuple[int, int],
        remarks: list[str],
        read: Read,
        *,
        fps: float,
        start: float | None,
        end: float | None,
        max_side: int,
        clip: str | None,
    ) -> None:
        self.path, self.files, self.read, self.clip = Path(path), files, read, clip
        self.fps = fps or USUAL_FPS
        self.source_size, self.size, self.remarks = source_size, capped_size(source_size, max_side), remarks
        self.part = Part(start or 0.0, math.inf if end is None else end)
        self.decoded = self.broken = 0
        self.part.check((files[-1][0] + 1) / self.fps, clip=clip, file=path)

    @cached_property
    def expected(self) -> int:
        """Frames that an iteration yields."""
        return sum(1 for _ in self._frames())

    @property
    def expected_decoded(self) -> int:
        """Frames of the part."""
        return self.expected

    def __iter__(self) -> Iterator[FileFrame]:
        self.decoded = 0
        for frame in self._frames():
            self.decoded += 1
            yield frame

    def sample(self, every: int) -> Iterator[FileFrame]:
        """Yield one frame of ``every``, from the first; the counts of the last iteration stay as they are."""
        for index, frame in enumerate(self._frames()):
            if index % every == 0:
                yield frame

    def _frames(self) -> Iterator[FileFrame]:
        for number, path in self.files:
            seconds = number / self.fps
            if self.part.after(seconds):
                return
            if not self.part.before(seconds):
                yield FileFrame(number, seconds, path, self.size, self.read, self.clip)
