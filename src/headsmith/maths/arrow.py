"""Linear systems of a clip: an arrow over a block band, solved in time and memory linear in the frames.

Each frame has ``P`` unknowns, coupled with those of the two frames before and after it (second differences in time), and with
``S`` unknowns that all frames share. Ordered frames first, the symmetric matrix is

    [ band      coupling ]
    [ coupling'  corner  ]

The band is factorised block by block (Cholesky), the shared unknowns follow from its Schur complement (Triggs et al., Bundle
Adjustment, 1999, section 6.1).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class ArrowSystem:
    """The matrix and the right-hand side; the blocks below the diagonal hold later rows, earlier columns.

    Attributes:
        diagonal: Blocks of each frame.
        next: Block of frame t + 1 against frame t; the last is unused.
        after_next: Block of frame t + 2 against frame t; the last two are unused.
        coupling: Blocks of each frame against the shared unknowns.
        corner: Block of the shared unknowns.
        frame_side: Right-hand side of the frames.
        shared_side: Right-hand side of the shared unknowns.
    """

    diagonal: Float[Tensor, "T P P"]
    next: Float[Tensor, "T P P"]
    after_next: Float[Tensor, "T P P"]
    coupling: Float[Tensor, "T P S"]
    corner: Float[Tensor, "S S"]
    frame_side: Float[Tensor, "T P"]
    shared_side: Float[Tensor, " S"]


@dataclass(frozen=True)
class BandFactor:
    """The Cholesky factor of a block band: lower triangles, and the blocks one and two below them."""

    lower: Float[Tensor, "T P P"]
    next: Float[Tensor, "T P P"]
    after_next: Float[Tensor, "T P P"]


def factor_band(system: ArrowSystem) -> BandFactor:
    """Return the Cholesky factor of the band.

    Raises:
        torch.linalg.LinAlgError: The band is not positive definite.
    """
    lower, first, second = (torch.zeros_like(system.diagonal) for _ in range(3))
    for t in range(len(lower)):
        block, below = system.diagonal[t], system.next[t]
        if t > 0:
            block = block - first[t - 1] @ first[t - 1].mT
            below = below - second[t - 1] @ first[t - 1].mT
        if t > 1:
            block = block - second[t - 2] @ second[t - 2].mT
        lower[t] = torch.linalg.cholesky(block)
        both = torch.cat([below, system.after_next[t]])
        solved = torch.linalg.solve_triangular(lower[t].mT, both, upper=True, left=False)
        first[t], second[t] = solved.chunk(2)
    return BandFactor(lower, first, second)


def solve_band(factor: BandFactor, sides: Float[Tensor, "T P R"]) -> Float[Tensor, "T P R"]:
    """Return the band's inverse times right-hand sides."""
    result, count = torch.zeros_like(sides), len(sides)
    for t in range(count):
        side = sides[t]
        if t > 0:
            side = side - factor.next[t - 1] @ result[t - 1]
        if t > 1:
            side = side - factor.after_next[t - 2] @ result[t - 2]
        result[t] = torch.linalg.solve_triangular(factor.lower[t], side, upper=False)
    for t in reversed(range(count)):
        side = result[t]
        if t + 1 < count:
            side = side - factor.next[t].mT @ result[t + 1]
        if t + 2 < count:
            side = side - factor.after_next[t].mT @ result[t + 2]
        result[t] = torch.linalg.solve_triangular(factor.lower[t].mT, side, upper=True)
    return result


def solve_arrow(system: ArrowSystem) -> tuple[Float[Tensor, "T P"], Float[Tensor, " S"]]:
    """Return the unknowns of the frames and the shared ones.

    Raises:
        torch.linalg.LinAlgError: The matrix is not positive definite.
    """
    sides = torch.cat([system.coupling, system.frame_side[..., None]], -1)
    solved = solve_band(factor_band(system), sides)
    eliminated, alone = solved[..., :-1], solved[..., -1]
    flat = system.coupling.flatten(0, 1)
    complement = system.corner - flat.mT @ eliminated.flatten(0, 1)
    shared_side = system.shared_side - flat.mT @ alone.flatten()
    shared = torch.cholesky_solve(shared_side[:, None], torch.linalg.cholesky(complement))[:, 0]
    return alone - eliminated @ shared, shared
