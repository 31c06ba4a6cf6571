"""Reading a video as a stream: chosen frames, upright, capped in size, one at a time.

Frame counts of headers are never trusted: they only serve as an expectation, to tell a truncated file.
"""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import av
import cv2
import numpy as np
from jaxtyping import UInt8

from headsmith.contract.errors import UserError
from headsmith.media.video_probe import iterate_packets, probe_video

TINY = 1e-6
"""Seconds: time stamps are rounded to the stream's clock, so a frame this close to a bound counts as on it."""
SLACK = 1.0
"""Seconds by which an asked end may lie after the video's."""


@dataclass(frozen=True)
class VideoFrame:
    """One frame.

    Attributes:
        source_index: Its place among the frames that decode, from 0.
        seconds: Its time since the first frame.
        decoded: The frame as it was decoded.
        rotation: Degrees counterclockwise that turn it upright.
        size: Width and height of the image.
        image: RGB ``(H, W, 3)``, 0..255; converted when first asked for, so a frame that is passed over costs little.
    """

    source_index: int
    seconds: float
    decoded: av.VideoFrame
    rotation: int
    size: tuple[int, int]

    @cached_property
    def image(self) -> UInt8[np.ndarray, "H W 3"]:
        """The picture, upright and of the reader's size."""
        return upright_image(self.decoded, self.rotation, self.size)


class VideoReader:
    """Streams a part of a video; each iteration opens the file anew and ends with the same frames.

    Args:
        path: The video.
        fps: Frames kept a second, chosen while reading: the first frame at or after each tick; 0 keeps all.
        start: First second, included; None: the beginning.
        end: Last second, not included; None: the end.
        max_side: Longer side of the images at most, reached by area averaging; 0 leaves them.
        clip: Name of the clip, for messages.

    Attributes:
        probe: What the video is.
        size: Width and height of the images.
        fps: Frames a second of what is read.
        expected_decoded: Frames of the part that should decode; 0 when not known.
        expected: Frames that should be read; 0 when not known.
        decoded: Frames of the part that did decode in the last iteration, kept or not.
        broken: Packets that did not decode in the last iteration.

    Raises:
        UserError: There is no such file, it is not a video, no frame decodes, or the part lies outside of it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        fps: float = 0.0,
        start: float | None = None,
        end: float | None = None,
        max_side: int = 0,
        clip: str | None = None,
    ) -> None:
        self.path = Path(path)
        self.clip = clip
        self.start = start or 0.0
        self.end = math.inf if end is None else end
        self.probe = probe_video(path, clip=clip)
        self.size = capped_size(self.probe.size, max_side)
        self.fps = fps if 0 < fps < self.probe.fps else self.probe.fps
        self._tick = fps
        self.decoded = 0
        self.broken = 0
        self._check_part()

    @property
    def expected_decoded(self) -> int:
        """Frames between start and end that the header promises, at a constant rate; 0 when it tells nothing."""
        last = min(self.probe.expected, self._frames_until(self.end))
        return max(0, last - self._frames_until(self.start)) if self.probe.expected else 0

    @property
    def expected(self) -> int:
        """Frames that an iteration should yield; 0 when the header tells nothing."""
        return math.ceil(self.expected_decoded * self.fps / self.probe.fps - TINY)

    def __iter__(self) -> Iterator[VideoFrame]:
        self.decoded, self.broken = 0, 0
        last_tick = -1
        for index, frame in enumerate(self._decode()):
            seconds = index / self.probe.fps if frame.time is None else float(frame.time) - self.probe.start
            if seconds >= self.end - TINY:
                return
            if seconds < self.start - TINY:
                continue
            self.decoded += 1
            tick = math.floor((seconds - self.start + TINY) * self._tick) if self._tick else self.decoded
            if tick > last_tick:
                last_tick = tick
                yield VideoFrame(index, seconds, frame, self.probe.rotation, self.size)

    def _decode(self) -> Iterator[av.VideoFrame]:
        with av.open(str(self.path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            for packet in iterate_packets(container, stream):
                try:
                    frames = packet.decode()
                except av.error.InvalidDataError:
                    self.broken += 1
                    continue
                for frame in frames:
                    if frame.is_corrupt:
                        self.broken += 1
                    else:
                        yield frame

    def _frames_until(self, seconds: float) -> int:
        return self.probe.expected if math.isinf(seconds) else math.ceil((seconds - TINY) * self.probe.fps)

    def _check_part(self) -> None:
        seconds = self.probe.expected / self.probe.fps
        if not seconds:
            return
        for name, asked in (("start", self.start), ("end", self.end)):
            if math.isfinite(asked) and asked > seconds + (SLACK if name == "end" else -TINY):
                what = f"the clip's {name}, {asked:g} s, lies after the end of the video, which is {seconds:.2f} s long"
                remedy = f"correct {name} in the table of clips, or leave it blank"
                raise UserError(what, clip=self.clip, file=self.path, remedy=remedy)


def capped_size(size: tuple[int, int], max_side: int) -> tuple[int, int]:
    """Return width and height scaled down, never up, so that the longer is at most ``max_side`` pixels (0: as they are)."""
    if not max_side or max(size) <= max_side:
        return size
    scale = max_side / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def upright_image(frame: av.VideoFrame, rotation: int, size: tuple[int, int]) -> UInt8[np.ndarray, "H W 3"]:
    """Return a frame as RGB, turned upright and resized to ``size`` (width, height): area averaging when it shrinks.

    Args:
        frame: A decoded frame, of any pixel format.
        rotation: Degrees counterclockwise, a multiple of 90.
        size: Width and height of the result.
    """
    image = np.rot90(frame.to_ndarray(format="rgb24"), rotation // 90)
    if (image.shape[1], image.shape[0]) != size:
        shrinks = image.shape[1] * image.shape[0] > size[0] * size[1]
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return np.ascontiguousarray(image)
