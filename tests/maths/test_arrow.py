import pytest
import torch

from headsmith.maths.arrow import Equations, Ties, eliminate, join, solve_ends, substitute
from headsmith.maths.arrow_covariance import covariances, end_covariances

UNKNOWNS, TAIL, SHARED = 5, 2, 3
HEAD = UNKNOWNS - TAIL


def dense_and_arrow(frames, seed=0):
    """A random positive definite matrix of the arrow's shape, once dense, once in parts."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    root = draw(frames, UNKNOWNS, UNKNOWNS)
    diagonal, coupling, corner = root @ root.mT, draw(frames, UNKNOWNS, SHARED), draw(SHARED, SHARED)
    ties = Ties(draw(frames, HEAD), draw(frames, TAIL, TAIL), draw(frames, TAIL, TAIL))
    ties.single[-1:], ties.next[-1:], ties.after_next[-2:] = 0, 0, 0
    band = frames * UNKNOWNS
    dense = torch.zeros(band + SHARED, band + SHARED, dtype=torch.float64)
    dense[:band, band:] = coupling.flatten(0, 1)
    for t in range(frames):
        here, later, last = (slice(k * UNKNOWNS, (k + 1) * UNKNOWNS) for k in (t, t + 1, t + 2))
        if t + 1 < frames:
            block = torch.diag(torch.cat([ties.single[t], torch.zeros(TAIL)]))
            block[HEAD:, HEAD:] = ties.next[t]
            dense[here, later] = block.mT
        if t + 2 < frames:
            dense[here.start + HEAD : here.stop, last.start + HEAD : last.stop] = ties.after_next[t].mT
    dense = dense + dense.mT
    for t in range(frames):
        dense[t * UNKNOWNS : (t + 1) * UNKNOWNS, t * UNKNOWNS : (t + 1) * UNKNOWNS] = diagonal[t]
    dense[band:, band:] = corner @ corner.mT
    lift = (1 + (dense.abs().sum(1) - dense.diag().abs()).max()) * torch.eye(len(dense), dtype=torch.float64)
    dense = dense + lift
    side = draw(len(dense))
    equations = Equations(diagonal + lift[:UNKNOWNS, :UNKNOWNS], coupling, side[:band].unflatten(0, (frames, UNKNOWNS)))
    return dense, side, equations, ties, (dense[band:, band:], side[band:])


def take(equations, frames):
    return Equations(equations.diagonal[frames], equations.coupling[frames], equations.side[frames])


def solve(equations, ties, corner, chunk, chunks_in_piece):
    """Unknowns by frame, and the shared ones, from pieces of so many chunks."""
    frames, long = len(equations.side), chunk * chunks_in_piece
    starts = range(0, frames, long)
    pieces = [eliminate(take(equations, slice(s, s + long)), ties, s, chunk) for s in starts]
    ends, shared = solve_ends(join(pieces, *corner))
    owns, done = [], 0
    for piece in pieces:
        count = piece.lower.shape[1]
        owns.append(substitute(piece, ends[done : done + count], ends[done - 1], shared))
        done += count
    return torch.cat(owns), shared


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 7, 12, 13, 31])
@pytest.mark.parametrize(("chunk", "chunks_in_piece"), [(3, 1), (4, 3), (5, 2), (40, 1)])
def test_the_arrow_is_solved_as_the_dense_matrix_however_it_is_cut(frames, chunk, chunks_in_piece):
    dense, side, equations, ties, corner = dense_and_arrow(frames)
    own, shared = solve(equations, ties, corner, chunk, chunks_in_piece)
    expected = torch.linalg.solve(dense, side)
    assert torch.allclose(torch.cat([own.flatten(), shared]), expected, atol=2e-7 * float(expected.abs().max()))


@pytest.mark.parametrize("frames", [1, 3, 8, 26])
@pytest.mark.parametrize(("chunk", "chunks_in_piece"), [(3, 2), (5, 1), (40, 1)])
def test_covariances_are_blocks_of_the_dense_inverse(frames, chunk, chunks_in_piece):
    dense, _, equations, ties, corner = dense_and_arrow(frames)
    inverse, band = torch.linalg.inv(dense), frames * UNKNOWNS
    long = chunk * chunks_in_piece
    pieces = [eliminate(take(equations, slice(s, s + long)), ties, s, chunk) for s in range(0, frames, long)]
    ends = join(pieces, *corner)
    parts = list(covariances(pieces, ends))
    own, next_, shared = (torch.cat([getattr(part, name) for part in parts]) for name in ("own", "next", "shared"))
    blocks = inverse[:band, :band].unflatten(0, (frames, UNKNOWNS)).unflatten(2, (frames, UNKNOWNS))
    tolerance = 1e-6 * float(inverse.abs().max())
    assert torch.allclose(end_covariances(ends).corner, inverse[band:, band:], atol=tolerance)
    for t in range(frames):
        assert torch.allclose(own[t], blocks[t, :, t], atol=tolerance), t
        assert torch.allclose(shared[t], inverse[t * UNKNOWNS : (t + 1) * UNKNOWNS, band:], atol=tolerance), t
        if t + 1 < frames and (t + 1) % chunk:
            assert torch.allclose(next_[t], blocks[t, :, t + 1], atol=tolerance), t
        elif t + 1 < frames:
            assert next_[t].isnan().all(), t


def test_a_matrix_that_is_not_positive_definite_is_refused():
    _, _, equations, ties, corner = dense_and_arrow(9)
    equations.diagonal[3] *= -1
    with pytest.raises(torch.linalg.LinAlgError):
        solve(equations, ties, corner, 4, 2)
