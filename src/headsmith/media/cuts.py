"""A constant square of every frame of a source, or all of it, whatever the source, at the source's own resolution."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import UInt8

from headsmith.media.crops import Crop, cut_crop
from headsmith.media.file_frames import FileFrame
from headsmith.media.sources import Source
from headsmith.media.video_convert import FrameConverter
from headsmith.media.video_cuts import FrameCutter
from headsmith.media.video_reader import VideoFrame

Frame = VideoFrame | FileFrame
"""A frame of any source."""

Cutter = Callable[[Frame], UInt8[np.ndarray, "S S 3"]]


def open_cutter(source: Source, crop: Crop, size: int) -> Cutter:
    """Return a function that cuts a square from a source's frames; it may be called from several threads at once.

    It costs what the square costs, not what the picture does, keeps nothing of what it converts, and does not depend on the
    size of the source's images. It raises what a frame's ``image`` raises.

    Args:
        source: Where the frames come from.
        crop: The square, in upright pixels of the source; what lies outside of the picture repeats its edge.
        size: Side of the result in pixels: area averaging when it shrinks, cubic interpolation when it grows.
    """
    made: list[FrameCutter] = []

    def cut(frame: Frame) -> UInt8[np.ndarray, "S S 3"]:
        if isinstance(frame, FileFrame):
            return cut_crop(frame.whole, crop, size)
        if not made:
            made.append(FrameCutter(replace(frame.converter, size=source.source_size), crop, size))
        return made[0].cut(frame.decoded)

    return cut


def open_whole(source: Source) -> Callable[[Frame], UInt8[np.ndarray, "H W 3"]]:
    """Return a function that makes the whole picture of a source's frames, at the source's own resolution, RGB 0..255.

    It may be called from several threads at once, and raises what a frame's ``image`` raises.
    """
    made: list[FrameConverter] = []

    def convert(frame: Frame) -> UInt8[np.ndarray, "H W 3"]:
        if isinstance(frame, FileFrame):
            return frame.whole
        if not made:
            made.append(replace(frame.converter, size=source.source_size))
        return made[0].convert(frame.decoded)

    return convert
