"""What all quality pictures share: which frames are shown, and reading them at a panel's size."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from headsmith.contract.frame_ids import frame_name
from headsmith.contract.manifest import Manifest, folder_of
from headsmith.media.images import read_image
from headsmith.show.sheets import enlarge

Picture = UInt8[ndarray, "H W 3"]

PANEL_WIDTH = 300
"""Width of a panel in pixels: six of them beside each other fit a wide screen."""

ALARM_SHARE = 0.5
"""Largest share of a sheet that is given to frames with a fault; the other half shows what the clip is like."""


def spread(ids: Sequence[int], count: int, *alarming: Sequence[int]) -> list[int]:
    """Choose frames for a sheet: those with a fault first, then others; both evenly spread and in order.

    Args:
        ids: All frames.
        count: How many to choose at most.
        alarming: Frames with a fault, kind by kind; up to ``ALARM_SHARE`` of the sheet is theirs, shared between the kinds.
    """
    few: list[int] = []
    kinds = [kind for kind in alarming if kind]
    for place, kind in enumerate(kinds):
        room = max(1, int(count * ALARM_SHARE)) - len(few)
        few += _evenly([frame_id for frame_id in kind if frame_id not in few], math.ceil(room / (len(kinds) - place)))
    faulty = set().union(*kinds)
    others = [frame_id for frame_id in ids if frame_id not in faulty]
    return [*sorted(few), *_evenly(others, count - len(few))]


def places_between(length: int, count: int) -> list[int]:
    """Return at most ``count`` places in a list of that length, evenly spread from its first to its last."""
    return np.linspace(0, length - 1, min(count, length)).round().astype(int).tolist()


def _evenly(ids: Sequence[int], count: int) -> list[int]:
    return [ids[place] for place in places_between(len(ids), count)]


def alarms_of(manifest: Manifest) -> dict[int, list[str]]:
    """Return what a stage found wrong, in words by frame id: the manifest's ``jumps`` and ``flagged``, where it has them."""
    alarms: dict[int, list[str]] = {}
    for frame_id, overlap in manifest.details.get("jumps", ()):
        alarms.setdefault(frame_id, []).append(f"jump {overlap:.2f}")
    for item in manifest.details.get("flagged", ()):
        alarms.setdefault(item["id"], []).append(item["reason"])
    return alarms


def alarms_told(alarms: int, frames: int) -> str:
    """Return a sentence on how many of a clip's frames were flagged."""
    return f"{alarms} of {frames} frames were flagged; some of them come first." if alarms else "No frame was flagged."


def frame_panel(inputs: dict[str, Path], frame_id: int, clip: str) -> Picture:
    """Return a frame of the clip at a panel's width.

    Raises:
        UserError: It cannot be read.
    """
    return enlarge(read_frame(inputs["frames"], frame_id, clip), PANEL_WIDTH)


def read_frame(manifest: Path, frame_id: int, clip: str) -> Picture:
    """Return a frame of the clip as it is on disk.

    Raises:
        UserError: It cannot be read.
    """
    return read_image(folder_of(manifest) / frame_name(frame_id), clip=clip)


def grey_image(manifest: Path, frame_id: int, clip: str) -> UInt8[ndarray, "h w"]:
    """Return a mask, matte or label map of a folder, as it is on disk.

    Raises:
        UserError: It cannot be read.
    """
    return read_image(folder_of(manifest) / frame_name(frame_id), grey=True, clip=clip)
