"""Hidden texels completed, by several methods, and which of them is the best: by error on texels that were seen and kept back.

``mean``: of the other pictures; ``mirror``: the other side of the face where that was seen, else the mean; ``surface``: the
mean, and the difference from it smooth over the head; ``telea``: the same difference inpainted in the unwrapping (Telea 2004,
*An Image Inpainting Technique Based on the Fast Marching Method*, OpenCV's); ``biharmonic``: the same by scikit-image's
biharmonic equation, at a small size; ``low_rank``: principal components of what was seen, by EM; ``mirrored_low_rank``: the
same, the other side of the face counting a little; ``low_rank_surface``: what components say, and the difference smooth
over the head; ``network``: ``texture_space_network``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int64
from numpy import ndarray
from skimage.restoration import inpaint_biharmonic

from headsmith.maths.low_rank import learn_low_rank
from headsmith.stages.texture_space_mirror import counterparts, extend
from headsmith.stages.texture_space_network import complete_by_network
from headsmith.stages.texture_space_unwrap import Sheet

MIRRORED: Final = 0.1
"""Weight of what the other side of the face tells."""
RADIUS: Final = 4
"""Texels around one that Telea's method looks at."""
SMALL: Final = 64
"""Side at which the biharmonic equation is solved: its system grows with the square of the hidden texels."""
KEPT_BACK: Final = 0.35
"""Share of what is seen that the comparison keeps back at most."""


@dataclass(frozen=True)
class Textures:
    """Textures of which parts are hidden.

    Attributes:
        sheet: Where they are laid out.
        albedo: RGB, 0..1; of the texels ``rows``.
        weights: How well each was seen; 0: hidden.
        rows: The texels that any picture shows.
        components: How many principal components are sought.
        seed: Of what is random.
    """

    sheet: Sheet
    albedo: Float32[ndarray, "N m 3"]
    weights: Float32[ndarray, "N m"]
    rows: Int64[ndarray, " m"]
    components: int
    seed: int = 0

    def mean(self) -> Float32[ndarray, "m 3"]:
        """Return the mean of what was seen."""
        total = np.maximum(self.weights.sum(0), 1e-12)
        return ((self.weights[..., None] * self.albedo).sum(0) / total[:, None]).astype(np.float32)

    def other_side(self) -> Int64[ndarray, " m"]:
        """Return where among ``rows`` the other side of the face is, -1 where it is not."""
        place = np.full(len(self.sheet.texels.faces) + 1, -1)
        place[self.rows] = np.arange(len(self.rows))
        return place[counterparts(self.sheet)[self.rows]]

    def picture(self, values: Float32[ndarray, "m C"]) -> Float32[ndarray, "S S C"]:
        """Return values as a picture over the unwrapping, 0 elsewhere."""
        covered = self.sheet.texels.covered
        whole = np.zeros((covered.sum(), values.shape[1]), np.float32)
        whole[self.rows] = values
        result = np.zeros((*covered.shape, values.shape[1]), np.float32)
        result[covered] = whole
        return result

    def texels(self, picture: Float32[ndarray, "S S C"]) -> Float32[ndarray, "m C"]:
        """Return the texels of a picture over the unwrapping."""
        return picture[self.sheet.texels.covered][self.rows]


Method = Callable[[Textures], Float32[ndarray, "N m 3"]]


def complete_mean(textures: Textures) -> Float32[ndarray, "N m 3"]:
    """Return the mean for every picture."""
    return np.broadcast_to(textures.mean(), textures.albedo.shape)


def complete_mirror(textures: Textures) -> Float32[ndarray, "N m 3"]:
    """Return the other side of the face, or the mean."""
    other = textures.other_side()
    there = (other >= 0) & (textures.weights[:, other] > 0)
    return np.where(there[..., None], textures.albedo[:, other], textures.mean())


def complete_surface(textures: Textures) -> Float32[ndarray, "N m 3"]:
    """Return the mean and a difference that is smooth over the head."""
    return _smoothly(textures, complete_mean(textures))


def complete_low_rank_surface(textures: Textures) -> Float32[ndarray, "N m 3"]:
    """Return what the principal components of the seen texels say, and a difference that is smooth over the head."""
    return _smoothly(textures, complete_low_rank(textures))


def _smoothly(textures: Textures, base: Float32[ndarray, "N m 3"]) -> Float32[ndarray, "N m 3"]:
    """Return a first answer for each picture, and what it differs by where texels are seen, smooth between them."""
    result, count = np.empty_like(textures.albedo), len(textures.sheet.texels.faces)
    for row, (albedo, weights) in enumerate(zip(textures.albedo, textures.weights, strict=True)):
        whole, share = np.zeros((count, 3), np.float32), np.zeros(count, np.float32)
        whole[textures.rows], share[textures.rows] = albedo - base[row], weights
        result[row] = base[row] + extend(textures.sheet, whole, share)[textures.rows]
    return result


def complete_telea(textures: Textures) -> Float32[ndarray, "N m 3"]:
    """Return the mean and a difference that is inpainted in the unwrapping, from 8 bits."""
    return _inpainted(textures, _telea)


def complete_biharmonic(textures: Textures) -> Float32[ndarray, "N m 3"]:
    """Return the mean and a difference that is inpainted at a small size."""
    return _inpainted(textures, _biharmonic)


