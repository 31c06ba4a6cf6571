"""The stage *validation*: a FlashAvatar subject folder, ours or anyone's, against what its readers take for granted."""

from pathlib import Path

import torch

from headsmith.bridges.subject import find_subject
from headsmith.bridges.subject_heads import HeadSight
from headsmith.contract.manifest import folder_of
from headsmith.contract.settings import ValidationSettings
from headsmith.heads.model import HeadModel
from headsmith.stages.validation_verdict import Places, judge_subject

NO_HEAD = "where head and mouth are: whose codes these are is not known (validation.known_head, where they are heads.model's)"


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
    subject = find_subject(folder_of(dataset) if dataset else Path(settings.folder), _checkpoint(settings, dataset))
    sight = HeadSight(HeadModel.load(head, torch.float64) if head else None)
    places = Places(output, picture, refused)
    judge_subject(subject, sight, settings.boundary, threads, places, clip, [] if head else [NO_HEAD])


def _checkpoint(settings: ValidationSettings, dataset: Path | None) -> Path | None:
    return Path(settings.checkpoint) if settings.checkpoint and dataset is None else None
