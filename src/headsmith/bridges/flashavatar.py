"""FlashAvatar's per-frame parameter files (``.frame``), as metrical-tracker writes them.

A ``.frame`` is ``torch.save`` of a dictionary of float32 numpy arrays with a leading axis of 1. Rotations of jaw and eyes are
the first two rows of their matrices. FlashAvatar takes ``opencv`` for the camera, focal lengths from the first frame, and puts
the principal point at the image's centre. Its rasterizer counts pixels from their centres: a point that K sends to x,
in pixels from the image's corner, is drawn at index x - 0.5; both are the same place.

Frame k belongs to image k + 1, in files and in metrical-tracker's numbers of frames: it leaves out the first.
Reading goes through ``heads.pickles_saved``, so a file can hold arrays and plain values, and cannot run code.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32
from numpy import ndarray

from headsmith.bridges.track import Track
from headsmith.heads.pickles_saved import read_saved
from headsmith.heads.pickles_values import Refusal
from headsmith.maths.rotations import axis_angle_to_matrix, matrix_to_6d

IDENTITIES, EXPRESSIONS = 300, 100
"""FLAME's codes, to which shorter vectors are padded with zeros."""
TEXTURES, LIGHTS = 140, (9, 3)
"""Codes of metrical-tracker's texture and light; FlashAvatar ignores them, other readers expect them."""
FRAME_TO_IMAGE = 1
"""What is added to the number of a ``.frame`` to get the number of its image (FlashAvatar's ``frame_delta``)."""


def frame_content(track: Track, place: int, index: int) -> dict[str, Any]:
    """Return the content of a ``.frame``.

    Args:
        track: The clip. Its neck is not in the format: see ``neck.fold_neck``.
        place: The frame's place in it.
        index: Its number in the dataset, zero-based.

    Raises:
        ValueError: There are more codes than FLAME has, or the neck is bent.
    """
    if track.neck[place].any():
        raise ValueError("the neck is bent, and the format has none")
    width, height = track.size
    flame = {
        "shape": padded(track.identity, IDENTITIES),
        "exp": padded(track.expression[place], EXPRESSIONS),
        "jaw": rows_of(track.jaw[place][None]),
        "eyes": rows_of(track.eyes[place]),
        "eyelids": single(track.eyelids[place]),
        "tex": np.zeros((1, TEXTURES), np.float32),
        "sh": np.zeros((1, *LIGHTS), np.float32),
    }
    (x, y), focal = track.principal, track.focal
    lens = np.array([[focal, 0, x], [0, focal, y], [0, 0, 1]])
    return {
        "flame": flame,
        "camera": pytorch3d_camera(track, place),
        "opencv": {"R": single(track.rotation[place]), "t": single(track.translation[place]), "K": single(lens)},
        "img_size": np.array([height, width], np.int64),
        "frame_id": f"{index:05d}",
        "global_step": 0,
    }


def pytorch3d_camera(track: Track, place: int) -> dict[str, Float32[ndarray, "1 n"]]:
    """Return the camera as PyTorch3D has it: x left, y up, row vectors, lengths in half the shorter side from the centre."""
    turned = np.array([-1.0, -1.0, 1.0])
    rotation = torch.from_numpy((turned[:, None] * track.rotation[place]).T.copy())
    half = min(track.size) / 2
    return {
        "R": single(matrix_to_6d(rotation).numpy()),
        "t": single(turned * track.translation[place]),
        "fl": single(np.array([track.focal / half])),
        "pp": single((np.array(track.size) / 2 - track.principal) / half),
    }


def padded(codes: Float[ndarray, " n"], count: int) -> Float32[ndarray, "1 m"]:
    """Return codes with zeros after them, with a leading axis.

    Raises:
        ValueError: There are too many.
    """
    if len(codes) > count:
        raise ValueError(f"{len(codes)} codes, but the format holds {count}")
    return single(np.pad(codes, (0, count - len(codes))))


def rows_of(angles: Float[ndarray, "n 3"]) -> Float32[ndarray, "1 m"]:
    """Return the first two rows of each rotation, one after the other, with a leading axis."""
    return single(matrix_to_6d(axis_angle_to_matrix(torch.from_numpy(angles))).numpy().reshape(-1))


def single(values: ndarray) -> Float32[ndarray, "1 *n"]:
    """Return values as contiguous float32 with a leading axis of 1."""
    return np.ascontiguousarray(values, np.float32)[None]


def write_frame(path: Path, content: dict[str, Any]) -> None:
    """Write a ``.frame``; not atomic by itself."""
    torch.save(content, path)


def read_frame(path: Path) -> dict[str, Any]:
    """Read a ``.frame``: arrays and plain values, of numpy 1 and 2.

    Raises:
        OSError: It cannot be opened.
        Refusal: It is broken, holds no dictionary, or anything else than that.
    """
    content = read_saved(path)
    if not isinstance(content, dict):
        raise Refusal(f"it holds a {type(content).__name__}, not a dictionary")
    return content
