"""``tracking.npz``, read and checked against the head it was made with."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.heads.container import HeadContainer
from headsmith.media.arrays import read_arrays

KEYS = (
    *("ids", "identity", "expression", "jaw", "eyes", "neck", "eyelids", "rotation", "translation"),
    *("focal", "principal", "size", "status", "residual", "head_sha256", "convention"),
)
DEVIATIONS = ("deviation", "parameter_deviation", "identity_deviation", "focal_deviation")


@dataclass(frozen=True)
class Tracking:
    """The arrays of ``tracking.npz``, by name (docs/architecture.md)."""

    arrays: dict[str, ndarray]

    @property
    def ids(self) -> list[int]:
        """Frame ids."""
        return self.arrays["ids"].tolist()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the frames, pixels."""
        width, height = self.arrays["size"].tolist()
        return width, height


def read_tracking(path: Path, head: HeadContainer, clip: str) -> Tracking:
    """Return the tracking of a clip.

    Raises:
        UserError: The file cannot be read, or was made with another head.
    """
    remake = "the head is tracked anew"
    arrays = read_arrays(path, KEYS, clip, what="tracking", remake=remake)
    made_with = str(arrays["head_sha256"])
    if made_with != head.sha256:
        what = f"the tracking was made with another head ({made_with[:12]}) than {head.name} ({head.sha256[:12]})"
        raise UserError(what, clip=clip, file=path, remedy=f"delete {path} and run snakemake again: {remake}")
    return Tracking(arrays)


def read_deviations(path: Path) -> dict[str, ndarray]:
    """Return the standard deviations of a tracking that was read before; those that it has, none where it was imported."""
    with np.load(path, allow_pickle=False) as content:
        return {name: content[name] for name in DEVIATIONS if name in content}
