"""A prior that a diffusion learned: DPoser's loss, by denoising codes in one step.

Lu, Lin, Dou, Zeng, Deng, Liu, Cai, Yang, Zhang, Wang and Liu 2023, *DPoser: Diffusion Model as Robust 3D Human Pose Prior*,
section 3, and DPoser-X (2025) for faces. Codes are perturbed by noise of time ``t``, a network says where they came from, and
the codes are drawn there: half the squared distance, with the answer held fixed in the gradient.

The diffusion is the sub-variance-preserving one of Song et al. 2021, *Score-Based Generative Modeling through Stochastic
Differential Equations*, equation 14 and appendix B: at time ``t`` codes are ``a(t) x + s(t) z`` with standard normal ``z``,
``log a = -t^2 (b1 - b0) / 4 - t b0 / 2`` and ``s = 1 - a^2``, with ``b0 = 0.1`` and ``b1 = 20`` (appendix C there).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

LEAST_TIME: Final = 1e-3
"""Below this time, networks of this diffusion were never trained (``sampling_eps`` of DPoser and of score-SDE)."""

Score = Callable[[Float[Tensor, "B D"], Float[Tensor, " B"]], Float[Tensor, "B D"]]
"""The slope of the logarithm of the density of perturbed codes, by them, at the time of each row."""


@dataclass(frozen=True)
class SubVp:
    """The schedule of noise.

    Attributes:
        first: Rate of noise at time 0.
        last: Rate of noise at time 1.
    """

    first: float = 0.1
    last: float = 20.0

    def scale(self, t: Float[Tensor, " B"]) -> Float[Tensor, " B"]:
        """Return by what codes are multiplied at times in (0, 1]."""
        return self._exponent(t).exp()

    def noise(self, t: Float[Tensor, " B"]) -> Float[Tensor, " B"]:
        """Return the standard deviation of the noise at times in (0, 1]."""
        return -torch.expm1(2 * self._exponent(t))

    def _exponent(self, t: Float[Tensor, " B"]) -> Float[Tensor, " B"]:
        return -0.25 * t.square() * (self.last - self.first) - 0.5 * t * self.first


class DiffusionPrior:
    """DPoser's loss: the mean over rows of ``w |x - x0|^2 / 2``, ``x0`` being the perturbed codes denoised in one step.

    ``x`` is first brought to what the network was trained on, mean 0 and deviation 1. ``w`` is 1, or, for shapes,
    ``sqrt(1 + (a / s)^2)``: photometric_optimization's DPoser variant weighs identity so and expression not (``prior.py``
    there, classes ``DPoser_beta`` and ``DPoser_pose_exp``).

    Args:
        score: What the network says of perturbed codes.
        mean: Of the codes that it was trained on.
        deviation: Of those.
        weighs: Whether ``w`` grows where there is little noise.
        schedule: Of the noise.
        seed: Of the noise that codes are perturbed by; one prior draws other noise at every call, the same in every run.

    Raises:
        ValueError: A deviation is not above 0, or there are others than means.
    """

    def __init__(
        self,
        score: Score,
        mean: Float[Tensor, " D"],
        deviation: Float[Tensor, " D"],
        *,
        weighs: bool = False,
        schedule: SubVp = SubVp(),
        seed: int = 0,
    ) -> None:
        if mean.shape != deviation.shape or not bool((deviation > 0).all()):
            raise ValueError(f"{len(mean)} means, {len(deviation)} deviations, the least {deviation.min():.3g}")
        self.score, self.mean, self.deviation = score, mean, deviation
        self.weighs, self.schedule = weighs, schedule
        self._generator = torch.Generator().manual_seed(seed)

    def __call__(self, x: Float[Tensor, "B D"], t: float = 0.1) -> Float[Tensor, ""]:
        """Return the loss of codes at a time of the diffusion.

        Raises:
            ValueError: The time is not in (0, 1], where the diffusion is, or codes are not as many as it was trained on.
        """
        if not LEAST_TIME <= t <= 1:
            raise ValueError(f"the time of a diffusion is within {LEAST_TIME}..1, not {t}")
        if x.shape[1] != len(self.mean):
            raise ValueError(f"{x.shape[1]} codes for a prior of {len(self.mean)}")
        codes = (x - self.mean.to(x)) / self.deviation.to(x)
        times = torch.full((len(x),), float(t), dtype=x.dtype, device=x.device)
        noise = torch.randn(codes.shape, generator=self._generator, dtype=x.dtype).to(x.device)
        with torch.no_grad():
            scale, spread = self.schedule.scale(times)[:, None], self.schedule.noise(times)[:, None]
            origin = denoise(self.score, scale * codes + spread * noise, times, self.schedule)
            weight = (1 + (scale / spread).square()).sqrt() if self.weighs else torch.ones_like(scale)
        return 0.5 * (weight * (codes - origin).square()).sum(-1).mean()


def denoise(score: Score, perturbed: Float[Tensor, "B D"], t: Float[Tensor, " B"], schedule: SubVp) -> Float[Tensor, "B D"]:
    """Return the mean of the codes that perturbed ones may come from: ``(x_t + s^2 score) / a``.

    Tweedie's formula (Robbins 1956; Efron 2011, *Tweedie's Formula and Selection Bias*, equation 1.4).
    """
    scale, spread = schedule.scale(t)[:, None], schedule.noise(t)[:, None]
    return (perturbed + spread.square() * score(perturbed, t)) / scale
