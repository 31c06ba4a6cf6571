"""The perceptual distance in the loss of FlashAvatar's own deformation."""

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headsmith.nets.lpips import load_lpips
from headsmith.nets.stlpips import load_stlpips
from headsmith.splat.flashavatar import Perceptual


def load_perceptual(heads: Path, backbone: Path | None, device: torch.device) -> Perceptual:
    """Return a distance of two pictures in 0..1, differentiable in both.

    Args:
        heads: Weights of ST-LPIPS; or, where there is a backbone, of LPIPS' linear heads.
        backbone: torchvision's VGG-16 for LPIPS, None for ST-LPIPS.
        device: Where the pictures are.

    Raises:
        UserError: A file cannot be read, or is not the published one.
    """
    loaded: nn.Module = load_stlpips(heads) if backbone is None else load_lpips(heads, backbone)
    network = loaded.to(device).requires_grad_(False)

    def distance(first: Float[Tensor, "H W 3"], second: Float[Tensor, "H W 3"]) -> Float[Tensor, ""]:
        pair = [picture.permute(2, 0, 1)[None] * 2 - 1 for picture in (first, second)]
        return network(*pair).mean()

    return distance
