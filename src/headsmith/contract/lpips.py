"""The networks behind LPIPS: what the user brings where that distance is asked for (``scores.lpips``)."""

from dataclasses import dataclass
from pathlib import Path

from headsmith.contract.errors import UserError

NONE = "none"
FIELD_FACTOR = 0.05
"""What several published avatars' code multiplies LPIPS by (``metrics.py`` of HyperGaussians says so of FlashAvatar's figures).
Nothing here does; score files name it so that nobody compares unlike figures."""


@dataclass(frozen=True)
class Backbone:
    """A network that torchvision publishes.

    Attributes:
        heads: Name of the asset with the linear heads for it.
        file: Its name where it is published.
        page: Where that is.
        digits: How the sha256 of the file begins; its name carries them too.
    """

    heads: str
    file: str
    page: str
    digits: str

    def remedy(self, place: str) -> str:
        """Return what a user does to have it at a place."""
        kept = f"torch may keep a copy in ~/.cache/torch/hub/checkpoints/{self.file}"
        named = "scores.lpips_backbone, avatar.<variant>.perceptual_backbone"
        return f"download {self.file} from {self.page} ({kept}), put it at {place} and name that path in the settings ({named})"


_PAGE = "https://download.pytorch.org/models/"

LPIPS_BACKBONES: dict[str, Backbone] = {
    "vgg": Backbone("lpips/vgg.pth", "vgg16-397923af.pth", f"{_PAGE}vgg16-397923af.pth", "397923af"),
    "alex": Backbone("lpips/alex.pth", "alexnet-owt-7be5be79.pth", f"{_PAGE}alexnet-owt-7be5be79.pth", "7be5be79"),
}
"""By the name in ``scores.lpips``."""


def brought_backbone(lpips: str, backbone: str) -> Path | None:
    """Return the file of the network behind LPIPS, None where LPIPS is not asked for.

    Args:
        lpips: ``ScoresSettings.lpips``.
        backbone: ``ScoresSettings.lpips_backbone``.

    Raises:
        UserError: A file is needed and not named or not there, or named and not needed.
    """
    if lpips == NONE:
        if backbone:
            remedy = f"set scores.lpips to one of: {', '.join(LPIPS_BACKBONES)}; or leave scores.lpips_backbone blank"
            raise UserError("scores.lpips_backbone is set, but scores.lpips is none", file=backbone, remedy=remedy)
        return None
    known = LPIPS_BACKBONES[lpips]
    if backbone and Path(backbone).is_file():
        return Path(backbone)
    what = (
        f"the network behind LPIPS ({lpips}) is not there" if backbone else f"scores.lpips {lpips} needs scores.lpips_backbone"
    )
    raise UserError(what, file=backbone or None, remedy=known.remedy(backbone or f"resources/assets/lpips/{known.file}"))
