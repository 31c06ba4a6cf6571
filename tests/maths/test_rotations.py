import math

import pytest
import torch
from scipy.spatial.transform import Rotation

from headsmith.maths import rotations as r

ANGLES = (0.0, 1e-12, 1e-7, 0.9e-3, 1.1e-3, 0.1, 1.0, 3.0, math.pi - 1e-6)


def vectors(count=40, seed=0):
    generator = torch.Generator().manual_seed(seed)
    axes = torch.nn.functional.normalize(torch.randn(count, 3, generator=generator, dtype=torch.float64), dim=-1)
    return torch.cat([angle * axes for angle in ANGLES])


def test_axis_angle_agrees_with_scipy():
    vector = vectors()
    expected = torch.from_numpy(Rotation.from_rotvec(vector.numpy()).as_matrix())
    assert torch.allclose(r.axis_angle_to_matrix(vector), expected, atol=1e-14)


def test_axis_angle_agrees_with_the_matrix_exponential():
    vector = vectors()
    assert torch.allclose(r.axis_angle_to_matrix(vector), torch.linalg.matrix_exp(r.skew(vector)), atol=1e-13)


def test_axis_angle_round_trip():
    vector = vectors()
    assert torch.allclose(r.matrix_to_axis_angle(r.axis_angle_to_matrix(vector)), vector, atol=1e-9)


def test_axis_angle_round_trip_float32():
    vector = vectors().float()
    assert torch.allclose(r.matrix_to_axis_angle(r.axis_angle_to_matrix(vector)), vector, atol=5e-6)


@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-4, 2e-3, 0.5, 2.5])
def test_gradients_are_finite_and_right(angle):
    vector = (angle * torch.tensor([0.6, -0.48, 0.64], dtype=torch.float64)).requires_grad_()
    assert torch.autograd.gradcheck(r.axis_angle_to_matrix, vector, atol=1e-7)
    round_trip = torch.autograd.functional.jacobian(lambda v: r.matrix_to_axis_angle(r.axis_angle_to_matrix(v)), vector)
    assert torch.allclose(round_trip, torch.eye(3, dtype=torch.float64), atol=1e-6)


def test_half_turns_have_an_axis():
    for axis in torch.eye(3, dtype=torch.float64):
        found = r.matrix_to_axis_angle(2 * torch.outer(axis, axis) - torch.eye(3, dtype=torch.float64))
        assert torch.allclose(found.abs(), math.pi * axis, atol=1e-12)


def test_6d_is_the_first_two_rows_and_comes_back():
    matrix = r.axis_angle_to_matrix(vectors())
    rows = r.matrix_to_6d(matrix)
    assert torch.equal(rows[:, 3:], matrix[:, 1])
    assert torch.allclose(r.matrix_from_6d(rows), matrix, atol=1e-14)
    assert torch.equal(r.matrix_to_6d(torch.eye(3)), torch.tensor([1.0, 0, 0, 0, 1, 0]))


def test_6d_of_any_rows_is_a_rotation():
    rows = torch.randn(50, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    matrix = r.matrix_from_6d(rows)
    assert torch.allclose(matrix @ matrix.mT, torch.eye(3, dtype=torch.float64).expand(50, 3, 3), atol=1e-12)
    assert torch.allclose(torch.linalg.det(matrix), torch.ones(50, dtype=torch.float64))


def test_quaternions_agree_with_scipy():
    matrix = r.axis_angle_to_matrix(vectors())
    quaternion = r.matrix_to_quaternion(matrix)
    expected = torch.from_numpy(Rotation.from_matrix(matrix.numpy()).as_quat(scalar_first=True))
    sign = (quaternion * expected).sum(-1, keepdim=True).sign()
    assert torch.allclose(quaternion * sign, expected, atol=1e-12)
    assert torch.allclose(r.quaternion_to_matrix(3.7 * quaternion), matrix, atol=1e-12)


def test_quaternion_product_is_the_matrix_product():
    left, right = r.axis_angle_to_matrix(vectors(seed=2)), r.axis_angle_to_matrix(vectors(seed=3))
    product = r.quaternion_multiply(r.matrix_to_quaternion(left), r.matrix_to_quaternion(right))
    assert torch.allclose(r.quaternion_to_matrix(product), left @ right, atol=1e-12)


def test_batches_of_any_rank():
    vector = vectors(count=4).reshape(2, 3, -1, 3)
    assert r.axis_angle_to_matrix(vector).shape == (*vector.shape, 3)
    assert r.matrix_to_quaternion(r.axis_angle_to_matrix(vector)).shape == (*vector.shape[:-1], 4)


def test_left_jacobian_is_the_derivative_of_the_rotation():
    for vector in vectors(count=5):
        for step in 1e-6 * torch.eye(3, dtype=torch.float64):
            change = r.axis_angle_to_matrix(vector + step) @ r.axis_angle_to_matrix(vector - step).mT
            assert torch.allclose(r.matrix_to_axis_angle(change), 2 * r.left_jacobian(vector) @ step, atol=1e-12)


def test_inverse_left_jacobian():
    vector = vectors()
    product = r.left_jacobian(vector) @ r.inverse_left_jacobian(vector)
    assert torch.allclose(product, torch.eye(3, dtype=torch.float64).expand_as(product), atol=1e-9)


def test_any_rotation_becomes_a_matrix_by_its_size():
    vector = torch.randn(4, 2, 3, dtype=torch.float64)
    matrix = r.axis_angle_to_matrix(vector)
    assert torch.equal(r.to_matrix(vector), matrix)
    assert torch.allclose(r.to_matrix(r.matrix_to_6d(matrix)), matrix, atol=1e-14)
    with pytest.raises(ValueError, match="4 numbers"):
        r.to_matrix(torch.zeros(4))
