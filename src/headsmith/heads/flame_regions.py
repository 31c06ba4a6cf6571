"""Named regions of FLAME's head: what its triangles and weights tell, and the masks of its authors where the user has them."""

import re
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.contract.flame import PAGE
from headsmith.heads.flame_mouth import CLOSING
from headsmith.heads.flame_source import EYEBALLS, VERTICES, FlameSource
from headsmith.heads.pickles_arrays import as_array
from headsmith.heads.pickles_file import read_pickle
from headsmith.heads.pickles_values import Refusal

REMEDY: Final = f"download FLAME_masks.pkl (vertex masks) from {PAGE}, or name no file: fewer regions are then known"

NECK_FROM: Final = 0.3
"""Share of a vertex's skinning weight on the root from which it is neck, as for the head anny."""

LID_MOVE: Final = 1e-3
"""Metres. Vertices that an eyelid moves by more are its region, as for the head anny."""


def find_regions(source: FlameSource, eyelids: Float[ndarray, "2 V 3"]) -> dict[str, Int[ndarray, " _"]]:
    """Return vertex ids by region, from the model alone.

    ``left_eyeball``, ``right_eyeball``: FLAME's ranges. ``skin``: all else. ``boundary``: the open ring at the lower end.
    ``mouth_rim``: the corners of the triangles that close the mouth. ``neck``: by the weights of the root. ``left_eyelid``,
    ``right_eyelid``: what the eyelids move, without those that move nothing.
    """
    balls = {name: np.arange(ids.start, ids.stop) for name, ids in EYEBALLS.items()}
    skin = np.setdiff1d(np.arange(VERTICES), np.concatenate(list(balls.values())))
    lids = zip(("left_eyelid", "right_eyelid"), np.linalg.norm(eyelids, axis=2) > LID_MOVE, strict=True)
    return {
        **balls,
        "skin": skin,
        "boundary": lowest_ring(source.template, source.faces),
        "mouth_rim": np.unique(CLOSING),
        "neck": np.intersect1d(np.flatnonzero(source.weights[:, 0] > NECK_FROM), skin),
        **{name: np.flatnonzero(moved) for name, moved in lids if moved.any()},
    }


def lowest_ring(template: Float[ndarray, "V 3"], faces: Int[ndarray, "F 3"]) -> Int[ndarray, " n"]:
    """Return the vertices of the open ring (edges of one triangle alone) that lies lowest."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    once, counts = np.unique(edges, axis=0, return_counts=True)
    once = once[counts == 1]
    if not len(once):
        return np.zeros(0, np.int64)
    ring = np.zeros(len(template), bool)
    ring[once[template[once, 1].mean(1).argmin()]] = True
    while True:
        touched = once[ring[once].any(1)]
        if ring[touched].all():
            return np.flatnonzero(ring)
        ring[touched] = True


def read_masks(path: Path, template: Float[ndarray, "V 3"]) -> tuple[dict[str, Int[ndarray, " _"]], bool]:
    """Return vertex ids by the names of ``FLAME_masks.pkl``, and whether left and right had to be exchanged.

    Left is the subject's left here: where a file's ``left`` lies at smaller x than its ``right``, all pairs change names.

    Raises:
        UserError: The file is missing, asks to run something, or holds no vertex ids of FLAME.
    """
    file = read_pickle(path, REMEDY)
    masks = {_word(name, path): file.read(name, _ids) for name in file.values}
    pairs = [(name, name.replace("left", "right", 1)) for name in masks if "left" in name]
    pairs = [pair for pair in pairs if pair[1] in masks]
    swapped = sum(np.sign(template[masks[left], 0].mean() - template[masks[right], 0].mean()) for left, right in pairs) < 0
    if swapped:
        masks |= {new: masks[old] for pair in pairs for new, old in (pair, pair[::-1])}
    return masks, bool(swapped)


def _word(name: object, path: Path) -> str:
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", name):
        told = ascii(name)[:40] if isinstance(name, str) else type(name).__name__
        raise UserError(f"a mask is named {told}", file=path, remedy=REMEDY)
    return name


def _ids(value: Any) -> Int[ndarray, " _"]:
    listed = isinstance(value, list) and all(type(entry) is int and 0 <= entry < VERTICES for entry in value)
    ids = np.array(value, np.int64) if listed else as_array(value)
    if ids.ndim != 1 or ids.dtype.kind not in "iu" or not ids.size:
        raise Refusal(f"it is {ids.dtype} {ids.shape}, no list of vertices")
    if ids.min() < 0 or ids.max() >= VERTICES:
        raise Refusal(f"it names vertices {ids.min()}..{ids.max()}, but there are {VERTICES}")
    return np.unique(ids).astype(np.int64)
