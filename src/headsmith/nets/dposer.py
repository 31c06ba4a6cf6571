"""DPoser's network for faces: from perturbed codes and the time of the diffusion to where they came from.

``TimeFC`` of DPoser-X (``lib/algorithms/advanced/model.py`` of moonbow721/DPoser-X, MIT; Lu et al. 2025) under the published
names of its tensors: dense layers with normalised groups, the time added in each of them. As published for faces: sines and
cosines of the time (``embedding_type: positional``), or, where the file has them, random frequencies (``fourier``); swish; the
answer divided by a noise level that goes with the time (``scale_by_sigma``). ``open_dposer`` reads the user's files.
"""

import math
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import silu

from headsmith.maths.priors_diffusion import SubVp

GROUPS: Final = 32
STEPS: Final = 1000
LARGEST_SIGMA, LEAST_SIGMA = 50.0, 0.01
"""Noise levels, ``STEPS`` of them from the largest to the least, evenly in their logarithm (``configs/general_configs.py``)."""
SLOWEST: Final = 10000.0
"""The slowest sine of the time turns so many times more slowly than the fastest (Vaswani et al. 2017, section 3.5)."""


class DPoser(nn.Module):
    """The network; sizes are those of its checkpoint.

    Args:
        codes: How many codes go in and out.
        width: Of the dense layers.
        times: How many numbers stand for the time.
        blocks: How many blocks of two layers there are.
        fourier: Whether random frequencies stand for the time.
    """

    def __init__(self, codes: int, width: int = 1024, times: int = 512, blocks: int = 2, *, fourier: bool = False) -> None:
        super().__init__()
        self.times, self.blocks = times, blocks
        self.pre_dense, self.pre_dense_t = nn.Linear(codes, width), nn.Linear(times, width)
        self.pre_gnorm = nn.GroupNorm(GROUPS, width)
        if fourier:
            self.gauss_proj = nn.Module()
            self.gauss_proj.W = nn.Parameter(torch.zeros(times // 2), requires_grad=False)
        self.shared_time_embed = nn.Sequential(nn.Linear(times, times), nn.SiLU())
        for block in range(1, blocks + 1):
            for layer in (1, 2):
                self.add_module(f"b{block}_dense{layer}", nn.Linear(width, width))
                self.add_module(f"b{block}_dense{layer}_t", nn.Linear(times, width))
                self.add_module(f"b{block}_gnorm{layer}", nn.GroupNorm(GROUPS, width))
        self.post_dense = nn.Linear(width, codes)
        levels = torch.linspace(math.log(LARGEST_SIGMA), math.log(LEAST_SIGMA), STEPS, dtype=torch.float64)
        self.register_buffer("sigmas", levels.exp().float())

    def forward(self, x: Float[Tensor, "B D"], step: Float[Tensor, " B"]) -> Float[Tensor, "B D"]:
        """Return the noise in perturbed codes, in deviations; ``step`` is the time by 999."""
        turns = self.shared_time_embed(self._turns(step))
        found = silu(self.pre_gnorm(self.pre_dense(x) + self.pre_dense_t(turns)))
        for block in range(1, self.blocks + 1):
            inner = found
            for layer in (1, 2):
                dense, dense_t, norm = (
                    getattr(self, f"b{block}_{part}") for part in (f"dense{layer}", f"dense{layer}_t", f"gnorm{layer}")
                )
                inner = silu(norm(dense(inner) + dense_t(turns)))
            found = found + inner
        return self.post_dense(found) / self._level(step)[:, None]

    def _turns(self, step: Float[Tensor, " B"]) -> Float[Tensor, "B times"]:
        if hasattr(self, "gauss_proj"):
            angles = 2 * math.pi * step.log()[:, None] * self.gauss_proj.W
        else:
            half = self.times // 2
            rates = torch.exp(torch.arange(half, dtype=step.dtype, device=step.device) * -(math.log(SLOWEST) / (half - 1)))
            angles = step[:, None] * rates
        return torch.cat([angles.sin(), angles.cos()], 1)

    def _level(self, step: Float[Tensor, " B"]) -> Float[Tensor, " B"]:
        return step if hasattr(self, "gauss_proj") else self.sigmas.to(step)[step.long()]


class DPoserScore:
    """The network as the slope of the logarithm of the density of perturbed codes.

    Args:
        network: In evaluation, frozen.
        schedule: Of the noise that it was trained with.
    """

    def __init__(self, network: DPoser, schedule: SubVp) -> None:
        self.network, self.schedule = network, schedule

    def __call__(self, x: Float[Tensor, "B D"], t: Float[Tensor, " B"]) -> Float[Tensor, "B D"]:
        """Return the slope: the noise that the network sees, divided by its deviation, backwards (``get_score_fn`` there)."""
        noise = self.network(x.float(), (t * (STEPS - 1)).float()).to(x)
        return -noise / self.schedule.noise(t)[:, None]
