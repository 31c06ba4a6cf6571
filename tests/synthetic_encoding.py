"""Small videos in any codec and container, made frame by frame for tests."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from synthetic_video import numbered_frame


def encode(
    path: Path,
    frames: Iterable[av.VideoFrame],
    codec: str = "libx264",
    *,
    pixels: str = "yuv420p",
    stamps: Iterable[int] | None = None,
    rate: Fraction = Fraction(25),
    clock: Fraction | None = None,
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    settings: dict[str, object] | None = None,
) -> Path:
    """Encode frames; ``stamps`` are their times in ticks of ``clock``, ``settings`` attributes of the encoder."""
    with av.open(str(path), "w", options=container or {}) as output:
        stream = None
        for index, (frame, stamp) in enumerate(zip(frames, stamps or iter(int, 1), strict=False)):
            if stream is None:
                stream = output.add_stream(codec, rate=rate, options=options or {})
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, pixels
                stream.codec_context.time_base = clock or 1 / rate
                for name, value in (settings or {}).items():
                    setattr(stream.codec_context, name, value)
            frame.pts, frame.time_base = stamp if stamps else index, clock or 1 / rate
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return path


def numbered(count: int, width: int = 64, height: int = 48, pixels: str = "yuv420p") -> Iterable[av.VideoFrame]:
    """Yield frames that tell their number, as ``numbered_frame`` writes it."""
    for index in range(count):
        yield av.VideoFrame.from_ndarray(numbered_frame(index, width, height), format="rgb24").reformat(format=pixels)


def plain_frame(pixels: str, values: tuple[int, ...], width: int = 64, height: int = 48) -> av.VideoFrame:
    """Return a frame whose planes each hold one value, of 8 or 16 bits as the pixel format has."""
    frame = av.VideoFrame(width, height, pixels)
    deep = max(component.bits for component in frame.format.components) > 8
    for plane, value in zip(frame.planes, values, strict=True):
        plane.update(np.full(plane.buffer_size // (2 if deep else 1), value, np.uint16 if deep else np.uint8).tobytes())
    return frame
