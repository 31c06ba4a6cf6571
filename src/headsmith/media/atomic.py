"""Files and folders that appear whole or not at all: a temporary name beside the target, renamed at the end."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from headsmith.contract.errors import UserError

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` (same suffix) and rename it to ``path`` when the block ends well.

    The target's folder is made. When the block fails, the temporary file is removed and ``path`` stays as it was.

    Raises:
        UserError: The disk is full.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = _beside(target)
    try:
        with disk_full_explained(target):
            yield partial
            partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a new, empty folder beside ``path`` and put it in the place of ``path`` when the block ends well.

    A folder that was at ``path`` is removed just before the rename. When the block fails, the new folder is removed
    and ``path`` stays as it was.

    Raises:
        UserError: The disk is full.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = _beside(target)
    try:
        with disk_full_explained(target):
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
def disk_full_explained(path: str | os.PathLike[str], clip: str | None = None) -> Iterator[None]:
    """Turn the system's "no space left", "quota exceeded" and "file too large" into a message for people.

    Raises:
        UserError: In place of such an error, of the system or of FFmpeg (both carry ``errno``); others pass through.
    """
    try:
        yield
    except Exception as error:
        reason = getattr(error, "strerror", "")
        if getattr(error, "errno", None) not in NO_SPACE:
            raise
        remedy = "free space, or raise the quota, and run the same command again: nothing half-written was left"
        raise UserError(f"the disk is full: {reason}", clip=clip, file=path, remedy=remedy) from error


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.stem}-{uuid4().hex[:8]}.partial{target.suffix}")
