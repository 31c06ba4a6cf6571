"""The report's scores: avatars beside the baselines, what each score means, and by which protocol it was made."""

from collections.abc import Iterator, Mapping
from typing import Any

from headsmith.show.page import Table

Scores = dict[str, dict[str, Any]]

NETWORKS = {"vgg": "VGG-16", "alex": "AlexNet"}

SCORE_ROWS: tuple[tuple[str, str, int, bool], ...] = (
    ("psnr_head", "PSNR, head / dB", 2, True),
    ("psnr_mouth", "PSNR, mouth / dB", 2, True),
    ("psnr_eyes", "PSNR, eyes / dB", 2, True),
    ("psnr_image", "PSNR, image / dB", 2, True),
    ("psnr_masked_image", "PSNR, masked image / dB", 2, True),
    ("ssim_head", "SSIM, head", 4, True),
    ("ssim_mouth", "SSIM, mouth", 4, True),
    ("ssim_eyes", "SSIM, eyes", 4, True),
    ("ssim_image", "SSIM, image", 4, True),
    ("ssim_masked_image", "SSIM, masked image", 4, True),
    ("stlpips_head", "ST-LPIPS, head", 4, False),
    *(
        (f"lpips_{network}_{cut}", f"LPIPS on {name}, {cut.replace('_', ' ')}", 4, False)
        for network, name in NETWORKS.items()
        for cut in ("head", "masked_image")
    ),
    ("landmark_error_percent_iod", "Landmark error / % of eye distance", 2, False),
)
"""Key, what it is called, decimals, whether more is better."""

BASELINES = {"baseline_nearest_": "nearest frame", "baseline_mean_": "mean frame"}

SCORE_NOTES = (
    ("PSNR", "peak signal-to-noise ratio in dB: minus ten times the logarithm of the mean squared error, values in 0..1. "
     "Six dB more halve the error. Computed per frame over the pixels of the region, then averaged over the frames."),
    ("SSIM", "structural similarity (Wang et al. 2004), 1 for equal pictures; its map is averaged over the region."),
    ("ST-LPIPS", "a learned perceptual distance that forgives small shifts (Ghildyal and Liu 2022), of the head cut out by its "
     "mask; 0 for equal pictures. It is not LPIPS, and does not compare with published LPIPS values."),
    ("LPIPS", "the learned perceptual distance of Zhang et al. 2018, where its network was brought (scores.lpips). Figures of "
     "FlashAvatar and its kin are often multiplied by 0.05; these are not."),
    ("Landmark error", "distance between landmarks found in render and truth, in percent of the distance between the outer eye "
     "corners; it tells whether expression and pose are right, whatever the colours."),
    ("head, mouth, eyes, image", "the pixels of the true frame's masks, and all pixels (shoulders included, which the avatar "
     "does not have)."),
    ("masked image", "both pictures black outside the head mask, all pixels counted, the black ones too: the protocol of "
     "HyperGaussians and of figures that are made like theirs. It is higher the smaller the head is in the picture."),
    ("mean frame, nearest frame", "baselines: the mean of all training frames, and the training frame whose landmarks are "
     "nearest to those of the frame in question."),
)  # fmt: skip


def score_table(scores: Scores) -> Table | None:
    """Return scores by row, a column for each variant and then the two baselines; the best of each row is told."""
    if not scores:
        return None
    some = next(iter(scores.values()))
    rows, best = [], set()
    for key, name, decimals, more_is_better in SCORE_ROWS:
        values = [content.get(key) for content in scores.values()] + [some.get(prefix + key) for prefix in BASELINES]
        known = [value for value in values if value is not None]
        if not known:
            continue
        winner = max(known) if more_is_better else min(known)
        if len(known) > 1:
            best |= {(len(rows), column + 1) for column, value in enumerate(values) if value == winner}
        rows.append((name, *("" if value is None else f"{value:.{decimals}f}" for value in values)))
    return Table(("score", *scores, *BASELINES.values()), tuple(rows), frozenset(best))


def protocol_table(scores: Scores) -> Table | None:
    """Return how the scores were made: a column of what all variants share, or one for each where they differ."""
    told = {variant: dict(_lines(content["protocol"])) for variant, content in scores.items() if "protocol" in content}
    if not told:
        return None
    names = list(dict.fromkeys(name for lines in told.values() for name in lines))
    columns = list(told.values())
    if all(lines == columns[0] for lines in columns):
        return Table(("protocol", "of these scores"), tuple((name, columns[0][name]) for name in names), numbers_from=99)
    rows = tuple((name, *(lines.get(name, "") for lines in columns)) for name in names)
    return Table(("protocol", *told), rows, numbers_from=99)


def _lines(protocol: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in protocol.items():
        words = above + name.replace("_", " ")
        if isinstance(value, Mapping):
            yield from _lines(value, f"{words}, ")
        else:
            yield words, " x ".join(map(str, value)) if isinstance(value, list) else str(value)
