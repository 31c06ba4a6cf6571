"""What tells that pictures have changed: Snakemake looks at the files it is told of, and a folder or a list stands for many."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

PICTURE_LISTS = (".txt", ".lst")
"""Endings, in lower case, of files that list pictures."""


def stamp_pictures(source: str | os.PathLike[str]) -> str:
    """Return a hash over the names, sizes and times of the pictures that a folder or a list file stands for.

    Hidden files do not count, and neither do folders inside. What is not there has no size. A file that stands for itself has
    the empty stamp.
    """
    path = Path(source)
    if path.is_dir():
        with os.scandir(path) as entries:
            names = sorted(entry.name for entry in entries if not entry.name.startswith(".") and not entry.is_dir())
        return _stamp(path, names)
    if path.suffix.lower() in PICTURE_LISTS and path.is_file():
        return _stamp(path.parent, path.read_text(encoding="utf-8-sig", errors="replace").splitlines())
    return ""


def _stamp(folder: Path, names: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for name in names:
        digest.update(f"{name.strip()}\n{_facts(folder / name.strip())}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()[:16]


def _facts(path: Path) -> str:
    try:
        facts = path.stat()
    except (OSError, ValueError):
        return "none"
    return f"{facts.st_size} {facts.st_mtime_ns}"
