"""A square of each decoded frame, without converting the rest: the region is taken out before colours and scale are."""

import threading
from dataclasses import dataclass, field, replace

import av
import numpy as np
from av.filter import Graph
from jaxtyping import UInt8

from headsmith.media.crops import Crop, cut_crop, inner_part, sticks_out
from headsmith.media.video_convert import FrameConverter, colour_matrix
from headsmith.media.video_orientation import Orientation
from headsmith.media.video_shrink import can_shrink, shrink

Span = tuple[int, int]
"""First and last pixel, the last not included."""


@dataclass(frozen=True)
class FrameCutter:
    """Cuts a square from decoded frames; may be used from several threads at once.

    A square inside the picture whose edges lie between the stored chroma samples is cut, converted and scaled in one pass. For
    others what lies around it is converted, and cut then; so is the whole picture where pixels are not square.

    Attributes:
        converter: Converts whole frames to the size of the source, upright.
        crop: The square, in upright pixels of the source.
        size: Side of the result in pixels.
    """

    converter: FrameConverter
    crop: Crop
    size: int
    _local: threading.local = field(default_factory=threading.local, repr=False, compare=False)

    def cut(self, frame: av.VideoFrame) -> UInt8[np.ndarray, "S S 3"]:
        """Return the square as RGB, 0..255: area averaging when it shrinks, cubic interpolation when it grows."""
        orientation, upright = self.converter.orientation, self.converter.size
        stored = (frame.width, frame.height)
        if orientation.size(stored) != upright:
            return cut_crop(self.converter.convert(frame), self.crop, self.size)
        left, top, right, bottom = inner_part(self.crop, upright)
        wanted = turned((left, right), (top, bottom), upright, orientation)
        grid = chroma_grid(frame)
        spans = tuple(aligned(span, step, length) for span, step, length in zip(wanted, grid, stored, strict=True))
        region = self._region(frame, *spans)
        if spans == wanted and not sticks_out(self.crop, upright):
            return self._converted(region)
        (left, _), (top, _) = turned_back(*spans, upright, orientation)
        around = replace(self.converter, size=orientation.size((region.width, region.height))).convert(region)
        return cut_crop(around, Crop(self.crop.x - left, self.crop.y - top, self.crop.size), self.size)

    def _converted(self, region: av.VideoFrame) -> UInt8[np.ndarray, "S S 3"]:
        """Return the square that was taken out, converted and scaled."""
        if self.converter.tones is None and can_shrink(region, region.colorspace, self.size):
            return self.converter.orientation.apply(shrink(region, region.colorspace, self.size))
        return replace(self.converter, size=(self.size, self.size)).convert(region)

    def _region(self, frame: av.VideoFrame, columns: Span, rows: Span) -> av.VideoFrame:
        """Return a part of a frame, which shares its pixels."""
        kind = (frame.width, frame.height, frame.format.name, columns, rows)
        if getattr(self._local, "kind", None) != kind:
            self._local.kind, self._local.graph = kind, region_graph(frame, columns, rows)
        self._local.graph.push(frame)
        region = self._local.graph.pull()
        region.colorspace = colour_matrix(frame)
        return region


def region_graph(frame: av.VideoFrame, columns: Span, rows: Span) -> Graph:
    """Return FFmpeg's filter that takes a region out of frames like this one."""
    graph = Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base)
    size = f"{columns[1] - columns[0]}:{rows[1] - rows[0]}"
    crop = graph.add("crop", f"{size}:{columns[0]}:{rows[0]}:exact=1")
    graph.link_nodes(source, crop, graph.add("buffersink")).configure()
    return graph


def chroma_grid(frame: av.VideoFrame) -> tuple[int, int]:
    """Return how many columns and rows share a chroma sample."""
    return 8 // frame.format.chroma_width(8), 8 // frame.format.chroma_height(8)


def aligned(span: Span, step: int, length: int) -> Span:
    """Return the smallest span around one whose ends are multiples of ``step``, or the picture's ends."""
    return span[0] // step * step, min(-(-span[1] // step) * step, length)


def turned(columns: Span, rows: Span, upright: tuple[int, int], orientation: Orientation) -> tuple[Span, Span]:
    """Return the stored columns and rows of upright ones; ``upright`` is width and height of the upright picture."""
    columns = mirrored(columns, upright[0]) if orientation.flipped_x else columns
    rows = mirrored(rows, upright[1]) if orientation.flipped_y else rows
    return (rows, columns) if orientation.transposed else (columns, rows)


def turned_back(columns: Span, rows: Span, upright: tuple[int, int], orientation: Orientation) -> tuple[Span, Span]:
    """Return the upright columns and rows of stored ones: the inverse of ``turned``."""
    columns, rows = (rows, columns) if orientation.transposed else (columns, rows)
    columns = mirrored(columns, upright[0]) if orientation.flipped_x else columns
    return columns, mirrored(rows, upright[1]) if orientation.flipped_y else rows


def mirrored(span: Span, length: int) -> Span:
    """Return a span counted from the other end."""
    return length - span[1], length - span[0]
