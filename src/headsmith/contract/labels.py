"""The 19 face-parsing classes under one named order, the orders of parsers, and the masks cut from them.

``LABELS`` is the order of face-parsing.PyTorch (zllrunning), which BiSeNet's published weights and the BiSeNetV2 of the demo
share. CelebAMask-HQ's own order differs (10 is *mouth* there, *nose* here). So a parser declares its order by name, its maps
are brought to ``LABELS`` on the way in, and masks are asked for by label names only.
"""

from collections.abc import Iterable

from headsmith.contract.errors import UserError

LABELS: tuple[str, ...] = (
    "background",
    "skin",
    "left_brow",
    "right_brow",
    "left_eye",
    "right_eye",
    "glasses",
    "left_ear",
    "right_ear",
    "earring",
    "nose",
    "mouth",
    "upper_lip",
    "lower_lip",
    "neck",
    "necklace",
    "cloth",
    "hair",
    "hat",
)

LABEL_ORDERS: dict[str, tuple[str, ...]] = {
    "face_parsing": LABELS,
    "celebamask_hq": (
        *("background", "skin", "nose", "glasses", "left_eye", "right_eye", "left_brow", "right_brow", "left_ear", "right_ear"),
        *("mouth", "upper_lip", "lower_lip", "hair", "hat", "earring", "necklace", "neck", "cloth"),
    ),
}
"""Orders in use: ``celebamask_hq`` is that of the dataset's ``g_mask.py``, which SegFormer's face parsing keeps."""

MASKS: dict[str, tuple[str, ...]] = {
    "mouth": ("mouth", "upper_lip", "lower_lip"),
    "head": tuple(name for name in LABELS if name not in ("background", "cloth")),
    "hair": ("hair",),
    "skin": ("skin", "nose"),
    "eyes": ("left_eye", "right_eye"),
}
"""The masks that are known without a word in the configuration; ``head`` is FlashAvatar's *neckhead*."""

NEEDED_MASKS = ("mouth", "head")
"""Masks that the dataset is made with."""


def order_of(name: str) -> tuple[str, ...]:
    """Return the order of labels of that name.

    Raises:
        UserError: It is not known.
    """
    if name not in LABEL_ORDERS:
        remedy = f"use one of: {', '.join(LABEL_ORDERS)}"
        raise UserError(f"the order of labels {name!r} is not known, so no mask can be cut by name", remedy=remedy)
    return LABEL_ORDERS[name]


def label_ids(names: Iterable[str]) -> tuple[int, ...]:
    """Return the ids of label names, in the names' order.

    Raises:
        UserError: A name is not one of ``LABELS``.
    """
    ids = []
    for name in names:
        if name not in LABELS:
            raise UserError(f"unknown label {name!r}", remedy=f"use one of: {', '.join(LABELS)}")
        ids.append(LABELS.index(name))
    return tuple(ids)
