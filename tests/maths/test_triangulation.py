import torch

from headsmith.maths.cameras import Camera, project
from headsmith.maths.rotations import axis_angle_to_matrix
from headsmith.maths.triangulation import triangulate


def ring_of_cameras(count):
    yaw = torch.linspace(-0.5, 0.5, count, dtype=torch.float64)
    rotation = axis_angle_to_matrix(
        torch.stack([torch.full_like(yaw, torch.pi), torch.zeros_like(yaw), torch.zeros_like(yaw)], 1)
    )
    rotation = rotation @ axis_angle_to_matrix(torch.stack([torch.zeros_like(yaw), yaw, torch.zeros_like(yaw)], 1))
    translation = torch.tensor([0.01, -0.02, 0.8], dtype=torch.float64).expand(count, 3)
    focal, centre = (torch.full((count, 2), value, dtype=torch.float64) for value in (1000.0, 256.0))
    return Camera(rotation, translation, focal, centre, (512, 512))


def test_exact_images_give_the_points_back():
    torch.manual_seed(0)
    cameras, points = ring_of_cameras(4), 0.1 * torch.randn(9, 3, dtype=torch.float64)
    pixels = project(points.expand(4, -1, 3), cameras)[0]
    assert torch.allclose(triangulate(pixels, cameras, 1.0), points, atol=1e-9)


def test_one_wild_image_of_many_hardly_matters():
    torch.manual_seed(1)
    cameras, points = ring_of_cameras(9), 0.1 * torch.randn(5, 3, dtype=torch.float64)
    pixels = project(points.expand(9, -1, 3), cameras)[0]
    pixels[2] += 80
    assert (triangulate(pixels, cameras, 1.0) - points).norm(dim=1).max() < 1e-3
    assert (triangulate(pixels, cameras, 1e9) - points).norm(dim=1).max() > 3e-3


def test_missing_images_are_left_out_and_one_image_is_not_enough():
    cameras, points = ring_of_cameras(4), 0.1 * torch.randn(2, 3, dtype=torch.float64)
    pixels = project(points.expand(4, -1, 3), cameras)[0]
    pixels[1, 0] = torch.nan
    pixels[1:, 1] = torch.nan
    found = triangulate(pixels, cameras, 1.0)
    assert torch.allclose(found[0], points[0], atol=1e-9)
    assert found[1].isnan().all()
