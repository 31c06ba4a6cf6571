"""The point distribution model: its camera against slow loops, its slopes against finite differences."""

import math

import pytest
import torch

from headsmith.maths.point_distribution import (
    Placed,
    PointDistribution,
    euler_to_matrix,
    jacobian,
    landmarks_in_space,
    landmarks_of,
    matrix_to_euler,
)
from headsmith.maths.point_distribution_fit import move


def make_model(points=12, modes=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    mean = torch.randn(points, 3, generator=generator, dtype=torch.float64) * 50
    vectors = torch.linalg.qr(torch.randn(3 * points, modes, generator=generator, dtype=torch.float64))[0]
    variances = torch.linspace(300, 5, modes, dtype=torch.float64)
    return PointDistribution(mean, vectors.unflatten(0, (points, 3)), variances)


def some_parameters(model, count=4, seed=1):
    generator = torch.Generator().manual_seed(seed)
    unit = 2 * torch.rand(count, 6 + len(model.variances), generator=generator, dtype=torch.float64) - 1
    scale = 2 + unit[:, :1]
    return torch.cat([scale, unit[:, 1:4], 300 * unit[:, 4:6], 3 * unit[:, 6:] * model.deviations], 1)


def turn(axis, angle):
    """Turn about x, y or z, written out."""
    c, s = math.cos(angle), math.sin(angle)
    rows = {
        "x": [[1, 0, 0], [0, c, -s], [0, s, c]],
        "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
        "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]],
    }
    return torch.tensor(rows[axis], dtype=torch.float64)


def test_the_rotation_is_about_z_then_y_then_x():
    angles = torch.tensor([0.3, -0.7, 1.1], dtype=torch.float64)
    expected = turn("x", 0.3) @ turn("y", -0.7) @ turn("z", 1.1)
    torch.testing.assert_close(euler_to_matrix(angles), expected)
    torch.testing.assert_close(matrix_to_euler(expected), angles)


def test_a_face_looks_as_a_loop_over_its_points_says():
    model = make_model()
    (parameters,) = some_parameters(model, 1)
    scale, rotation, shift = parameters[0], euler_to_matrix(parameters[1:4]), parameters[4:6]
    seen = landmarks_of(model, parameters[None])[0]
    space = landmarks_in_space(model, parameters[None])[0]
    for point in range(len(model.mean)):
        place = model.mean[point].clone()
        for mode in range(len(model.variances)):
            place += parameters[6 + mode] * model.modes[point, :, mode]
        turned = scale * (rotation @ place)
        torch.testing.assert_close(seen[point], turned[:2] + shift)
        torch.testing.assert_close(space[point], torch.cat([turned[:2] + shift, turned[2:]]))


def test_the_slopes_are_those_of_finite_differences():
    model = make_model()
    placed = Placed.of(some_parameters(model))
    slopes, step = jacobian(model, placed), 1e-5
    for column in range(slopes.shape[-1]):
        change = torch.zeros(len(placed.scale), slopes.shape[-1], dtype=torch.float64)
        change[:, column] = step
        ahead, behind = (landmarks_of(model, move(placed, sign * change).parameters()) for sign in (1, -1))
        error = (slopes[..., column] - (ahead - behind) / (2 * step)).abs().max() / slopes[..., column].abs().max()
        assert error < 1e-7, column


@pytest.mark.parametrize("angle", [1.0, -1.4])
def test_angles_are_told_up_to_nearly_a_quarter_turn(angle):
    angles = torch.tensor([angle, angle, -angle], dtype=torch.float64)
    torch.testing.assert_close(matrix_to_euler(euler_to_matrix(angles)), angles)


def test_some_points_are_seen_as_among_all():
    model = make_model()
    parameters = some_parameters(model)
    chosen = [7, 2, 5]
    torch.testing.assert_close(landmarks_of(model.take(chosen), parameters), landmarks_of(model, parameters)[:, chosen])
