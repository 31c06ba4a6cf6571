"""Images, mattes and masks of one frame of a FlashAvatar subject: what is wrong with them, and where they show the head."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8
from numpy import ndarray

from headsmith.bridges.subject_heads import SeenHead
from headsmith.contract.archives import file_size
from headsmith.maths.masks import middle_of
from headsmith.media.image_facts import ImageFacts, decode_as_stored, image_facts

MOST_PIXELS, MOST_BYTES = 2**25, 2**27
"""Of an image, and of its file: 8K video has 33 million pixels."""
MOST_OUTSIDE = 0.2
"""Largest share of a mouth's mask that may leave the head's."""
LEAST_LIPS, MOST_NOSE = 0.3, 0.2
"""Smallest share of the lips' points, and largest of the nose's, in a mouth's mask."""
LEAST_HEAD = 0.5
"""Smallest share of the head's points in its mask, and in the matte."""
AROUND = 128
"""A point counts as inside a mask up to the image's width over this beside it: lips are tracked to about a percent."""
OPAQUE = 128
"""A pixel of this or more is in a matte or mask: half of 255."""

Mask = UInt8[ndarray, "H W"]


@dataclass
class ImageReport:
    """What was found in one frame's files.

    Attributes:
        index: Number of the frame, from 0.
        faults: Kind, word of the file and what is wrong.
        middles: Mean place (x, y) of the pixels of the masks ``mouth`` and ``neckhead``, pixels; where they are not empty.
        given: Files whose images could be read.
    """

    index: int
    faults: list[tuple[str, str, str]] = field(default_factory=list)
    middles: dict[str, Float[ndarray, "2"]] = field(default_factory=dict)
    given: int = 0

    def tell(self, kind: str, word: str, what: str) -> None:
        """Note a fault."""
        self.faults.append((kind, word, what))


def inspect_images(index: int, files: dict[str, Path], size: tuple[int, int] | None, head: SeenHead | None) -> ImageReport:
    """Look at the files of one frame.

    Args:
        index: Number of the frame, from 0.
        files: By word, as ``Subject.files`` has them.
        size: Width and height that all images must have; None where there is no image at all.
        head: Where the parameters put the head in the image; None where they cannot be used.
    """
    report = ImageReport(index)
    contents = {word: _content(path, word, report) for word, path in files.items()}
    facts = {word: _facts(content, word, size, report) for word, content in contents.items() if content is not None}
    report.given = len(facts)
    if (image := facts.get("image")) and (image.channels, image.bits) != (3, 8):
        report.tell("image_channels", "image", f"it has {image.channels} channels of {image.bits} bits")
    if (alpha := facts.get("alpha")) and (alpha.channels not in (1, 3) or alpha.bits != 8):
        report.tell("alpha_channels", "alpha", f"it has {alpha.channels} channels of {alpha.bits} bits")
    greys = {word: _grey(contents[word], word, report) for word in ("alpha", "neckhead", "mouth") if facts.get(word)}
    masks = {word: grey >= OPAQUE for word, grey in greys.items() if grey is not None and facts[word].size == size}
    for word in ("neckhead", "mouth"):
        if facts.get(word) and greys.get(word) is not None:
            _check_mask(facts[word], greys[word], word, report)
    _check_together(masks, report)
    if head is not None:
        for fault in _misplaced(masks, head):
            report.tell(*fault)
    report.middles = {word: middle_of(masks[word]) for word in ("neckhead", "mouth") if word in masks and masks[word].any()}
    return report


def _content(path: Path, word: str, report: ImageReport) -> bytes | None:
    try:
        file_size(path, MOST_BYTES)
        return path.read_bytes()
    except FileNotFoundError:
        beside = [other.name for ending in (".png", ".jpg", ".jpeg") if (other := path.with_suffix(ending)).exists()]
        report.tell("missing_image", word, f"it is not there{f'; there is {beside[0]}' if beside else ''}")
    except (OSError, ValueError) as error:
        report.tell("image_broken", word, str(getattr(error, "strerror", error)))
    return None


