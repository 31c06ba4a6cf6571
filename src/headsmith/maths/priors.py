"""What is believed of codes before a picture is seen: one interface, ``prior(x, t) -> loss``, for every kind of belief.

``x`` are codes, a person a row; ``t`` is the time of a diffusion in (0, 1], which a Gaussian belief ignores. The loss is one
number, a mean over the rows, and has a gradient by ``x``. What a diffusion learned is in ``priors_diffusion.py``.
"""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor


@runtime_checkable
class Prior(Protocol):
    """Anything that tells how unlikely codes are."""

    def __call__(self, x: Float[Tensor, "B D"], t: float = 0.1) -> Float[Tensor, ""]:
        """Return the loss of codes, a mean over rows."""
        ...


class L2Prior:
    """Codes are normal and independent: the mean over rows of ``sum (x - m)^2 / v``.

    With ``v = 1`` and ``m = 0``, the unit of most heads' codes, that is the sum of squares with which photometric_optimization
    and its DPoser variant regularise (``prior.py`` there, class of the same name).

    Args:
        variance: Of each code; one number for all.
        mean: Of each code.
    """

    def __init__(self, variance: Float[Tensor, " D"] | float = 1.0, mean: Float[Tensor, " D"] | float = 0.0) -> None:
        self.variance, self.mean = torch.as_tensor(variance), torch.as_tensor(mean)
        if not bool((self.variance > 0).all()):
            raise ValueError(f"variances must be above 0, not {self.variance.min():.3g}")

    def __call__(self, x: Float[Tensor, "B D"], t: float = 0.1) -> Float[Tensor, ""]:
        """Return the loss of codes; ``t`` changes nothing."""
        mean, variance = self.mean.to(x), self.variance.to(x)
        return ((x - mean).square() / variance).sum(-1).mean()


def estimate_l2_prior(codes: Float[Tensor, "N D"], doubt: float = 5.0) -> L2Prior:
    """Return the prior of codes like these: their mean and variances, drawn towards 0 and 1 where there are few.

    The variance about the mean that is kept is an inverse gamma's posterior mode with ``doubt`` observations of variance 1
    before any is seen, the mean a normal's with as many at 0 (Gelman et al., *Bayesian Data Analysis*, 3rd ed., section 3.3);
    so a code that all people share by chance is not held there without end.

    Args:
        codes: Of people who were fitted.
        doubt: How many people the belief counts that a code has mean 0 and variance 1.
    """
    count = len(codes)
    mean = codes.sum(0) / (count + doubt)
    spread = (codes - mean).square().sum(0) + doubt * mean.square()
    return L2Prior((spread + doubt) / (count + doubt), mean)
