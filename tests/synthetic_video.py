"""Synthetic videos for tests: each frame tells its own number, by the grey of its left half (tens) and right half (units)."""

from pathlib import Path

import av
import numpy as np

from headsmith.media.video import VideoWriter


def numbered_frame(index: int, width: int = 64, height: int = 48) -> np.ndarray:
    """Return a picture that tells ``index % 100``."""
    image = np.empty((height, width, 3), np.uint8)
    image[:, : width // 2] = 20 + 20 * (index % 100 // 10)
    image[:, width // 2 :] = 20 + 20 * (index % 10)
    return image


def number_of(image: np.ndarray) -> int:
    """Return the number that a picture tells."""
    middle = image.shape[1] // 2
    tens, units = (round((float(np.median(half)) - 20) / 20) for half in (image[:, :middle], image[:, middle:]))
    return 10 * tens + units


def write_numbered_video(path: Path, count: int, fps: float = 24.0, width: int = 64, height: int = 48) -> Path:
    """Write a video of numbered frames."""
    with VideoWriter(path, fps, crf=0) as writer:
        for index in range(count):
            writer.add(numbered_frame(index, width, height))
    return path


def copy_with_index_first(source: Path, target: Path) -> Path:
    """Copy a video's packets into a file whose index lies in front, so that a cut file can still be opened."""
    with av.open(str(source)) as old, av.open(str(target), "w", options={"movflags": "+faststart"}) as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(old.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    return target
