"""Closing FLAME's eyes: the user's displacements, or our own, made from the geometry of any head with FLAME's triangles.

FLAME has no eyelids. MICA, metrical-tracker and FlashAvatar carry ``l_eyelid.npy`` and ``r_eyelid.npy``; without them, each
eye's opening is found as the directions from the eyeball's centre in which no skin lies, and the lids are drawn over it.
"""

from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from headsmith.contract.archives import check_array
from headsmith.contract.errors import UserError
from headsmith.heads.flame_opening import Opening, directions, find_opening, fit_sphere, on_eyeballs
from headsmith.heads.flame_source import EYEBALLS, VERTICES

REMEDY: Final = "name l_eyelid.npy and r_eyelid.npy as metrical-tracker has them, or none: the lids are then made from the head"

MEETING: Final = 0.25
"""Where the lids meet, as a share of the opening above the lower one: the upper lid does most of a blink."""

LAP: Final = 0.04
"""Radians that each lid goes past there, half a millimetre, so that edges of few vertices leave no slits."""

NEAR, FAR = 1.5, 2.2
"""Eyeball radii from its centre: skin nearer than the first moves wholly, skin beyond the second not at all."""

FADE: Final = 2.0
"""Openings above and below the lids' edges over which the skin's move fades; over 1.5 it cannot fold over itself."""

CORNER: Final = 0.15
"""Radians past the corners of an opening, which taper, over which the move of its last column fades."""

MOST_BYTES: Final = 2**24
"""Of a file; 5,023 x 3 numbers take 121 kB."""

LARGEST: Final = 0.03
"""Metres that a lid may move, in a file: the published ones move by up to 9.25 mm."""


def read_eyelids(left: Path, right: Path) -> Float[ndarray, "2 V 3"]:
    """Return the displacements that close the left and the right eye, from the user's files.

    Raises:
        UserError: A file is missing, holds no array of FLAME's vertices, or moves the other eye.
    """
    lids = np.stack([_read_lid(left), _read_lid(right)]).astype(np.float64)
    for path, lid, name in zip((left, right), lids, EYEBALLS, strict=True):
        if not np.isfinite(lid).all() or not 0 < np.abs(lid).max() < LARGEST:
            raise UserError(f"this eyelid moves by up to {np.abs(lid).max():.3g} m", file=path, remedy=REMEDY)
        if np.abs(lid[EYEBALLS[name].start : EYEBALLS[name].stop]).max() > 0:
            raise UserError("this eyelid moves the eyeball", file=path, remedy=REMEDY)
    return lids


def _read_lid(path: Path) -> Float[ndarray, "V 3"]:
    try:
        check_array(path, MOST_BYTES)
        lid = np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise UserError("the eyelid is not there", file=path, remedy=REMEDY) from error
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"the eyelid cannot be read: {error}", file=path, remedy=REMEDY) from error
    if not isinstance(lid, ndarray) or lid.shape != (VERTICES, 3) or lid.dtype.kind != "f":
        told = f"{lid.dtype} {lid.shape}" if isinstance(lid, ndarray) else type(lid).__name__
        raise UserError(f"the eyelid is {told}, not floating point ({VERTICES}, 3)", file=path, remedy=REMEDY)
    return lid


def find_swap(lids: Float[ndarray, "2 V 3"], template: Float[ndarray, "V 3"]) -> str | None:
    """Return that the lids belong to the other eyes, if they do."""
    places = [float(np.average(template[:, 0], weights=np.linalg.norm(lid, axis=1))) for lid in lids]
    if places[0] > places[1]:
        return None
    return f"the left eyelid moves skin at x = {places[0]:.3g} m and the right one at {places[1]:.3g}: are the files swapped?"


def make_eyelids(template: Float[ndarray, "V 3"], faces: Int[ndarray, "F 3"]) -> Float[ndarray, "2 V 3"]:
    """Return displacements of our own that close the left and the right eye of a head.

    Raises:
        ValueError: An eye has no opening that could be closed.
    """
    return np.stack([_make_lid(template, faces, name) for name in EYEBALLS])


def _make_lid(template: Float[ndarray, "V 3"], faces: Int[ndarray, "F 3"], eye: str) -> Float[ndarray, "V 3"]:
    centre, radius = fit_sphere(template[list(EYEBALLS[eye])])
    rays = template - centre
    distance = np.linalg.norm(rays, axis=1)
    near = (rays[:, 2] > 0) & (distance < FAR * radius) & ~on_eyeballs(len(template))
    share = 1 - smooth_step((distance[near] / radius - NEAR) / (FAR - NEAR))
    lid = np.zeros_like(template)
    lid[near] = turn(rays[near], share * lid_turn(find_opening(template, faces, eye), directions(rays[near]))) - rays[near]
    return lid


def turn(rays: Float[ndarray, "n 3"], angles: Float[ndarray, " n"]) -> Float[ndarray, "n 3"]:
    """Return rays turned up about the x axis, and lifted a little.

    Halfway a straight line lies nearer to the axis than its ends, by the cosine of half the turn; a lift by one over that
    halves how far half-closed lids sink into the eyeball.
    """
    cosine, sine, lift = np.cos(angles), np.sin(angles), 1 / np.cos(angles / 2)
    x, y, z = rays.T
    return np.stack([x, lift * (cosine * y + sine * z), lift * (cosine * z - sine * y)], 1)


def lid_turn(opening: Opening, places: Float[ndarray, "n 2"]) -> Float[ndarray, " n"]:
    """Return by which angle skin in some directions turns up when the lids close over an opening.

    The edges move to where the lids meet; the move fades away from them and past the corners.
    """
    across, up = places.T
    low, high = (np.interp(across, opening.columns, edge) for edge in (opening.low, opening.high))
    outside = np.maximum(opening.columns[0] - across, across - opening.columns[-1])
    meeting = low + MEETING * (high - low)
    width = FADE * float((opening.high - opening.low).max())
    beyond = np.where(up > meeting, up - high, low - up)
    way = np.where(up > meeting, meeting - high - LAP, meeting - low + LAP)
    return way * (1 - smooth_step(beyond / width)) * (1 - smooth_step(outside / CORNER))


def smooth_step(share: Float[ndarray, " n"]) -> Float[ndarray, " n"]:
    """Return 0 below 0, 1 above 1, and between them the cubic that is level at both ends."""
    share = share.clip(0, 1)
    return share**2 * (3 - 2 * share)
