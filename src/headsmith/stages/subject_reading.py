"""What the stages share that make a clip of a subject folder: the folder as it was accepted."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from headsmith.bridges.subject import Subject, find_subject
from headsmith.bridges.subject_naming import FRAME_NAME, find_naming, list_numbers
from headsmith.contract.errors import UserError


@dataclass(frozen=True)
class Accepted:
    """A subject that stage subject found sound.

    Attributes:
        subject: Where its files lie.
        indices: Numbers of its frames, ascending.
        size: Width and height of its images, pixels.
    """

    subject: Subject
    indices: list[int]
    size: tuple[int, int]


@contextmanager
def about(clip: str) -> Iterator[None]:
    """Name the clip in messages of bridges, which do not know it."""
    try:
        yield
    except UserError as error:
        raise UserError(error.what, clip=error.clip or clip, file=error.file, remedy=error.remedy) from error


def read_accepted(folder: Path, checkpoint: Path | None, verdict: Path, clip: str) -> Accepted:
    """Return a subject as it was accepted.

    Args:
        folder: As ``accept_subject`` has it.
        checkpoint: As ``accept_subject`` has it.
        verdict: What it wrote.
        clip: Name of the clip.

    Raises:
        UserError: The folder is no subject any more, or has another number of frames.
    """
    content = json.loads(Path(verdict).read_text())
    with about(clip):
        subject = find_naming(find_subject(folder, checkpoint))
    indices = sorted(list_numbers(subject.checkpoint, FRAME_NAME))
    if len(indices) != content["frames"]:
        what = f"the folder has {len(indices)} frames, and had {content['frames']} when it was looked through"
        remedy = "run snakemake again: it is looked through anew"
        raise UserError(what, clip=clip, file=subject.checkpoint, remedy=remedy)
    width, height = content["size"]
    return Accepted(subject, indices, (width, height))
