"""A tracked clip as flame-head-tracker's results, for what reads those (``flame_head_tracker.py`` has the conventions)."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8
from numpy import ndarray

from headsmith.bridges.flame_head_tracker import BLINKS, CROP, LENS, SCORES
from headsmith.bridges.flashavatar import EXPRESSIONS, IDENTITIES, LIGHTS, padded, single
from headsmith.bridges.track import OK, Track, project_embedded
from headsmith.contract.errors import UserError
from headsmith.heads.model import HeadModel
from headsmith.maths.cameras import FLIP
from headsmith.media.sizes import resize_image

TEXTURE_CODES = 50
SQUARE = 1e-3
"""Pixels, at 256 a side, by which the principal point may miss the middle."""
SQUARE_REMEDY = "cut the frames around the principal point (frames.crop: x,y,size)"


def write_flame_head_tracker(
    folder: Path,
    track: Track,
    model: HeadModel,
    picture: Callable[[int], UInt8[ndarray, "S S 3"]],
    parsing: Callable[[int], UInt8[ndarray, "S S"]] | None = None,
) -> None:
    """Write ``<frame>.npz`` of the frames that are ``ok``; our frames stand in the place of the tracker's crops.

    Texture and light are zero; of the scores, the blinks alone are written.

    Args:
        folder: Where to; it is there.
        track: The clip: square frames, the principal point in the middle.
        model: Its head, float64.
        picture: Returns a frame by its id, RGB 0..255.
        parsing: Returns its label map, CelebAMask-HQ's 19 classes in zllrunning's order.

    Raises:
        UserError: The format cannot hold the clip.
    """
    check_fits(track)
    side = track.size[0]
    cams, lens = write_camera(track.rotation, track.translation), np.diag([track.focal / side * LENS] * 2 + [1.0])
    lens[:2, 2] = LENS / 2
    fov = np.degrees(2 * np.arctan(side / 2 / track.focal))
    shared = {"shape": padded(track.identity, IDENTITIES), "fov": np.array([fov], np.float32), "K": single(lens)}
    shared |= {"head_pose": single(np.zeros(3)), "tex": single(np.zeros(TEXTURE_CODES)), "light": single(np.zeros(LIGHTS))}
    points = project_embedded(track, model, model.container.embeddings["ibug68"]) if has_points(model) else None
    for place, number in enumerate(track.ids.tolist()):
        if track.status[place] != OK:
            continue
        own = frame_arrays(track, place) | {"cam": single(cams[place])} | pictures(number, picture, parsing)
        if points is not None:
            own["lmks_68"] = single(points[place] / side * 2 - 1)
        np.savez_compressed(folder / f"{number}.npz", **shared, **own)


def has_points(model: HeadModel) -> bool:
    """Whether the head has all 68 points of iBUG."""
    embedding = model.container.embeddings.get("ibug68")
    return embedding is not None and len(embedding.points) == 68


def frame_arrays(track: Track, place: int) -> dict[str, Float32[ndarray, "1 *n"]]:
    """Return a frame's codes and angles."""
    scores = np.zeros(SCORES)
    scores[BLINKS] = track.eyelids[place]
    arrays = {"jaw_pose": track.jaw[place], "eye_pose": track.eyes[place].ravel(), "blendshape_scores": scores}
    if track.neck[place].any():
        arrays["neck_pose"] = track.neck[place]
    return {"exp": padded(track.expression[place], EXPRESSIONS), **{name: single(value) for name, value in arrays.items()}}


def pictures(
    number: int, picture: Callable[[int], UInt8[ndarray, "S S 3"]], parsing: Callable[[int], UInt8[ndarray, "S S"]] | None
) -> dict[str, UInt8[ndarray, "1 *n"]]:
    """Return a frame's picture and labels at the crop's size, each under the two names that the tracker gives them."""
    image = resize_image(picture(number), (CROP, CROP))[None]
    arrays = {"img": image, "img_aligned": image}
    if parsing is None:
        return arrays
    labels = cv2.resize(parsing(number), (CROP, CROP), interpolation=cv2.INTER_NEAREST)[None]
    return arrays | {"parsing": labels, "parsing_aligned": labels}


def check_fits(track: Track) -> None:
    """Accept what the format can hold.

    Raises:
        UserError: Frames are not square, the principal point is off the middle, or there are too many codes.
    """
    width, height = track.size
    if width != height or np.abs(track.principal - width / 2).max() > SQUARE * width / LENS:
        what = f"frames of {width} x {height} with the principal point at {track.principal.tolist()}"
        raise UserError(f"{what}; flame-head-tracker has squares, and the point in their middle", remedy=SQUARE_REMEDY)
    if len(track.identity) > IDENTITIES or track.expression.shape[1] > EXPRESSIONS:
        what = f"{len(track.identity)} identity and {track.expression.shape[1]} expression codes"
        raise UserError(f"{what}; flame-head-tracker has {IDENTITIES} and {EXPRESSIONS}")


def write_camera(rotation: Float[ndarray, "T 3 3"], translation: Float[ndarray, "T 3"]) -> Float[ndarray, "T 6"]:
    """Return yaw, pitch, roll, x, y, z of head to camera in OpenCV's axes."""
    turn = np.swapaxes(FLIP[:, None] * rotation, 1, 2)
    yaw = np.arctan2(-turn[:, 2, 0], np.hypot(turn[:, 0, 0], turn[:, 1, 0]))
    pitch, roll = np.arctan2(turn[:, 2, 1], turn[:, 2, 2]), np.arctan2(turn[:, 1, 0], turn[:, 0, 0])
    return np.concatenate([np.stack([yaw, pitch, roll], 1), -np.einsum("tji,tj->ti", rotation, translation)], 1)
