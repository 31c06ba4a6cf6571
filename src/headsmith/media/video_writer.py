"""Writing videos that every browser plays: H.264, yuv420p, MP4 with the index in front."""

import os
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.video.reformatter import Colorspace
from jaxtyping import UInt8

from headsmith.media.atomic import atomic_path, remove_leftovers

CRF = 18
"""Constant rate factor of x264: 18 is close to lossless to the eye."""

REPEATABLE = "mbtree=0"
"""x264's macroblock tree (core 165, its AVX-512 code) reads memory that nobody wrote: with it the same frames give now this
file, now that one."""


class VideoWriter:
    """Writes RGB frames, one at a time, into a video that appears when the ``with`` block ends well.

    The same frames give the same bytes. Chroma is halved, so an odd width or height gets its last column or row repeated.

    Args:
        path: The video, ``.mp4``.
        fps: Frames a second.
        crf: Quality, 0 (lossless) to 51.
        preset: x264's, by how much time it takes: ``veryfast`` takes half of ``fast``.

    Raises:
        UserError: The disk is full.
    """

    def __init__(self, path: str | os.PathLike[str], fps: float, *, crf: int = CRF, preset: str = "fast") -> None:
        self.path = path
        self.fps = Fraction(fps).limit_denominator(1001)
        self.options = {"crf": str(crf), "preset": preset, "x264-params": REPEATABLE}
        self.count = 0
        self._stack = ExitStack()
        self._stream: av.VideoStream | None = None
        self._size: tuple[int, int] | None = None

    def __enter__(self) -> "VideoWriter":
        remove_leftovers(Path(self.path))
        partial = self._stack.enter_context(atomic_path(self.path))
        self._container = self._stack.enter_context(self._open(str(partial)))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._stack:
            if error is not None:
                raise error
            if self._stream is None:
                raise ValueError("a video needs a frame")
            self._container.mux(self._stream.encode())

    def add(self, image: UInt8[np.ndarray, "H W 3"]) -> None:
        """Append a frame.

        Args:
            image: RGB, 0..255; all frames of one size.

        Raises:
            ValueError: The size differs from the first frame's.
        """
        size = (image.shape[1], image.shape[0])
        if self._stream is None:
            self._size, self._stream = size, self._open_stream(size)
        if size != self._size:
            raise ValueError(f"frame {self.count} is {size}, the ones before are {self._size}")
        even = np.pad(image, ((0, size[1] % 2), (0, size[0] % 2), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU601)
        frame.pts, frame.time_base = self.count, 1 / self.fps
        self.count += 1
        self._container.mux(self._stream.encode(frame))

    def _open(self, path: str) -> av.container.OutputContainer:
        return av.open(path, "w", format="mp4", options={"movflags": "+faststart"})

    def _open_stream(self, size: tuple[int, int]) -> av.VideoStream:
        stream = self._container.add_stream("libx264", rate=self.fps)
        stream.width, stream.height = size[0] + size[0] % 2, size[1] + size[1] % 2
        stream.pix_fmt = "yuv420p"
        stream.options = self.options
        context = stream.codec_context
        context.thread_count = 1
        context.colorspace = Colorspace.ITU601
        return stream
