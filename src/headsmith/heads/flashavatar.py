"""FlashAvatar's per-frame parameter files (``.frame``), as metrical-tracker writes them.

A ``.frame`` is ``torch.save`` of a dictionary of float32 numpy arrays with a leading axis of 1. Rotations of jaw and eyes are
the first two rows of their matrices. FlashAvatar takes ``opencv`` for the camera, focal lengths from the first frame, and puts
the principal point at the image's centre. Its rasterizer counts pixels from their centres: a point that K sends to x,
in pixels from the image's corner, is drawn at index x - 0.5; both are the same place.

Reading goes through torch's allow-list, so a file can hold arrays and plain values, and cannot run code.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32
from numpy import ndarray

from headsmith.maths.rotations import axis_angle_to_matrix, matrix_to_6d

SHAPES, EXPRESSIONS = 300, 100
"""FLAME's codes, to which shorter vectors are padded with zeros."""
TEXTURES, LIGHTS = 140, (9, 3)
"""Codes of metrical-tracker's texture and light; FlashAvatar ignores them, other readers expect them."""


@dataclass(frozen=True)
class FrameParameters:
    """One tracked frame.

    Attributes:
        identity: Identity codes.
        expression: Expression codes.
        jaw: Axis-angle, radians.
        eyes: Axis-angle of the left and the right eye, radians.
        eyelids: Left, right; 0 open, 1 closed.
        rotation: Head to camera (OpenCV axes).
        translation: Head to camera, metres.
        focal: Focal length, pixels.
        size: Width and height, pixels; the principal point is the centre.
    """

    identity: Float[ndarray, " K"]
    expression: Float[ndarray, " E"]
    jaw: Float[ndarray, "3"]
    eyes: Float[ndarray, "2 3"]
    eyelids: Float[ndarray, "2"]
    rotation: Float[ndarray, "3 3"]
    translation: Float[ndarray, "3"]
    focal: float
    size: tuple[int, int]


def frame_content(parameters: FrameParameters, index: int) -> dict[str, Any]:
    """Return the content of a ``.frame``.

    Args:
        parameters: The frame.
        index: Its place in the dataset, zero-based.

    Raises:
        ValueError: There are more codes than FLAME has.
    """
    width, height = parameters.size
    flame = {
        "shape": padded(parameters.identity, SHAPES),
        "exp": padded(parameters.expression, EXPRESSIONS),
        "jaw": rows_of(parameters.jaw[None]),
        "eyes": rows_of(parameters.eyes),
        "eyelids": single(parameters.eyelids),
        "tex": np.zeros((1, TEXTURES), np.float32),
        "sh": np.zeros((1, *LIGHTS), np.float32),
    }
    lens = np.array([[parameters.focal, 0, width / 2], [0, parameters.focal, height / 2], [0, 0, 1]])
    return {
        "flame": flame,
        "camera": pytorch3d_camera(parameters),
        "opencv": {"R": single(parameters.rotation), "t": single(parameters.translation), "K": single(lens)},
        "img_size": np.array([height, width], np.int64),
        "frame_id": f"{index:05d}",
        "global_step": 0,
    }


def pytorch3d_camera(parameters: FrameParameters) -> dict[str, Float32[ndarray, "1 n"]]:
    """Return the camera as PyTorch3D has it: x left, y up, row vectors, focal length in half the shorter side."""
    turned = np.array([-1.0, -1.0, 1.0])
    rotation = torch.from_numpy((turned[:, None] * parameters.rotation).T.copy())
    return {
        "R": single(matrix_to_6d(rotation).numpy()),
        "t": single(turned * parameters.translation),
        "fl": single(np.array([2 * parameters.focal / min(parameters.size)])),
        "pp": np.zeros((1, 2), np.float32),
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
    """Read a ``.frame`` through an allow-list of what rebuilds a numpy array.

    Raises:
        pickle.UnpicklingError: The file names anything else.
    """
    kinds = [type(np.dtype(kind)) for kind in (np.float32, np.int64)]
    allowed = [np.ndarray, np.dtype, np._core.multiarray._reconstruct, *kinds]
    with torch.serialization.safe_globals(allowed):
        return torch.load(path, weights_only=True)
