"""Clips with known parameters on disk, made once: pictures, what the real detector sees in them, and the truth.

``<cache>/<head>/clips/<name>/``: ``frames/``, ``frames.json``, ``landmarks.npz``, ``landmarks.json`` as the stages write them,
and ``truth.npz``, the arrays of a ``tracking.npz``.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from truth_motion import FRAMES, SCENES, SIZE, Scene, true_track
from truth_render import render
from truth_sources import detect, source_texture, source_track

from headsmith.bridges.track import Track
from headsmith.contract.frame_ids import frame_name
from headsmith.heads.model import HeadModel
from headsmith.media.atomic import atomic_path
from headsmith.media.frames import FrameFolderWriter
from headsmith.media.progress import progress
from headsmith.media.video_writer import VideoWriter

FPS = 25.0


def clip_folder(cache: Path, head: Path, name: str) -> Path:
    """Return where a clip lies."""
    return cache / head.stem / "clips" / name


def prepare_clip(name: str, cache: Path, head: Path, model: HeadModel, threads: int) -> Path:
    """Return the folder of a clip, with its pictures, landmarks and truth, made where they are not there."""
    scene, folder = SCENES[name], clip_folder(cache, head, name)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "truth.npz").exists():
        truth = true_track(scene, source_track(scene.motion, cache, head, threads), model)
        texture = source_texture(scene.texture, cache, head, model, threads)
        write_pictures(scene, progress(render(scene, truth, model, texture), FRAMES, f"{name}: rendering"), folder)
        write_truth(truth, folder / "truth.npz")
    detect(folder, name, threads)
    return folder


def write_truth(truth: Track, path: Path) -> None:
    """Write the true parameters."""
    with atomic_path(path) as partial, partial.open("wb") as stream:
        np.savez(stream, **truth.arrays())


def write_pictures(scene: Scene, pictures: Iterable[np.ndarray], folder: Path) -> None:
    """Write a folder of frames with its manifest, as the camera's file shows them: compressed and decoded again."""
    details = {"fps": FPS, "source_size": [SIZE, SIZE], "crop": [0, 0, SIZE], "scale": 1.0, "source_index": list(range(FRAMES))}
    seen = through_jpeg(pictures, scene.jpeg) if scene.jpeg else through_video(pictures, scene.crf, folder / "camera.mp4")
    with FrameFolderWriter(folder / "frames.json", details=details) as writer:
        for number, picture in enumerate(seen):
            writer.add(number, picture)


def through_jpeg(pictures: Iterable[np.ndarray], quality: int) -> Iterator[np.ndarray]:
    """Yield the pictures after JPEG."""
    for picture in pictures:
        _, content = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        yield np.ascontiguousarray(cv2.imdecode(content, cv2.IMREAD_COLOR)[..., ::-1])


def through_video(pictures: Iterable[np.ndarray], crf: int, path: Path) -> Iterator[np.ndarray]:
    """Yield the pictures after H.264."""
    with VideoWriter(path, FPS, crf=crf) as writer:
        for picture in pictures:
            writer.add(picture)
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def write_sheet(folders: list[Path], path: Path, columns: int = 5, side: int = 256) -> None:
    """Write a JPEG with a frame of each clip, row by row."""
    places = np.linspace(20, FRAMES - 20, len(folders)).round().astype(int)
    tiles = [cv2.imread(str(folder / "frames" / frame_name(place))) for folder, place in zip(folders, places, strict=True)]
    tiles = [cv2.resize(tile, (side, side), interpolation=cv2.INTER_AREA) for tile in tiles]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.concatenate(tiles[first : first + columns], 1) for first in range(0, len(tiles), columns)]
    with atomic_path(path) as partial:
        partial.write_bytes(cv2.imencode(".jpg", np.concatenate(rows), [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes())
