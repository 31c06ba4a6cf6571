"""The frames from which a clip's texture is baked: few, well spread, and read one at a time."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.track import Track
from headsmith.contract.errors import UserError
from headsmith.contract.manifest import read_manifest
from headsmith.exports.texture_bake import View
from headsmith.heads.model import HeadModel
from headsmith.maths.cameras import project, to_camera
from headsmith.media.frames import iterate_frames
from headsmith.stages.exports_frames import usable

VIEWS: Final = 32
"""Most frames that a texture is baked from."""

TURN, OPENING, LID = 0.15, 0.1, 0.5
"""What counts as one step apart: radians of the head's turn, radians of the jaw, share of an eyelid's way."""


def spread_places(tracked: Track, places: list[int], most: int = VIEWS) -> list[int]:
    """Return the places of frames that differ most: the most frontal, then each time the one farthest from all taken.

    Farthest-point sampling (Gonzalez 1985, *Clustering to minimize the maximum intercluster distance*) over where the face
    points, the jaw's opening and the eyelids.
    """
    towards = tracked.rotation[places][:, 2, :]
    features = np.concatenate([towards / TURN, tracked.jaw[places] / OPENING, tracked.eyelids[places] / LID], 1)
    taken = [int(np.argmin(towards[:, 2]))]
    distance = np.full(len(places), np.inf)
    while len(taken) < min(most, len(places)):
        distance = np.minimum(distance, np.linalg.norm(features - features[taken[-1]], axis=1))
        taken.append(int(np.argmax(distance)))
    return sorted({places[row] for row in taken})


def clip_views(
    tracked: Track, model: HeadModel, frames: Path, head_masks: Path, clip: str
) -> tuple[list[int], Callable[[], Iterator[View]]]:
    """Return the ids of the frames that are looked at, and what starts the views of them anew.

    Args:
        tracked: The clip.
        model: The head, float64.
        frames: Manifest of the frames.
        head_masks: Manifest of the head masks.
        clip: The clip's name.

    Raises:
        UserError: A manifest cannot be read, its folder differs, or no frame has a mask and a tracking.
    """
    both = set(read_manifest(frames, clip=clip).ids) & set(read_manifest(head_masks, clip=clip).ids)
    places = [place for place in usable(tracked, clip) if int(tracked.ids[place]) in both]
    if not places:
        what = "no frame has both a head mask and a tracking"
        raise UserError(what, clip=clip, file=head_masks, remedy="use exports.texture: regions")
    places = spread_places(tracked, places)
    ids = [int(tracked.ids[place]) for place in places]

    def views() -> Iterator[View]:
        pictures = iterate_frames(frames, clip, ids=ids, verify=False)
        masks = iterate_frames(head_masks, clip, ids=ids, grey=True, verify=False)
        for place, (_, picture), (_, mask) in zip(places, pictures, masks, strict=True):
            yield View(picture, mask > 0, *seen_vertices(tracked.take([place]), model))

    return ids, views


def seen_vertices(frame: Track, model: HeadModel) -> tuple[Float[ndarray, "V 3"], Float[ndarray, "V 2"]]:
    """Return the head's vertices in the camera's axes, metres, and their pixels, for a clip of one frame."""
    with torch.no_grad():
        vertices, cameras = model(frame.parameters()), frame.cameras()
        return to_camera(vertices, cameras)[0].numpy(), project(vertices, cameras)[0][0].numpy()
