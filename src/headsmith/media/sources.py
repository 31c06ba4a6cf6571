"""Any input under one interface: a video, a folder of pictures, a list of them, a single one, or a tracker's crops."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from headsmith.media.crops_npz import CropReader, holds_crops
from headsmith.media.pictures import PictureReader
from headsmith.media.pictures_list import holds_pictures
from headsmith.media.video_reader import VideoReader


@runtime_checkable
class SourceFrame(Protocol):
    """A frame of any source."""

    @property
    def source_index(self) -> int:
        """Its place in the source, from 0: among the frames that decode, or among the pictures; a crop's number."""

    @property
    def seconds(self) -> float:
        """Its time since the source's first frame."""

    @property
    def name(self) -> str:
        """What people call it: the picture's file name, or the number of the video's frame."""

    @property
    def image(self) -> UInt8[np.ndarray, "H W 3"]:
        """RGB, 0..255, upright, of the source's ``size``; made when first asked for."""


@runtime_checkable
class Source(Protocol):
    """Frames read one at a time, the same ones at each iteration, in memory that does not grow with their number.

    Attributes:
        path: What was opened.
        clip: Name of the clip, for messages.
        source_size: Width and height of the source, upright and with square pixels.
        size: Width and height of the images: ``source_size``, capped.
        fps: Frames a second of what is read.
        decoded: Frames of the part that decoded in the last iteration, kept or not.
        broken: Packets that did not decode in the last iteration.
        remarks: What is done to the frames that the user should know of, a sentence each; whole after an iteration.
    """

    path: Path
    clip: str | None
    source_size: tuple[int, int]
    size: tuple[int, int]
    fps: float
    decoded: int
    broken: int
    remarks: list[str]

    @property
    def expected(self) -> int:
        """Frames that an iteration should yield; 0 when not known."""

    @property
    def expected_decoded(self) -> int:
        """Frames of the part that should decode, kept or not; 0 when not known."""

    def __iter__(self) -> Iterator[SourceFrame]: ...

    def sample(self, every: int) -> Iterator[SourceFrame]:
        """Yield about one frame of ``every`` that an iteration would yield, as cheaply as the source allows."""


def open_source(
    path: str | os.PathLike[str],
    *,
    fps: float = 0.0,
    start: float | None = None,
    end: float | None = None,
    max_side: int = 0,
    clip: str | None = None,
) -> Source:
    """Open a video, a folder of pictures, a list file, a picture, or a folder of a tracker's crops.

    Args:
        path: A folder, a file whose ending is a picture's or a list's, or anything else that FFmpeg reads as a video.
        fps: Videos: frames kept a second, chosen while reading, 0 keeps all. Pictures: their rate, 0 means 25.
        start: First second, included; None: the beginning.
        end: Last second, not included; None: the end.
        max_side: Longer side of the images at most, reached by area averaging; 0 leaves them.
        clip: Name of the clip, for messages.

    Raises:
        UserError: What the readers raise: missing, unreadable, of another kind, broken, too large, or the part lies
            outside of it.
    """
    if holds_crops(path):
        return CropReader(path, fps=fps, start=start, end=end, max_side=max_side, clip=clip)
    reader = PictureReader if holds_pictures(path) else VideoReader
    return reader(path, fps=fps, start=start, end=end, max_side=max_side, clip=clip)
