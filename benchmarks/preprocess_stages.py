"""What `preprocess.py` runs in processes of their own: the stages, their floors, and the naive loop."""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from headsmith.contract.frame_ids import frame_name  # noqa: E402
from headsmith.contract.manifest import folder_of, read_manifest  # noqa: E402
from headsmith.contract.networks import matting_network, matting_view, parsing_network  # noqa: E402
from headsmith.contract.paths import ASSET, ASSET_LIST, NETWORK  # noqa: E402
from headsmith.contract.settings import FramesSettings, Settings  # noqa: E402
from headsmith.media.frames import FrameFolderWriter  # noqa: E402
from headsmith.stages.assets import fetch_asset  # noqa: E402

CORES = 2
DETECTOR = "face_landmarker.task"
GRAPHS = {
    "bisenetv2": ["bisenetv2/model.json", *(f"bisenetv2/group1-shard{part}of3.bin" for part in (1, 2, 3))],
    "rvm": ["rvm/rvm.json", "rvm/rvm.bin"],
}
SETTINGS = Settings()


def asset(name: str) -> Path:
    """Return a file of config/assets.yaml, fetched where it is not there."""
    path = ROOT / ASSET.format(asset=name)
    fetch_asset(asset=name, listing=ROOT / ASSET_LIST, output=path)
    return path


def prepare(video: Path, size: int, frames: int) -> int:
    """Fetch and convert what all stages need, and write a long video."""
    from long_clip import write_long_clip

    asset(DETECTOR)
    prepare_networks(size)
    write_long_clip(asset("franck.mp4"), video, frames)
    return frames


def network_names(size: int) -> dict[str, str]:
    """Return the networks of the stages by default, and, as ``whole_...``, those that are published."""
    view = matting_view(size, SETTINGS.matte.downsample, SETTINGS.matte.enlarge)
    return {
        "parsing": parsing_network(SETTINGS.parsing.network, SETTINGS.parsing.precision),
        "matte": matting_network(*view, SETTINGS.matte.precision),
        "whole_parsing": parsing_network(SETTINGS.parsing.network, "full"),
        "whole_matte": matting_network(size),
    }


def network(name: str, size: int) -> Path:
    """Return the file of a converted network."""
    return ROOT / NETWORK.format(network=network_names(size)[name])


def prepare_networks(size: int) -> None:
    """Convert the networks that are not there."""
    from headsmith.stages.networks import convert_network

    for name, title in network_names(size).items():
        if not network(name, size).exists():
            graph, *shards = (asset(part) for part in GRAPHS[title.split("-")[0]])
            convert_network(network=title, graph=graph, shards=shards, output=network(name, size))


def run_stage(stage: str, folder: Path, video: Path, size: int, frames: int) -> dict[str, Any]:
    """Run a stage, the floors, the naive loop or what comes before; return frames and seconds, imports not counted."""
    if stage == "prepare":
        return timed(lambda: prepare(video, size, frames))
    if stage == "labels":
        return timed(lambda: write_large_labels(video, folder, frames, size))
    if stage == "floors":
        from preprocess_floors import measure_floors

        return {"frames": 1, "seconds": 1, "floors": measure_floors(folder, video, size)}
    if stage == "naive":
        from preprocess_naive import run_naive

        return timed(lambda: run_naive(folder / "naive", video, size))
    call = STAGE_CALLS[stage](folder, video, size)
    return timed(lambda: (call(), read_manifest(folder / COUNTED.get(stage, f"{stage}.json"), verify=False).count)[1])


COUNTED = {"landmarks": "frames.json", "masks": "masks/mouth.json"}


def timed(work: Callable[[], int]) -> dict[str, float]:
    """Return the frames that some work tells and the seconds it takes."""
    started = time.perf_counter()
    frames = work()
    return {"frames": frames, "seconds": time.perf_counter() - started}


def frames_call(folder: Path, video: Path, size: int) -> Callable[[], None]:
    from headsmith.stages.frames import extract_frames

    part = {"start": None, "end": None, "person": None, "detector": asset(DETECTOR), "mtcnn": []}
    settings = FramesSettings(size=size)
    return lambda: extract_frames(
        clip="benchmark", video=video, manifest=folder / "frames.json", settings=settings, threads=CORES, **part
    )


def landmarks_call(folder: Path, video: Path, size: int) -> Callable[[], None]:
    from headsmith.stages.landmarks import detect_landmarks

    outputs = {"output": folder / "landmarks.npz", "summary": folder / "landmarks.json"}
    files = {DETECTOR: asset(DETECTOR)}
    return lambda: detect_landmarks(
        **common(folder), files=files, given=None, settings=SETTINGS.landmarks, threads=CORES, **outputs
    )


def matte_call(folder: Path, video: Path, size: int) -> Callable[[], None]:
    from headsmith.stages.matte import estimate_matte

    part = {"network": network("matte", size), "manifest": folder / "matte.json", "settings": SETTINGS.matte}
    return lambda: estimate_matte(**common(folder), threads=CORES, **part)


def parsing_call(folder: Path, video: Path, size: int) -> Callable[[], None]:
    from headsmith.stages.parsing import parse_faces

    part = {"network": network("parsing", size), "manifest": folder / "parsing.json", "settings": SETTINGS.parsing}
    return lambda: parse_faces(**common(folder), threads=CORES, **part)


def masks_call(folder: Path, video: Path, size: int) -> Callable[[], None]:
    from headsmith.stages.masks import cut_masks

    files = {"parsing": folder / "parsing.json", "landmarks": folder / "landmarks.npz"}
    part = {"manifest": folder / "masks/mouth.json", "settings": SETTINGS.masks}
    return lambda: cut_masks(clip="benchmark", mask="mouth", threads=CORES, **files, **part)


STAGE_CALLS = {
    "frames": frames_call,
    "landmarks": landmarks_call,
    "matte": matte_call,
    "parsing": parsing_call,
    "masks": masks_call,
}


def common(folder: Path) -> dict[str, Any]:
    """Return the arguments that all stages on frames share."""
    return {"clip": "benchmark", "frames": folder / "frames.json"}


def write_large_labels(source: Path, target: Path, count: int, size: int) -> int:
    """Write label maps of 512 pixels and their landmarks, by repeating those of a clip, enlarged."""
    maps = read_manifest(source / "parsing.json", verify=False)
    scale = size / maps.size[0]
    places = np.arange(count) % maps.count
    with FrameFolderWriter(target / "parsing.json", threads=CORES, flat=True) as writer, ThreadPoolExecutor(CORES) as pool:
        enlarged = pool.map(lambda place: read_enlarged(source / "parsing" / frame_name(maps.ids[place]), size), places)
        for frame_id, labels in enumerate(enlarged):
            writer.add(frame_id, labels)
    with np.load(source / "landmarks.npz") as content:
        arrays = {name: values[places] if values.shape[:1] == (maps.count,) else values for name, values in content.items()}
    arrays |= {"ids": np.arange(count), "points": arrays["points"] * np.float32(scale)}
    np.savez(target / "landmarks.npz", **arrays)
    return count


def read_enlarged(path: Path, size: int) -> np.ndarray:
    """Return a label map enlarged without mixing labels."""
    return cv2.resize(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), (size, size), interpolation=cv2.INTER_NEAREST)


def first_frames(folder: Path, count: int) -> list[np.ndarray]:
    """Return the first frames of a clip, RGB."""
    ids = read_manifest(folder / "frames.json", verify=False).ids[:count]
    paths = [folder_of(folder / "frames.json") / frame_name(frame_id) for frame_id in ids]
    return [cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB) for path in paths]
