"""Principal components of pictures of which parts are hidden: probabilistic PCA with missing and weighted data, by EM.

Tipping and Bishop 1999, *Probabilistic Principal Component Analysis*, section 3 and appendix B, with the sums over what was
seen alone, as Ilin and Raiko 2010, *Practical Approaches to Principal Component Analysis in the Presence of Missing Values*,
sections 3.3 and 4.1, have it; rows of the components have a normal belief whose variance, one a component, is estimated (Bishop
1999, *Bayesian PCA*, equation 10), or texels that few pictures show would follow those few. The mean is sought with the
components: the mean of what was seen is not that of all, where brighter people are seen more.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Float32
from numpy import ndarray
from torch import Tensor

BLOCK: Final = 2048
"""Texels worked at together; memory grows with it and the square of the components."""
FEW: Final = 5
"""Rounds between one widening and the next."""
FLOOR: Final = 1e-6
"""Least variance, as a share of the data's: keeps divisions finite where a model fits exactly."""


@dataclass(frozen=True)
class LowRank:
    """A mean and components, and what they say of the pictures that they were learned from.

    Attributes:
        mean: Of each texel, by colour.
        components: Change by one standard deviation of each code, the largest first.
        noise: Variance of what they leave, at weight 1.
        codes: Of the pictures, in standard deviations.
    """

    mean: Float32[ndarray, "M 3"]
    components: Float32[ndarray, "M 3 C"]
    noise: float
    codes: Float32[ndarray, "N C"]

    def pictures(self) -> Float32[ndarray, "N M 3"]:
        """Return the pictures as the model has them."""
        flat = self.codes @ self.components.reshape(-1, self.components.shape[2]).T
        return self.mean + flat.reshape(len(self.codes), *self.mean.shape)


def learn_low_rank(
    values: Float32[ndarray, "N M 3"], weights: Float32[ndarray, "N M"], components: int, rounds: int = 15
) -> LowRank:
    """Return the mean and the principal components of pictures.

    Args:
        values: Colours of texels; those of weight 0 count for nothing, whatever they are.
        weights: How much a texel is believed: its noise has the variance ``noise / weight``; 0: hidden.
        components: How many; at least one less than pictures are used.
        rounds: Of expectation and maximisation, with all components.

    Raises:
        ValueError: There are fewer than two pictures, or a texel that none shows.
    """
    if len(values) < 2 or not (weights > 0).any(0).all():
        raise ValueError("principal components need two pictures, and every texel in one of them at least")
    count = min(components, len(values) - 1)
    x = torch.from_numpy(np.where(weights[..., None] > 0, values, 0).astype(np.float32))
    w = torch.from_numpy(weights)
    state = _begin(x, w)
    while (held := state.codes.shape[1]) < count:
        state = _widen(x, w, state, min(count - held, max(1, held)))
        for _ in range(rounds if state.codes.shape[1] == count else FEW):
            state = _level(_maximise(x, w, state, *_expect(x, w, state)))
    return _turn(state)


@dataclass(frozen=True)
class _State:
    """Where EM is: ``rows`` (M 3 C+1) are components and mean, ``codes`` (N C) and ``spreads`` (N C C) tell the codes."""

    rows: Tensor
    noise: float
    codes: Tensor
    spreads: Tensor


def _begin(x: Float[Tensor, "N M 3"], w: Float[Tensor, "N M"]) -> _State:
    """Begin with the mean of what was seen, and no component."""
    mean = ((w / w.sum(0))[..., None] * x).sum(0)
    nothing = torch.zeros(len(x), 0, dtype=torch.float64)
    return _State(mean[..., None], 1.0, nothing, torch.zeros(len(x), 0, 0, dtype=torch.float64))


def _widen(x: Float[Tensor, "N M 3"], w: Float[Tensor, "N M"], state: _State, more: int) -> _State:
    """Add components: the principal ones of what the present ones leave, from the small side (Turk and Pentland 1991).

    Few at a time, because to begin with, a picture is taken to have nothing left where it is hidden: of whole pictures that
    would be a component of its own for every pattern of hiding, and EM would take hundreds of rounds to be rid of it.
    """
    count = state.codes.shape[1]
    gram, own = torch.zeros(len(x), len(x), dtype=torch.float64), state.codes.float()
    for part in _blocks(x):
        gram += (left := _rest(x, w, state, own, part)).double() @ left.mT.double()
    values, vectors = torch.linalg.eigh(gram)
    values, fresh = values.clamp(min=0).flip(0)[:more], vectors.flip(1)[:, :more] * len(x) ** 0.5
    added = [(_rest(x, w, state, own, part).mT @ fresh.float() / len(x)).unflatten(0, (-1, 3)) for part in _blocks(x)]
    rows = torch.cat([state.rows[..., :count], torch.cat(added), state.rows[..., count:]], -1)
    seen, size = max(1, int((w > 0).sum()) * 3), float(x.square().mean())
    noise = max(float(gram.trace() - values.sum()) / seen, FLOOR * size + 1e-20)
    spreads = torch.zeros(len(x), count + more, count + more, dtype=torch.float64)
    return _State(rows, noise, torch.cat([state.codes, fresh], 1), spreads)


