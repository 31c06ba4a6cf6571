"""Interlaced frames become whole pictures, by FFmpeg's bwdif; frames that are not flagged as interlaced stay as they are."""

from collections.abc import Callable, Iterator

import av
from av.filter import Graph

SMALLEST = 4
"""Pixels that a side must have for the filter to work."""


def deinterlace(frames: Iterator[av.VideoFrame], tell: Callable[[], None]) -> Iterator[av.VideoFrame]:
    """Yield as many frames as come in, in order; interlaced ones deinterlaced, one picture a frame.

    Args:
        frames: Decoded frames.
        tell: Called when the first interlaced frame is met.
    """
    graph, kind = None, None
    for frame in frames:
        if graph is not None and kind != _kind(frame):
            yield from _drain(graph, None)
            graph = None
        if graph is None and frame.interlaced_frame and min(frame.width, frame.height) >= SMALLEST:
            graph, kind = _graph(frame), _kind(frame)
            tell()
        if graph is None:
            yield frame
        else:
            yield from _drain(graph, frame)
    if graph is not None:
        yield from _drain(graph, None)


def _kind(frame: av.VideoFrame) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name


def _graph(frame: av.VideoFrame) -> Graph:
    graph = Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base)
    graph.link_nodes(source, graph.add("bwdif", "mode=send_frame:deint=interlaced"), graph.add("buffersink")).configure()
    return graph


def _drain(graph: Graph, frame: av.VideoFrame | None) -> Iterator[av.VideoFrame]:
    """Push a frame, or None for the end, and yield what comes out."""
    graph.push(frame)
    while True:
        try:
            yield graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
