import torch

from headsmith.maths.rotations import axis_angle_to_matrix
from headsmith.maths.smoothness import bridge, second_differences, turn_acceleration_jacobians, turn_accelerations


def rotations(count=6):
    generator = torch.Generator().manual_seed(0)
    return axis_angle_to_matrix(0.5 * torch.randn(count, 3, generator=generator, dtype=torch.float64))


def test_a_steady_motion_has_no_acceleration():
    axis = torch.tensor([0.1, -0.2, 0.05], dtype=torch.float64)
    steady = axis_angle_to_matrix(torch.arange(8)[:, None] * axis)
    assert turn_accelerations(steady).abs().max() < 1e-12
    assert second_differences(3 + 2 * torch.arange(5.0)).abs().max() == 0


def test_jacobians_agree_with_finite_differences():
    matrices, step = rotations(), 1e-6
    blocks = turn_acceleration_jacobians(matrices)
    for frame in range(len(matrices)):
        for axis in range(3):
            turn = torch.zeros(3, dtype=torch.float64)
            turn[axis] = step
            sides = []
            for sign in (1, -1):
                moved = matrices.clone()
                moved[frame] = axis_angle_to_matrix(sign * turn) @ moved[frame]
                sides.append(turn_accelerations(moved))
            slope = (sides[0] - sides[1]) / (2 * step)
            for row in range(len(slope)):
                touched = 0 <= frame - row <= 2
                expected = blocks[frame - row][row, :, axis] if touched else torch.zeros(3, dtype=torch.float64)
                assert torch.allclose(slope[row], expected, atol=1e-8)


def test_bridge_draws_straight_lines_and_holds_the_ends():
    known = torch.tensor([False, True, False, False, True, False])
    values = torch.tensor([9.0, 1, 9, 9, 4, 9])
    assert torch.allclose(bridge(values, known), torch.tensor([1.0, 1, 2, 3, 4, 4]))
    assert torch.allclose(bridge(values[:, None], known)[:, 0], bridge(values, known))


def test_bridge_from_one_known_frame():
    assert torch.equal(bridge(torch.tensor([0.0, 5, 0]), torch.tensor([False, True, False])), torch.full((3,), 5.0))
