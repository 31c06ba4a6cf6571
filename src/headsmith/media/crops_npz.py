"""The crops that a tracker looked at as a source: a folder of ``<number>.npz`` that hold them, as flame-head-tracker writes.

Such crops are turned and cut anew in each frame, so the tracker's camera fits them alone: the frames must be these pictures.
"""

import os
import re
import zipfile
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from numpy.lib import format as npy

from headsmith.contract.archives import check_arrays, open_archive
from headsmith.contract.errors import UserError
from headsmith.media.file_frames import FileReader
from headsmith.media.pictures_list import IN_FOLDERS
from headsmith.media.sizes import check_pixels

IMAGES = ("img_aligned", "img")
"""Names of the crop, the first that is there."""
MOST_BYTES = 2**28
"""Of one frame's results; those of 512 pixels with all their pictures have some 10 million."""
FOR_PEOPLE = "_compare"
NUMBERED = re.compile(r"([0-9]{1,9})\.npz")
REMARK = "the frames are a tracker's own crops"
NO_PICTURES = (
    "cut them again: name the video that was tracked in the column `video` of the table of clips, this folder in the column "
    "`tracking`, and write `aligned` into the column `crop`; or run the tracker again and let it keep its pictures "
    "(img_aligned, or img)"
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
        with open_archive(path, MOST_BYTES) as archive:
            present = set(archive.namelist())
        name = next((name for name in IMAGES if f"{name}.npy" in present), None)
        shape, kind = ((), None) if name is None else _shape(path, name)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
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


def _shape(path: Path, name: str) -> tuple[tuple[int, ...], np.dtype]:
    check_arrays(path, (name,), MOST_BYTES)
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as stream:
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


class CropReader(FileReader):
    """Streams crops in the order of their numbers, the same ones at each iteration; missing numbers stay missing.

    Args:
        path: The folder.
        fps: Frames a second that were tracked; all are kept. 0: ``USUAL_FPS``.
        start: First second, included; None: the beginning.
        end: Last second, not included; None: the end.
        max_side: Longer side of the images at most; 0 leaves them.
        clip: Name of the clip, for messages.

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
        named = [(NUMBERED.fullmatch(entry.name), entry) for entry in Path(path).iterdir()]
        crops = sorted((int(match[1]), entry) for match, entry in named if match)
        size = common_size(Path(path), crops, clip)
        part = {"fps": fps, "start": start, "end": end, "max_side": max_side, "clip": clip}
        super().__init__(path, crops, size, [REMARK, *tell_gaps(crops)], read_crop, **part)


def common_size(path: Path, crops: list[tuple[int, Path]], clip: str | None) -> tuple[int, int]:
    """Return the width and height that all crops share.

    Raises:
        UserError: A file holds no picture, sizes differ, or two files have one number.
    """
    sizes = {crop_header(file, clip)[1]: file.name for _, file in crops}
    if len(sizes) > 1:
        told = ", ".join(f"{name} is {width} x {height}" for (width, height), name in list(sizes.items())[:4])
        raise UserError(f"crops of several sizes: {told}", clip=clip, file=path, remedy=NO_PICTURES)
    if len({number for number, _ in crops}) < len(crops):
        raise UserError("two files have one number", clip=clip, file=path, remedy="remove the one too many")
    return next(iter(sizes))


def tell_gaps(crops: list[tuple[int, Path]]) -> list[str]:
    """Return a sentence on how many numbers are missing, where some are."""
    lost = crops[-1][0] - crops[0][0] + 1 - len(crops)
    return [f"{lost} numbers between the first and the last crop are missing"] if lost else []
