"""Clips that are FlashAvatar subject folders (the column ``subject``): what can be told of them before one is opened."""

from pathlib import Path
from typing import Final

from headsmith.contract.clips import Clip
from headsmith.contract.errors import UserError
from headsmith.contract.paths import DATASET

OF_VIDEOS: Final = {
    "start": "all of its frames are used",
    "end": "all of its frames are used",
    "crop": "its images are used whole",
    "person": "its parameters say who is meant",
    "focal": "its parameters have the camera",
    "identity": "its parameters have the person's codes",
}
"""Columns that mean nothing for a subject, and why."""


def check_subjects(clips: dict[str, Clip], table: Path) -> None:
    """Accept the subjects of a table, as far as can be told without looking into them.

    Args:
        clips: All clips of the table.
        table: Where they stand, for messages.

    Raises:
        UserError: A clip has a video too, or what only a video can have; the folder or its folder of ``.frame`` files does not
            exist; or the folder is what the clip itself makes.
    """
    for clip in clips.values():
        if clip.subject is None:
            continue
        _check_columns(clip, table)
        _check_folder(clip, clips, table)


def maker_of(clip: Clip, clips: dict[str, Clip]) -> str | None:
    """Return the name of the clip of the same table whose dataset a subject is; None where the folder is somebody's."""
    if clip.subject is None:
        return None
    made = {Path(DATASET.format(clip=name)).resolve(): name for name in clips}
    return made.get(Path(clip.subject).resolve())


def _check_columns(clip: Clip, table: Path) -> None:
    if clip.video:
        what = f"it has a video ({clip.video}) and a subject ({clip.subject}): a subject brings its own images"
        raise UserError(what, clip=clip.name, file=table, remedy="leave one of the two cells blank")
    for name, reason in OF_VIDEOS.items():
        if getattr(clip, name) is not None:
            what = f"the column `{name}` means nothing for a FlashAvatar folder: {reason}"
            raise UserError(what, clip=clip.name, file=table, remedy="leave the cell blank")


def _check_folder(clip: Clip, clips: dict[str, Clip], table: Path) -> None:
    seen, maker = {clip.name}, maker_of(clip, clips)
    first = maker
    while maker is not None and maker not in seen:
        seen.add(maker)
        maker = maker_of(clips[maker], clips)
    if maker == clip.name:
        remedy = "name a folder that this clip does not make, as a copy of its dataset"
        raise UserError(f"the clip would be made of itself: {clip.subject}", clip=clip.name, file=table, remedy=remedy)
    remedy = f"put it there or correct the path (relative paths start at {Path.cwd()})"
    if first is None and not Path(str(clip.subject)).is_dir():
        raise UserError(f"the subject's folder does not exist: {clip.subject}", clip=clip.name, file=table, remedy=remedy)
    if clip.tracking is not None and not Path(clip.tracking).is_dir():
        what = f"the subject's folder of .frame files (column `tracking`) does not exist: {clip.tracking}"
        raise UserError(what, clip=clip.name, file=table, remedy=remedy)
