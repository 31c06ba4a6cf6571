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


POINTS_ENDINGS = (".mat", ".json", ".txt", ".pts")
"""Endings of files with the points of a face."""


def stamp_portrait(pictures: str | os.PathLike[str], landmarks: str | os.PathLike[str] | None = None) -> str:
    """Return a hash over the names, sizes and times of a portrait's pictures and of the points that lie beside them.

    Args:
        pictures: A folder, a list file, a picture or a video.
        landmarks: The user's points, a file or a folder, where the table names them.
    """
    source = Path(pictures)
    stamps = [stamp_pictures(source), "" if landmarks is None else stamp_pictures(landmarks)]
    listed = source.suffix.lower() in PICTURE_LISTS and source.is_file()
    names = source.read_text(encoding="utf-8-sig", errors="replace").splitlines() if listed else [source.name]
    beside = [Path(name.strip()).with_suffix(ending) for name in names if Path(name.strip()).name for ending in POINTS_ENDINGS]
    there = [str(path) for path in beside if source.parent / path != source and (source.parent / path).is_file()]
    stamps.append(_stamp(source.parent, there) if there and not source.is_dir() else "")
    return " ".join(filter(None, stamps))


SUBJECT_FOLDERS = ("imgs", "alpha", "parsing", "checkpoint")
"""Folders of a FlashAvatar subject whose files are read."""


def stamp_subject(folder: str | os.PathLike[str], checkpoint: str = "") -> str:
    """Return a hash over the names, sizes and times of all that checking a FlashAvatar subject reads.

    Args:
        folder: Its ``dataset/<id>``, or the folder above ``dataset``.
        checkpoint: The folder of its parameters, where they do not lie in their place.
    """
    base = Path(folder)
    above = (base, *base.glob("dataset/*"), *base.glob("*"), *base.glob("metrical-tracker/output/*"))
    tracker = base.absolute().parent.parent / "metrical-tracker" / "output" / base.name
    places = {place / name for place in (*above, tracker) if place.is_dir() for name in SUBJECT_FOLDERS}
    found = sorted(str(place) for place in (*places, *([Path(checkpoint)] if checkpoint else [])) if place.is_dir())
    return _stamp(Path(), [f"{place} {stamp_pictures(place)}" for place in found])


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
