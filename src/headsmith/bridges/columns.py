"""Numbered files with the same arrays each, as one array a name; and the clip that is built of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.given import fit_codes, numbers, one_identity
from headsmith.bridges.track import OK, Track
from headsmith.contract.errors import UserError
from headsmith.heads.model import HeadModel

Shapes = Mapping[str, tuple[int, ...]]


def read_columns(
    files: list[tuple[int, Path]], read: Callable[[Path], Mapping[str, Any]], shapes: Shapes, optional: Shapes | None = None
) -> dict[str, Float[ndarray, "T *shape"]]:
    """Return the arrays of all files, the files first.

    Args:
        files: Number and path of each file.
        read: Returns what one file holds.
        shapes: What must be there, and its shape; -1 stands for any length.
        optional: What may be left out, by all files alike.

    Raises:
        UserError: A file lacks an array, has another shape than asked for or than the first file, or has an optional array
            that the first has not.
    """
    rows: dict[str, list[ndarray]] = {}
    wanted: dict[str, tuple[int, ...]] = dict(shapes)
    for place, (_, path) in enumerate(files):
        content = read(path)
        if place == 0:
            wanted |= {key: shape for key, shape in (optional or {}).items() if key in content}
        for key in (optional or {}).keys() - wanted.keys():
            if key in content:
                raise UserError(f"{key!r} is in this file, but not in {files[0][1].name}", file=path)
        for key, shape in wanted.items():
            row = numbers(content, key, shape, path)
            if rows.setdefault(key, [row])[0].shape != row.shape:
                raise UserError(f"{key!r} is {row.shape}, but {rows[key][0].shape} in {files[0][1].name}", file=path)
            if place:
                rows[key].append(row)
    return {key: np.stack(values) for key, values in rows.items()}


@dataclass(frozen=True)
class Codes:
    """Codes of a clip, as many as the head has.

    Attributes:
        identity: Of the person.
        expression: Of each frame.
    """

    identity: Float[ndarray, " K"]
    expression: Float[ndarray, "T E"]


def read_codes(model: HeadModel, identity: Float[ndarray, "n k"], expression: Float[ndarray, "T e"], path: Path) -> Codes:
    """Return the codes of a clip: the median of the identity over its frames, and zeros after codes that are too few.

    Args:
        model: The head that the codes are of.
        identity: In every frame, or once.
        expression: In every frame.
        path: Where they stand, for messages.

    Raises:
        UserError: There are more codes than the head has.
    """
    person = fit_codes(one_identity(identity, path)[None], len(model.identity), "identity", path)[0]
    return Codes(person, fit_codes(expression, len(model.expression), "expression", path))


def build_track(
    model: HeadModel,
    *,
    ids: list[int],
    codes: Codes,
    pose: tuple[Float[ndarray, "T 3 3"], Float[ndarray, "T 3"]],
    focal: float,
    principal: Float[ndarray, "2"],
    size: tuple[int, int],
    jaw: Float[ndarray, "T 3"],
    eyes: Float[ndarray, "T 2 3"] | None = None,
    neck: Float[ndarray, "T 3"] | None = None,
    eyelids: Float[ndarray, "T 2"] | None = None,
) -> Track:
    """Return the clip of what another program found; what it does not know is at rest, and all of its frames are ``ok``.

    Args:
        model: The head that the codes are of, float64.
        ids: Number of each frame, ascending.
        codes: Identity and expression.
        pose: Rotations and translations, head to camera.
        focal: Pixels.
        principal: Pixels.
        size: Width and height, pixels.
        jaw: Axis-angle.
        eyes: Axis-angle of the left and the right eye.
        neck: Axis-angle.
        eyelids: Left, right.
    """
    count = len(ids)
    return Track(
        ids=np.array(ids, np.int64),
        identity=codes.identity,
        expression=codes.expression,
        jaw=jaw,
        eyes=np.zeros((count, 2, 3)) if eyes is None else eyes,
        neck=np.zeros((count, 3)) if neck is None else neck,
        eyelids=np.zeros((count, 2)) if eyelids is None else eyelids,
        rotation=np.ascontiguousarray(pose[0]),
        translation=np.ascontiguousarray(pose[1]),
        focal=float(focal),
        principal=np.asarray(principal, np.float64),
        size=size,
        status=(OK,) * count,
        residual=np.full(count, np.nan),
        head_sha256=model.sha256,
        convention="",
    )
