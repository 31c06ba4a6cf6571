"""The 19 face-parsing classes under one named order, and the unions cut from them.

The order is that of face-parsing.PyTorch (zllrunning), which BiSeNet's published weights and the BiSeNetV2 of the demo
share. CelebAMask-HQ's own order differs (10 is *mouth* there, *nose* here), so masks are asked for by name only.
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

MOUTH: tuple[str, ...] = ("mouth", "upper_lip", "lower_lip")
HEAD: tuple[str, ...] = tuple(name for name in LABELS if name not in ("background", "cloth"))


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
