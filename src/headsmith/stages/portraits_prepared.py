"""A picture made ready for the fit of a portrait: its crop, labels and landmarks, in memory and on disk."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from headsmith.contract.conventions import convention_of
from headsmith.contract.errors import UserError
from headsmith.contract.labels import LABELS
from headsmith.media.arrays import read_arrays
from headsmith.media.atomic import atomic_path
from headsmith.media.images import encode_png, read_image

KEYS = ("landmarks", "confidence", "convention", "crop", "size")
LABELS_SUFFIX = ".labels.png"
REMAKE = "the pictures are prepared anew"


@dataclass(frozen=True)
class PreparedPortrait:
    """A face in its square crop.

    Attributes:
        name: The picture's name within its portrait; it names the files.
        picture: The crop, RGB, 0..255.
        labels: Ids of ``contract.labels.LABELS``, of the crop.
        landmarks: x, y in pixels of the crop; pixel centres at +0.5. Points may lie outside of the crop.
        confidence: Of each landmark, 0..1.
        convention: The order of the landmarks, a name of ``contract.conventions``.
        crop: From the picture's own upright pixels to the crop's, centres of pixels at +0.5: a similarity, last row 0 0 1.
        size: Width and height of the picture, upright, in its own pixels.
    """

    name: str
    picture: UInt8[np.ndarray, "S S 3"]
    labels: UInt8[np.ndarray, "S S"]
    landmarks: Float[np.ndarray, "L 2"]
    confidence: Float[np.ndarray, "L"]
    convention: str
    crop: Float[np.ndarray, "3 3"]
    size: tuple[int, int]


def write_prepared(folder: Path, portrait: PreparedPortrait) -> None:
    """Write a prepared picture into a folder: ``{name}.png``, ``{name}.labels.png`` and, last, ``{name}.npz``."""
    for suffix, image in ((".png", portrait.picture), (LABELS_SUFFIX, portrait.labels)):
        with atomic_path(folder / f"{portrait.name}{suffix}") as partial:
            partial.write_bytes(encode_png(image, flat=suffix == LABELS_SUFFIX))
    arrays = {key: np.asarray(getattr(portrait, key)) for key in KEYS}
    with atomic_path(folder / f"{portrait.name}.npz") as partial:
        np.savez(partial, **arrays)


def read_prepared(folder: Path, name: str) -> PreparedPortrait:
    """Return a picture that ``write_prepared`` wrote.

    Raises:
        UserError: A file is missing or broken, or the three do not go together.
    """
    path = folder / f"{name}.npz"
    arrays = read_arrays(path, KEYS, name, what="prepared picture", remake=REMAKE)
    width, height = arrays["size"].tolist()
    arrays["picture"] = read_image(folder / f"{name}.png", clip=name)
    arrays["labels"] = read_image(folder / f"{name}{LABELS_SUFFIX}", grey=True, clip=name)
    _check(arrays, name, path)
    of_name = {key: value for key, value in arrays.items() if key not in ("convention", "size")}
    return PreparedPortrait(name, convention=str(arrays["convention"]), size=(width, height), **of_name)


def _check(arrays: dict[str, ndarray], name: str, path: Path) -> None:
    count, side = convention_of(str(arrays["convention"])).count, arrays["picture"].shape[0]
    shapes = {
        "picture": (side, side, 3),
        "labels": (side, side),
        "landmarks": (count, 2),
        "confidence": (count,),
        "crop": (3, 3),
    }
    for key, shape in shapes.items():
        if arrays[key].shape != shape:
            raise _broken(f"`{key}` is {arrays[key].shape}, not {shape}", name, path)
    if arrays["labels"].max(initial=0) >= len(LABELS):
        raise _broken(f"there is no label {arrays['labels'].max()}", name, path)
    if not all(np.isfinite(arrays[key]).all() for key in ("landmarks", "confidence", "crop")):
        raise _broken("a number is not finite", name, path)


def _broken(what: str, name: str, path: Path) -> UserError:
    remedy = f"delete the manifest beside {path.parent} and run snakemake again: {REMAKE}"
    return UserError(f"the prepared picture does not hold together: {what}", clip=name, file=path, remedy=remedy)
