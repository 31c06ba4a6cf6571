"""Pictures as a source: a folder, a list file or a single picture, read one at a time like a video."""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from headsmith.contract.errors import UserError
from headsmith.media.parts import Part
from headsmith.media.pictures_decode import read_header, read_picture
from headsmith.media.pictures_list import list_pictures
from headsmith.media.sizes import capped_size, resize_image

USUAL_FPS = 25.0
"""Pictures shown a second where nothing says another rate."""


@dataclass(frozen=True)
class PictureFrame:
    """One picture.

    Attributes:
        source_index: Its place among all pictures of the source, from 0.
        seconds: ``source_index`` over the rate.
        path: The file.
        size: Width and height of the image.
        clip: Name of the clip, for messages.
    """

    source_index: int
    seconds: float
    path: Path
    size: tuple[int, int]
    clip: str | None = None

    @property
    def name(self) -> str:
        """Name of the file, for messages."""
        return self.path.name

    @cached_property
    def image(self) -> UInt8[np.ndarray, "H W 3"]:
        """The picture, RGB 0..255, upright and of the reader's size; decoded when first asked for.

        Raises:
            UserError: The file is broken, cut off or gone.
        """
        return resize_image(read_picture(self.path, clip=self.clip), self.size)


class PictureReader:
    """Streams pictures, the same ones at each iteration. Headers are read at once, pixels one picture at a time.

    Args:
        path: A folder, a list file (``.txt``, ``.lst``) or a picture.
        fps: Pictures a second; all are kept. 0: ``USUAL_FPS``.
        start: First second, included; None: the beginning.
        end: Last second, not included; None: the end.
        max_side: Longer side of the images at most, reached by area averaging; 0 leaves them.
        clip: Name of the clip, for messages.

    Attributes:
        source_size: Width and height of the pictures, upright.
        size: Width and height of the images.
        fps: Pictures a second.
        decoded: Pictures handed out in the last iteration.
        broken: 0: a broken picture is an error.
        remarks: What is done to the pictures beyond decoding, a sentence each.

    Raises:
        UserError: There is no such path, it means no pictures, one cannot be read, sizes differ, a picture claims too
            many pixels, or the part lies after the end.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        fps: float = 0.0,
        start: float | None = None,
        end: float | None = None,
        max_side: int = 0,
        clip: str | None = None,
    ) -> None:
        self.path = Path(path)
        self.clip = clip
        self.fps = fps or USUAL_FPS
        self.part = Part(start or 0.0, math.inf if end is None else end)
        self.pictures = list_pictures(path, clip=clip)
        self.source_size, self.remarks = self._read_headers()
        self.size = capped_size(self.source_size, max_side)
        self.decoded = 0
        self.broken = 0
        self.part.check(len(self.pictures) / self.fps, clip=clip, file=path)

    @cached_property
    def expected(self) -> int:
        """Pictures that an iteration yields."""
        return sum(1 for _ in self._frames())

    @property
    def expected_decoded(self) -> int:
        """Pictures of the part."""
        return self.expected

    def __iter__(self) -> Iterator[PictureFrame]:
        self.decoded = 0
        for frame in self._frames():
            self.decoded += 1
            yield frame

    def sample(self, every: int) -> Iterator[PictureFrame]:
        """Yield one picture of ``every``, from the first; the counts of the last iteration stay as they are."""
        for index, frame in enumerate(self._frames()):
            if index % every == 0:
                yield frame

    def _frames(self) -> Iterator[PictureFrame]:
        for index, path in enumerate(self.pictures):
            seconds = index / self.fps
            if self.part.after(seconds):
                return
            if not self.part.before(seconds):
                yield PictureFrame(index, seconds, path, self.size, self.clip)

    def _read_headers(self) -> tuple[tuple[int, int], list[str]]:
        """Return the size that all pictures share, and their remarks, each with the number of pictures it is about."""
        first = read_header(self.pictures[0], clip=self.clip)
        counts = dict.fromkeys(first.remarks, 1)
        for path in self.pictures[1:]:
            header = read_header(path, clip=self.clip)
            if header.size != first.size:
                sizes = [f"{name} is {size[0]} x {size[1]}" for name, size in self._two(path, first.size, header.size)]
                remedy = "scale or crop the pictures to one size, or make a clip of each size"
                raise UserError(f"pictures of two sizes: {', '.join(sizes)}", clip=self.clip, file=self.path, remedy=remedy)
            for remark in header.remarks:
                counts[remark] = counts.get(remark, 0) + 1
        total = len(self.pictures)
        return first.size, [f"{remark} ({count} of {total} pictures)" for remark, count in counts.items()]

    def _two(self, path: Path, *sizes: tuple[int, int]) -> list[tuple[str, tuple[int, int]]]:
        return list(zip((self.pictures[0].name, path.name), sizes, strict=True))
