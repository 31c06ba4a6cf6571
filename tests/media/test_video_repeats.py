"""The same frames give the same video, whatever memory the encoder is handed: heaps of a busy process are never clean."""

import threading
from collections import Counter
from pathlib import Path

import numpy as np

from headsmith.media.video_writer import VideoWriter

TIMES = 60
HEIGHT, WIDTH, COUNT = 80, 160, 9


def frames() -> list[np.ndarray]:
    """Slanting stripes that move."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    numbers = [np.stack([3 * columns + 20 * frame, 5 * rows, rows + columns + 9 * frame], -1) % 256 for frame in range(COUNT)]
    return [number.astype(np.uint8) for number in numbers]


def litter(stop: threading.Event) -> None:
    """Fill memory with noise and free it, again and again."""
    random = np.random.default_rng(0)
    while not stop.is_set():
        for size in random.integers(1, 60_000, 20):
            random.integers(0, 255, size, dtype=np.uint8)


def test_the_same_frames_give_the_same_video_in_littered_memory(tmp_path: Path) -> None:
    seen: Counter[bytes] = Counter()
    stop = threading.Event()
    other = threading.Thread(target=litter, args=(stop,))
    other.start()
    try:
        for _ in range(TIMES):
            with VideoWriter(tmp_path / "stripes.mp4", 12.5) as film:
                for frame in frames():
                    film.add(frame)
            seen[(tmp_path / "stripes.mp4").read_bytes()] += 1
    finally:
        stop.set()
        other.join()
    assert list(seen.values()) == [TIMES]
