"""Files and folders that appear whole or not at all: a temporary name beside the target, renamed at the end."""

import errno
import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from headsmith.contract.errors import UserError

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NO_ENTRY = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG)
"""What the system says of a place where nothing may be written, or where something else is in the way."""


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` (same suffix) and rename it to ``path`` when the block ends well.

    The target's folder is made. When the block fails, the temporary file is removed and ``path`` stays as it was.

    Raises:
        UserError: The disk is full, or nothing may be written there.
    """
    target = Path(path)
    partial = _beside(target)
    try:
        with writing_explained(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            yield partial
            partial.replace(target)
    finally:
        with suppress(OSError):
            partial.unlink()


@contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a new, empty folder beside ``path`` and put it in the place of ``path`` when the block ends well.

    A folder that was at ``path`` is removed just before the rename. When the block fails, the new folder is removed
    and ``path`` stays as it was. What a killed run left beside ``path`` is removed first, so one writer at a time.

    Raises:
        UserError: The disk is full, or nothing may be written there.
    """
    target = Path(path)
    partial = _beside(target)
    try:
        with writing_explained(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            _remove_leftovers(target)
            partial.mkdir()
            yield partial
            replace_folder(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def replace_folder(source: Path, target: Path) -> None:
    """Rename ``source`` to ``target`` after moving a folder that is there out of the way; that one is then deleted."""
    old = _beside(target)
    if target.exists():
        target.replace(old)
    source.replace(target)
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def writing_explained(path: str | os.PathLike[str], clip: str | None = None) -> Iterator[None]:
    """Turn what the system says when a file cannot be written into a message for people.

    Raises:
        UserError: In place of the system's or FFmpeg's "no space left", "quota exceeded" and "file too large" (both carry
            ``errno``), and of "permission denied" and the like where they are about ``path`` or what lies beside or above it;
            other errors pass through.
    """
    try:
        yield
    except Exception as error:
        reason, number = getattr(error, "strerror", ""), getattr(error, "errno", None)
        if number in NO_SPACE:
            remedy = "free space, or raise the quota, and run the same command again: nothing half-written was left"
            raise UserError(f"the disk is full: {reason}", clip=clip, file=path, remedy=remedy) from error
        if number in NO_ENTRY and _is_about(error, Path(path)):
            remedy = "see who may write there and what is in the way (`ls -ld`), or work in another folder"
            raise UserError(f"the output cannot be written: {reason}", clip=clip, file=error.filename, remedy=remedy) from error
        raise


def remove_leftovers(*targets: Path) -> None:
    """Remove what killed runs left beside files that they were writing; for files with one writer at a time."""
    for target in targets:
        for left in _leftovers(target):
            left.unlink(missing_ok=True)


def _is_about(error: Exception, path: Path) -> bool:
    """Whether an error's file is a path, lies beside it or in its folder, or is one of the folders above."""
    name = getattr(error, "filename", None)
    if not isinstance(name, (str, os.PathLike)):
        return False
    place, folder = Path(name).absolute(), path.absolute().parent
    return place.is_relative_to(folder) or folder.is_relative_to(place)


def _leftovers(target: Path) -> list[Path]:
    name = f"{glob.escape(f'.{target.stem}')}-{'[0-9a-f]' * 8}.partial{glob.escape(target.suffix)}"
    return list(target.parent.glob(name))


def _remove_leftovers(target: Path) -> None:
    for left in _leftovers(target):
        shutil.rmtree(left, ignore_errors=True)


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.stem}-{uuid4().hex[:8]}.partial{target.suffix}")
