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
import numpy as np
from jaxtyping import UInt8

from headsmith.media.parts import TINY, Part
from headsmith.media.sizes import capped_size, resize_image
from headsmith.media.video_probe import iterate_packets, probe_video


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

    @property
    def name(self) -> str:
        """Its number, for messages."""
        return f"frame {self.source_index}"

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
        source_size: Width and height of the video, upright and with square pixels.
        size: Width and height of the images.
        fps: Frames a second of what is read.
        expected_decoded: Frames of the part that should decode; 0 when not known.
        expected: Frames that should be read; 0 when not known.
        decoded: Frames of the part that did decode in the last iteration, kept or not.
        broken: Packets that did not decode in the last iteration.
        remarks: What is done to the frames that the user should know of, a sentence each.

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
        self.part = Part(start or 0.0, math.inf if end is None else end, fps)
        self.probe = probe_video(path, clip=clip)
        self.source_size = self.probe.size
        self.size = capped_size(self.source_size, max_side)
        self.fps = fps if 0 < fps < self.probe.fps else self.probe.fps
        self.decoded = 0
        self.broken = 0
        self.remarks: list[str] = []
        self.part.check(self.probe.expected / self.probe.fps, clip=clip, file=path)

    @property
    def expected_decoded(self) -> int:
        """Frames between start and end that the header promises, at a constant rate; 0 when it tells nothing."""
        last = min(self.probe.expected, self._frames_until(self.part.end))
        return max(0, last - self._frames_until(self.part.start)) if self.probe.expected else 0

    @property
    def expected(self) -> int:
        """Frames that an iteration should yield; 0 when the header tells nothing."""
        return math.ceil(self.expected_decoded * self.fps / self.probe.fps - TINY)

    def __iter__(self) -> Iterator[VideoFrame]:
        self.decoded, self.broken = 0, 0
        last_tick = -1
        for index, frame in enumerate(self._decode()):
            seconds = index / self.probe.fps if frame.time is None else float(frame.time) - self.probe.start
            if self.part.after(seconds):
                return
            if self.part.before(seconds):
                continue
            self.decoded += 1
            tick = self.part.tick(seconds, self.decoded)
            if tick > last_tick:
                last_tick = tick
                yield VideoFrame(index, seconds, frame, self.probe.rotation, self.size)

    def sample(self, every: int) -> Iterator[VideoFrame]:
        """Yield about one frame of ``every`` that an iteration would yield."""
        for index, frame in enumerate(self):
            if index % every == 0:
                yield frame

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


def upright_image(frame: av.VideoFrame, rotation: int, size: tuple[int, int]) -> UInt8[np.ndarray, "H W 3"]:
    """Return a frame as RGB, turned upright and resized to ``size`` (width, height): area averaging when it shrinks.

    Args:
        frame: A decoded frame, of any pixel format.
        rotation: Degrees counterclockwise, a multiple of 90.
        size: Width and height of the result.
    """
    return resize_image(np.rot90(frame.to_ndarray(format="rgb24"), rotation // 90), size)
