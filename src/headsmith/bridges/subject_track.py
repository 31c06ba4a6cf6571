"""A FlashAvatar subject's parameters as a tracked clip, and whose head they are of.

As FlashAvatar reads them: identity and lens of the first frame, no neck, and no turn of the root but the camera's. Unlike
there, the principal point is where K has it.
"""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.columns import build_track, read_codes
from headsmith.bridges.flashavatar_read import angles_of, read_parts
from headsmith.bridges.given import SAME, read_json
from headsmith.bridges.subject import Subject
from headsmith.bridges.track import Track
from headsmith.contract.errors import UserError, printable
from headsmith.contract.exchange import TRACKERS
from headsmith.heads.container import HeadContainer
from headsmith.heads.model import HeadModel

HEADS = TRACKERS["metrical_tracker"].heads
"""Head models whose codes ``.frame`` files hold, unless something says otherwise."""
HALF = 0.5
"""Pixels by which a principal point is too small that counts from the middle of the first pixel, not from its corner."""
SURE = 1e-3
"""Pixels within which such a one is recognised, in both directions, where the point is else the image's centre."""
MOST_MOVED = 1.0
"""Pixels by which the principal point may move within a clip: one camera stands for all frames."""


def read_subject_track(
    subject: Subject, indices: list[int], model: HeadModel, size: tuple[int, int]
) -> tuple[Track, list[str]]:
    """Return a subject as a tracked clip, its frames by number from 0, and what a person should know, a sentence each.

    Args:
        subject: Where its files lie.
        indices: Numbers of its frames, ascending.
        model: The head that the codes are of, float64.
        size: Width and height of the images, pixels.

    Raises:
        UserError: A file cannot be read or lacks something, the head has fewer codes, pixels are not square, or the principal
            point moves.
    """
    frames = [read_parts(subject.frame(index)) for index in indices]
    stacked = {name: np.stack([frame[name] for frame in frames]) for name in frames[0]}
    first = subject.frame(indices[0])
    focal = square_focal(stacked["K"][0], first)
    principal, remarks = principal_of(stacked["K"], size, first)
    track = build_track(
        model,
        ids=indices,
        codes=read_codes(model, stacked["shape"][:1], stacked["exp"], first),
        pose=(stacked["R"], stacked["t"]),
        focal=focal,
        principal=principal,
        size=size,
        jaw=angles_of(stacked["jaw"]),
        eyes=angles_of(stacked["eyes"].reshape(-1, 2, 6)),
        eyelids=stacked["eyelids"],
    )
    return track, remarks


def square_focal(lens: Float[ndarray, "3 3"], path: Path) -> float:
    """Return the focal length of a lens, pixels.

    Raises:
        UserError: It differs between the two directions: pixels are not square.
    """
    across, down = float(lens[0, 0]), float(lens[1, 1])
    if abs(across - down) > SAME * across:
        what = f"opencv.K has the focal lengths {across:.2f} and {down:.2f}: the pixels are not square"
        remedy = f"scale images, mattes, masks and K to one focal length: heights by {across / down:.4f}"
        raise UserError(what, file=path, remedy=remedy)
    return across


def principal_of(lenses: Float[ndarray, "T 3 3"], size: tuple[int, int], path: Path) -> tuple[Float[ndarray, "2"], list[str]]:
    """Return the principal point of the first lens, pixels from the image's corner, and what is to be told of it.

    Raises:
        UserError: It moves from frame to frame.
    """
    first, centre = lenses[0, :2, 2], np.array(size) / 2
    moved = float(np.abs(lenses[:, :2, 2] - first).max())
    if moved > MOST_MOVED:
        what = f"the principal point moves by up to {moved:.1f} pixels within the clip, and one camera stands for all frames"
        remedy = "crop all images by one square, and write the K of that crop into all frames"
        raise UserError(what, file=path, remedy=remedy)
    if np.abs(first + HALF - centre).max() <= SURE:
        return centre, ["K counts pixels from the middle of the first one: half a pixel is added to the principal point"]
    if np.abs(first - centre).max() <= SURE:
        return first, []
    told = "the principal point is {:g}, {:g}, not the centre {:g}, {:g}".format(*first.round(3), *centre)
    return first, [f"{told}: K's is used; FlashAvatar's own code takes the centre"]


def told_head(subject: Subject) -> dict[str, Any] | None:
    """Return what the ``dataset.json`` of a subject tells, which stage dataset writes beside the folder; None where none is.

    Raises:
        UserError: It cannot be read, or tells of no head.
    """
    folders = (subject.root, subject.images)
    places = [place for folder in folders for place in (folder / "dataset.json", folder.with_name(f"{folder.name}.json"))]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        return None
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("head_sha256"), str):
        raise UserError("the file tells of no head (head_sha256)", file=path, remedy="remove it, or write the dataset anew")
    return content | {"path": path}


def check_head(subject: Subject, head: HeadContainer, known: bool) -> None:
    """Accept a subject whose codes are of a head.

    They are where the user says so, where ``dataset.json`` names it by its sha256, or else where the head is the format's own.

    Args:
        subject: Where its files lie.
        head: The head.
        known: Whether the user says so (``validation.known_head``).

    Raises:
        UserError: They are another's, or nobody says whose they are.
    """
    if known:
        return
    told = told_head(subject)
    forced = f"validation.known_head: true, where they are codes of {head.name} all the same"
    if told is None and head.name not in HEADS:
        what = f"nothing says whose codes these are: FlashAvatar's are of {HEADS[0]}, and heads.model is {head.name}"
        remedy = f"set heads.model to {HEADS[0]} (docs/heads.md); or put the dataset.json beside the folder that names their "
        raise UserError(what, file=subject.checkpoint, remedy=f"{remedy}head; or set {forced}")
    if told is not None and told["head_sha256"] != head.sha256:
        whose = printable(f"{told.get('head', 'another')!s:.40} ({told['head_sha256']:.12})")
        what = f"the codes are of the head {whose}, and heads.model is {head.name} ({head.sha256:.12})"
        raise UserError(what, file=told["path"], remedy=f"set heads.model to that head; or {forced}")
