import torch

from headsmith.maths.cameras import Camera, project, to_camera
from headsmith.maths.rotations import axis_angle_to_matrix


def camera(batch=()):
    generator = torch.Generator().manual_seed(0)
    vector = 0.3 * torch.randn(*batch, 3, generator=generator, dtype=torch.float64)
    translation = torch.tensor([0.02, -0.03, 0.8], dtype=torch.float64).expand(*batch, 3)
    focal = torch.tensor([500.0, 510.0], dtype=torch.float64).expand(*batch, 2)
    principal = torch.tensor([128.0, 120.0], dtype=torch.float64).expand(*batch, 2)
    return Camera(axis_angle_to_matrix(vector), translation, focal, principal, (256, 240))


def points(*shape):
    return 0.1 * torch.randn(*shape, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_a_point_on_the_axis_lands_on_the_principal_point():
    still = Camera(torch.eye(3), torch.tensor([0.0, 0, 2]), torch.full((2,), 300.0), torch.tensor([64.0, 32.0]), (128, 64))
    pixels, depth = project(torch.tensor([[0.0, 0, 0], [0.1, 0, 0], [0, 0.1, -1]]), still)
    assert torch.allclose(pixels, torch.tensor([[64.0, 32], [79, 32], [64, 62]]))
    assert torch.allclose(depth, torch.tensor([2.0, 2, 1]))


def test_projection_is_the_homogeneous_product():
    one, world = camera(), points(20)
    pixels, depth = project(world, one)
    matrix = torch.diag(torch.cat([one.focal, torch.ones(1)]))
    matrix[:2, 2] = one.principal
    for index in range(20):
        seen = one.rotation @ world[index] + one.translation
        homogeneous = matrix @ seen
        assert torch.allclose(pixels[index], homogeneous[:2] / homogeneous[2])
        assert torch.allclose(depth[index], seen[2])


def test_batches_and_broadcasting():
    cameras, world = camera((5,)), points(7)
    pixels, depth = project(world, cameras)
    assert pixels.shape == (5, 7, 2) and depth.shape == (5, 7)
    assert torch.allclose(project(world, cameras[3])[0], pixels[3])
    assert project(points(5, 7), cameras)[0].shape == (5, 7, 2)


def test_projection_is_differentiable_in_everything():
    one = camera()
    parts = [one.rotation, one.translation, one.focal, one.principal]

    def image(world, *numbers):
        return project(world, Camera(*numbers, one.size))[0]

    inputs = [points(3), *parts]
    assert torch.autograd.gradcheck(image, [value.clone().requires_grad_() for value in inputs])


def test_to_camera_keeps_distances():
    cameras, world = camera((2,)), points(2, 6)
    assert torch.allclose(torch.cdist(to_camera(world, cameras), to_camera(world, cameras)), torch.cdist(world, world))
