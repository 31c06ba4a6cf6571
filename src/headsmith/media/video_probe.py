"""What a video is, before it is read."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import av

from headsmith.contract.errors import UserError
from headsmith.media.sizes import check_pixels
from headsmith.media.video_convert import has_alpha, tones_of
from headsmith.media.video_open import MENDING, Decoder, open_decoder, open_video, video_stream
from headsmith.media.video_orientation import Orientation, orientation_of
from headsmith.media.video_packets import PacketReader
from headsmith.media.video_tones import Tones

HIDING = frozenset(("vp8", "vp9", "av1"))
"""Codecs with pictures that only serve to predict others."""

WIDEST_PIXEL = 8.0
"""No camera or format has pixels further from square; a header that says so is damaged."""


@dataclass(frozen=True)
class VideoProbe:
    """What a video is, found by opening it and decoding its first frame.

    Attributes:
        size: Width and height in pixels, upright and with square pixels.
        fps: Average frames per second, as the header says.
        base_fps: Frames per second of which the header thinks all time stamps are multiples.
        expected: Frames that header or duration promise; 0 when neither tells.
        orientation: How stored frames are turned to stand upright.
        start: Time stamp of the first frame in seconds; all other times count from it.
        tones: What high dynamic range or wide colours need; None for ordinary videos.
        hides_packets: Whether the codec has packets that decode to nothing that is shown.
        remarks: What will be done to the frames that the user should know of, a sentence each.
    """

    size: tuple[int, int]
    fps: float
    base_fps: float
    expected: int
    orientation: Orientation
    start: float
    tones: Tones | None
    hides_packets: bool
    remarks: tuple[str, ...]


def probe_video(path: str | os.PathLike[str], *, clip: str | None = None) -> VideoProbe:
    """Open a video, decode its first frame, and tell what it is.

    Raises:
        UserError: There is no such file, it cannot be read, it is not a video, it claims too many pixels, or no frame
            decodes.
    """
    with open_video(path, clip=clip) as container:
        stream = video_stream(container, path, clip=clip)
        first = next(_good_frames(PacketReader(container, stream), open_decoder(stream)), None)
        if first is None:
            raise UserError("the video holds no frame that decodes", clip=clip, file=path, remedy=MENDING)
        probe = _probe(container, stream, first)
        check_pixels(*probe.size, clip=clip, file=path)
        return probe


def _probe(container: av.container.InputContainer, stream: av.VideoStream, first: av.VideoFrame) -> VideoProbe:
    fps = float(stream.average_rate or stream.guessed_rate or 25)
    base = float(stream.base_rate or fps)
    orientation = orientation_of(first)
    aspect = _aspect(stream)
    size = orientation.size((max(1, round(first.width * aspect)), first.height))
    remarks = tuple(_remarks(first, orientation, aspect))
    start, hides = float(first.time or 0.0), stream.codec_context.codec.canonical_name in HIDING
    return VideoProbe(size, fps, base, _expected(container, stream, fps), orientation, start, tones_of(first), hides, remarks)


def _aspect(stream: av.VideoStream) -> float:
    """Return how many times as wide as high pixels are; 1 where the file tells nothing or nonsense."""
    aspect = float(stream.sample_aspect_ratio or 1)
    return aspect if 1 / WIDEST_PIXEL <= aspect <= WIDEST_PIXEL else 1.0


def _remarks(first: av.VideoFrame, orientation: Orientation, aspect: float) -> Iterator[str]:
    if orientation.mirrored:
        yield "mirrored, as the file's display matrix says"
    if orientation.tilted:
        yield "turned to the nearest quarter turn; the file's display matrix asks for another angle"
    if abs(aspect - 1) > 1e-3:
        yield f"made square: the file's pixels are {aspect:.3f} times as wide as high"
    tones = tones_of(first)
    if tones and tones.transfer != "SDR":
        yield f"HDR ({tones.transfer}, up to {tones.peak:.0f} cd/m2) tone-mapped to SDR, colours brought to BT.709"
    elif tones:
        yield f"wide colours ({tones.primaries.name}) brought to BT.709"
    if has_alpha(first) and first.format.name != "pal8":
        yield "transparent pixels, where there are any, laid over white"


def _expected(container: av.container.InputContainer, stream: av.VideoStream, fps: float) -> int:
    """Return the smallest of the header's frame count and what the durations of stream or container make of the rate."""
    counts = [stream.frames] if stream.frames else []
    if stream.duration:
        counts.append(round(float(stream.duration * stream.time_base) * fps))
    elif container.duration:
        counts.append(round(container.duration / av.time_base * fps))
    return max(1, min(counts)) if counts else 0


def _good_frames(packets: PacketReader, decoder: Decoder) -> Iterator[av.VideoFrame]:
    for packet in packets:
        try:
            yield from (frame for frame in decoder.decode(packet) if not frame.is_corrupt)
        except av.error.FFmpegError:
            continue
