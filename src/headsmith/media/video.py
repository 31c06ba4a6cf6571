"""Videos as streams: the reader and the writer under one name."""

from headsmith.media.video_probe import VideoProbe
from headsmith.media.video_reader import VideoFrame, VideoReader
from headsmith.media.video_writer import VideoWriter

__all__ = ["VideoFrame", "VideoProbe", "VideoReader", "VideoWriter"]
