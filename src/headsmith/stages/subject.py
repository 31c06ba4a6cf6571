"""The stage *subject*: a FlashAvatar subject folder that is a clip of its own, looked through before anything is made of it."""

from pathlib import Path

import torch

from headsmith.bridges.subject import find_subject
from headsmith.bridges.subject_heads import HeadSight
from headsmith.bridges.subject_naming import find_naming
from headsmith.bridges.subject_track import check_head
from headsmith.heads.model import HeadModel
from headsmith.stages.subject_reading import about
from headsmith.stages.validation_verdict import Places, judge_subject


def accept_subject(
    *,
    clip: str,
    subject: Path,
    checkpoint: Path | None,
    head: Path,
    known_head: bool,
    output: Path,
    picture: Path,
    refused: Path,
    threads: int,
) -> None:
    """Accept a folder that a clip is made of: every file is read, and every fault is told with its remedy.

    It is what stage validation does, but for what FlashAvatar's own code alone has built in: images may have any size and be
    numbered from 0, the principal point may lie anywhere, and any number of frames will do.

    Args:
        clip: Name of the clip.
        subject: ``dataset/<id>``, or the folder above ``dataset``.
        checkpoint: The folder of ``.frame`` files; None where it lies in its place.
        head: The head container of the settings, which the codes must be of.
        known_head: Whether the user says that they are.
        output: The verdict, ``.json``.
        picture: Frames with the projected head and the masks' edges, ``.png``.
        refused: Where the verdict goes instead, and the picture beside it, where something is wrong.
        threads: For reading images.

    Raises:
        UserError: There is no subject in the folder, it has faults, or its codes are of another head.
    """
    torch.set_num_threads(1)
    model = HeadModel.load(head, torch.float64)
    with about(clip):
        found = find_naming(find_subject(subject, checkpoint))
        check_head(found, model.container, known_head)
    judge_subject(found, HeadSight(model, centred=False), None, threads, Places(output, picture, refused), clip)
