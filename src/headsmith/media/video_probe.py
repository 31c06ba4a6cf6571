"""What a video is, before it is read."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av

from headsmith.contract.errors import UserError

MENDING = "play the file to see whether it is whole; fetch or copy it again, or convert it with `ffmpeg -i FILE new.mp4`"


@dataclass(frozen=True)
class VideoProbe:
    """What a video is, found by opening it and decoding its first frame.

    Attributes:
        size: Width and height in pixels, upright and with square pixels.
        fps: Average frames per second.
        expected: Frames that header or duration promise; 0 when neither tells.
        rotation: Degrees by which stored frames are turned counterclockwise to stand upright: 0, 90, 180, 270.
        start: Time stamp of the first frame in seconds; all other times count from it.
    """

    size: tuple[int, int]
    fps: float
    expected: int
    rotation: int
    start: float


def probe_video(path: str | os.PathLike[str], *, clip: str | None = None) -> VideoProbe:
    """Open a video, decode its first frame, and tell what it is.

    Raises:
        UserError: There is no such file, it is not a video, or no frame decodes.
    """
    if not Path(path).is_file():
        raise UserError("there is no such video", clip=clip, file=path, remedy="put it there, or correct the table of clips")
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise UserError("the file holds no video, only other streams", clip=clip, file=path, remedy="name a video")
            stream = container.streams.video[0]
            first = next(_good_frames(container, stream), None)
            if first is None:
                raise UserError("the video holds no frame that decodes", clip=clip, file=path, remedy=MENDING)
            return _probe(container, stream, first)
    except av.error.FFmpegError as error:
        what = f"the file is not a video, or it was cut off before its index ({error.strerror})"
        raise UserError(what, clip=clip, file=path, remedy=MENDING) from error


def iterate_packets(container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[av.Packet]:
    """Yield packets until the file ends; data that breaks off is an end like any other, the counts tell."""
    try:
        yield from container.demux(stream)
    except (av.error.InvalidDataError, av.error.EOFError):
        return


def _probe(container: av.container.InputContainer, stream: av.VideoStream, first: av.VideoFrame) -> VideoProbe:
    fps = float(stream.average_rate or stream.guessed_rate or 25)
    rotation = int(first.rotation) % 360
    aspect = float(stream.sample_aspect_ratio or 1) or 1.0
    width, height = max(1, round(first.width * aspect)), first.height
    size = (height, width) if rotation % 180 else (width, height)
    return VideoProbe(size, fps, _expected(container, stream, fps), rotation, float(first.time or 0.0))


def _expected(container: av.container.InputContainer, stream: av.VideoStream, fps: float) -> int:
    """Return the smallest of the header's frame count and what the durations of stream or container make of the rate."""
    counts = [stream.frames] if stream.frames else []
    if stream.duration:
        counts.append(round(float(stream.duration * stream.time_base) * fps))
    elif container.duration:
        counts.append(round(container.duration / av.time_base * fps))
    return max(1, min(counts)) if counts else 0


def _good_frames(container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[av.VideoFrame]:
    for packet in iterate_packets(container, stream):
        try:
            yield from (frame for frame in packet.decode() if not frame.is_corrupt)
        except av.error.InvalidDataError:
            continue
