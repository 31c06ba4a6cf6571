"""Reading a video as a stream: chosen frames, upright, capped in size, one at a time.

What a header says of frames and durations is never trusted: the packets are surveyed first, without decoding.
"""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import av
import numpy as np
from jaxtyping import UInt8

from headsmith.media.parts import TINY, Part
from headsmith.media.sizes import capped_size
from headsmith.media.video_convert import FrameConverter
from headsmith.media.video_frames import Decoding
from headsmith.media.video_packets import survey_video
from headsmith.media.video_probe import probe_video

ODD_SHARE = 0.02
"""Share of odd gaps between frames from which a frame rate is called variable."""
FEWEST_SAMPLES = 8
"""Key frames that a sample needs at least."""
WIDEST = 4
"""Key frames serve as a sample when on average they lie no further apart than so many times what was asked for."""


@dataclass(frozen=True)
class VideoFrame:
    """One frame.

    Attributes:
        source_index: Its place among the frames that decode, from 0.
        seconds: Its time since the first frame.
        decoded: The frame as it was decoded.
        converter: Makes the image of it.
        image: RGB ``(H, W, 3)``, 0..255; converted when first asked for, so a frame that is passed over costs little.
    """

    source_index: int
    seconds: float
    decoded: av.VideoFrame
    converter: FrameConverter

    @property
    def name(self) -> str:
        """Its number, for messages."""
        return f"frame {self.source_index}"

    @cached_property
    def image(self) -> UInt8[np.ndarray, "H W 3"]:
        """The picture, upright and of the reader's size."""
        return self.converter.convert(self.decoded)