def _facts(content: bytes, word: str, size: tuple[int, int] | None, report: ImageReport) -> ImageFacts | None:
    facts = image_facts(content)
    if facts is None or not facts.whole or min(facts.size) == 0:
        report.tell("image_broken", word, "it is no PNG or JPEG" if facts is None else "its end is missing")
        return None
    if facts.size[0] * facts.size[1] > MOST_PIXELS:
        report.tell("image_broken", word, f"it claims {facts.size[0]}x{facts.size[1]} pixels")
        return None
    if size is not None and facts.size != size:
        report.tell("sizes_differ", word, f"it is {facts.size[0]}x{facts.size[1]}, the first image {size[0]}x{size[1]}")
    return facts


def _grey(content: bytes, word: str, report: ImageReport) -> Mask | None:
    """Return one channel of 8 bits; None, and told, where the pixels are broken."""
    pixels = decode_as_stored(content)
    if pixels is None:
        report.tell("image_broken", word, "its pixels cannot be decoded")
        return None
    grey = pixels if pixels.ndim == 2 else pixels[..., 1]
    return np.ascontiguousarray(grey) if grey.dtype == np.uint8 else (grey >> 8).astype(np.uint8)


def _check_mask(facts: ImageFacts, grey: Mask, word: str, report: ImageReport) -> None:
    if facts.channels not in (1, 3) or facts.bits > 8 or facts.palette:
        kind = "a palette" if facts.palette else f"{facts.channels} channels of {facts.bits} bits"
        report.tell("mask_channels", word, f"it has {kind}")
    counts = np.bincount(grey.ravel(), minlength=256)
    others = np.flatnonzero(counts[1:255]) + 1
    if len(others):
        share = counts[1:255].sum() / grey.size
        report.tell("mask_values", word, f"it holds {_listed(others)} in {share:.1%} of its pixels")
    elif not counts[255]:
        report.tell("mask_empty" if word == "neckhead" else "mouth_empty", word, "no pixel is 255")


def _listed(values: ndarray) -> str:
    told = ", ".join(str(value) for value in values[:4])
    return f"{told} and {len(values) - 4} other values" if len(values) > 4 else told


def _check_together(masks: dict[str, Bool[ndarray, "H W"]], report: ImageReport) -> None:
    if {"mouth", "neckhead"} <= masks.keys() and (total := np.count_nonzero(masks["mouth"])):
        outside = np.count_nonzero(masks["mouth"] & ~masks["neckhead"]) / total
        if outside > MOST_OUTSIDE:
            report.tell("mouth_outside", "mouth", f"{outside:.0%} of it")


def _misplaced(masks: dict[str, Bool[ndarray, "H W"]], head: SeenHead) -> Iterator[tuple[str, str, str]]:
    """Yield kind, word and share of masks that do not lie where the head is; the nose is not in a mask that it only touches."""
    for word, kind in (("neckhead", "head_elsewhere"), ("alpha", "alpha_off_head")):
        if word in masks and masks[word].any() | (word == "alpha"):
            share = share_inside(masks[word], head.points)
            if share < LEAST_HEAD:
                yield kind, word, f"{share:.0%} of the head's points are in it"
    if "mouth" in masks and masks["mouth"].any() and len(head.lips):
        lips, nose = share_inside(masks["mouth"], head.lips), share_inside(masks["mouth"], head.nose, 0)
        if lips < LEAST_LIPS or nose > MOST_NOSE:
            yield "mouth_elsewhere", "mouth", f"{lips:.0%} of the lips' points and {nose:.0%} of the nose's are in it"


def share_inside(inside: Bool[ndarray, "H W"], points: Float[ndarray, "n 2"], reach: int | None = None) -> float:
    """Return the share of points that lie in a mask, or at most ``reach`` pixels beside it; outside the image is outside."""
    height, width = inside.shape
    reach = max(1, width // AROUND) if reach is None else reach
    steps = np.arange(-reach, reach + 1)
    columns, rows = np.floor(np.nan_to_num(points, nan=-1e6).clip(-1e6, 1e6)).astype(np.int64).T
    rows, columns = np.broadcast_arrays(rows[:, None, None] + steps[:, None], columns[:, None, None] + steps)
    there = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    near = inside[rows.clip(0, height - 1), columns.clip(0, width - 1)] & there
    return float(near.any((1, 2)).mean())
