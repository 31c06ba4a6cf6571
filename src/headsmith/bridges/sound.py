"""Whether a clip that another program tracked can be one: what files of strangers say passes here before it is used."""

from pathlib import Path

import numpy as np

from headsmith.bridges.given import are_rotations
from headsmith.bridges.track import OK, STATUSES, Track
from headsmith.contract.errors import UserError
from headsmith.heads.model import HeadModel

LARGEST = 1e6
"""Of any code, radian or metre: beyond, float32 knows no millimetres."""
FOCAL = (1e-3, 1e8)
"""Pixels."""
LARGEST_SIDE = 2**16
"""Of images, pixels."""
FRAMES = {
    "expression": None,
    "jaw": (3,),
    "eyes": (2, 3),
    "neck": (3,),
    "eyelids": (2,),
    "rotation": (3, 3),
    "translation": (3,),
}
"""What each frame has, and its shape; expression has as many codes as the head."""
REMEDY = "track the clip again, or name the file as the program wrote it"


def check_track(track: Track, model: HeadModel, path: Path) -> Track:
    """Return a clip whose numbers can be those of a head before a camera. Frames that are not ok may lack their numbers.

    Raises:
        UserError: Frames are not in order, arrays do not fit the frames or the head, numbers are not finite or beyond all
            measure, a rotation is none, or the lens or the images have no size.
    """
    fault = find_fault(track, model)
    if fault is not None:
        raise UserError(f"this is no tracked head: {fault}", file=path, remedy=REMEDY)
    return track


def find_fault(track: Track, model: HeadModel) -> str | None:
    """Return what is wrong with a clip; None where nothing is."""
    count, codes = len(track.ids), (len(model.expression),)
    if not count or track.ids.ndim != 1 or track.ids[0] < -1 or (np.diff(track.ids) <= 0).any():
        return "its frames are not in ascending order"
    shapes = {name: (count, *(codes if shape is None else shape)) for name, shape in FRAMES.items()}
    shapes |= {"identity": (len(model.identity),), "principal": (2,)}
    for name, shape in shapes.items():
        if getattr(track, name).shape != shape:
            return f"{name} is {getattr(track, name).shape}, not {shape}"
    if len(track.status) != count or not {*track.status} <= {*STATUSES} or track.residual.shape != (count,):
        return f"status or residual is not that of {count} frames"
    return lens_fault(track) or numbers_fault(track)


def lens_fault(track: Track) -> str | None:
    """Return what is wrong with the lens or the size of the images."""
    if not FOCAL[0] <= track.focal <= FOCAL[1]:
        return f"the focal length is {track.focal:.6g} pixels"
    if not all(1 <= side <= LARGEST_SIDE and side == int(side) for side in track.size):
        return f"the images are {float(track.size[0]):.6g} x {float(track.size[1]):.6g} pixels"
    return None if (np.abs(track.principal) <= FOCAL[1]).all() else f"the principal point is {track.principal.tolist()}"


def numbers_fault(track: Track) -> str | None:
    """Return which numbers are not finite or beyond all measure, or are no rotation, in a frame that has any."""
    if not (np.abs(track.identity) <= LARGEST).all():
        return f"identity has numbers up to {np.abs(track.identity).max():.3g}"
    told = np.array([status == OK for status in track.status]) | np.isfinite(track.translation).all(1)
    for name in FRAMES:
        rows = np.abs(getattr(track, name)[told]).reshape(int(told.sum()), -1)
        wrong = np.flatnonzero(~(rows <= LARGEST).all(1))
        if len(wrong):
            return f"{name} of frame {track.ids[told][wrong[0]]} is not finite, or beyond {LARGEST:g}"
    turned = are_rotations(track.rotation[told])
    return None if turned.all() else f"the head of frame {track.ids[told][np.argmin(turned)]} is not turned by a rotation"
