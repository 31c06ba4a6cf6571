"""What each stage cannot do without, by itself: seconds a frame with all cores at work."""

import math
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import cv2
import numpy as np
from preprocess_stages import CORES, DETECTOR, SETTINGS, asset, first_frames, network

from headsmith.contract.networks import matting_view
from headsmith.media.images import encode_png
from headsmith.nets.detectors import open_detector
from headsmith.nets.matting import picture_of
from headsmith.nets.parallel import map_in_order
from headsmith.nets.parsers import Parser
from headsmith.nets.rvm import Rvm

TRIED = 128
"""Frames on which networks are timed."""
SQUARE = 900
"""About the side of the crop in the benchmark's video, in pixels."""


def measure_floors(folder: Path, video: Path, size: int) -> dict[str, float]:
    """Return the floor of each stage, seconds a frame."""
    frames = first_frames(folder, TRIED)
    return {
        "frames": frames_floor(frames, video),
        "landmarks": landmarks_floor(frames),
        "matte": matte_floor(frames, size),
        "parsing": parsing_floor(frames, size),
        "masks": masks_floor(folder),
    }


def best(work: Callable[[], object], count: int, rounds: int = 3) -> float:
    """Return the seconds an item takes, the best of some rounds."""
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return min(taken) / count


def in_threads(function: Callable[[object], object], items: Iterable[object]) -> None:
    """Call a function on all items from as many threads as there are cores."""
    for _ in map_in_order(function, items, CORES):
        pass


def frames_floor(frames: list[np.ndarray], video: Path) -> float:
    """Return decoding, the detector on the frames that are searched, scaling the square, and encoding, one after another."""
    size = len(frames[0])
    searched = math.ceil(len(frames) / SETTINGS.frames.detect_every)
    squares = [cv2.resize(frame, (SQUARE, SQUARE)) for frame in frames[:16]]
    scale = best(lambda: in_threads(lambda square: cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA), squares), 16)
    encode = best(lambda: in_threads(encode_png, frames), len(frames))
    return decode_time(video) + landmarks_floor(frames[:searched]) * searched / len(frames) + scale + encode


def decode_time(video: Path) -> float:
    """Return the seconds that decoding alone takes a frame."""
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        started = time.perf_counter()
        count = sum(1 for _ in container.decode(stream))
        return (time.perf_counter() - started) / count


def landmarks_floor(frames: list[np.ndarray]) -> float:
    with open_detector("mediapipe", {DETECTOR: asset(DETECTOR)}, threads=CORES) as detector:
        return best(lambda: in_threads(detector.detect, frames), len(frames))


def matte_floor(frames: list[np.ndarray], size: int) -> float:
    side, _ = matting_view(size, SETTINGS.matte.downsample, SETTINGS.matte.enlarge)
    rvm = Rvm(network("matte", size), CORES)
    pictures = [picture_of(frame, side) for frame in frames]
    return best(lambda: list(rvm.run(pictures)), len(frames))


def parsing_floor(frames: list[np.ndarray], size: int) -> float:
    parser = Parser(network("parsing", size))
    pictures = [parser.prepare(frame) for frame in frames]
    return best(lambda: in_threads(parser.run, pictures), len(frames))


def masks_floor(folder: Path) -> float:
    """Return reading and decoding label maps, encoding and writing masks."""
    files = sorted((folder / "parsing").iterdir())
    table = np.zeros(256, np.uint8)
    table[11:14] = 255

    def cut(file: Path, target: Path) -> None:
        labels = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
        (target / file.name).write_bytes(encode_png(cv2.LUT(labels, table), flat=True))

    with TemporaryDirectory(dir=folder) as target, ThreadPoolExecutor(CORES) as pool:
        return best(lambda: list(pool.map(cut, files, repeat(Path(target)))), len(files))
