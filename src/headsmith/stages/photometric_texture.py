"""Skin out of FLAME's texture space: colours that a person may have, where a clip's own are not yet sharp."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.heads.texture import TextureModel
from headsmith.mesh.texture import TextureFrame
from headsmith.stages.photometric_skin import SEEN, Skin

COMPONENTS: Final = 50
"""Texture codes that are sought, as DECA has (its `n_tex`)."""
NOISE: Final = 0.05
"""Expected difference of a texel from the space, of 1, over texels whose errors are taken for independent by hundreds."""
REPEATED: Final = 100.0
"""Neighbouring texels that repeat one error."""


@dataclass(frozen=True)
class TextureSpace:
    """A mean and what each code changes of it, over a rectangle of texture coordinates, 0..1."""

    mean: Float[Tensor, "3 h w"]
    directions: Float[Tensor, "N 3 h w"]


def cut_space(model: TextureModel, frame: TextureFrame) -> TextureSpace:
    """Return the part of a texture space that a frame of texels covers, linear between its own texels."""
    rows, columns = torch.meshgrid(torch.arange(frame.height), torch.arange(frame.width), indexing="ij")
    share = torch.stack([(columns + 0.5) / frame.width, 1 - (rows + 0.5) / frame.height], -1).reshape(-1, 2)
    low, high = torch.tensor(frame.low), torch.tensor(frame.high)
    height, width = model.mean.shape[:2]
    whole = TextureFrame((0.0, 0.0), (1.0, 1.0), width, height)
    pictures = np.concatenate([model.mean[..., None], model.directions], -1).transpose(3, 2, 0, 1).reshape(-1, height, width)
    found = whole.look_up(torch.from_numpy(np.ascontiguousarray(pictures)) / 255, low + share * (high - low))
    cut = found.mT.reshape(-1, 3, frame.height, frame.width)
    return TextureSpace(cut[0], cut[1:])


def within_space(skin: Skin, weights: Float[Tensor, "h w"], space: TextureSpace) -> Skin:
    """Return the skin with the texture of the space that is nearest to its own: codes in the least squares, of deviation 1.

    Args:
        skin: As baked from frames.
        weights: How well each texel was seen.
        space: Over the skin's frame.
    """
    seen = weights > SEEN
    basis, apart = space.directions[:, :, seen].flatten(1), (skin.texture - space.mean)[:, seen].flatten()
    certainty = 1 / (NOISE**2 * REPEATED)
    normal = certainty * basis @ basis.mT + torch.eye(len(basis))
    codes = torch.linalg.solve(normal, certainty * basis @ apart)
    texture = space.mean + torch.einsum("n,nchw->chw", codes, space.directions)
    return replace(skin, texture=texture, slopes=skin.frame.slopes(texture))
