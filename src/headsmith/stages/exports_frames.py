"""Which frames of a clip an export takes, and at what time each stands."""

from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.track import OK, Track
from headsmith.contract.errors import UserError
from headsmith.contract.manifest import read_manifest

NEUTRAL, ALL = "neutral", "all"


def usable(tracked: Track, clip: str) -> list[int]:
    """Return the places of the frames that tracking calls ok.

    Raises:
        UserError: There are none.
    """
    places = [place for place, status in enumerate(tracked.status) if status == OK]
    if not places:
        raise UserError("no frame was tracked well", clip=clip, remedy="look at quality/tracking.png")
    return places


def left_out(tracked: Track) -> list[dict[str, object]]:
    """Return the frames that no export of single frames takes, with the reason."""
    bad = [(int(frame), status) for frame, status in zip(tracked.ids, tracked.status, strict=True) if status != OK]
    return [{"id": frame, "reason": f"tracking: {status}"} for frame, status in bad]


def chosen(tracked: Track, frames: str, clip: str) -> list[int]:
    """Return the places of the frames that a setting names, those left out that tracking calls bad.

    Args:
        tracked: The clip.
        frames: ``all``, or ``first:last:step`` in frame ids, the last one included; a blank means the clip's own end.
        clip: Its name.

    Raises:
        UserError: None is left.
    """
    places = usable(tracked, clip)
    if frames == ALL:
        return places
    first, last, step = (int(word) if word else None for word in (frames + "::").split(":")[:3])
    ids = tracked.ids.tolist()
    wanted = range(first or 0, (ids[-1] if last is None else last) + 1, step or 1)
    places = [place for place in places if ids[place] in wanted]
    if not places:
        what = f"exports.frames: {frames} names no frame that was tracked well; the clip has {ids[0]} to {ids[-1]}"
        raise UserError(what, clip=clip, remedy="set exports.frames to frame ids as first:last:step, the last one included")
    return places


def times_of(tracked: Track, frames: Path, clip: str) -> Float[ndarray, " T"]:
    """Return the time of each frame, seconds from the clip's first.

    Raises:
        UserError: The manifest of the frames cannot be read or does not say how many there are a second.
    """
    fps = float(read_manifest(frames, clip=clip, verify=False).details.get("fps") or 0)
    if not np.isfinite(fps) or fps <= 0:
        remedy = "give the clip's frames per second in the table of clips, column fps"
        raise UserError("the frames per second are not known", clip=clip, file=frames, remedy=remedy)
    return tracked.ids / fps
