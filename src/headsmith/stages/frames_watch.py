"""The watch over a crop while it is cut: does the head stay in it?

Every few frames a quick detector looks at the picture that was cut. Where it finds no face well inside, the whole picture is
searched, so a head near the edge costs more than one in the middle. All of it runs beside decoding and encoding.
"""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import numpy as np
from jaxtyping import UInt8

from headsmith.media.crops import Box, Crop, reach_beyond
from headsmith.media.cuts import Frame
from headsmith.media.progress import note
from headsmith.media.sources import Source
from headsmith.nets.blazeface import BlazeFace
from headsmith.stages.frames_person import REACH, nearest_face
from headsmith.stages.frames_search import Lookout, larger_side

WATCHED_A_SECOND = 4.0
HAIR = 0.37
"""The head reaches above the face's points by this share of their height: hair. Medians of cap12 0.33, single_face 0.37, franck
0.40, each within 0.03 through the clip."""
NEAR = 0.1
"""A head this near to the crop's edge, in sides of the face, is looked at more closely: the quick detector is that sure."""
BEYOND = 0.02
"""A head is outside where it reaches over the crop's edge by more than this, in sides of the face: points jitter."""
MOST_TOLD = 12
"""So many spans are listed in a message."""
AHEAD = 2
"""Frames that may wait to be looked at; memory holds no more."""

INSIDE, NEARLY, OUTSIDE, UNSEEN = range(4)


@dataclass
class Watched:
    """What the watch has found so far.

    Attributes:
        ids: Frame ids that were watched.
        seconds: Their times.
        states: ``INSIDE``; ``NEARLY`` outside; ``OUTSIDE``; or ``UNSEEN``.
    """

    ids: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    states: list[int] = field(default_factory=list)

    @property
    def outside(self) -> list[int]:
        """Places in the lists of the frames in which the head reaches out of the crop, or is gone after or before that."""
        return [place for place, state in enumerate(self.states) if state == OUTSIDE or self._gone(place)]

    @property
    def unseen(self) -> list[int]:
        """Places of the frames that do not show the face, though it was not seen to leave."""
        return [place for place, state in enumerate(self.states) if state == UNSEEN and not self._gone(place)]

    def _gone(self, place: int) -> bool:
        """Whether a frame belongs to a run without a face that begins or ends at the crop's edge."""
        if self.states[place] != UNSEEN:
            return False
        before = next((state for state in self.states[place::-1] if state != UNSEEN), INSIDE)
        after = next((state for state in self.states[place:] if state != UNSEEN), INSIDE)
        return max(before, after) > INSIDE


class Watch:
    """Watches over a crop in a thread of its own.

    Args:
        source: What is cut.
        crop: The crop, in pixels of the source.
        start: The face that is meant, where it is first seen, in pixels of the source; None: the nearest to the crop's centre.
        lookout: Searches whole pictures.
        model: ``face_landmarker.task``.

    Raises:
        UserError: The model cannot be read.
    """

    def __init__(self, source: Source, crop: Crop, start: Box | None, lookout: Lookout, model: Path) -> None:
        self.watched = Watched()
        self._source, self._crop, self._lookout = source, crop, lookout
        self._last: Box = start or (float(crop.x), float(crop.y), float(crop.x + crop.size), float(crop.y + crop.size))
        self._missed = 0
        self._every = max(1, round(source.fps / WATCHED_A_SECOND))
        self._waiting: deque[Future[int]] = deque()
        self._stack = ExitStack()
        self._quick = self._stack.enter_context(BlazeFace(model))
        self._pool = ThreadPoolExecutor(1)

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._stack.close()

    def add(self, frame_id: int, frame: Frame, cut: UInt8[np.ndarray, "S S 3"]) -> None:
        """Watch the next frame, if it is its turn; waits while too many do.

        Args:
            frame_id: Its id.
            frame: The frame.
            cut: The crop of it.
        """
        if frame_id % self._every:
            return
        self.watched.ids.append(frame_id)
        self.watched.seconds.append(frame.seconds)
        self._waiting.append(self._pool.submit(self._state, frame, cut))
        if len(self._waiting) > AHEAD:
            self.watched.states.append(self._waiting.popleft().result())

    def finish(self) -> Watched:
        """Wait for the last frames and return what was found."""
        while self._waiting:
            self.watched.states.append(self._waiting.popleft().result())
        return self.watched

    def _state(self, frame: Frame, cut: UInt8[np.ndarray, "S S 3"]) -> int:
        scale, x, y = self._crop.size / cut.shape[0], self._crop.x, self._crop.y
        found = self._quick.detect(cut)
        boxes = [
            (x + left * scale, y + top * scale, x + right * scale, y + bottom * scale) for left, top, right, bottom in found
        ]
        box = self._same(tuple(boxes))
        if box is None or state_of(box, self._crop) != INSIDE:
            look = self._lookout.look(frame.image, frame.seconds, self._source.source_size, compare=False)
            box = self._same(look.faces) or self._same(look.others or ())
        self._missed = self._missed + 1 if box is None else 0
        self._last = box or self._last
        return UNSEEN if box is None else state_of(box, self._crop)

    def _same(self, boxes: tuple[Box, ...]) -> Box | None:
        return nearest_face(boxes, self._last, REACH * (1 + self._missed))


def tell_watched(watched: Watched, clip: str) -> None:
    """Tell on the console at which seconds the head leaves the crop, and at which no face is seen."""
    room = "give it more room (frames.margin, or the column `crop`), or leave those seconds out (start, end)"
    facts = {
        "the head leaves the crop": (watched.outside, room),
        "the face is not seen": (watched.unseen, "look at the quality sheets; start and end leave seconds out"),
    }
    for fact, (places, advice) in facts.items():
        if places:
            note(
                f"{clip}: {fact} in {len(places)} of {len(watched.ids)} watched frames: {told_spans(watched, places)}; {advice}"
            )


def told_spans(watched: Watched, places: list[int]) -> str:
    """Return in words the seconds of watched frames, those in a row as one span; the first ``MOST_TOLD`` spans."""
    starts = [place for place in places if place - 1 not in places]
    ends = [place for place in places if place + 1 not in places]
    spans = [(watched.seconds[start], watched.seconds[end]) for start, end in zip(starts, ends, strict=True)]
    told = ", ".join(f"{start:.2f} s" if start == end else f"{start:.2f}-{end:.2f} s" for start, end in spans[:MOST_TOLD])
    return told + (f" and {len(spans) - MOST_TOLD} more times" if len(spans) > MOST_TOLD else "")


def state_of(box: Box, crop: Crop) -> int:
    """Return ``INSIDE``, ``NEARLY`` or ``OUTSIDE`` for the head around a face's box."""
    left, top, right, bottom = box
    beyond = reach_beyond((left, top - HAIR * (bottom - top), right, bottom), crop) / larger_side(box)
    return OUTSIDE if beyond > BEYOND else NEARLY if beyond > -NEAR else INSIDE
