"""From the pixels of what a tracker saw to the pixels of our frames, and from its frames to ours."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.track import MISSING, Track
from headsmith.contract.errors import UserError

CROP_TRAP = (
    "name what the tracker saw as the clip's video, whole and unturned; where it cut each frame anew, as flame-head-tracker "
    "does, name the folder with its crops, in both columns `video` and `tracking`, or, where they were deleted, set the "
    "column `crop` to aligned"
)


@dataclass(frozen=True)
class Framing:
    """How our frames were cut.

    Attributes:
        source: Width and height of the source, upright, pixels.
        crop: Left, top and side of the square, pixels of the source.
        size: Side of our frames, pixels.
    """

    source: tuple[int, int]
    crop: tuple[int, int, int]
    size: int

    @property
    def scale(self) -> float:
        """Pixels of our frames in one of the source."""
        return self.size / self.crop[2]


def place_track(track: Track, framing: Framing, path: Path) -> Track:
    """Return the clip as our frames see it: the lens is scaled, and its middle moves with the crop. Exact.

    Args:
        track: As the tracker saw the whole source, or a uniformly scaled copy of it.
        framing: How our frames were cut.
        path: The tracker's results, for messages.

    Raises:
        UserError: The tracker saw pictures of another shape.
    """
    (width, height), (seen_width, seen_height) = framing.source, track.size
    ratio = width / seen_width
    if abs(height - ratio * seen_height) > max(1.0, ratio):
        what = f"the tracker saw pictures of {seen_width} x {seen_height}, and the clip's are {width} x {height}: another shape"
        raise UserError(what, file=path, remedy=CROP_TRAP)
    principal = (track.principal * ratio - framing.crop[:2]) * framing.scale
    return replace(track, focal=track.focal * ratio * framing.scale, principal=principal, size=(framing.size, framing.size))


def match_frames(track: Track, ids: list[int], numbers: list[int], path: Path) -> Track:
    """Return a row for each of our frames; those that the tracker left out are ``missing``, and hold what the nearest has.

    Args:
        track: As the tracker numbers the frames.
        ids: Of our frames.
        numbers: Of our frames, as the tracker numbers them; ascending.
        path: The tracker's results, for messages.

    Raises:
        UserError: They have no frame in common.
    """
    wanted = np.array(numbers)
    after = np.searchsorted(track.ids, wanted).clip(max=len(track.ids) - 1)
    before = (after - 1).clip(min=0)
    nearest = np.where(np.abs(track.ids[before] - wanted) <= np.abs(track.ids[after] - wanted), before, after)
    found = track.ids[nearest] == wanted
    if not found.any():
        span = f"{track.ids[0]} to {track.ids[-1]}; the clip's are {numbers[0]} to {numbers[-1]}"
        remedy = "correct start and end in the table of clips, or the column `tracking`; docs/formats.md tells how frames count"
        raise UserError(f"no frame of the clip was tracked: the tracker's are {span}", file=path, remedy=remedy)
    rows = track.take(nearest)
    status = tuple(status if there else MISSING for status, there in zip(rows.status, found.tolist(), strict=True))
    return replace(rows, ids=np.array(ids, np.int64), status=status, residual=np.where(found, rows.residual, np.nan))


def centred_crop(principal: Float[ndarray, "2"], framing: Framing) -> tuple[int, int, int]:
    """Return the smallest square around a principal point that holds what our frames show: x, y, side, pixels of the source.

    Args:
        principal: In our frames, pixels.
        framing: How they were cut.
    """
    x, y, side = framing.crop
    middle = [round(float(place)) for place in principal / framing.scale + (x, y)]
    edges = [abs(edge - at) for at, low in zip(middle, (x, y), strict=True) for edge in (low, low + side)]
    half = math.ceil(max(edges))
    return middle[0] - half, middle[1] - half, 2 * half


def recentre(track: Track, point: Float[ndarray, "3"]) -> tuple[Track, float]:
    """Return the clip with its principal point in the middle of the frames, the head shifted instead.

    It is exact at the depth of a point, and off by the relative depth from it elsewhere: for offsets below a pixel only.

    Args:
        track: The clip.
        point: In the middle of the head, metres, in the head's frame.

    Returns:
        The clip, and the error in pixels at a tenth of the distance before or behind the point.
    """
    offset = track.principal - np.array(track.size) / 2
    depth = (track.rotation @ point + track.translation)[:, 2]
    translation = track.translation.copy()
    translation[:, :2] += depth[:, None] * offset / track.focal
    return replace(track, principal=np.array(track.size) / 2, translation=translation), 0.1 * float(np.abs(offset).max())
