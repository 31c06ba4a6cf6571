"""The compiled deformation against the same in plain torch, with Gaussians at both limits in."""

from dataclasses import replace

import pytest
import torch

from headsmith.maths.cameras import Camera
from headsmith.splat.avatar import AvatarShape, View
from headsmith.splat.basis import FARTHEST, LARGEST, BasisAvatar

KINDS = ("means", "scales", "quats", "opacities", "colours")


def make(count, bases, dtype):
    generator = torch.Generator().manual_seed(count)
    points = torch.rand(count, 3, generator=generator) * 0.2 - 0.1
    avatar = BasisAvatar(points, AvatarShape("basis", 5, bases, 8, 0.004), 0)
    with torch.no_grad():
        for name, parameter in avatar.gaussians.items():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.add_(noise * {"offset": 0.02, "log_scale": 0.7, "opacity": 4.0, "colour": 3.0}.get(name, 0.1))
        avatar.deformation.bases.normal_(std=0.3, generator=generator)
        avatar.gaussians["offset"][0] = 0
        avatar.gaussians["log_scale"][1] = 2.0
        avatar.gaussians["opacity"][:2] = torch.tensor([90.0, -90.0])
    camera = Camera(torch.eye(3), torch.tensor([0.0, 0, 1]), torch.tensor([60.0, 60]), torch.tensor([8.0, 8]), (16, 16))
    avatar, drivers = avatar.to(dtype), torch.randn(5 + 9, generator=generator).to(dtype)
    return avatar, View(points.to(dtype), torch.zeros(5), camera), drivers


def gradients(splats, leaves):
    generator = torch.Generator().manual_seed(1)
    loss = sum((part * torch.randn(part.shape, generator=generator).to(part)).sum() for part in splats)
    return torch.autograd.grad(loss, leaves)


@pytest.mark.parametrize(("dtype", "near"), [(torch.float32, 2e-6), (torch.float64, 1e-13)])
@pytest.mark.parametrize(("count", "bases"), [(8, 1), (61, 3), (1003, 16)])
def test_splats_and_gradients_are_those_of_torch(count, bases, dtype, near):
    avatar, view, drivers = make(count, bases, dtype)
    view = replace(view, points=view.points.requires_grad_(True))
    leaves = [*avatar.parameters(), view.points, drivers.requires_grad_(True)]
    found, expected = avatar.driven(view, drivers), avatar.driven_plainly(view, drivers)
    for name, one, other in zip(KINDS, found, expected, strict=True):
        assert (one - other).norm().item() <= near * other.norm().item(), name
    far = (expected.means - view.points).norm(dim=1) > 0.999 * FARTHEST
    if count > 8:
        assert far.any() and not far.all() and (expected.scales == LARGEST).any()
    for one, other in zip(gradients(found, leaves), gradients(expected, leaves), strict=True):
        assert (one - other).norm().item() <= near * max(other.norm().item(), 1e-3)


def test_too_few_gaussians_for_the_kernels_are_drawn_all_the_same():
    avatar, view, drivers = make(3, 2, torch.float32)
    found = avatar.driven(view, drivers)
    assert found.means.shape == (3, 3) and found.means.requires_grad


@pytest.mark.parametrize("name", ["offset", "log_scale", "opacity", "colour", "bases"])
@pytest.mark.parametrize("wrong", [torch.nan, torch.inf])
def test_a_number_that_is_not_finite_is_refused_and_not_held_to_the_limits(name, wrong):
    avatar, view, drivers = make(61, 3, torch.float32)
    with torch.no_grad():
        (avatar.deformation.bases if name == "bases" else avatar.gaussians[name]).view(-1)[40] = wrong
    with pytest.raises(ValueError, match="not finite"):
        avatar.driven(view, drivers)
