"""What comes of checking a FlashAvatar subject: progress, the verdict and its picture, and the error that has all faults."""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from headsmith.bridges.subject import Subject
from headsmith.bridges.subject_check import SubjectCheck, check_subject, verdict
from headsmith.bridges.subject_faults import ERROR, WARNING
from headsmith.bridges.subject_heads import HeadSight
from headsmith.contract.errors import UserError
from headsmith.media.atomic import atomic_path
from headsmith.media.progress import note, progress
from headsmith.stages.quality_validation import draw_subject

STILL = "whether images are in step with parameters: the head moves too little, or in too few frames"


@dataclass(frozen=True)
class Places:
    """Where the verdict and its picture go.

    Attributes:
        output: ``.json``.
        picture: ``.png``.
        refused: The verdict of a refused subject, with the picture beside it: outputs of a failed rule are removed.
    """

    output: Path
    picture: Path
    refused: Path


def judge_subject(
    subject: Subject,
    sight: HeadSight,
    boundary: int | None,
    threads: int,
    places: Places,
    clip: str | None,
    not_checked: Iterable[str] = (),
) -> SubjectCheck:
    """Check a subject, write what was found, and fail where something is wrong.

    Args:
        subject: Where its files lie.
        sight: What projects the head.
        boundary: As ``check_subject`` has it.
        threads: For reading images.
        places: Where the verdict goes.
        clip: Name of the clip, for messages; None where there is none.
        not_checked: What is not looked at, and why.

    Raises:
        UserError: The subject has faults; all kinds are in the message.
    """
    for old in (places.refused, places.refused.with_suffix(".png")):
        old.unlink(missing_ok=True)
    word = f"{clip or subject.name}: validation"
    started = time.monotonic()
    found = check_subject(subject, sight, boundary, threads, lambda items: told_progress(items, word))
    spent = max(time.monotonic() - started, 1e-9)
    note(f"{word}: {len(found.indices)} frames in {spent:.1f} s, {len(found.indices) / spent:.0f} frames/s")
    for line in found.faults.lines(WARNING):
        note(f"{word}: warning: {line}")
    content = verdict(subject, found, [*not_checked, *([] if found.moves else [STILL])])
    sound = content["sound"]
    shown = (places.output, places.picture) if sound else (places.refused, places.refused.with_suffix(".png"))
    with atomic_path(shown[0]) as partial:
        partial.write_text(json.dumps(content, indent=1) + "\n")
    draw_subject(subject, found, sight, shown[1])
    if not sound:
        remedy = f"look at {shown[1]}; {shown[0]} has every kind with its remedy"
        raise UserError(complaint(found), clip=clip, file=subject.images, remedy=remedy)
    return found


def told_progress(items: Iterable[int], word: str) -> Iterator[int]:
    """Pass frames through and tell how far they have come."""
    listed = list(items)
    yield from progress(listed, len(listed), word)


def complaint(found: SubjectCheck) -> str:
    """Return what is wrong, a line for each kind of fault."""
    lines = found.faults.lines(ERROR)
    kinds = "1 kind of fault" if len(lines) == 1 else f"{len(lines)} kinds of faults"
    return "\n".join([f"the dataset has {kinds}:", *(f"  - {line}" for line in lines)])
