"""The packets of a video: read until the data ends, however it ends; and a survey of them, which decodes nothing."""

import heapq
import os
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import av

from headsmith.media.parts import Part
from headsmith.media.video_open import open_video, video_stream
from headsmith.media.video_structure import cut_off

REORDERED = 32
"""Packets that may lie between decoding order and showing order; H.264 and HEVC allow 16 frames, of two fields each."""
BEYOND = 2.0
"""Seconds that a survey reads past the end of the part, so that reordered packets are seen."""
MILLISECOND = 1000


@dataclass
class Gaps:
    """Times between frames that follow each other, in milliseconds; containers often keep no finer clock."""

    counts: Counter[int] = field(default_factory=Counter)

    def add(self, seconds: float) -> None:
        """Count a gap; those over ten seconds count as ten."""
        self.counts[min(round(seconds * MILLISECOND), 10 * MILLISECOND)] += 1

    @property
    def usual(self) -> int:
        """The most frequent gap."""
        return self.counts.most_common(1)[0][0] if self.counts else 0

    @property
    def odd(self) -> list[int]:
        """Gaps, each once, that differ from the usual one."""
        return sorted(gap for gap in self.counts if self._differs(gap))

    def bear_out(self, rate: float) -> bool:
        """Tell whether the usual gap is that of a rate in frames a second."""
        return not self._differs(MILLISECOND / rate)

    @property
    def odd_share(self) -> float:
        """Share of the odd gaps."""
        return sum(self.counts[gap] for gap in self.odd) / max(1, self.counts.total())

    def _differs(self, gap: int | float) -> bool:
        """Tell whether a gap differs from the usual one by more than a tenth and the clock's rounding."""
        return abs(gap - self.usual) > max(2, 0.1 * self.usual)


@dataclass(frozen=True)
class Survey:
    """What the packets tell, without decoding.

    Attributes:
        frames: Packets of the part that are to be shown.
        seconds: Time from the first frame to the last of the whole video, as far as it was read.
        packets: Packets that were read.
        key_packets: For each key frame its number in showing order.
        key_stamps: For each key frame its time stamp, in the stream's clock.
        clock: Seconds of a step of the stream's clock.
        stamped: Whether packets have time stamps that can be trusted; AVI's tell the order of decoding, not of showing.
        timed: Whether, beyond that, those of key frames ascend.
        gaps: Times between frames.
        whole: Whether the data ends as it should; true also where reading stopped because the part ended.
    """

    frames: int
    seconds: float
    packets: int
    key_packets: "array[int]"
    key_stamps: "array[int]"
    clock: float
    stamped: bool
    timed: bool
    gaps: Gaps
    whole: bool


class PacketReader:
    """Iterates over a stream's packets and remembers how the data ended.

    Attributes:
        failed: Whether the data broke off, with an error or inside of a packet.
    """

    def __init__(self, container: av.container.InputContainer, stream: av.VideoStream) -> None:
        self._container = container
        self._stream = stream
        self.failed = False

    def __iter__(self) -> Iterator[av.Packet]:
        self.failed = False
        corrupt = False
        try:
            for packet in self._container.demux(self._stream):
                corrupt = packet.is_corrupt if packet.size else corrupt
                yield packet
        except av.error.EOFError:
            pass
        except av.error.FFmpegError:
            self.failed = True
        self.failed = self.failed or corrupt


def survey_video(path: str | os.PathLike[str], part: Part, fps: float, start: float, *, clip: str | None = None) -> Survey:
    """Read a video's packets, up to a little after the part's end, and return what they tell; memory stays flat.

    Args:
        path: The video.
        part: The part whose frames are counted.
        fps: Frames a second where packets have no time stamps.
        start: Time stamp of the first frame in seconds.
        clip: Name of the clip, for messages.

    Raises:
        UserError: The file cannot be opened any more.
    """
    with open_video(path, clip=clip) as container:
        stream = video_stream(container, path, clip=clip)
        packets = PacketReader(container, stream)
        counter = _Counter(part, fps, start, float(stream.time_base), stamped=container.format.name != "avi")
        for packet in packets:
            if packet.size and not packet.is_discard:
                counter.add(packet)
            if counter.beyond:
                break
        whole = counter.beyond or not (packets.failed or cut_off(path, container.format.name))
    return counter.survey(whole)


class _Counter:
    """Adds up what packets tell, in decoding order."""

    def __init__(self, part: Part, fps: float, start: float, clock: float, *, stamped: bool) -> None:
        self.part, self.fps, self.start, self.clock, self.stamped = part, fps, start, clock, stamped
        self.packets = 0
        self.frames = 0
        self.keys, self.stamps = array("q"), array("q")
        self.beyond = False
        self.last = 0.0
        self._gaps = Gaps()
        self._waiting: list[float] = []
        self._shown: float | None = None

    def add(self, packet: av.Packet) -> None:
        self.stamped = self.stamped and packet.pts is not None
        seconds = packet.pts * self.clock - self.start if self.stamped else self.packets / self.fps
        self._add_key(packet)
        self.packets += 1
        self.frames += not (self.part.before(seconds) or self.part.after(seconds))
        self.last = max(self.last, seconds)
        decoding = packet.dts * self.clock - self.start if self.stamped and packet.dts is not None else seconds
        self.beyond = decoding > self.part.end + BEYOND
        heapq.heappush(self._waiting, seconds)
        if len(self._waiting) > REORDERED:
            self._show()

    def survey(self, whole: bool) -> Survey:
        while self._waiting:
            self._show()
        timed = self.stamped and all(a < b for a, b in zip(self.stamps[:-1], self.stamps[1:], strict=True))
        told = (self.clock, self.stamped, timed, self._gaps, whole)
        return Survey(self.frames, self.last, self.packets, self.keys, self.stamps, *told)

    def _add_key(self, packet: av.Packet) -> None:
        if packet.pts is None:
            return
        if packet.is_keyframe:
            self.keys.append(self.packets)
            self.stamps.append(packet.pts)
        elif self.stamps and packet.pts < self.stamps[-1]:
            self.keys[-1] += 1

    def _show(self) -> None:
        seconds = heapq.heappop(self._waiting)
        if self._shown is not None:
            self._gaps.add(seconds - self._shown)
        self._shown = seconds
