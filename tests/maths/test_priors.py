import pytest
import torch
from torch.testing import assert_close

from headsmith.maths.priors import L2Prior, estimate_l2_prior
from headsmith.maths.priors_diffusion import DiffusionPrior, SubVp, denoise

DIMENSIONS = 4


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


class Gaussian:
    """Codes of one normal distribution: the score of perturbed ones is known in closed form."""

    def __init__(self):
        root = random(DIMENSIONS, DIMENSIONS, seed=1)
        self.mean, self.covariance = random(DIMENSIONS, seed=2), root @ root.mT + 0.1 * torch.eye(DIMENSIONS)
        self.schedule = SubVp()

    def perturbed(self, t):
        a, s = float(self.schedule.scale(t[:1])), float(self.schedule.noise(t[:1]))
        return a, s, a * a * self.covariance + s * s * torch.eye(DIMENSIONS, dtype=torch.float64)

    def score(self, x, t):
        a, _, covariance = self.perturbed(t)
        return -torch.linalg.solve(covariance, (x - a * self.mean).mT).mT


def unit():
    return torch.zeros(DIMENSIONS, dtype=torch.float64), torch.ones(DIMENSIONS, dtype=torch.float64)


def test_l2_is_the_sum_of_squares_in_deviations():
    x = random(3, DIMENSIONS)
    variance = torch.tensor([1.0, 4.0, 0.25, 9.0], dtype=torch.float64)
    expected = sum((x[row, code] ** 2 / variance[code]).item() for row in range(3) for code in range(4)) / 3
    assert L2Prior(variance)(x).item() == pytest.approx(expected)
    assert L2Prior()(x, 0.3).item() == pytest.approx(x.square().sum(1).mean().item())


def test_l2_finds_variances_of_many_and_doubts_few():
    truth = torch.tensor([0.2, 1.0, 3.0], dtype=torch.float64)
    prior = estimate_l2_prior(random(20000, 3) * truth.sqrt() + 1)
    assert_close(prior.variance, truth, rtol=0.05, atol=0.01)
    assert_close(prior.mean, torch.ones(3, dtype=torch.float64), rtol=0.05, atol=0.0)
    alike = estimate_l2_prior(torch.zeros(3, 2, dtype=torch.float64))
    assert_close(alike.variance, torch.full((2,), 5 / 8, dtype=torch.float64))


def test_l2_refuses_variances_of_nothing():
    with pytest.raises(ValueError, match="above 0"):
        L2Prior(torch.tensor([1.0, 0.0]))


def test_schedule_is_the_sub_vp_one():
    """The mean's scale solves da/dt = -b a / 2, the variance dv/dt = -b v + b (1 - a^4), from 1 and 0: by small steps."""
    schedule, steps = SubVp(), 20000
    scale, variance = 1.0, 0.0
    for step in range(steps):
        t = (step + 0.5) / steps
        rate = 0.1 + t * 19.9
        middle = scale * (1 - rate / (4 * steps))
        variance += (-rate * variance + rate * (1 - middle**4)) / steps
        scale -= rate * middle / (2 * steps)
        if step + 1 in (2000, 6000, 20000):
            time = torch.tensor([(step + 1) / steps], dtype=torch.float64)
            assert schedule.scale(time).item() == pytest.approx(scale, rel=1e-4)
            assert schedule.noise(time).item() == pytest.approx(variance**0.5, rel=2e-3)


@pytest.mark.parametrize("t", [0.01, 0.1, 0.5, 1.0])
def test_denoising_is_the_gaussian_posterior_mean(t):
    truth = Gaussian()
    times = torch.full((5,), t, dtype=torch.float64)
    x = random(5, DIMENSIONS)
    a, _, covariance = truth.perturbed(times)
    expected = truth.mean + a * torch.linalg.solve(covariance, (x - a * truth.mean).mT).mT @ truth.covariance
    assert_close(denoise(truth.score, x, times, truth.schedule), expected)


@pytest.mark.parametrize("weighs", [False, True])
@pytest.mark.parametrize("t", [0.05, 0.12, 0.7])
def test_loss_and_gradient_of_a_gaussian(t, weighs):
    """By hand with the very noise that the prior draws: x - x0 = s^2 S^-1 (x - m) - a s C S^-1 z."""
    truth = Gaussian()
    x = (2 * random(6, DIMENSIONS, seed=4)).requires_grad_()
    loss = DiffusionPrior(truth.score, *unit(), weighs=weighs, seed=3)(x, t)
    (gradient,) = torch.autograd.grad(loss, x)
    a, s, covariance = truth.perturbed(torch.full((1,), t, dtype=torch.float64))
    inverse = torch.linalg.inv(covariance)
    apart = s * s * (x.detach() - truth.mean) @ inverse - a * s * random(6, DIMENSIONS, seed=3) @ inverse @ truth.covariance
    weight = (1 + (a / s) ** 2) ** 0.5 if weighs else 1.0
    assert_close(loss.detach(), weight * apart.square().sum() / 2 / 6)
    assert_close(gradient, weight * apart / 6)


def test_expected_gradient_descends_the_gaussian():
    """Over much noise the gradient is s^2 S^-1 (x - m): towards the mean, whatever the deviation of the codes."""
    truth, t = Gaussian(), 0.3
    x = random(1, DIMENSIONS, seed=6).expand(40000, -1).clone().requires_grad_()
    (gradient,) = torch.autograd.grad(DiffusionPrior(truth.score, *unit())(x, t), x)
    _, s, covariance = truth.perturbed(torch.full((1,), t, dtype=torch.float64))
    expected = s * s * torch.linalg.solve(covariance, x[0].detach() - truth.mean)
    assert_close(gradient.sum(0), expected, atol=0.02, rtol=0)


def test_codes_are_normalised_first():
    truth, mean, deviation = Gaussian(), random(DIMENSIONS, seed=7), random(DIMENSIONS, seed=8).exp()
    x = random(3, DIMENSIONS)
    bare = DiffusionPrior(truth.score, *unit())(x, 0.1)
    assert_close(DiffusionPrior(truth.score, mean, deviation)(x * deviation + mean, 0.1), bare)


def test_same_seed_same_noise_and_other_noise_at_the_next_call():
    x = random(3, DIMENSIONS)
    one, other = (DiffusionPrior(Gaussian().score, *unit(), seed=5) for _ in range(2))
    first = one(x, 0.1)
    assert_close(other(x, 0.1), first, rtol=0, atol=0)
    assert one(x, 0.1) != first


def test_wrong_times_and_codes_are_refused():
    prior = DiffusionPrior(Gaussian().score, *unit())
    for t in (0.0, 1.5):
        with pytest.raises(ValueError, match="time"):
            prior(random(1, DIMENSIONS), t)
    with pytest.raises(ValueError, match="5 codes"):
        prior(random(1, 5), 0.1)
    with pytest.raises(ValueError, match="deviations"):
        DiffusionPrior(Gaussian().score, torch.zeros(2), torch.zeros(2))
