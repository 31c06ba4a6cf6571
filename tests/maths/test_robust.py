import torch

from headsmith.maths.poses import weak_perspective_pose
from headsmith.maths.robust import charbonnier
from headsmith.maths.rotations import axis_angle_to_matrix


def test_small_errors_are_squared_and_large_ones_linear():
    loss, weight = charbonnier(torch.tensor([0.0, 1e-6, 1e8], dtype=torch.float64), 2.0)
    assert torch.allclose(loss, torch.tensor([0.0, 1e-6, 4 * 1e4], dtype=torch.float64), rtol=1e-3)
    assert weight[0] == 1 and weight[2] < 1e-3


def test_the_weight_is_the_derivative():
    squared = torch.tensor([0.1, 1.0, 30.0], dtype=torch.float64, requires_grad=True)
    loss, weight = charbonnier(squared, 1.5)
    assert torch.allclose(torch.autograd.grad(loss.sum(), squared)[0], weight)


def test_weak_perspective_pose_is_exact_for_its_own_camera():
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(20, 3, generator=generator, dtype=torch.float64)
    rotation = axis_angle_to_matrix(torch.randn(4, 3, generator=generator, dtype=torch.float64))
    scale, shift = torch.tensor([3.0, 5, 7, 9], dtype=torch.float64), torch.arange(8.0, dtype=torch.float64).reshape(4, 2)
    pixels = scale[:, None, None] * (points @ rotation.mT)[..., :2] + shift[:, None]
    found = weak_perspective_pose(points, pixels)
    for value, expected in zip(found, (rotation, scale, shift), strict=True):
        assert torch.allclose(value, expected, atol=1e-10)
