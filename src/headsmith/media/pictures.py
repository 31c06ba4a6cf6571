"""Pictures as a source: a folder, a list file or a single picture, read one at a time like a video."""

import os
from pathlib import Path

from headsmith.contract.errors import UserError
from headsmith.media.file_frames import FileReader
from headsmith.media.pictures_decode import read_header, read_picture
from headsmith.media.pictures_list import list_pictures


class PictureReader(FileReader):
    """Streams pictures, the same ones at each iteration. Headers are read at once, pixels one picture at a time.

    Args:
        path: A folder, a list file (``.txt``, ``.lst``) or a picture.
        fps: Pictures a second; all are kept. 0: ``USUAL_FPS``.
        start: First second, included; None: the beginning.
        end: Last second, not included; None: the end.
        max_side: Longer side of the images at most, reached by area averaging; 0 leaves them.
        clip: Name of the clip, for messages.

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
        pictures = list_pictures(path, clip=clip)
        size, remarks = read_headers(Path(path), pictures, clip)
        part = {"fps": fps, "start": start, "end": end, "max_side": max_side, "clip": clip}
        super().__init__(path, list(enumerate(pictures)), size, remarks, read_picture, **part)


def read_headers(path: Path, pictures: list[Path], clip: str | None) -> tuple[tuple[int, int], list[str]]:
    """Return the size that all pictures share, and their remarks, each with the number of pictures it is about.

    Raises:
        UserError: One cannot be read, or sizes differ.
    """
    first = read_header(pictures[0], clip=clip)
    counts = dict.fromkeys(first.remarks, 1)
    for picture in pictures[1:]:
        header = read_header(picture, clip=clip)
        if header.size != first.size:
            named = zip((pictures[0].name, picture.name), (first.size, header.size), strict=True)
            sizes = [f"{name} is {size[0]} x {size[1]}" for name, size in named]
            remedy = "scale or crop the pictures to one size, or make a clip of each size"
            raise UserError(f"pictures of two sizes: {', '.join(sizes)}", clip=clip, file=path, remedy=remedy)
        for remark in header.remarks:
            counts[remark] = counts.get(remark, 0) + 1
    return first.size, [f"{remark} ({count} of {len(pictures)} pictures)" for remark, count in counts.items()]
