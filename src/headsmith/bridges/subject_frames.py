"""Parameters of a FlashAvatar subject: each file by itself, and what must be the same in all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.flashavatar import EXPRESSIONS, IDENTITIES, read_frame
from headsmith.bridges.given import ORTHONORMAL, SAME
from headsmith.bridges.subject import Subject
from headsmith.bridges.subject_faults import Faults
from headsmith.heads.pickles_values import ForeignName, Refusal

ARRAYS: dict[tuple[str, str], tuple[int, ...]] = {
    ("flame", "shape"): (1, IDENTITIES),
    ("flame", "exp"): (1, EXPRESSIONS),
    ("flame", "jaw"): (1, 6),
    ("flame", "eyes"): (1, 12),
    ("flame", "eyelids"): (1, 2),
    ("opencv", "R"): (1, 3, 3),
    ("opencv", "t"): (1, 3),
    ("opencv", "K"): (1, 3, 3),
}
"""What FlashAvatar's own code reads, and its shapes."""
CENTRE = 0.51
"""Pixels by which the principal point may miss the centre: some count pixels from their centres."""
SLACK = 0.01
"""How far eyelids may leave 0..1."""
NEAR = 0.01
"""Depth, metres, from which on FlashAvatar draws."""


@dataclass(frozen=True)
class FrameNumbers:
    """What a sound ``.frame`` holds, float64, without the leading axes.

    Attributes:
        numbers: By name: ``shape exp jaw eyes eyelids R t K``.
        size: ``img_size`` as it stands.
    """

    numbers: dict[str, Float[ndarray, "*n"]]
    size: tuple[int, ...]


class FrameCheck:
    """Reads the parameters of frames one after the other, and tells what is wrong with them.

    Args:
        subject: Where they lie.
        faults: Where faults go.
    """

    def __init__(self, subject: Subject, faults: Faults) -> None:
        self._subject, self._faults = subject, faults
        self._first: dict[str, ndarray] = {}

    def read(self, index: int) -> FrameNumbers | None:
        """Return what a frame holds, or None where it cannot be used."""
        content = self._content(index)
        if content is None:
            return None
        numbers = self._numbers(content, index)
        if numbers is None:
            return None
        self._check_lens(numbers, index)
        self._check_pose(numbers, index)
        self._check_codes(numbers, index)
        return FrameNumbers(numbers, self._size(content, index))

    def _tell(self, kind: str, index: int, what: str) -> None:
        self._faults.add(kind, self._subject.told(self._subject.frame(index)), what, index)

    def _content(self, index: int) -> Mapping[str, Any] | None:
        try:
            return read_frame(self._subject.frame(index))
        except ForeignName as error:
            self._tell("unsafe", index, f"it names {error.name}")
        except (OSError, Refusal) as error:
            self._tell("unreadable", index, str(error)[:160])
        return None

    def _numbers(self, content: Mapping[str, Any], index: int) -> dict[str, Float[ndarray, "*n"]] | None:
        found = {}
        for (group, key), shape in ARRAYS.items():
            part = content.get(group)
            value = part.get(key) if isinstance(part, Mapping) else None
            if value is None:
                self._tell("missing_key", index, f"there is no {group}.{key}")
                continue
            array = np.asarray(value)
            if array.dtype != np.float32:
                self._tell("type", index, f"{group}.{key} is {array.dtype}")
            if array.shape != shape:
                self._tell("shape", index, f"{group}.{key} has shape {array.shape}, not {shape}")
            elif array.dtype.kind in "fiu":
                found[key] = array[0].astype(np.float64)
                if not np.isfinite(found[key]).all():
                    self._tell("not_finite", index, f"{group}.{key} holds {np.count_nonzero(~np.isfinite(found[key]))}")
                    del found[key]
        return found if len(found) == len(ARRAYS) else None

    def _size(self, content: Mapping[str, Any], index: int) -> tuple[int, ...]:
        value = np.asarray(content.get("img_size", ())).ravel()
        if value.shape != (2,) or value.dtype.kind not in "iuf":
            self._tell("missing_key", index, f"img_size is {content.get('img_size')!r:.60}, not two numbers")
            return ()
        return tuple(int(side) for side in value)

    def _check_lens(self, numbers: dict[str, ndarray], index: int) -> None:
        lens = numbers["K"]
        if min(lens[0, 0], lens[1, 1]) <= 0 or np.abs(lens[[0, 1, 2, 2, 2], [1, 0, 0, 1, 2]] - [0, 0, 0, 0, 1]).max() > SAME:
            self._tell("lens", index, f"it is {lens.round(3).tolist()}")
        first = self._first.setdefault("lens", lens)
        for axis, name in enumerate(("fx", "fy")):
            if abs(lens[axis, axis] - first[axis, axis]) > SAME * abs(first[axis, axis]):
                self._tell("fov_varies", index, f"{name} is {lens[axis, axis]:.2f}, the first frame's {first[axis, axis]:.2f}")
                break

    def _check_pose(self, numbers: dict[str, ndarray], index: int) -> None:
        rotation = numbers["R"]
        miss, determinant = np.abs(rotation @ rotation.T - np.eye(3)).max(), np.linalg.det(rotation)
        if miss > ORTHONORMAL:
            self._tell("rotation", index, f"R R' is {miss:.2g} from the identity")
        elif determinant < 0:
            self._tell("mirrored", index, f"its determinant is {determinant:.3f}")
        if numbers["t"][2] <= NEAR:
            self._tell("behind", index, f"t[2] is {numbers['t'][2]:.3f} m")

    def _check_codes(self, numbers: dict[str, ndarray], index: int) -> None:
        first = self._first.setdefault("shape", numbers["shape"])
        change = np.abs(numbers["shape"] - first)
        if change.max() > SAME:
            self._tell("identity_varies", index, f"flame.shape[{change.argmax()}] is {change.max():.3g} from the first's")
        lids = numbers["eyelids"]
        if lids.min() < -SLACK or lids.max() > 1 + SLACK:
            self._tell("eyelids", index, f"they are {lids.round(3).tolist()}")
        for name, rows in zip(("jaw", "left eye", "right eye"), _rows(numbers), strict=True):
            lengths, along = np.linalg.norm(rows, axis=1), rows[0] @ rows[1]
            if lengths.min() < ORTHONORMAL or abs(along) > (1 - ORTHONORMAL) * lengths.prod():
                self._tell("six_numbers", index, f"the rows of the {name} are {rows.round(3).tolist()}")
            elif max(np.abs(lengths - 1).max(), abs(along)) > ORTHONORMAL:
                self._tell("rows_not_unit", index, f"the rows of the {name} have lengths {lengths.round(4).tolist()}")


def _rows(numbers: dict[str, ndarray]) -> Float[ndarray, "3 2 3"]:
    return np.concatenate([numbers["jaw"], numbers["eyes"]]).reshape(3, 2, 3)
