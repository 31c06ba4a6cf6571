"""The pictures that a portrait is made of, one at a time, each with a name; one that cannot be read costs itself alone."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import UInt8
from numpy import ndarray

from headsmith.media.pictures_decode import read_header, read_picture
from headsmith.media.pictures_list import holds_pictures, list_pictures
from headsmith.media.video_reader import VideoReader

Picture = UInt8[ndarray, "H W 3"]


@dataclass(frozen=True)
class SourcePicture:
    """A picture that is there to be read.

    Attributes:
        name: Names its files; no other picture of the portrait has it.
        file: The picture, or the video.
        index: Its frame in the video, from 0; None for a picture.
        read: Returns it upright, RGB, in its own pixels; raises ``UserError`` where it cannot be read.
        remarks: What is done to it beyond decoding, a sentence each; raises as ``read`` does.
    """

    name: str
    file: Path
    index: int | None
    read: Callable[[], Picture]
    remarks: Callable[[], tuple[str, ...]]


def iterate_sources(pictures: Path, sample_step: int, portrait: str) -> Iterator[SourcePicture]:
    """Yield the pictures of a folder, a list file, a picture or a video, the same ones each time.

    Args:
        pictures: Where they are.
        sample_step: One frame of so many is taken of a video.
        portrait: Name of the portrait, for messages.

    Raises:
        UserError: There is nothing, or the video cannot be read.
    """
    if not holds_pictures(pictures):
        yield from _frames(pictures, sample_step, portrait)
        return
    taken: set[str] = set()
    for file in list_pictures(pictures, clip=portrait, strict=False):
        name = _free_name(file.stem, taken)
        taken.add(name)
        yield SourcePicture(name, file, None, _reader(file, portrait), _remarker(file, portrait))


def plain_name(stem: str) -> str:
    """Return a name without what readers of OBJ files and shells stumble over: letters, digits, ``_``, ``-`` and ``.`` stay."""
    return re.sub(r"[^\w.-]", "_", stem).lstrip(".") or "picture"


def _free_name(stem: str, taken: set[str]) -> str:
    """Return a name that no picture before has, whatever the case of its letters."""
    name, number = plain_name(stem), 1
    lower = {other.lower() for other in taken}
    while name.lower() in lower:
        number += 1
        name = f"{plain_name(stem)}_{number}"
    return name


def _reader(file: Path, portrait: str) -> Callable[[], Picture]:
    return lambda: read_picture(file, portrait)


def _remarker(file: Path, portrait: str) -> Callable[[], tuple[str, ...]]:
    return lambda: read_header(file, clip=portrait).remarks


def _frames(video: Path, sample_step: int, portrait: str) -> Iterator[SourcePicture]:
    stem = plain_name(video.stem)
    for place, frame in enumerate(VideoReader(video, clip=portrait)):
        if place % sample_step == 0:
            image = frame.image
            name = f"{stem}_frame{frame.source_index:04d}"
            yield SourcePicture(name, video, frame.source_index, lambda image=image: image, tuple)
