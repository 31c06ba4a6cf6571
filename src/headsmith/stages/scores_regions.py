"""Over which pixels a picture is compared with the truth, and how alike the two are there: PSNR and SSIM.

``_head``, ``_mouth`` and ``_eyes`` count the pixels of the true frame's mask; ``_image`` counts all, with the shoulders,
which an avatar of the head does not have. ``_masked_image`` is what figures of FlashAvatar's kin are made by (``metrics.py`` of
HyperGaussians' branch flash_avatar): both pictures are black outside the true head mask, and all pixels count, the black ones
too. It grows with the empty part of the picture, so it compares only where heads fill their pictures alike.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8
from numpy import ndarray

from headsmith.maths.metrics import mean_over, psnr, ssim_map
from headsmith.media.images import read_image

Row = dict[str, float | int | None]
Picture = UInt8[ndarray, "H W 3"]

REGIONS = ("head", "mouth", "eyes", "image", "masked_image")
BORDER = 5
"""Half of SSIM's window: HyperGaussians' SSIM sees black beyond the picture's border, where ours alone would see a mirror."""


@dataclass(frozen=True)
class Truth:
    """One held-out frame: the picture, the pixels that count by region, its MediaPipe landmarks in pixels where it has any."""

    picture: Picture
    regions: dict[str, Bool[ndarray, "H W"]]
    landmarks: Float[ndarray, "L 2"] | None


def read_truth(frame: Path, masks: dict[str, Path], landmarks: Float[ndarray, "L 2"] | None) -> Truth:
    """Read one frame with its masks; the whole image is a region as well."""
    picture = read_image(frame)
    regions = {region: read_image(path, grey=True) > 127 for region, path in masks.items()}
    return Truth(picture, {**regions, "image": np.ones(picture.shape[:2], bool)}, landmarks)


def compare(truth: Truth, picture: Picture | None) -> Row:
    """Return PSNR and SSIM over each of ``REGIONS``; None where the region is empty or there is no picture."""
    scores: Row = {f"{kind}_{region}": None for kind in ("psnr", "ssim") for region in REGIONS}
    if picture is None:
        return scores
    true, shown = truth.picture / 255.0, picture / 255.0
    similarity = ssim_map(true, shown)
    for region, mask in truth.regions.items():
        if mask.any():
            scores[f"psnr_{region}"] = psnr(true, shown, mask)
            scores[f"ssim_{region}"] = mean_over(similarity, mask)
    if truth.regions["head"].any():
        scores |= compare_masked(true, shown, truth.regions["head"])
    return scores


def compare_masked(truth: Float[ndarray, "H W 3"], picture: Float[ndarray, "H W 3"], mask: Bool[ndarray, "H W"]) -> Row:
    """Return PSNR and SSIM over all pixels of two pictures that are black outside the mask, and beyond their border."""
    true, shown = (values * mask[..., None] for values in (truth, picture))
    wide = [np.pad(values, ((BORDER, BORDER), (BORDER, BORDER), (0, 0))) for values in (true, shown)]
    similarity = ssim_map(*wide)[BORDER:-BORDER, BORDER:-BORDER]
    return {"psnr_masked_image": psnr(true, shown, np.ones_like(mask)), "ssim_masked_image": float(similarity.mean())}
