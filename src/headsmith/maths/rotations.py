"""Rotations as matrices, axis-angle vectors, quaternions (wxyz) and pairs of rows; batched, differentiable, float32 or float64.

A matrix acts on column vectors: ``q = R p``. An axis-angle vector has the axis' direction and the angle, in radians, as its
length. All functions have finite derivatives at the identity; ``matrix_to_axis_angle`` has its usual jump at half a turn.
"""

import torch
from jaxtyping import Float
from torch import Tensor

SMALL_ANGLE_SQUARED = 1e-6
"""Below this squared angle, power series replace sin(x)/x and the like: their first left-out term is under 1e-15 there."""


def skew(vector: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Return the matrix K of a vector k with ``K p = k x p``."""
    x, y, z = vector.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))


def axis_angle_to_matrix(axis_angle: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Return the rotation matrices of axis-angle vectors.

    Rodrigues' formula without dividing by the angle a: ``R = I + (sin a / a) K + ((1 - cos a) / a^2) K^2``, K the vector's
    skew matrix (Murray, Li and Sastry, A Mathematical Introduction to Robotic Manipulation, 1994, eq. 2.14).
    """
    squared = axis_angle.square().sum(-1)
    sine_ratio, cosine_ratio = rodrigues_ratios(squared)
    matrix = skew(axis_angle)
    identity = torch.eye(3, dtype=axis_angle.dtype, device=axis_angle.device)
    return identity + sine_ratio[..., None, None] * matrix + cosine_ratio[..., None, None] * (matrix @ matrix)


def to_matrix(rotation: Float[Tensor, "*batch R"]) -> Float[Tensor, "*batch 3 3"]:
    """Return the rotation matrices of axis-angle vectors (3 numbers, radians) or of two rows (6 numbers).

    Raises:
        ValueError: It has another number of numbers.
    """
    kinds = {3: axis_angle_to_matrix, 6: matrix_from_6d}
    if rotation.shape[-1] not in kinds:
        raise ValueError(f"a rotation has {rotation.shape[-1]} numbers: an axis-angle vector has 3, two rows have 6")
    return kinds[rotation.shape[-1]](rotation)


def rodrigues_ratios(squared_angle: Float[Tensor, "*batch"]) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch"]]:
    """Return ``sin(a) / a`` and ``(1 - cos a) / a^2`` of squared angles, smooth at zero."""
    small = squared_angle < SMALL_ANGLE_SQUARED
    safe = torch.where(small, torch.ones_like(squared_angle), squared_angle)
    angle = safe.sqrt()
    sine = torch.where(small, 1 - squared_angle / 6 + squared_angle.square() / 120, angle.sin() / angle)
    half_sine = (angle / 2).sin()
    cosine = torch.where(small, 0.5 - squared_angle / 24 + squared_angle.square() / 720, 2 * half_sine.square() / safe)
    return sine, cosine


def matrix_to_axis_angle(matrix: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 3"]:
    """Return axis-angle vectors with angles in 0..pi, through the quaternion: ``a = 2 atan2(|v|, w)`` along v."""
    quaternion = matrix_to_quaternion(matrix)
    quaternion = torch.where(quaternion[..., :1] < 0, -quaternion, quaternion)
    scalar, vector = quaternion[..., 0], quaternion[..., 1:]
    squared = vector.square().sum(-1)
    small = squared < SMALL_ANGLE_SQUARED
    length = torch.where(small, torch.ones_like(squared), squared).sqrt()
    near_zero = 2 / scalar * (1 - squared / (3 * scalar.square()))
    ratio = torch.where(small, near_zero, 2 * torch.atan2(length, scalar) / length)
    return ratio[..., None] * vector


def matrix_to_6d(matrix: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 6"]:
    """Return the first two rows of rotation matrices, one after the other (PyTorch3D's and FlashAvatar's 6D rotation)."""
    return matrix[..., :2, :].flatten(-2)


def matrix_from_6d(rows: Float[Tensor, "*batch 6"]) -> Float[Tensor, "*batch 3 3"]:
    """Return rotation matrices from two rows that need not be orthonormal.

    Gram-Schmidt on the rows, the third is their cross product (Zhou et al., On the Continuity of Rotation Representations in
    Neural Networks, CVPR 2019, section 4, with rows in the place of columns).
    """
    first = torch.nn.functional.normalize(rows[..., :3], dim=-1)
    second = rows[..., 3:] - (first * rows[..., 3:]).sum(-1, keepdim=True) * first
    second = torch.nn.functional.normalize(second, dim=-1)
    return torch.stack([first, second, torch.linalg.cross(first, second)], -2)


def quaternion_to_matrix(quaternion: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 3 3"]:
    """Return the rotation matrices of quaternions wxyz of any length but zero (they are divided by their squared length)."""
    w, x, y, z = quaternion.unbind(-1)
    double = 2 / quaternion.square().sum(-1)
    entries = [
        *(1 - double * (y * y + z * z), double * (x * y - w * z), double * (x * z + w * y)),
        *(double * (x * y + w * z), 1 - double * (x * x + z * z), double * (y * z - w * x)),
        *(double * (x * z - w * y), double * (y * z + w * x), 1 - double * (x * x + y * y)),
    ]
    return torch.stack(entries, -1).unflatten(-1, (3, 3))


def matrix_to_quaternion(matrix: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 4"]:
    """Return unit quaternions wxyz of rotation matrices.

    The outer product of the quaternion with itself is linear in the matrix; the row with the largest diagonal, scaled to unit
    length, is the quaternion, so no step divides by a small number (Shepperd, Quaternion from Rotation Matrix, 1978).
    """
    m = [[matrix[..., i, j] for j in range(3)] for i in range(3)]
    wx, wy, wz = m[2][1] - m[1][2], m[0][2] - m[2][0], m[1][0] - m[0][1]
    xy, xz, yz = m[0][1] + m[1][0], m[0][2] + m[2][0], m[1][2] + m[2][1]
    ww = 1 + m[0][0] + m[1][1] + m[2][2]
    xx, yy, zz = (1 + 2 * m[i][i] - m[0][0] - m[1][1] - m[2][2] for i in range(3))
    rows = torch.stack([ww, wx, wy, wz, wx, xx, xy, xz, wy, xy, yy, yz, wz, xz, yz, zz], -1).unflatten(-1, (4, 4))
    largest = rows.diagonal(dim1=-2, dim2=-1).argmax(-1)
    row = rows.gather(-2, largest[..., None, None].expand(*largest.shape, 1, 4)).squeeze(-2)
    return torch.nn.functional.normalize(row, dim=-1)


def quaternion_multiply(left: Float[Tensor, "*batch 4"], right: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 4"]:
    """Return Hamilton's product wxyz: the rotation ``right`` first, then ``left``."""
    a, u = left[..., :1], left[..., 1:]
    b, v = right[..., :1], right[..., 1:]
    scalar = a * b - (u * v).sum(-1, keepdim=True)
    return torch.cat([scalar, a * v + b * u + torch.linalg.cross(u, v)], -1)


def left_jacobian(axis_angle: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Return J with ``R(v + d) = R(J d) R(v)`` to first order in d.

    ``J = I + ((1 - cos a) / a^2) K + ((a - sin a) / a^3) K^2`` (Sola, Deray and Atchuthan, A micro Lie theory for state
    estimation in robotics, 2018, eq. 145).
    """
    squared = axis_angle.square().sum(-1)
    sine_ratio, cosine_ratio = rodrigues_ratios(squared)
    small = squared < SMALL_ANGLE_SQUARED
    safe = torch.where(small, torch.ones_like(squared), squared)
    cubic_ratio = torch.where(small, 1 / 6 - squared / 120, (1 - sine_ratio) / safe)
    matrix = skew(axis_angle)
    identity = torch.eye(3, dtype=axis_angle.dtype, device=axis_angle.device)
    return identity + cosine_ratio[..., None, None] * matrix + cubic_ratio[..., None, None] * (matrix @ matrix)


def inverse_left_jacobian(axis_angle: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Return the inverse of ``left_jacobian``: ``log(R(d) R(v)) = v + J^-1 d`` to first order in d, for angles below a turn.

    ``J^-1 = I - K / 2 + (1 / a^2 - (1 + cos a) / (2 a sin a)) K^2`` (Sola et al., eq. 146); the last factor is written with
    the ratios of ``rodrigues_ratios`` as ``(1 - sine / (2 cosine)) / a^2``, which is finite at half a turn.
    """
    squared = axis_angle.square().sum(-1)
    sine_ratio, cosine_ratio = rodrigues_ratios(squared)
    small = squared < SMALL_ANGLE_SQUARED
    safe = torch.where(small, torch.ones_like(squared), squared)
    factor = torch.where(small, 1 / 12 + squared / 720, (1 - sine_ratio / (2 * cosine_ratio)) / safe)
    matrix = skew(axis_angle)
    identity = torch.eye(3, dtype=axis_angle.dtype, device=axis_angle.device)
    return identity - matrix / 2 + factor[..., None, None] * (matrix @ matrix)


def mean_rotation(rotations: Float[Tensor, "T 3 3"]) -> Float[Tensor, "3 3"]:
    """Return the rotation nearest to all in squared chords: the mean matrix, made orthonormal by its singular vectors.

    Hartley, Trumpf, Dai and Li, Rotation Averaging, International Journal of Computer Vision 103(3), 2013, section 5.3.
    """
    left, _, right = torch.linalg.svd(rotations.mean(0))
    turned = torch.ones(3, dtype=rotations.dtype, device=rotations.device)
    turned[2] = torch.det(left @ right)
    return (left * turned) @ right
