import torch

from headsmith.maths.rotations import quaternion_to_matrix
from headsmith.splat.basis import BASIS_UNITS, BasisDeformation
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


def test_every_parameter_has_a_gradient():
    torch.manual_seed(2)
    model = BasisDeformation(COUNT, CONDITION, 3, 8)
    torch.nn.init.normal_(model.bases)
    deformed = model(start(), torch.randn(CONDITION))
    sum((part * torch.randn_like(part)).sum() for part in deformed).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())
