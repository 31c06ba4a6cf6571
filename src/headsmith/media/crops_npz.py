"""The crops that a tracker looked at as a source: a folder of ``<number>.npz`` that hold them, as flame-head-tracker writes.

Such crops are turned and cut anew in each frame, so the tracker's camera fits them alone: the frames must be these pictures.
"""

import os
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from numpy.lib import format as npy

from headsmith.contract.errors import UserError
from headsmith.media.parts import Part
from headsmith.media.pictures import USUAL_FPS
from headsmith.media.pictures_list import IN_FOLDERS
from headsmith.media.sizes import capped_size, check_pixels, resize_image

IMAGES = ("img_aligned", "img")
"""Names of the crop, the first that is there."""
FOR_PEOPLE = "_compare"
NUMBERED = re.compile(r"([0-9]+)\.npz")
REMARK = "the frames are a tracker's own crops"
NO_PICTURES = (
    "run the tracker again and let it keep its pictures (img_aligned, or img); or track the video itself: name it in the table "
    "of clips, and set tracking.source to solve"
)


def holds_crops(path: str | os.PathLike[str]) -> bool:
    """Tell whether a path is a folder of numbered ``.npz`` files without pictures, but for the tracker's ``*_compare.jpg``."""
    names = list(Path(path).iterdir()) if Path(path).is_dir() else []
    pictures = (entry for entry in names if entry.suffix.lower() in IN_FOLDERS and not entry.stem.endswith(FOR_PEOPLE))
    return any(NUMBERED.fullmatch(entry.name) for entry in names) and not any(pictures)


def crop_header(path: Path, clip: str | None = None) -> tuple[str, tuple[int, int]]:
    """Return the name, and the width and height, of the crop in a file; no pixel is read.

    Raises:
        UserError: The file is broken, or holds no picture.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            present = set(archive.namelist())
            name = next((name for name in IMAGES if f"{name}.npy" in present), None)
            shape, kind = ((), None) if name is None else _shape(archive, f"{name}.npy")
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        remedy = "copy the file again, or run the tracker again"
        raise UserError(f"the file cannot be read: {error}", clip=clip, file=path, remedy=remedy) from error
    if name is None:
        raise UserError("the file holds no picture of the crop it is about", clip=clip, file=path, remedy=NO_PICTURES)
    if kind != np.uint8 or len(shape) not in (3, 4) or shape[-1] != 3 or set(shape[:-3]) - {1}:
        what = f"{name!r} is {shape}, {kind}; a picture of (height, width, 3) bytes is expected"
        raise UserError(what, clip=clip, file=path, remedy=NO_PICTURES)
    height, width = shape[-3:-1]
    check_pixels(width, height, clip=clip, file=path)
    return name, (width, height)


def _shape(archive: zipfile.ZipFile, member: str) -> tuple[tuple[int, ...], np.dtype]:
    with archive.open(member) as stream:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, kind = read(stream)
    return shape, kind


def read_crop(path: Path, clip: str | None = None) -> UInt8[np.ndarray, "H W 3"]:
    """Return the crop in a file, RGB 0..255.

    Raises:
        UserError: The file is broken, or holds no picture.
    """
    name, (width, height) = crop_header(path, clip)
    try:
        with np.load(path, allow_pickle=False) as content:
            return content[name].reshape(height, width, 3)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        remedy = "copy the file again, or run the tracker again"
        raise UserError(f"the crop cannot be read: {error}", clip=clip, file=path, remedy=remedy) from error


@dataclass(frozen=True)
class CropFrame:
    """One crop.

    Attributes:
        source_index: The number that names its file.
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
        """The crop, RGB 0..255, of the reader's size; read when first asked for.

        Raises:
            UserError: The file is broken or gone.
        """
        return resize_image(read_crop(self.path, self.clip), self.size)


class CropReader:
    """Streams crops in the order of their numbers, the same ones at each iteration; missing numbers stay missing.

    Args:
        path: The folder.
        fps: Frames a second that were tracked; all are kept. 0: ``USUAL_FPS``.
        start: First second, included; None: the beginning.
        end: Last second, not included; None: the end.
        max_side: Longer side of the images at most; 0 leaves them.
        clip: Name of the clip, for messages.

    Attributes:
        source_size: Width and height of the crops.
        size: Width and height of the images.
        fps: Frames a second.
        decoded: Crops handed out in the last iteration.
        broken: 0: a broken file is an error.
        remarks: What the user should know, a sentence each.

    Raises:
        UserError: A file is broken or holds no picture, sizes differ, two files have one number, or the part
            lies after the end.
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
        self.part = Part(start or 0.0, np.inf if end is None else end)
        named = [(NUMBERED.fullmatch(entry.name), entry) for entry in self.path.iterdir()]
        self.crops = sorted((int(match[1]), entry) for match, entry in named if match)
        self.source_size = self._read_headers()
        self.size = capped_size(self.source_size, max_side)
        self.remarks = [REMARK, *self._gaps()]
        self.decoded = self.broken = 0
        self.part.check((self.crops[-1][0] + 1) / self.fps, clip=clip, file=path)

    @property
    def expected(self) -> int:
        """Crops that an iteration yields."""
        return sum(1 for _ in self._frames())

    @property
    def expected_decoded(self) -> int:
        """Crops of the part."""
        return self.expected

    def __iter__(self) -> Iterator[CropFrame]:
        self.decoded = 0
        for frame in self._frames():
            self.decoded += 1
            yield frame

    def sample(self, every: int) -> Iterator[CropFrame]:
        """Yield one crop of ``every``, from the first; the counts of the last iteration stay as they are."""
        for index, frame in enumerate(self._frames()):
            if index % every == 0:
                yield frame

    def _frames(self) -> Iterator[CropFrame]:
        for number, path in self.crops:
            seconds = number / self.fps
            if not self.part.before(seconds) and not self.part.after(seconds):
                yield CropFrame(number, seconds, path, self.size, self.clip)

    def _read_headers(self) -> tuple[int, int]:
        sizes = {crop_header(path, self.clip)[1]: path.name for _, path in self.crops}
        if len(sizes) > 1:
            told = ", ".join(f"{name} is {width} x {height}" for (width, height), name in sizes.items())
            raise UserError(f"crops of several sizes: {told}", clip=self.clip, file=self.path, remedy=NO_PICTURES)
        if len({number for number, _ in self.crops}) < len(self.crops):
            raise UserError("two files have one number", clip=self.clip, file=self.path, remedy="remove the one too many")
        return next(iter(sizes))

    def _gaps(self) -> list[str]:
        lost = self.crops[-1][0] - self.crops[0][0] + 1 - len(self.crops)
        return [f"{lost} numbers between the first and the last crop are missing"] if lost else []
