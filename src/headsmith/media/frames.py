"""Folders of frames, read and written as streams. A folder is real only when its manifest lies beside it."""

import os
import shutil
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from jaxtyping import UInt8

from headsmith.contract.errors import UserError
from headsmith.contract.frame_ids import frame_name
from headsmith.contract.manifest import Dropped, FrameDigest, Manifest, differs, folder_of, read_manifest, write_manifest
from headsmith.media.atomic import writing_explained
from headsmith.media.images import decode_image, encode_png, read_content
from headsmith.media.parallel import map_in_order

AHEAD = 4
"""Images that may be under way between the disk and the caller; memory holds no more."""

Image = UInt8[np.ndarray, "H W *C"]


def iterate_frames(
    manifest_path: str | os.PathLike[str],
    clip: str | None = None,
    *,
    ids: Iterable[int] | None = None,
    grey: bool = False,
    verify: bool = True,
    threads: int = 1,
) -> Iterator[tuple[int, Image]]:
    """Yield ``(id, image)`` of a folder's frames in ascending order, decoding a few ahead in background threads.

    Each file is read once. Where all frames are asked for, they are hashed as they go by, and a folder that differs from its
    manifest is told after the last; who stops before has checked nothing. Where some are asked for, the folder is hashed first.

    Args:
        manifest_path: The manifest.
        clip: Name of the clip, for messages.
        ids: Which frames, in which order; all when left out.
        grey: Whether images are grey ``(H, W)``; else RGB ``(H, W, 3)``.
        verify: Whether to check the folder against its manifest.
        threads: Decoding threads.

    Raises:
        UserError: The manifest is missing, its folder differs, an image is broken, or an id is not there.
    """
    manifest = read_manifest(manifest_path, clip=clip, verify=verify and ids is not None)
    chosen = manifest.ids if ids is None else tuple(ids)
    if missing := sorted(set(chosen) - set(manifest.ids)):
        remedy = f"delete {manifest_path} and run snakemake again: two stages disagree on the frames"
        raise UserError(f"frames {missing[:5]} are not in the folder", clip=clip, file=manifest_path, remedy=remedy)
    digest = FrameDigest()
    for frame_id, (content, image) in _read_ahead(folder_of(manifest_path), chosen, grey, clip, threads):
        if verify and ids is None:
            digest.add(frame_id, content)
        yield frame_id, image
    if verify and ids is None and digest.sha256 != manifest.sha256:
        raise differs(manifest_path, clip)


def _read_ahead(
    folder: Path, ids: tuple[int, ...], grey: bool, clip: str | None, threads: int
) -> Iterator[tuple[int, tuple[bytes, Image]]]:
    def read(frame_id: int) -> tuple[bytes, Image]:
        path = folder / frame_name(frame_id)
        content = read_content(path, clip)
        return content, decode_image(content, path, grey=grey, clip=clip)

    yield from map_in_order(read, ids, threads, max(AHEAD, threads) + 1)


class FrameFolderWriter:
    """Writes frames into a folder under a temporary name; the folder and then the manifest appear at the end.

    Use it in a ``with`` block: a block that ends well commits, one that fails leaves neither folder nor manifest. A stale
    manifest, its folder and leftovers of a killed run are removed first. Frames must come in ascending order and be of
    one size; bytes and hash do not depend on the number of threads.

    Args:
        manifest_path: The manifest to write; the folder is ``folder_of(manifest_path)``.
        clip: Name of the clip, for messages.
        details: Facts for the manifest; may be added to through ``writer.details`` until the commit.
        threads: Encoding threads.
        flat: Whether the images have large areas of one value, as masks and label maps do; they are then encoded faster.
    """

    def __init__(
        self,
        manifest_path: str | os.PathLike[str],
        clip: str | None = None,
        *,
        details: dict[str, Any] | None = None,
        threads: int = 1,
        flat: bool = False,
    ) -> None:
        self.manifest_path = Path(manifest_path)
        self.folder = folder_of(manifest_path)
        self.clip = clip
        self.flat = flat
        self.details: dict[str, Any] = dict(details or {})
        self.manifest: Manifest | None = None
        self._partial = self.folder.with_name(f".{self.folder.name}.partial")
        self._ids: list[int] = []
        self._dropped: list[Dropped] = []
        self._size: tuple[int, int] | None = None
        self._digest = FrameDigest()
        self._waiting: deque[tuple[int, Future[bytes]]] = deque()
        self._ahead = max(AHEAD, threads)
        self._start_afresh()
        self._pool = ThreadPoolExecutor(threads)

    def add(self, frame_id: int, image: Image) -> None:
        """Write the next frame.

        Args:
            frame_id: Larger than all before.
            image: RGB ``(H, W, 3)`` or grey ``(H, W)``, 0..255; it must not be changed afterwards.

        Raises:
            UserError: The disk is full.
            ValueError: The id does not ascend, or the size differs from the first frame's.
        """
        size = (image.shape[1], image.shape[0])
        if self._ids and frame_id <= self._ids[-1]:
            raise ValueError(f"frame {frame_id} after frame {self._ids[-1]}")
        if self._size not in (None, size):
            raise ValueError(f"frame {frame_id} is {size}, the ones before are {self._size}")
        self._size = size
        self._ids.append(frame_id)
        self._waiting.append((frame_id, self._pool.submit(_save, self._partial / frame_name(frame_id), image, self.flat)))
        while len(self._waiting) > self._ahead:
            self._settle()

    def drop(self, frame_id: int, reason: str) -> None:
        """Note a frame that is left out, and why."""
        self._dropped.append(Dropped(frame_id, reason))

    def commit(self) -> Manifest:
        """Wait for the last frames, put the folder in place, write the manifest and return it.

        Raises:
            UserError: No frame was added, or the disk is full.
        """
        if self.manifest is not None:
            return self.manifest
        while self._waiting:
            self._settle()
        if self._size is None:
            reasons = sorted({item.reason for item in self._dropped})
            remedy = "look at the input of this stage; reasons: " + (", ".join(reasons) or "it got no frames")
            raise UserError("no frame is left", clip=self.clip, file=self.folder, remedy=remedy)
        dropped = tuple(sorted(self._dropped, key=lambda item: item.id))
        manifest = Manifest(self._size, tuple(self._ids), self._digest.sha256, dropped, self.details)
        with writing_explained(self.manifest_path, self.clip):
            self._partial.replace(self.folder)
            write_manifest(self.manifest_path, manifest)
        self.manifest = manifest
        return manifest

    def __enter__(self) -> "FrameFolderWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                self.commit()
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)
            shutil.rmtree(self._partial, ignore_errors=True)
            if self.manifest is None:
                shutil.rmtree(self.folder, ignore_errors=True)
                self.manifest_path.with_name(self.manifest_path.name + ".tmp").unlink(missing_ok=True)

    def _settle(self) -> None:
        frame_id, written = self._waiting.popleft()
        with writing_explained(self.folder, self.clip):
            content = written.result()
        self._digest.add(frame_id, content)

    def _start_afresh(self) -> None:
        with writing_explained(self.folder, self.clip):
            self.manifest_path.unlink(missing_ok=True)
            for folder in (self.folder, self._partial):
                if folder.exists():
                    shutil.rmtree(folder)
            self._partial.mkdir(parents=True)


def _save(path: Path, image: Image, flat: bool) -> bytes:
    content = encode_png(image, flat=flat)
    path.write_bytes(content)
    return content
