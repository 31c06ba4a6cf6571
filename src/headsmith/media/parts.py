"""Which frames of a source are read: a part of its time, and of that so many frames a second."""

import math
import os
from dataclasses import dataclass

from headsmith.contract.errors import UserError

TINY = 1e-6
"""Seconds: time stamps are rounded to the stream's clock, so a frame this close to a bound counts as on it."""
SLACK = 1.0
"""Seconds by which an asked end may lie after the source's."""


@dataclass(frozen=True)
class Part:
    """A part of a source.

    Attributes:
        start: First second, included.
        end: Last second, not included; infinite: to the end.
        ticks: Frames kept a second: the first at or after each tick that counts from the start; 0 keeps all.
    """

    start: float = 0.0
    end: float = math.inf
    ticks: float = 0.0

    def before(self, seconds: float) -> bool:
        """Tell whether a time lies before the part."""
        return seconds < self.start - TINY

    def after(self, seconds: float) -> bool:
        """Tell whether a time lies after the part."""
        return seconds >= self.end - TINY

    def tick(self, seconds: float, index: int) -> int:
        """Return the tick that a time falls on or after; ``index`` where every frame is kept."""
        return math.floor((seconds - self.start + TINY) * self.ticks) if self.ticks else index

    def check(self, length: float, *, clip: str | None, file: str | os.PathLike[str]) -> None:
        """Check that the part lies in a source of a length in seconds; 0: not known.

        Raises:
            UserError: Start or end lies after the source's end.
        """
        for name, asked in (("start", self.start), ("end", self.end)):
            if length and math.isfinite(asked) and asked > length + (SLACK if name == "end" else -TINY):
                what = f"the clip's {name}, {asked:g} s, lies after the end of the video, which is {length:.2f} s long"
                remedy = f"correct {name} in the table of clips, or leave it blank"
                raise UserError(what, clip=clip, file=file, remedy=remedy)
