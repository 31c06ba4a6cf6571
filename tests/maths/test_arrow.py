import pytest
import torch

from headsmith.maths.arrow import ArrowSystem, solve_arrow

FRAMES, UNKNOWNS, SHARED = 7, 4, 3


def dense_and_arrow(frames=FRAMES, seed=0):
    """A random positive definite matrix of the arrow's shape, once dense, once in blocks."""
    generator = torch.Generator().manual_seed(seed)
    size = frames * UNKNOWNS + SHARED
    root = torch.randn(size, size, generator=generator, dtype=torch.float64)
    dense, side = root @ root.mT, torch.randn(size, generator=generator, dtype=torch.float64)
    band = frames * UNKNOWNS
    number = torch.arange(size) // UNKNOWNS
    far = (number[:band, None] - number[None, :band]).abs() > 2
    dense[:band, :band][far] = 0
    dense += (1 + (dense.abs().sum(1) - dense.diag().abs()).max()) * torch.eye(size, dtype=torch.float64)
    blocks = dense[:band, :band].unflatten(0, (frames, UNKNOWNS)).unflatten(2, (frames, UNKNOWNS))
    parts = torch.zeros(3, frames, UNKNOWNS, UNKNOWNS, dtype=torch.float64)
    for distance in range(3):
        for t in range(frames - distance):
            parts[distance, t] = blocks[t + distance, :, t]
    coupling = dense[:band, band:].unflatten(0, (frames, UNKNOWNS))
    arrow = ArrowSystem(*parts, coupling, dense[band:, band:], side[:band].unflatten(0, (frames, UNKNOWNS)), side[band:])
    return dense, side, arrow


@pytest.mark.parametrize("frames", [1, 2, 3, FRAMES])
def test_the_arrow_is_solved_as_the_dense_matrix(frames):
    dense, side, arrow = dense_and_arrow(frames)
    own, shared = solve_arrow(arrow)
    assert torch.allclose(torch.cat([own.flatten(), shared]), torch.linalg.solve(dense, side), atol=1e-12)


def test_a_matrix_that_is_not_positive_definite_is_refused():
    _, _, arrow = dense_and_arrow()
    arrow.diagonal[3] *= -1
    with pytest.raises(torch.linalg.LinAlgError):
        solve_arrow(arrow)
