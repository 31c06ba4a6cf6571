"""The trainers that datasets are written for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headsmith.bridges import gaussian_avatars, imavatar, insta
from headsmith.bridges.gaussian_avatars import write_gaussian_avatars
from headsmith.bridges.imavatar import write_imavatar
from headsmith.bridges.insta import write_insta
from headsmith.bridges.track import Track
from headsmith.contract.errors import UserError
from headsmith.contract.paths import CONVERTED
from headsmith.heads.container import HeadContainer
from headsmith.heads.model import HeadModel
from headsmith.stages.exports_trainers_images import Picture, Pictures, draw_gaussian_avatars, draw_imavatar, draw_insta


@dataclass(frozen=True)
class Trainer:
    """A program that trains avatars.

    Attributes:
        title: What people call it.
        heads: The head models whose codes it takes; None: any, because it takes meshes.
        codes: How many identity and expression codes its files hold.
        split: What it does with the frames that are held out.
        write: Writes everything that is not a picture of a frame.
        name: Returns the name of the image of a frame.
        draw: Returns the pictures of a frame by their paths.
    """

    title: str
    heads: tuple[str, ...] | None
    codes: tuple[int, int]
    split: str
    write: Callable[[Track, HeadModel, Path, int], Any]
    name: Callable[[int], str]
    draw: Callable[[int, Pictures], dict[str, Picture]]


TRAINERS: dict[str, Trainer] = {
    "insta": Trainer(
        "INSTA",
        None,
        (0, 0),
        "transforms_test.json has the held-out frames, transforms_val.json the last 20 of them once more",
        write_insta,
        insta.image_name,
        draw_insta,
    ),
    "gaussian_avatars": Trainer(
        "GaussianAvatars",
        gaussian_avatars.HEADS,
        (gaussian_avatars.IDENTITIES, gaussian_avatars.EXPRESSIONS),
        "transforms_test.json has the held-out frames; transforms_val.json is for other cameras and has none, as VHAP's",
        write_gaussian_avatars,
        gaussian_avatars.image_name,
        draw_gaussian_avatars,
    ),
    "imavatar": Trainer(
        "IMavatar and SplattingAvatar",
        imavatar.HEADS,
        (imavatar.IDENTITIES, imavatar.EXPRESSIONS),
        "test/ has the held-out frames; flame_params.json has all, of which SplattingAvatar tests on the last 350",
        write_imavatar,
        imavatar.image_name,
        draw_imavatar,
    ),
}


def check_head(trainer: Trainer, head: HeadContainer, clip: str) -> None:
    """Accept a head whose codes the trainer takes.

    Raises:
        UserError: It takes others.
    """
    if trainer.heads is None or head.name in trainer.heads:
        return
    takes = trainer.heads[0]
    remedy = (
        f"carry the tracking over: set conversion.to to {takes} and run `snakemake convert_head`; then set heads.model to "
        f"{takes} and tracking.source to headsmith, and name {CONVERTED.format(clip=clip, head=takes)} in the column `tracking`"
    )
    what = f"{trainer.title} takes codes of {' or '.join(trainer.heads)}; the clip was tracked with {head.name}"
    raise UserError(f"{what}, whose codes mean something else", clip=clip, remedy=remedy)
