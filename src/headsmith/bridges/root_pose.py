"""The head's pose as FLAME's own: a rotation about the root joint and a translation, before a camera with OpenGL's axes.

We keep the root at rest and the pose in the camera: ``q = R v + t``, OpenCV's axes. Programs that pose FLAME have
``w = Q (v - j) + j + s`` in the world, with j the root joint of the shaped head, and a camera that sees ``V w + p`` with x
right, y up and z backwards (Li et al., Learning a model of facial shape and expression from 4D scans, 2017, section 3: skinning
turns the root about its joint). With D = diag(1, -1, -1) both are the same where

    R = D V Q  and  t = D (V (j - Q j + s) + p).
"""

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.track import Track
from headsmith.heads.model import HeadModel
from headsmith.maths.cameras import FLIP
from headsmith.maths.rotations import axis_angle_to_matrix, matrix_to_axis_angle

Extrinsics = tuple[Float[ndarray, "T 3 3"], Float[ndarray, "T 3"]]
"""World to camera: rotations and translations, metres."""


def root_joints(model: HeadModel, identity: Float[ndarray, " K"], expression: Float[ndarray, "T E"]) -> Float[ndarray, "T 3"]:
    """Return the root joint of the shaped head in each frame, metres; expression moves it too, as in FLAME.

    Args:
        model: The head, float64.
        identity: Codes of the person.
        expression: Codes of each frame.
    """
    moves = [basis[:, 0].numpy() for basis in (model.joints_identity, model.joints_expression)]
    return model.joints[0].numpy() + identity @ moves[0] + expression @ moves[1]


def pose_of_root(track: Track, model: HeadModel) -> tuple[Float[ndarray, "T 3"], Float[ndarray, "T 3"]]:
    """Return FLAME's root rotation and translation before a camera at the origin that looks along -z (V = 1, p = 0).

    Args:
        track: The clip.
        model: The head, float64.

    Returns:
        The rotation as axis-angle, radians, and the translation, metres.
    """
    joints = root_joints(model, track.identity, track.expression)
    turn = FLIP[:, None] * track.rotation
    shift = FLIP * track.translation - joints + np.einsum("tij,tj->ti", turn, joints)
    return matrix_to_axis_angle(torch.from_numpy(turn)).numpy(), shift


def pose_of_camera(
    rotation: Float[ndarray, "T 3"],
    translation: Float[ndarray, "T 3"],
    joints: Float[ndarray, "T 3"],
    view: Extrinsics,
) -> Extrinsics:
    """Return head to camera, OpenCV's axes, of a FLAME whose root is posed before a camera with OpenGL's axes.

    Args:
        rotation: Axis-angle of the root, radians.
        translation: Of the posed head, metres.
        joints: The root joint of the shaped head (``root_joints``).
        view: World to camera: rotations V and translations p.
    """
    turn = axis_angle_to_matrix(torch.from_numpy(np.ascontiguousarray(rotation))).numpy()
    world = joints - np.einsum("tij,tj->ti", turn, joints) + translation
    seen = np.einsum("tij,tj->ti", view[0], world) + view[1]
    return FLIP[:, None] * (view[0] @ turn), FLIP * seen
