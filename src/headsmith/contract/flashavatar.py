"""Settings of avatars with FlashAvatar's own deformation, checked before anything runs, and the files that they need."""

from pathlib import Path

from headsmith.contract.errors import UserError
from headsmith.contract.lpips import LPIPS_BACKBONES, NONE
from headsmith.contract.settings import AvatarSettings

MLP = "mlp"
OWN = ("perceptual", "perceptual_backbone", "start_checkpoint")
"""Settings that do nothing for other deformations, and are refused there."""

HEADS = {"stlpips": "stlpips_alex.pth", "lpips": LPIPS_BACKBONES["vgg"].heads}
"""The asset with the weights of each perceptual distance."""


def check_flashavatar(variants: dict[str, AvatarSettings]) -> None:
    """Accept the variants' settings of FlashAvatar's own.

    Raises:
        UserError: One is set for another deformation, or names a file that is not there.
    """
    for name, settings in variants.items():
        default = AvatarSettings()
        for word in OWN:
            if settings.deformation != MLP and getattr(settings, word) != getattr(default, word):
                remedy = f"set avatar.{name}.deformation to {MLP}, or leave avatar.{name}.{word} as it is by default"
                raise UserError(f"avatar.{name}.{word} is set, and only the deformation `{MLP}` has it", remedy=remedy)
        start = settings.start_checkpoint
        if start and not Path(start).is_file():
            remedy = "name a checkpoint that FlashAvatar wrote, or leave it blank to train from the beginning"
            raise UserError(f"avatar.{name}.start_checkpoint is not there", file=start, remedy=remedy)
        _check_backbone(f"avatar.{name}", settings)


def _check_backbone(where: str, settings: AvatarSettings) -> None:
    known, path = LPIPS_BACKBONES["vgg"], settings.perceptual_backbone
    if settings.perceptual != "lpips":
        if path:
            remedy = f"set {where}.perceptual to lpips, or leave {where}.perceptual_backbone blank"
            raise UserError(f"{where}.perceptual_backbone is set, but no distance uses it", file=path, remedy=remedy)
        return
    if not path or not Path(path).is_file():
        remedy = (
            f"download {known.file} from {known.page} and name its place in {where}.perceptual_backbone, or set "
            f"{where}.perceptual to stlpips, which is fetched, or to {NONE}"
        )
        raise UserError(f"{where}.perceptual: lpips needs the weights of VGG-16", file=path or None, remedy=remedy)


def training_files(settings: AvatarSettings) -> tuple[str | None, dict[str, str]]:
    """Return the asset that training needs, None for none, and the user's files by word."""
    own = {"backbone": settings.perceptual_backbone, "start_checkpoint": settings.start_checkpoint}
    return HEADS.get(settings.perceptual), {word: path for word, path in own.items() if path}