def _rest(x: Tensor, w: Tensor, state: _State, codes: Tensor, part: slice) -> Float[Tensor, "N D"]:
    """Return what the components leave of some texels, by the root of their weights; 0 where they are hidden."""
    rows = state.rows[part]
    left = x[:, part] - rows[..., -1] - torch.einsum("mbc,nc->nmb", rows[..., :-1], codes)
    return (left * w[:, part, None].sqrt()).flatten(1)


def _expect(x: Tensor, w: Tensor, state: _State) -> tuple[Tensor, Tensor]:
    """Return mean and covariance of each picture's codes, given the components."""
    count = state.codes.shape[1]
    precision, pull = torch.zeros(len(x), count * count, dtype=torch.float64), torch.zeros(len(x), count, dtype=torch.float64)
    for part in _blocks(x):
        rows = state.rows[part]
        own, mean = rows[..., :count], rows[..., count]
        products = torch.einsum("mbc,mbd->mcd", own, own).flatten(1)
        precision += (w[:, part] @ products).double()
        pull += ((w[:, part, None] * (x[:, part] - mean)).flatten(1) @ own.flatten(0, 1)).double()
    matrix = precision.reshape(-1, count, count) / state.noise + torch.eye(count, dtype=torch.float64)
    spreads = torch.linalg.inv(matrix)
    return (spreads @ (pull / state.noise)[..., None])[..., 0], spreads


def _maximise(x: Tensor, w: Tensor, state: _State, codes: Tensor, spreads: Tensor) -> _State:
    """Return the components and the noise that go best with what is known of the codes."""
    count = codes.shape[1]
    long = torch.cat([codes, torch.ones_like(codes[:, :1])], 1)
    second = long[:, :, None] * long[:, None]
    second[:, :count, :count] += spreads
    variance = state.rows[..., :count].double().square().mean((0, 1)).clamp(min=1e-30)
    belief = torch.cat([state.noise / variance, torch.zeros(1, dtype=torch.float64)])
    rows, error = torch.empty_like(state.rows), 0.0
    flat, plain = second.flatten(1).float(), long.float()
    for part in _blocks(x):
        seen = w[:, part]
        matrix = (seen.mT @ flat).double().reshape(-1, count + 1, count + 1)
        right = torch.einsum("nmb,nc->mcb", seen[..., None] * x[:, part], plain).double()
        found = torch.linalg.solve(matrix + torch.diag(belief), right)
        error += float((seen[..., None] * x[:, part].square()).sum(dtype=torch.float64))
        error += float((found * (matrix @ found - 2 * right)).sum())
        rows[part] = found.mT.float()
    entries = max(1, int((w > 0).sum()) * x.shape[2])
    scale = float(x.square().mean())
    return _State(rows, max(error / entries, FLOOR * scale + 1e-20), codes, spreads)


def _level(state: _State) -> _State:
    """Bring the codes to mean 0 and covariance 1, and the components to what goes with them: the model stays the same.

    Without this the belief about rows lets components shrink and codes grow without end; with it, EM is also faster (Liu, Rubin
    and Wu 1998, *Parameter Expansion to Accelerate EM*, section 4.2).
    """
    count = state.codes.shape[1]
    middle = state.codes.mean(0)
    centred = state.codes - middle
    covariance = centred.mT @ centred / len(centred) + state.spreads.mean(0)
    root = torch.linalg.cholesky(covariance + 1e-12 * covariance.trace() * torch.eye(count, dtype=torch.float64))
    own, mean = state.rows[..., :count].double(), state.rows[..., count].double()
    rows = torch.cat([own @ root, (mean + own @ middle)[..., None]], -1).float()
    codes = torch.linalg.solve_triangular(root, centred.mT, upper=False).mT
    half = torch.linalg.solve_triangular(root, state.spreads, upper=False)
    return _State(rows, state.noise, codes, torch.linalg.solve_triangular(root, half.mT, upper=False))


def _turn(state: _State) -> LowRank:
    """Turn the components of codes of covariance 1 into principal ones, at right angles to each other."""
    count = state.codes.shape[1]
    flat = state.rows[..., :count].double().flatten(0, 1)
    _, vectors = torch.linalg.eigh(flat.mT @ flat)
    vectors = vectors.flip(1)
    components = (flat @ vectors).unflatten(0, (-1, state.rows.shape[1]))
    parts = (state.rows[..., count], components, state.codes @ vectors)
    mean, principal, codes = (part.float().contiguous().numpy() for part in parts)
    return LowRank(mean, principal, state.noise, codes)


def _blocks(x: Tensor) -> list[slice]:
    return [slice(start, start + BLOCK) for start in range(0, x.shape[1], BLOCK)]