class VideoReader:
    """Streams a part of a video; each iteration opens the file anew and ends with the same frames.

    Args:
        path: The video.
        fps: Frames kept a second, chosen while reading: the first frame at or after each tick; 0 keeps all.
        start: First second, included; None: the beginning.
        end: Last second, not included; None: the end.
        max_side: Longer side of the images at most, reached by area averaging; 0 leaves them.
        clip: Name of the clip, for messages.

    Attributes:
        probe: What the video is.
        survey: What its packets tell.
        source_size: Width and height of the video, upright and with square pixels.
        size: Width and height of the images.
        fps: Frames a second of what is read.
        decoded: Frames of the part that did decode in the last iteration, kept or not.
        broken: Packets and frames of the part that did not decode in the last iteration.
        remarks: What is done to the frames that the user should know of, a sentence each; whole after an iteration.

    Raises:
        UserError: There is no such file, it is not a video, no frame decodes, it claims too many pixels, or the part lies
            outside of it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        fps: float = 0.0,
        start: float | None = None,
        end: float | None = None,
        max_side: int = 0,
        clip: str | None = None,
    ) -> None:
        self.path = Path(path)
        self.clip = clip
        self.part = Part(start or 0.0, math.inf if end is None else end, fps)
        self.probe = probe_video(path, clip=clip)
        self.survey = survey_video(path, self.part, self.probe.fps, self.probe.start, clip=clip)
        self.rate = self._rate()
        self.part.check(self.survey.seconds + 1 / self.rate, clip=clip, file=path)
        self.source_size = self.probe.size
        self.size = capped_size(self.source_size, max_side)
        self.fps = fps if 0 < fps < self.rate else self.rate
        self.decoded = 0
        self.broken = 0
        self.remarks = [*self.probe.remarks, *self._survey_remarks()]
        self._converter = FrameConverter(self.probe.orientation, self.size, self.probe.tones)
        self._finished = False

    @property
    def expected_decoded(self) -> int:
        """Frames between start and end that should decode: those whose packets are there.

        Where the file is cut off, what the header promises, and at least one more than there are. After an iteration, what
        decoded where nothing is broken and the codec has packets that are not to be shown.
        """
        known = max(self.survey.frames, self.decoded + self.broken) if self._finished else self.survey.frames
        if not self.survey.whole:
            return max(self._promised, known + (self.broken == 0))
        hidden = self.probe.hides_packets and self._finished and not self.broken
        return self.decoded if hidden else known

    @property
    def expected(self) -> int:
        """Frames that an iteration should yield; exact at a constant rate."""
        return math.ceil(self.expected_decoded * self.fps / self.rate - TINY)

    def __iter__(self) -> Iterator[VideoFrame]:
        self.decoded, self.broken, self._finished = 0, 0, False
        decoding = self._decoding()
        last_tick = -1
        for number, seconds, frame in self._timed(decoding.frames()):
            self.broken = decoding.broken
            if self.part.after(seconds):
                break
            if self.part.before(seconds):
                continue
            self.decoded += 1
            tick = self.part.tick(seconds, self.decoded)
            if tick > last_tick:
                last_tick = tick
                yield VideoFrame(number, seconds, frame, self._converter)
        self.broken, self._finished = decoding.broken, True

    def sample(self, every: int) -> Iterator[VideoFrame]:
        """Yield about one frame of ``every`` that an iteration would yield, cheaply.

        Key frames alone where there are enough of them, evenly spread; else every frame is decoded that others need, and
        ``source_index`` is then as near as the frame rate tells. The counts of the last iteration stay as they are.
        """
        places = self._spread_keys(every / self.fps)
        if len(places):
            for number, frame in self._decoding().key_frames(places):
                yield VideoFrame(number, float(frame.time) - self.probe.start, frame, self._converter)
            return
        due = self.part.start
        for _, seconds, frame in self._timed(enumerate(self._decoding().light_frames())):
            if self.part.after(seconds):
                return
            if seconds >= due - TINY:
                yield VideoFrame(round(seconds * self.rate), seconds, frame, self._converter)
                due += every / self.fps * max(1, math.ceil((seconds - due) * self.fps / every + TINY))

    def _decoding(self) -> Decoding:
        return Decoding(self.path, self.clip, self.survey, self.part, self.probe.start, self._tell)

    def _timed(self, frames: Iterator[tuple[int, av.VideoFrame]]) -> Iterator[tuple[int, float, av.VideoFrame]]:
        """Add each frame's seconds, which never run backwards, and tell of time stamps that do, and of changing sizes."""
        last, shift, size = -math.inf, 0.0, None
        for number, frame in frames:
            stamped = self.survey.stamped and frame.time is not None
            seconds = float(frame.time) - self.probe.start + shift if stamped else number / self.rate
            if seconds < last - TINY:
                shift += last + 1 / self.rate - seconds
                seconds = last + 1 / self.rate
                self._tell("time stamps run backwards; from there on they are counted from the frame before")
            if size not in (None, (frame.width, frame.height)):
                self._tell("the picture's size changes within the video; all are brought to the first one's")
            last, size = seconds, (frame.width, frame.height)
            yield number, seconds, frame

    def _spread_keys(self, step: float) -> list[int]:
        """Return the places of key frames at least ``step`` seconds apart; none where they are too few or uneven."""
        begin, stop = max(0.0, self.part.start), min(self.part.end, self.survey.seconds)
        times = np.array(self.survey.key_stamps) * self.survey.clock - self.probe.start
        places: list[int] = []
        for place in np.flatnonzero((times >= begin - TINY) & (times < stop + TINY)):
            if not places or times[place] >= times[places[-1]] + step - TINY:
                places.append(int(place))
        holes = np.diff([begin, *times[places], stop])
        enough = len(places) >= max(FEWEST_SAMPLES, (stop - begin) / (WIDEST * step))
        return places if enough and self.survey.timed and holes.max() <= 2 * WIDEST * step else []

    @property
    def _promised(self) -> int:
        """Frames between start and end by the header, at a constant rate; 0 when it tells nothing."""
        last = min(self.probe.expected, self._frames_until(self.part.end))
        return max(0, last - self._frames_until(self.part.start)) if self.probe.expected else 0

    def _frames_until(self, seconds: float) -> int:
        return self.probe.expected if math.isinf(seconds) else math.ceil((seconds - TINY) * self.probe.fps)

    def _rate(self) -> float:
        """Return frames a second: of the header's rates the one that the usual gap bears out, else what was measured."""
        gaps, seconds = self.survey.gaps, self.survey.seconds
        if not self.survey.timed or seconds <= 0:
            return self.probe.fps
        borne_out = (rate for rate in (self.probe.fps, self.probe.base_fps) if gaps.bear_out(rate))
        measured = (self.survey.packets - 1) / seconds
        return measured if gaps.odd_share > ODD_SHARE else next(borne_out, measured)

    def _survey_remarks(self) -> list[str]:
        gaps = self.survey.gaps
        remarks = [] if self.survey.whole else ["the file is cut off; frames are missing at its end"]
        if not self.survey.timed:
            return remarks
        if gaps.odd_share > ODD_SHARE:
            least, most = min(gaps.counts), max(gaps.counts)
            remarks.append(f"variable frame rate: frames lie {least} to {most} ms apart; chosen by their time stamps")
        elif gaps.odd:
            count = sum(gaps.counts[gap] for gap in gaps.odd)
            remarks.append(f"uneven time stamps: {count} gaps of {gaps.odd[0]} to {gaps.odd[-1]} ms; usual are {gaps.usual} ms")
        return remarks

    def _tell(self, remark: str) -> None:
        if remark not in self.remarks:
            self.remarks.append(remark)
