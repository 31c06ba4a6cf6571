"""From what pictures show to a texture space: light aligned, hidden texels completed, principal components, all filled."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float32
from numpy import ndarray

from headsmith.contract.settings import BEST, TextureSpaceSettings
from headsmith.exports.texture_regions import COLOURS
from headsmith.heads.colours import vertex_colours
from headsmith.maths.low_rank import LowRank, learn_low_rank
from headsmith.stages.texture_space_completion import METHODS, Textures, compare, with_other_side
from headsmith.stages.texture_space_light import align_light
from headsmith.stages.texture_space_mirror import extend
from headsmith.stages.texture_space_unwrap import Sheet

LEAST_SEEN: Final = 2
SHARE_SEEN: Final = 0.03
"""A texel has components of its own where so many pictures, and so large a share of them, show it."""
GUESSED: Final = 0.1
"""Weight of a completed texel among seen ones, of weight up to 1, where another way than low rank has completed it."""


@dataclass(frozen=True)
class TextureSpace:
    """A texture space over all texels of a sheet.

    Attributes:
        mean: RGB, 0..255.
        components: Change by one standard deviation of each code, RGB, 0..255.
        codes: Of the pictures that it was learned from.
        completed: Those pictures, 0..255: seen texels as they were, hidden ones completed; of the texels ``rows``.
        rows: The texels that enough pictures show; the others follow them over the surface.
        method: How hidden texels were completed.
        errors: Of each way that was compared, on texels that were kept back, of 255.
    """

    mean: Float32[ndarray, "M 3"]
    components: Float32[ndarray, "M 3 C"]
    codes: Float32[ndarray, "N C"]
    completed: Float32[ndarray, "N m 3"]
    rows: ndarray
    method: str
    errors: dict[str, float]


def learn_space(
    albedo: Float32[ndarray, "N M 3"], weights: Float32[ndarray, "N M"], sheet: Sheet, settings: TextureSpaceSettings
) -> TextureSpace:
    """Return the texture space of what pictures show.

    Args:
        albedo: Of each picture's texels, RGB, 0..1; of nothing where it is hidden.
        weights: How well each was seen; 0: hidden.
        sheet: Where they are laid out.
        settings: How many components, and how hidden texels are completed.
    """
    values = lights_aligned(albedo, weights, sheet) if settings.align_light else albedo
    rows = np.flatnonzero(seen_by_enough(weights))
    count = min(settings.components, max(1, len(albedo) - 1))
    textures = Textures(sheet, values[:, rows], weights[:, rows], rows, count, settings.seed)
    errors = compare(textures, settings.compared) if settings.completion == BEST else {}
    method = min(errors, key=errors.__getitem__) if errors else settings.completion
    completed = np.where(textures.weights[..., None] > 0, textures.albedo, METHODS[method](textures)).astype(np.float32)
    space = learn(textures, completed, method)
    mean, components = spread(space, sheet, rows)
    return TextureSpace(255 * mean, 255 * components, space.codes, 255 * completed, rows, method, errors)


def lights_aligned(
    albedo: Float32[ndarray, "N M 3"], weights: Float32[ndarray, "N M"], sheet: Sheet
) -> Float32[ndarray, "N M 3"]:
    """Return textures from which the light that is left in each was taken."""
    return align_light(albedo, weights, sheet.normals())


def seen_by_enough(weights: Float32[ndarray, "N M"]) -> Bool[ndarray, " M"]:
    """Return which texels enough pictures show."""
    return (weights > 0).sum(0) >= max(LEAST_SEEN, SHARE_SEEN * len(weights))


def learn(textures: Textures, completed: Float32[ndarray, "N m 3"], method: str) -> LowRank:
    """Return mean and principal components of completed textures, what was seen counting for more.

    Where principal components themselves have completed them, what they said is no evidence for them, and only what was seen
    counts.
    """
    if method == "low_rank":
        return learn_low_rank(textures.albedo, textures.weights, textures.components)
    if method == "mirrored_low_rank":
        return learn_low_rank(*with_other_side(textures), textures.components)
    weights = np.where(textures.weights > 0, textures.weights, GUESSED * textures.weights.mean()).astype(np.float32)
    return learn_low_rank(completed, weights, textures.components)


def spread(space: LowRank, sheet: Sheet, rows: ndarray) -> tuple[Float32[ndarray, "M 3"], Float32[ndarray, "M 3 C"]]:
    """Return mean and components of all texels: smooth over the head from the learned ones, plain where nothing leads there."""
    count, size = len(sheet.texels.faces), space.components.shape[2]
    flat = np.concatenate([space.mean, space.components.reshape(len(rows), -1), np.ones((len(rows), 1))], 1)
    known, whole = np.zeros(count, np.float32), np.zeros((count, flat.shape[1]), np.float32)
    known[rows], whole[rows] = 1, flat
    filled = extend(sheet, whole, known)
    reached = filled[:, -1:] > 0.5
    plain = sheet.texels.spread(vertex_colours(sheet.head, COLOURS), sheet.surface.faces) / 255
    mean = np.where(reached, filled[:, :3], plain).clip(0, 1).astype(np.float32)
    components = np.where(reached, filled[:, 3:-1], 0).astype(np.float32)
    return mean, components.reshape(count, 3, size)
