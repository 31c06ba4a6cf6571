"""Opening a video file: one way for all who read it, with bounds that hostile files meet inside FFmpeg itself."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av

from headsmith.contract.errors import UserError
from headsmith.media.sizes import MOST_PIXELS, check_pixels

MENDING = "play the file to see whether it is whole; fetch or copy it again, or convert it with `ffmpeg -i FILE new.mp4`"
OPTIONS = {"max_pixels": str(MOST_PIXELS), "protocol_whitelist": "file"}
"""FFmpeg's own bound on frames, also for a size that changes midway; and no play list may name anything but files."""
ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""FFmpeg's own decoders leave out the transparency of these codecs; libvpx's do not."""

Decoder = av.VideoCodecContext
"""Turns packets into frames."""


@contextmanager
def open_video(path: str | os.PathLike[str], *, clip: str | None = None) -> Iterator[av.container.InputContainer]:
    """Open a video file for reading.

    The path is made absolute, so that FFmpeg takes no part of a name for a protocol (``a:b.mp4``).

    Raises:
        UserError: There is no such file, it may not be read, it is empty, or FFmpeg does not know what it is.
    """
    _check_file(path, clip)
    try:
        container = av.open(str(Path(path).absolute()), options=OPTIONS, metadata_errors="replace")
    except av.error.FFmpegError as error:
        what = f"the file is not a video, or it was cut off before its index ({error.strerror})"
        raise UserError(what, clip=clip, file=path, remedy=MENDING) from error
    with container:
        yield container


def video_stream(
    container: av.container.InputContainer, path: str | os.PathLike[str], *, clip: str | None = None
) -> av.VideoStream:
    """Return the stream that players show, with threads and bounds set; a cover picture of a sound file is none.

    Raises:
        UserError: There is none, or it claims too many pixels.
    """
    stream = container.streams.best("video")
    if stream is None or av.stream.Disposition.attached_pic in stream.disposition:
        raise UserError("the file holds no video, only other streams", clip=clip, file=path, remedy="name a video")
    if stream.codec_context is None:
        remedy = "convert it with a program that can play it"
        raise UserError("FFmpeg cannot decode the video's codec", clip=clip, file=path, remedy=remedy)
    if stream.width or stream.height:
        check_pixels(stream.width, stream.height, clip=clip, file=path)
    stream.thread_type = "AUTO"
    stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
    return stream


def open_decoder(stream: av.VideoStream) -> Decoder:
    """Return what decodes a stream: its own context, or libvpx's where the stream says that it has transparency."""
    name = ALPHA_DECODERS.get(stream.codec_context.codec.canonical_name)
    if stream.metadata.get("alpha_mode") == "1" and name in av.codecs_available:
        return av.CodecContext.create(name, "r")
    return stream.codec_context


def _check_file(path: str | os.PathLike[str], clip: str | None) -> None:
    if not Path(path).is_file():
        raise UserError("there is no such video", clip=clip, file=path, remedy="put it there, or correct the table of clips")
    try:
        with Path(path).open("rb") as file:
            first = file.read(1)
    except OSError as error:
        remedy = "see that you may read it (`ls -l`)"
        raise UserError(f"the video cannot be read: {error.strerror}", clip=clip, file=path, remedy=remedy) from error
    if not first:
        raise UserError("the file is empty: not a video", clip=clip, file=path, remedy=MENDING)
