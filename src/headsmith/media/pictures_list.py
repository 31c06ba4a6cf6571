"""Which pictures a source means: a folder's in natural order, a list file's, or a single one."""

import os
import re
from pathlib import Path

from headsmith.contract.errors import UserError

STILLS = frozenset(
    (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".avif", ".ppm", ".pgm")
)
"""Endings of files that are pictures, in lower case."""
IN_FOLDERS = STILLS | {".gif"}
"""Endings that count in a folder: there a GIF is a picture, by itself it is a video."""
UNREAD = frozenset(
    (".heic", ".heif", ".jxl", ".jp2", ".j2k", ".psd", ".exr", ".hdr", ".svg", ".eps", ".dng", ".cr2", ".cr3", ".nef", ".arw")
)
"""Endings of pictures that are not read. They are refused: left out, a folder would lack them; as a video, HEIC is a tile."""
LISTS = frozenset((".txt", ".lst"))
"""Endings of list files."""
LONGEST_LIST = 2**26
"""Bytes of a list file at most."""


def holds_pictures(path: str | os.PathLike[str]) -> bool:
    """Tell whether a path means pictures: a folder, a list file, or a file whose ending is a picture's."""
    return Path(path).is_dir() or Path(path).suffix.lower() in STILLS | LISTS | UNREAD


def list_pictures(path: str | os.PathLike[str], *, clip: str | None = None, strict: bool = True) -> list[Path]:
    """Return the pictures that a path means, in order; none is opened.

    A folder: its files whose ending is a picture's, hidden ones left out, in natural order of their names. A list file:
    a path a line in UTF-8, relative to the list's folder; empty lines and lines that start with ``#`` are skipped.

    Args:
        path: The folder, the list file, or a picture.
        clip: Name of the clip, for messages.
        strict: Whether all must be there and of a kind that is read; else those that are not are left to who reads them.

    Raises:
        UserError: There is no such path, it cannot be read, it means no pictures, or one of a kind that is not read.
    """
    source = Path(path)
    try:
        pictures = _find(source, clip, strict)
    except OSError as error:
        remedy = "see that you may read it (`ls -l`), or correct the table of clips"
        raise UserError(f"it cannot be read: {error.strerror}", clip=clip, file=path, remedy=remedy) from error
    for picture in pictures:
        if strict and picture.suffix.lower() in UNREAD:
            remedy = "convert it to PNG or JPEG"
            raise UserError(f"pictures of the kind {picture.suffix} are not read", clip=clip, file=picture, remedy=remedy)
    return pictures


def natural_key(name: str) -> tuple[list[str | int], str]:
    """Return a key that sorts names as people count: ``2.png`` before ``10.png``; case only breaks ties."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return [int(part) if index % 2 else part for index, part in enumerate(parts)], name


def _find(source: Path, clip: str | None, strict: bool) -> list[Path]:
    if source.is_dir():
        return _in_folder(source, clip)
    if not source.is_file():
        remedy = "put it there, or correct the table of clips"
        raise UserError("there is no such picture, list or folder", clip=clip, file=source, remedy=remedy)
    return _in_list(source, clip, strict) if source.suffix.lower() in LISTS else [source]


def _in_folder(folder: Path, clip: str | None) -> list[Path]:
    entries = (entry for entry in folder.iterdir() if entry.suffix.lower() in IN_FOLDERS | UNREAD)
    found = [entry for entry in entries if not entry.name.startswith(".") and not entry.is_dir()]
    if not found:
        remedy = f"name a folder with pictures ({', '.join(sorted(IN_FOLDERS))}), or a video"
        raise UserError("the folder holds no pictures", clip=clip, file=folder, remedy=remedy)
    return sorted(found, key=lambda entry: natural_key(entry.name))


def _in_list(path: Path, clip: str | None, strict: bool) -> list[Path]:
    remedy = "write the path of a picture on each line, relative to the list's own folder, in UTF-8"
    if path.stat().st_size > LONGEST_LIST:
        raise UserError("the file is too long to be a list of pictures", clip=clip, file=path, remedy=remedy)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UserError("the file is not a list of pictures: it is not text", clip=clip, file=path, remedy=remedy) from error
    listed = [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    if not listed:
        raise UserError("the list is empty", clip=clip, file=path, remedy=remedy)
    for number, line in listed:
        if "\0" in line or (strict and not (path.parent / line).is_file()):
            raise UserError(f"line {number} names no file: {line[:200]!r}", clip=clip, file=path, remedy=remedy)
    return [path.parent / line for _, line in listed]
