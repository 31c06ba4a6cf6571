"""What another program tracked, on our frames, and how far it is from what is seen there."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.placing import Framing, match_frames, place_track
from headsmith.bridges.track import Track, project_embedded
from headsmith.contract.errors import UserError
from headsmith.contract.manifest import Manifest
from headsmith.heads.embedding_types import Embedding
from headsmith.heads.model import HeadModel
from headsmith.stages.tracking_input import SeenLandmarks
from headsmith.stages.tracking_output import on_outline

OWN, BY_NAME = "headsmith", ("metrical_tracker", "flame_head_tracker")
"""The tracker whose frames are ours, and those that number frames as the names of pictures do."""


def place(track: Track, manifest: Manifest, source: str, given: Path, shift: int = 0) -> Track:
    """Return a tracked clip as our frames see it, a row for each of them.

    Args:
        track: As the program has it.
        manifest: Of our frames.
        source: Which program.
        given: Its results, for messages.
        shift: What is added to the numbers of our frames.

    Raises:
        UserError: It saw other pictures.
    """
    numbers = [number + shift for number in numbers_of(manifest, source)]
    return match_frames(place_track(track, framing_of(manifest, source, track), given), list(manifest.ids), numbers, given)


def numbers_of(manifest: Manifest, source: str) -> list[int]:
    """Return our frames' numbers as a program has them: their ids, numbers in the pictures' names, or places in the source."""
    if source == OWN:
        return list(manifest.ids)
    named = [re.findall(r"[0-9]+", Path(name).stem) for name in manifest.details.get("names", ())]
    if source in BY_NAME and named and all(named):
        return [int(parts[-1]) for parts in named]
    if source in BY_NAME and "numbers" in manifest.details:
        return [int(number) for number in manifest.details["numbers"]]
    return [int(number) for number in manifest.details["source_index"]]


def framing_of(manifest: Manifest, source: str, track: Track) -> Framing:
    """Return how our frames were cut from what a program saw.

    Raises:
        UserError: The manifest does not tell.
    """
    size, details = manifest.size[0], details_seen(manifest)
    if source == OWN:
        return Framing(track.size, (0, 0, track.size[0]), size)
    if not {"crop", "source_size", "source_index"} <= details.keys():
        raise UserError("the frames do not tell where they were cut", remedy="delete frames.json and run snakemake again")
    (width, height), (x, y, side) = details["source_size"], details["crop"]
    return Framing((int(width), int(height)), (int(x), int(y), int(side)), size)


def details_seen(manifest: Manifest) -> dict[str, Any]:
    """Return the manifest's details as a tracker saw the frames: squares that are cut anew are pictures of their own."""
    side = manifest.size[0]
    own = {"crop": (0, 0, side), "source_size": (side, side)} if manifest.details.get("aligned") else {}
    return manifest.details | own


def errors_percent(track: Track, model: HeadModel, embedding: Embedding, seen: SeenLandmarks) -> Float[ndarray, "T L"]:
    """Return the distance of each landmark from where it was seen, percent of the eye distance; NaN where unseen.

    Args:
        track: In our frames.
        model: Its head, float64.
        embedding: The head's landmarks.
        seen: Those of the clip.
    """
    distances = np.linalg.norm(project_embedded(track, model, embedding) - seen.points[:, embedding.points], axis=-1)
    return np.where(seen.usable[:, None], 100 * distances / seen.eye_distance, np.nan)


def inner_errors(errors: Float[ndarray, "T L"], embedding: Embedding, seen: SeenLandmarks) -> Float[ndarray, " T"]:
    """Return each frame's mean error without the outline of the face."""
    return errors[:, ~on_outline(embedding.points, seen.convention)].mean(1)