def _inpainted(textures: Textures, paint: Callable[[ndarray, ndarray], ndarray]) -> Float32[ndarray, "N m 3"]:
    mean, result = textures.mean(), np.empty_like(textures.albedo)
    for row, (albedo, weights) in enumerate(zip(textures.albedo, textures.weights, strict=True)):
        seen = textures.picture((weights > 0).astype(np.float32)[:, None])[..., 0] > 0
        wanted = textures.picture(np.ones((len(weights), 1), np.float32))[..., 0] > 0
        painted = paint(textures.picture(albedo - mean) * seen[..., None], wanted & ~seen)
        result[row] = mean + textures.texels(painted)
    return result


def _telea(difference: ndarray, hidden: Bool[ndarray, "S S"]) -> ndarray:
    bits = (difference * 255 + 128).clip(0, 255).round().astype(np.uint8)
    return (cv2.inpaint(bits, hidden.astype(np.uint8), RADIUS, cv2.INPAINT_TELEA).astype(np.float32) - 128) / 255


def _biharmonic(difference: ndarray, hidden: Bool[ndarray, "S S"]) -> ndarray:
    size = hidden.shape[:2][::-1]
    small = cv2.resize(difference, (SMALL, SMALL), interpolation=cv2.INTER_AREA)
    mask = cv2.resize(hidden.astype(np.float32), (SMALL, SMALL), interpolation=cv2.INTER_AREA) > 0.5
    painted = inpaint_biharmonic(small, mask, channel_axis=-1).astype(np.float32) if mask.any() else small
    return cv2.resize(painted, size, interpolation=cv2.INTER_LINEAR)


def complete_low_rank(textures: Textures) -> Float32[ndarray, "N m 3"]:
    """Return what the principal components of the seen texels say."""
    return learn_low_rank(textures.albedo, textures.weights, textures.components).pictures()


def complete_mirrored_low_rank(textures: Textures) -> Float32[ndarray, "N m 3"]:
    """Return the same, with a little weight on the other side of the face."""
    albedo, weights = with_other_side(textures)
    return learn_low_rank(albedo, weights, textures.components).pictures()


def with_other_side(textures: Textures) -> tuple[Float32[ndarray, "N m 3"], Float32[ndarray, "N m"]]:
    """Return textures whose hidden texels are those of the other side, with less weight, where that was seen.

    What the two sides of faces differ by on the whole is left out of it: the mean's other side is taken to the mean.
    """
    other, mean = textures.other_side(), textures.mean()
    use = (other >= 0) & (textures.weights[:, other] > 0) & (textures.weights <= 0)
    mirrored = textures.albedo[:, other] - mean[other] + mean
    albedo = np.where(use[..., None], mirrored, textures.albedo).astype(np.float32)
    return albedo, np.where(use, MIRRORED * textures.weights[:, other], textures.weights).astype(np.float32)


def complete_network(textures: Textures) -> Float32[ndarray, "N m 3"]:
    """Return the mean and the difference that a network trained on random strokes sees."""
    mean = textures.mean()
    seen = np.stack([textures.picture((weights > 0).astype(np.float32)[:, None]) for weights in textures.weights])
    apart = np.stack([textures.picture((albedo - mean).astype(np.float32)) for albedo in textures.albedo]) * seen
    found = complete_by_network(apart, seen, textures.seed)
    return mean + np.stack([textures.texels(picture) for picture in found])


METHODS: Final[dict[str, Method]] = {
    "mean": complete_mean,
    "mirror": complete_mirror,
    "surface": complete_surface,
    "telea": complete_telea,
    "biharmonic": complete_biharmonic,
    "low_rank": complete_low_rank,
    "mirrored_low_rank": complete_mirrored_low_rank,
    "low_rank_surface": complete_low_rank_surface,
    "network": complete_network,
}
"""By the names of the setting ``texture_space.compared``."""


def keep_back(textures: Textures) -> Bool[ndarray, "N m"]:
    """Return which seen texels a comparison keeps back: what another picture hides, as heads turn, and a few round spots."""
    random = np.random.default_rng(textures.seed)
    seen = textures.weights > 0
    points = textures.sheet.texels.spread(textures.sheet.head.template, textures.sheet.surface.faces)[textures.rows]
    held = np.zeros_like(seen)
    for row in range(len(seen)):
        others = seen[random.permutation(len(seen))]
        shares = (seen[row] & ~others).sum(1) / max(1, seen[row].sum())
        fitting = np.flatnonzero((shares > 0.02) & (shares < KEPT_BACK))
        if len(fitting):
            held[row] |= seen[row] & ~others[fitting[0]]
        for centre in points[random.choice(np.flatnonzero(seen[row]), 3)]:
            held[row] |= seen[row] & (np.linalg.norm(points - centre, axis=1) < random.uniform(0.005, 0.02))
    return held & (np.where(held, 0, textures.weights) > 0).any(0)


def compare(textures: Textures, methods: list[str]) -> dict[str, float]:
    """Return each method's root mean square error on texels that were seen and kept back, of 255."""
    held = keep_back(textures)
    weights = np.where(held, 0, textures.weights).astype(np.float32)
    some = weights.any(0)
    given = Textures(textures.sheet, textures.albedo[:, some], weights[:, some], textures.rows[some], textures.components)
    truth, errors = textures.albedo[:, some], {}
    for name in methods:
        apart = (METHODS[name](given) - truth)[held[:, some]]
        errors[name] = 255 * float(np.sqrt(np.square(apart).mean()))
    return errors
