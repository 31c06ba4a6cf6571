"""How scores were made, in words: figures of two papers compare only where all of this is the same."""

from collections.abc import Mapping
from typing import Any

from headsmith.contract.lpips import FIELD_FACTOR, LPIPS_BACKBONES
from headsmith.contract.manifest import Manifest
from headsmith.contract.settings import ScoresSettings
from headsmith.stages.scores_perceptual import Metric

Origins = Mapping[str, str]

FIXED = {
    "values": "RGB in 0..1, of 8 bits",
    "truth": "the frame as it is",
    "background": "renders are drawn over the clip's own background, clothes painted over",
    "average": "each score for each frame, then the mean over the frames that have it",
    "psnr": "-10 log10 of the squared error, averaged over the region's pixels and the channels; no frame above 100 dB",
    "ssim": "Gaussian window of 11x11, 1.5 pixels; K1 0.01, K2 0.03; its map averaged over the region and the channels",
    "baselines": "mean: the mean of all training frames; nearest: the training frame with the nearest landmarks in pixels",
}

REGIONS = {
    "image": "all pixels",
    "masked_image": "truth and render both multiplied by the head mask; all pixels count, the black ones too (the protocol of "
    "HyperGaussians' metrics.py)",
}

CUTS = {"head": "black outside the head mask, cut to its box", "masked_image": "black outside the head mask, the whole image"}

HELD_OUT = "the last of the clip's usable frames"

TRACKING = "frames that are held out are tracked as those that train: tracking and masks see them, the avatar does not"


def describe_protocol(
    held_out: Manifest, training: int, metrics: list[Metric], settings: ScoresSettings, origins: Origins
) -> dict[str, Any]:
    """Return the protocol of a score file.

    Args:
        held_out: Manifest of the renders.
        training: How many frames the avatar was trained on.
        metrics: The perceptual distances that were computed.
        settings: Which ones were asked for.
        origins: What the masks ``head``, ``mouth`` and ``eyes`` were made of, and how the frames were tracked (``tracking``).
    """
    masks = {region: f"pixels of the true frame's mask: {origins[region]}" for region in ("head", "mouth", "eyes")}
    if not origins["eyes"]:
        masks["eyes"] = "no score: the mask set `eyes` is switched off (masks.sets)"
    networks = {metric.name: describe_metric(metric) for metric in metrics}
    if settings.perceptual == "none":
        networks["stlpips"] = "not computed: scores.perceptual is none"
    if settings.lpips == "none":
        networks["lpips"] = "not computed: scores.lpips is none, because its network is the user's to bring"
    return {
        "held_out_frames": held_out.count,
        "training_frames": training,
        "held_out": HELD_OUT,
        "tracking": f"{origins['tracking']}; {TRACKING}",
        "image_size": list(held_out.size),
        **FIXED,
        "regions": masks | REGIONS,
        "perceptual": networks,
    }


def describe_metric(metric: Metric) -> dict[str, Any]:
    """Return what a perceptual distance is made by."""
    told: dict[str, Any] = {"values": "RGB in -1..1", **{cut: CUTS[cut] for cut in metric.cuts}, "scale": 1.0}
    if metric.name == "stlpips":
        return {"network": "ST-LPIPS, AlexNet; not LPIPS", **told}
    known = LPIPS_BACKBONES[metric.name.removeprefix("lpips_")]
    network = f"LPIPS 0.1 on {known.file}"
    factor = f"none; figures of FlashAvatar's kin are often multiplied by {FIELD_FACTOR}: multiply these to compare"
    return {"network": network, **told, "factor_of_the_field": factor}
