"""The clip's frames and where they show skin, kept on disk beside the output and read in any size."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.contract.labels import label_ids
from headsmith.contract.manifest import read_manifest
from headsmith.media.frames import iterate_frames
from headsmith.media.progress import progress

SKIN: Final = ("skin", "nose", "left_brow", "right_brow", "upper_lip", "lower_lip")
"""Labels of what moves with the mesh and keeps its colours; not eyes, which shine, nor the mouth, which opens, nor hair."""
ALL_SKIN: Final = 0.99
"""Share of a pixel's area that must be skin, where frames are made smaller."""
EDGE: Final = np.ones((3, 3), np.uint8)
"""Pixels by the border of the skin show what lies beside it too."""


@dataclass(frozen=True)
class Pictures:
    """Frames with their skin as a fourth channel; a file that is mapped, so that memory does not grow with the clip.

    Attributes:
        content: The frames that were opened.
        rows: In which row a frame of the clip lies; None: all frames were opened.
    """

    content: UInt8[ndarray, "T S S 4"]
    rows: dict[int, int] | None = None

    def at(self, place: int, size: int) -> tuple[Float32[ndarray, "S S 3"], Bool[ndarray, "S S"]]:
        """Return a frame in 0..1 and where it shows skin, ``size`` pixels wide and high.

        Raises:
            KeyError: It was not opened.
        """
        whole = self.content[place if self.rows is None else self.rows[place]]
        skin = whole[..., 3].astype(np.float32)
        picture = np.ascontiguousarray(whole[..., :3])
        if size != len(whole):
            picture, skin = (cv2.resize(part, (size, size), interpolation=cv2.INTER_AREA) for part in (picture, skin))
        inner = cv2.erode((skin > ALL_SKIN).astype(np.uint8), EDGE, borderType=cv2.BORDER_CONSTANT, borderValue=0)
        return picture.astype(np.float32) / 255, inner > 0


@contextmanager
def open_pictures(
    frames: Path, parsing: Path, size: int, beside: Path, clip: str, places: list[int] | None = None
) -> Iterator[Pictures]:
    """Yield frames, made as small as the finest size that is asked for; the file goes when the block ends.

    Args:
        frames: Manifest of the frames, which are square.
        parsing: Manifest of their label maps.
        size: Most pixels on a side.
        beside: The output that the file lies beside.
        clip: Name of the clip.
        places: Which frames are opened, by their places in the clip; None: all.

    Raises:
        UserError: Frames and label maps do not belong together, or cannot be read.
    """
    manifest, maps = (read_manifest(path, clip=clip, verify=False) for path in (frames, parsing))
    if manifest.ids != maps.ids or manifest.size != maps.size:
        what = f"label maps of {maps.count} frames of {maps.size} beside {manifest.count} frames of {manifest.size}"
        remedy = f"delete {parsing} and run snakemake again: the faces are parsed anew"
        raise UserError(f"{what}: they do not belong together", clip=clip, file=parsing, remedy=remedy)
    side, skin_ids = min(size, manifest.size[0]), np.array(label_ids(SKIN))
    ids = manifest.ids if places is None else [manifest.ids[place] for place in places]
    with TemporaryDirectory(dir=beside.parent, prefix=f".{beside.name}.") as folder:
        content = np.lib.format.open_memmap(Path(folder) / "pictures.npy", "w+", np.uint8, (len(ids), side, side, 4))
        how = {"ids": ids, "verify": False}
        pairs = zip(iterate_frames(frames, clip, **how), iterate_frames(parsing, clip, grey=True, **how), strict=True)
        for row, ((_, picture), (_, labels)) in enumerate(progress(pairs, len(ids), f"{clip}: reading skin")):
            skin = np.isin(labels, skin_ids).astype(np.float32)
            content[row, ..., :3] = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
            content[row, ..., 3] = cv2.resize(skin, (side, side), interpolation=cv2.INTER_AREA) > ALL_SKIN
        yield Pictures(content, None if places is None else {place: row for row, place in enumerate(places)})
