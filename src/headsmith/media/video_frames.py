"""The frames of a video in showing order, each with its number: from the beginning, or from a key frame before a late start."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import av

from headsmith.media.parts import Part
from headsmith.media.video_deinterlace import deinterlace
from headsmith.media.video_open import open_decoder, open_video, video_stream
from headsmith.media.video_packets import PacketReader, Survey

PREROLL = 0.5
"""Seconds decoded before the part at least, so that filters and codecs that refresh gradually have settled."""


@dataclass
class Decoding:
    """One pass over a video's frames.

    Attributes:
        path: The video.
        clip: Name of the clip, for messages.
        survey: Its packets.
        part: The part wanted; frames before it may be left out.
        start: Time stamp of the first frame in seconds.
        tell: Told a sentence when something is done to the frames.
        broken: Packets and frames of the part that did not decode.
    """

    path: Path
    clip: str | None
    survey: Survey
    part: Part
    start: float
    tell: Callable[[str], None]
    broken: int = 0

    def frames(self) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield the number and the frame, whole pictures all."""
        with open_video(self.path, clip=self.clip) as container:
            stream = video_stream(container, self.path, clip=self.clip)
            place = self._last_key_before(self.part.start - PREROLL)
            packets = self._seek(container, stream, place) if place > 0 else None
            if packets is not None:
                stamp = self.survey.key_stamps[place]
                yield from enumerate(self._whole(packets, stream, stamp), self.survey.key_packets[place])
                return
        with open_video(self.path, clip=self.clip) as container:
            stream = video_stream(container, self.path, clip=self.clip)
            yield from enumerate(self._whole(PacketReader(container, stream), stream))

    def light_frames(self) -> Iterator[av.VideoFrame]:
        """Yield frames as they are; where time stamps tell their place, those that no other needs are left out (many B)."""
        with open_video(self.path, clip=self.clip) as container:
            stream = video_stream(container, self.path, clip=self.clip)
            stream.codec_context.skip_frame = "NONREF" if self.survey.stamped else "DEFAULT"
            yield from self._decode(PacketReader(container, stream), stream)

    def key_frames(self, places: list[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield the number and the frame of key frames, as they are; nothing else is decoded.

        Args:
            places: Their places in the survey's lists, ascending.
        """
        numbers = {self.survey.key_stamps[place]: self.survey.key_packets[place] for place in places}
        with open_video(self.path, clip=self.clip) as container:
            stream = video_stream(container, self.path, clip=self.clip)
            packets = (p for p in PacketReader(container, stream) if not p.size or (p.is_keyframe and p.pts in numbers))
            for frame in self._decode(packets, stream):
                if frame.pts in numbers:
                    yield numbers[frame.pts], frame

    def _whole(
        self, packets: Iterator[av.Packet] | PacketReader, stream: av.VideoStream, first: int | None = None
    ) -> Iterator[av.VideoFrame]:
        return deinterlace(self._decode(packets, stream, first), lambda: self.tell("deinterlaced (bwdif)"))

    def _decode(
        self, packets: Iterator[av.Packet] | PacketReader, stream: av.VideoStream, first: int | None = None
    ) -> Iterator[av.VideoFrame]:
        """Yield frames that are whole, from time stamp ``first`` on, and count the others.

        The frame of a packet that is cut off or damaged is not whole. Frames shown before the key frame that reading began
        with lack what they refer to: they are neither.
        """
        decoder = open_decoder(stream)
        damaged: set[int | None] = set()
        for packet in packets:
            if packet.is_corrupt and packet.size:
                damaged.add(packet.pts)
            try:
                frames = decoder.decode(packet)
            except av.error.FFmpegError:
                self._count_broken(packet.pts, first)
                continue
            for frame in frames:
                if frame.is_corrupt or frame.pts in damaged:
                    damaged.discard(frame.pts)
                    self._count_broken(frame.pts, first)
                elif first is None or frame.pts is None or frame.pts >= first:
                    yield frame

    def _count_broken(self, stamp: int | None, first: int | None) -> None:
        if stamp is None or not self.survey.stamped:
            self.broken += 1
            return
        seconds = stamp * self.survey.clock - self.start
        outside = self.part.before(seconds) or self.part.after(seconds) or (first is not None and stamp < first)
        self.broken += not outside

    def _last_key_before(self, seconds: float) -> int:
        """Return the place of the last key frame before a time; -1 where there is none or time stamps do not serve."""
        if not self.survey.timed:
            return -1
        return bisect_right(self.survey.key_stamps, (seconds + self.start) / self.survey.clock) - 1

    def _seek(self, container: av.container.InputContainer, stream: av.VideoStream, place: int) -> Iterator[av.Packet] | None:
        """Return the packets from a key frame on, or None where the container does not find it."""
        stamp = self.survey.key_stamps[place]
        try:
            container.seek(stamp, stream=stream)
        except av.error.FFmpegError:
            return None
        packets = iter(PacketReader(container, stream))
        for packet in packets:
            if packet.is_keyframe and packet.pts == stamp:
                return chain([packet], packets)
            if not packet.size or (packet.dts is not None and packet.dts > stamp):
                return None
        return None
