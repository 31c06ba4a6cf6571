import math

import pytest
import torch

from headsmith.maths.rotations import quaternion_to_matrix
from headsmith.splat.basis import BASIS_UNITS, BasisDeformation
from headsmith.splat.flashavatar import MlpDeformation, positional_encoding
from headsmith.splat.gaussians import initial_gaussians

COUNT, CONDITION = 7, 5


def start():
    return initial_gaussians(COUNT, 0.002, torch.Generator().manual_seed(0))


def test_gaussians_start_round_and_as_large_as_their_spacing_asks():
    gaussians = start()
    assert torch.allclose(gaussians.log_scale.exp(), torch.tensor(0.7 * 0.002))
    assert torch.allclose(quaternion_to_matrix(gaussians.rotation), torch.eye(3), atol=0.1)


def test_untrained_bases_change_nothing():
    gaussians = start()
    deformed = BasisDeformation(COUNT, CONDITION, 3, 8)(gaussians, torch.randn(CONDITION))
    assert all(torch.equal(a, b) for a, b in zip(gaussians, deformed, strict=True))


def test_bases_add_up_as_a_slow_loop_has_them():
    torch.manual_seed(1)
    model, gaussians, condition = BasisDeformation(COUNT, CONDITION, 3, 8), start(), torch.randn(CONDITION)
    torch.nn.init.normal_(model.bases)
    deformed = model(gaussians, condition)
    weights = model.weights(condition)
    for point in range(COUNT):
        change = [sum(weights[k] * model.bases[k, 10 * point + i] for k in range(3)) * BASIS_UNITS[i] for i in range(10)]
        change = torch.stack(change)
        assert torch.allclose(deformed.offset[point] - gaussians.offset[point], change[:3], atol=1e-6)
        assert torch.allclose(deformed.log_scale[point] - gaussians.log_scale[point], change[3:6], atol=1e-5)
        assert torch.allclose(deformed.opacity[point] - gaussians.opacity[point], change[6], atol=1e-5)
        assert torch.allclose(deformed.colour[point] - gaussians.colour[point], change[7:], atol=1e-5)


def test_encoding_has_51_numbers_in_pairs_of_sine_and_cosine():
    points = torch.rand(4, 3)
    encoding = positional_encoding(points)
    assert encoding.shape == (4, 51)
    assert torch.equal(encoding[:, :3], points)
    pairs = encoding[:, 3:].view(4, 8, 2, 3)
    assert torch.allclose(pairs.square().sum(2), torch.ones(4, 8, 3), atol=1e-6)
    assert torch.allclose(pairs[:, 3, 0], torch.sin(8 * points))


def test_mlp_has_flashavatars_size_and_starts_near_the_identity():
    model, gaussians = MlpDeformation(torch.rand(COUNT, 3), 120), start()
    assert [tuple(layer.weight.shape) for layer in model.network[::2]] == [(256, 171), *[(256, 256)] * 5, (10, 256)]
    deformed = model(gaussians, torch.randn(120))
    assert torch.allclose(deformed.offset, gaussians.offset, atol=1e-3)
    assert torch.allclose(deformed.log_scale, gaussians.log_scale, atol=2e-2)
    turned = quaternion_to_matrix(deformed.rotation)
    assert torch.allclose(turned, quaternion_to_matrix(gaussians.rotation), atol=1e-2)


def test_mlp_factors_the_log_scale_and_bounds_the_offset():
    model, gaussians = MlpDeformation(torch.rand(COUNT, 3), CONDITION), start()
    torch.nn.init.constant_(model.network[-1].bias, 100.0)
    deformed = model(gaussians, torch.zeros(CONDITION))
    assert torch.allclose(deformed.log_scale, gaussians.log_scale * math.e)
    assert torch.allclose(deformed.offset, gaussians.offset + 1)


@pytest.mark.parametrize("kind", ["basis", "mlp"])
def test_every_parameter_has_a_gradient(kind):
    torch.manual_seed(2)
    model = BasisDeformation(COUNT, CONDITION, 3, 8) if kind == "basis" else MlpDeformation(torch.rand(COUNT, 3), CONDITION)
    if kind == "basis":
        torch.nn.init.normal_(model.bases)
    deformed = model(start(), torch.randn(CONDITION))
    sum((part * torch.randn_like(part)).sum() for part in deformed).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())
