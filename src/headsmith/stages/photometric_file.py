"""A round of the refinement, and what its frames told, as files from one job to the next: bit for bit what was in memory."""

from dataclasses import fields
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy import ndarray

from headsmith.bridges.track import Track
from headsmith.contract.errors import UserError
from headsmith.heads.clip_types import ClipState
from headsmith.media.arrays import read_arrays
from headsmith.media.atomic import atomic_path
from headsmith.mesh.texture import TextureFrame
from headsmith.stages.photometric_fit import Round
from headsmith.stages.photometric_problem import tracked_well
from headsmith.stages.photometric_shifts import Shifts
from headsmith.stages.photometric_skin import Skin

REMAKE: Final = "the clip is refined anew"
NUMBERS: Final = ("number", "size", "deviation")
STATE, TRACK = (tuple(item.name for item in fields(kind)) for kind in (ClipState, Track))
CORNERS: Final = ("low", "high")
SKIN: Final = ("texture", "slopes", "light", "lights")
TOLD: Final = ("shifts", "weights", "light")
MEANS: Final = ("squares", "middle")


def write_round(path: Path, now: Round) -> None:
    """Write a round as an ``.npz``: its own numbers, and the arrays of state, track and skin, named for what they are of."""
    arrays: dict[str, object] = {name: getattr(now, name) for name in NUMBERS}
    arrays |= {f"state_{name}": getattr(now.state, name).numpy() for name in STATE}
    arrays |= {f"track_{name}": getattr(now.track, name) for name in TRACK}
    arrays |= {f"skin_{name}": getattr(now.skin.frame, name) for name in CORNERS}
    arrays |= {f"skin_{name}": getattr(now.skin, name).numpy() for name in SKIN}
    with atomic_path(path) as partial:
        np.savez(partial, **{name: np.asarray(value) for name, value in arrays.items()})


def read_round(path: Path, clip: str) -> Round:
    """Return a round that ``write_round`` wrote.

    Raises:
        UserError: It cannot be read.
    """
    words = {"state": STATE, "track": TRACK, "skin": (*CORNERS, *SKIN)}
    keys = [*NUMBERS, *(f"{word}_{name}" for word, names in words.items() for name in names)]
    arrays = read_arrays(path, keys, clip, what="round of the refinement", remake=REMAKE)
    number, size, deviation = (arrays[name].item() for name in NUMBERS)
    state = ClipState(*(torch.from_numpy(arrays[f"state_{name}"]) for name in STATE))
    track = Track.from_arrays({name: arrays[f"track_{name}"] for name in TRACK})
    return Round(number, size, deviation, state, track, _skin_of(arrays))


def _skin_of(arrays: dict[str, ndarray]) -> Skin:
    texture, slopes, light, lights = (torch.from_numpy(arrays[f"skin_{name}"]) for name in SKIN)
    low, high = (tuple(arrays[f"skin_{name}"].tolist()) for name in CORNERS)
    return Skin(TextureFrame(low, high, texture.shape[2], texture.shape[1]), texture, slopes, light, lights)


def write_shifts(path: Path, number: int, places: list[int], found: dict[int, Shifts]) -> None:
    """Write what the frames of a chunk told in a round.

    Args:
        path: The ``.npz`` to write.
        number: Of the round.
        places: The chunk's frames.
        found: What those tell that tell anything, in order.
    """
    arrays = {"number": number, "places": np.array(places, np.int64), "told": np.array(list(found), np.int64)}
    arrays |= {name: np.array([getattr(shifts, name).numpy() for shifts in found.values()], np.float32) for name in TOLD}
    arrays |= {name: np.array([getattr(shifts, name) for shifts in found.values()], np.float64) for name in MEANS}
    with atomic_path(path) as partial:
        np.savez(partial, **arrays)


def read_shifts(parts: list[Path], now: Round, clip: str) -> dict[int, Shifts]:
    """Return what the frames of a clip told in a round, by their places, in order.

    Args:
        parts: Files of ``write_shifts``, in the order of their frames.
        now: The round.
        clip: Name of the clip, for messages.

    Raises:
        UserError: A part cannot be read, or they are not of this round or of these frames.
    """
    places, numbers, found = [], set(), {}
    for part in parts:
        keys = ("number", "places", "told", *TOLD, *MEANS)
        arrays = read_arrays(part, keys, clip, what="chunk of the refinement", remake=REMAKE)
        numbers.add(arrays["number"].item())
        places += arrays["places"].tolist()
        rows = zip(*(torch.from_numpy(arrays[name]) for name in TOLD), *(arrays[name].tolist() for name in MEANS), strict=True)
        found |= {place: Shifts(*row) for place, row in zip(arrays["told"].tolist(), rows, strict=True)}
    if numbers != {now.number} or places != tracked_well(now.track):
        what = "the chunks of the refinement are of another round, or of other frames than the clip's"
        remedy = f"delete {', '.join(map(str, parts))} and run snakemake again: {REMAKE}"
        raise UserError(what, clip=clip, file=parts[0], remedy=remedy)
    return found
