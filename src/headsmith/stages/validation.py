"""The stage *validation*: a FlashAvatar subject folder, ours or anyone's, against what its readers take for granted."""

import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch

from headsmith.bridges.subject import find_subject
from headsmith.bridges.subject_check import SubjectCheck, check_subject, verdict
from headsmith.bridges.subject_faults import ERROR, WARNING
from headsmith.bridges.subject_heads import HeadSight
from headsmith.contract.errors import UserError
from headsmith.contract.manifest import folder_of
from headsmith.contract.settings import ValidationSettings
from headsmith.heads.model import HeadModel
from headsmith.media.atomic import atomic_path
from headsmith.media.progress import note, progress
from headsmith.stages.quality_validation import draw_subject

NO_HEAD = "where head and mouth are: whose codes these are is not known (validation.known_head, where they are heads.model's)"
STILL = "whether images are in step with parameters: the head moves too little, or in too few frames"


def validate_dataset(
    *,
    clip: str | None,
    output: Path,
    picture: Path,
    refused: Path,
    settings: ValidationSettings,
    threads: int,
    dataset: Path | None = None,
    head: Path | None = None,
) -> None:
    """Check a dataset, write what was found, and fail where something is wrong.

    Warnings do not fail: FlashAvatar's code runs with them, or it is a matter of its built-in sizes.

    Args:
        clip: Name of the clip, for messages; None for a folder that somebody brings.
        output: The verdict, ``.json``: faults by kind with their number, examples and remedies.
        picture: Frames with the projected head and the masks' edges, ``.png``.
        refused: Where the verdict goes instead, and the picture beside it, where something is wrong: outputs of a failed rule
            are removed.
        settings: The stage's settings; ``folder`` is checked where no dataset is given.
        threads: For reading images.
        dataset: Manifest of a clip's dataset.
        head: The container of the head that the codes are of, where that is known.

    Raises:
        UserError: There is no subject in the folder, or it has faults; all kinds are in the message.
    """
    torch.set_num_threads(1)
    for old in (refused, refused.with_suffix(".png")):
        old.unlink(missing_ok=True)
    subject = find_subject(folder_of(dataset) if dataset else Path(settings.folder), _checkpoint(settings, dataset))
    sight = HeadSight(HeadModel.load(head, torch.float64) if head else None)
    word = f"{clip or subject.name}: validation"
    started = time.monotonic()
    found = check_subject(subject, sight, settings.boundary, threads, lambda items: told_progress(items, word))
    spent = max(time.monotonic() - started, 1e-9)
    note(f"{word}: {len(found.indices)} frames in {spent:.1f} s, {len(found.indices) / spent:.0f} frames/s")
    for line in found.faults.lines(WARNING):
        note(f"{word}: warning: {line}")
    content = verdict(subject, found, list(left_out(found, head is not None)))
    places = (output, picture) if content["sound"] else (refused, refused.with_suffix(".png"))
    with atomic_path(places[0]) as partial:
        partial.write_text(json.dumps(content, indent=1) + "\n")
    draw_subject(subject, found, sight, places[1])
    if not content["sound"]:
        raise UserError(
            complaint(found),
            clip=clip,
            file=subject.images,
            remedy=f"look at {refused.with_suffix('.png')}; {refused} has every kind with its remedy",
        )


def told_progress(items: Iterable[int], word: str) -> Iterator[int]:
    """Pass frames through and tell how far they have come."""
    listed = list(items)
    yield from progress(listed, len(listed), word)


def left_out(found: SubjectCheck, head_known: bool) -> Iterator[str]:
    """Yield what could not be checked, and why."""
    if not head_known:
        yield NO_HEAD
    if not found.moves:
        yield STILL


def complaint(found: SubjectCheck) -> str:
    """Return what is wrong, a line for each kind of fault."""
    lines = found.faults.lines(ERROR)
    kinds = "1 kind of fault" if len(lines) == 1 else f"{len(lines)} kinds of faults"
    return "\n".join([f"the dataset has {kinds}:", *(f"  - {line}" for line in lines)])


def _checkpoint(settings: ValidationSettings, dataset: Path | None) -> Path | None:
    return Path(settings.checkpoint) if settings.checkpoint and dataset is None else None
