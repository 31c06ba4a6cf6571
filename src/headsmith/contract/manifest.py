"""Manifests: a folder of frames counts only when its manifest exists.

A manifest lies beside its folder (``frames.json`` beside ``frames/``), is written last, and holds content only: no times and
no settings, so that an identical redo leaves it unchanged, byte for byte.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from headsmith.contract.errors import UserError
from headsmith.contract.frame_ids import frame_name


@dataclass(frozen=True)
class Dropped:
    """A frame that was left out, by its id in the clip, and why."""

    id: int
    reason: str


@dataclass(frozen=True)
class Manifest:
    """What a folder of frames holds.

    Attributes:
        size: Width and height of every image, in pixels.
        ids: Frame ids present, ascending; file names follow ``frame_name``.
        sha256: Hash over names and bytes of the files, in the order of ``ids``.
        dropped: Frames left out, with reasons.
        details: Facts about the content that later stages need (the crop box, the frame rate).
    """

    size: tuple[int, int]
    ids: tuple[int, ...]
    sha256: str
    dropped: tuple[Dropped, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of frames present."""
        return len(self.ids)


def folder_of(manifest_path: str | os.PathLike[str]) -> Path:
    """Return the folder that a manifest speaks for: the same path without ``.json``."""
    return Path(manifest_path).with_suffix("")


class FrameDigest:
    """The sha256 over names and bytes of a folder's frames, taken one by one, ascending."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, frame_id: int, content: bytes) -> None:
        """Take the bytes of the next frame's file."""
        self._digest.update(frame_name(frame_id).encode())
        self._digest.update(content)

    @property
    def sha256(self) -> str:
        """The hash so far."""
        return self._digest.hexdigest()


def hash_frames(folder: Path, ids: tuple[int, ...]) -> str:
    """Return the sha256 over names and bytes of the frames of a folder.

    Raises:
        FileNotFoundError: A frame is missing.
    """
    digest = FrameDigest()
    for frame_id in ids:
        digest.add(frame_id, (folder / frame_name(frame_id)).read_bytes())
    return digest.sha256


def write_manifest(path: str | os.PathLike[str], manifest: Manifest) -> None:
    """Write a manifest in one step: a temporary file, then a rename."""
    target = Path(path)
    content = {"count": manifest.count, **asdict(manifest)}
    partial = target.with_name(target.name + ".tmp")
    partial.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
    partial.replace(target)


def read_manifest(path: str | os.PathLike[str], *, clip: str | None = None, verify: bool = True) -> Manifest:
    """Read a manifest and, unless told otherwise, check its folder against it.

    Args:
        path: The manifest; its folder is ``folder_of(path)``.
        clip: Name of the clip, for the message.
        verify: Whether to hash the folder's files and compare.

    Raises:
        UserError: The manifest is missing or broken, or the folder no longer holds what it says.
    """
    try:
        content = json.loads(Path(path).read_text())
        count = content.pop("count")
        manifest = Manifest(
            size=tuple(content["size"]),
            ids=tuple(content["ids"]),
            sha256=content["sha256"],
            dropped=tuple(Dropped(**item) for item in content["dropped"]),
            details=content["details"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"the manifest cannot be read: {error!r}", clip=clip, file=path, remedy=_again(path)) from error
    if count != manifest.count:
        raise differs(path, clip)
    if verify:
        try:
            same = hash_frames(folder_of(path), manifest.ids) == manifest.sha256
        except OSError as error:
            raise UserError(f"a frame is missing: {error}", clip=clip, file=path, remedy=_again(path)) from error
        if not same:
            raise differs(path, clip)
    return manifest


def differs(path: str | os.PathLike[str], clip: str | None = None) -> UserError:
    """Return the error of a folder that does not hold what its manifest, ``path``, says."""
    return UserError("the folder differs from its manifest", clip=clip, file=folder_of(path), remedy=_again(path))


def _again(path: str | os.PathLike[str]) -> str:
    return f"delete {path} and run snakemake again: the stage that makes it is done anew"
