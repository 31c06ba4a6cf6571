"""From what pictures show to a texture space: light aligned, hidden texels completed, principal components, all filled."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float32
from numpy import ndarray

from headsmith.contract.settings import BEST, LIGHT_SHARES, TextureSpaceSettings
from headsmith.exports.texture_regions import COLOURS
from headsmith.heads.colours import vertex_colours
from headsmith.maths.low_rank import LowRank, learn_low_rank
from headsmith.stages.texture_space_completion import METHODS, Textures, compare, with_other_side
from headsmith.stages.texture_space_light import align_light
from headsmith.stages.texture_space_mirror import extend
from headsmith.stages.texture_space_unwrap import Sheet, Unwrapped, divided

LEAST_SEEN: Final = 2
SHARE_SEEN: Final = 0.03
"""A texel has components of its own where so many pictures, and so large a share of them, show it."""
TRIED: Final = 4000
"""Texels, about, by which shares of the light are compared."""
GUESSED: Final = 0.3
"""Weight of a completed texel, of the mean of seen ones, where another way than low rank has completed it."""
EVENER: Final = 0.5
"""Power of what a look at a texel weighs, once hidden ones are completed: wrong shape and light, which weigh most, do not
grow as fast as noise where a texel is seen aslant or in the shade."""


@dataclass(frozen=True)
class Seen:
    """What all pictures show.

    Attributes:
        colours: RGB over the level of each picture's light.
        light: Over that level.
        weights: How well each texel was seen; 0: hidden.
    """

    colours: Float32[ndarray, "N M 3"]
    light: Float32[ndarray, "N M 3"]
    weights: Float32[ndarray, "N M"]

    @classmethod
    def of(cls, found: Iterable[Unwrapped]) -> "Seen":
        """Return what some pictures show, together."""
        parts = zip(*((one.colours, one.light, one.weights) for one in found), strict=True)
        return cls(*(np.stack(part) for part in parts))


@dataclass(frozen=True)
class TextureSpace:
    """A texture space over all texels of a sheet.

    Attributes:
        mean: RGB, 0..255.
        components: Change by one standard deviation of each code, RGB, 0..255.
        codes: Of the pictures that it was learned from.
        completed: Those pictures, 0..255: seen texels as they were, hidden ones completed; of the texels ``rows``.
        rows: The texels that enough pictures show; the others follow them over the surface.
        light: How much of the light was divided out.
        light_errors: Of each share that was tried, on texels that were kept back, of 255.
        method: How hidden texels were completed.
        errors: Of each way that was compared, on texels that were kept back, of 255.
    """

    mean: Float32[ndarray, "M 3"]
    components: Float32[ndarray, "M 3 C"]
    codes: Float32[ndarray, "N C"]
    completed: Float32[ndarray, "N m 3"]
    rows: ndarray
    light: str
    light_errors: dict[str, float]
    method: str
    errors: dict[str, float]


def learn_space(seen: Seen, sheet: Sheet, settings: TextureSpaceSettings) -> TextureSpace:
    """Return the texture space of what pictures show.

    Args:
        seen: What they show.
        sheet: Where texels are laid out.
        settings: How many components, how much of the light is divided out, and how hidden texels are completed.
    """
    rows = np.flatnonzero(seen_by_enough(seen.weights))
    light, light_errors = choose_light(seen, sheet, settings, rows)
    values = divided(seen.colours, seen.light, LIGHT_SHARES[light])
    values = lights_aligned(values, seen.weights, sheet) if settings.align_light else values
    textures = Textures(sheet, values[:, rows], seen.weights[:, rows], rows, most(settings, seen), settings.seed)
    errors = compare(textures, settings.compared) if settings.completion == BEST else {}
    method = min(errors, key=errors.__getitem__) if errors else settings.completion
    completed = np.where(textures.weights[..., None] > 0, textures.albedo, METHODS[method](textures)).astype(np.float32)
    space = learn(textures, completed, method)
    mean, components = spread(space, sheet, rows)
    return TextureSpace(255 * mean, 255 * components, space.codes, 255 * completed, rows, light, light_errors, method, errors)


def most(settings: TextureSpaceSettings, seen: Seen) -> int:
    """Return how many components there can be."""
    return min(settings.components, len(seen.weights) - 1)


def choose_light(seen: Seen, sheet: Sheet, settings: TextureSpaceSettings, rows: ndarray) -> tuple[str, dict[str, float]]:
    """Return how much of the light is divided out, and the errors of each share that was tried.

    A share is the better the better principal components of the other texels predict those that were kept back: light that is
    rightly divided out makes people alike, and skin's own shades that were taken for light make each picture differ in a way
    of its own.
    """
    if settings.light != BEST:
        return settings.light, {}
    some, errors = rows[:: max(1, len(rows) // TRIED)], {}
    for name, share in LIGHT_SHARES.items():
        values = divided(seen.colours[:, some], seen.light[:, some], share)
        textures = Textures(sheet, values, seen.weights[:, some], some, most(settings, seen), settings.seed)
        errors |= {name: compare(textures, ["low_rank"])["low_rank"]}
    return min(errors, key=errors.__getitem__), errors


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
    weights = textures.weights**EVENER
    weights = np.where(weights > 0, weights, GUESSED * weights.mean()).astype(np.float32)
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
