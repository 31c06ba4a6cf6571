import pytest
import torch

from headsmith.splat.compiled_loss import weighted_huber


def plain(picture, goal, weight, delta):
    difference = torch.nn.functional.huber_loss(picture, goal, reduction="none", delta=delta)
    return (difference * weight[..., None]).mean()


@pytest.mark.parametrize(("dtype", "near"), [(torch.float32, 3e-6), (torch.float64, 1e-13)])
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (40, 41), (64, 64)])
def test_the_loss_and_its_gradient_are_those_of_torch(shape, dtype, near):
    generator = torch.Generator().manual_seed(0)
    picture, goal = torch.rand(2, *shape, 3, generator=generator).to(dtype)
    goal[0, 0] = picture[0, 0]
    weight = torch.rand(shape, generator=generator).to(dtype) * 3
    found, expected = (picture.clone().requires_grad_(True) for _ in range(2))
    losses = weighted_huber(found, goal, weight, 0.1), plain(expected, goal, weight, 0.1)
    assert losses[0].item() == pytest.approx(losses[1].item(), rel=near)
    for loss in losses:
        (2.5 * loss).backward()
    torch.testing.assert_close(found.grad, expected.grad, rtol=near, atol=near * 1e-3)


def test_half_precision_weights_do():
    picture, goal = torch.rand(2, 8, 9, 3, generator=torch.Generator().manual_seed(1))
    weight = torch.full((8, 9), 0.5)
    assert weighted_huber(picture, goal, weight.half(), 0.1) == weighted_huber(picture, goal, weight, 0.1)
