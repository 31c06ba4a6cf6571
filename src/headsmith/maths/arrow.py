"""Linear systems of a clip: an arrow over a block band, solved in time and memory linear in the frames.

Each frame has ``P`` unknowns. The last ``Q`` of them (a head's pose) are tied to those of the two frames before and after
(second differences in time), each of the others to itself one frame on (first differences). ``S`` unknowns are shared by all
frames. Ordered frames first, the symmetric matrix is

    [ band      coupling ]
    [ coupling'  corner  ]

The frames are cut in chunks. Each chunk eliminates its frames but the last two (its *ends*) by Cholesky steps, beside each
other with all chunks of the same piece; what is left couples the ends of neighbouring chunks and the shared unknowns alone, and
is solved in turn (a nested dissection: George, 1973; the Schur complement of bundle adjustment: Triggs et al., 1999, section
6.1). However a clip is cut, the solution is the same. Pieces can be made on different threads, or machines.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

CHUNK = 32
"""Frames of a chunk: long enough that its ends are few, short enough that a piece has several chunks to work on at once."""


@dataclass(frozen=True)
class Ties:
    """What couples neighbouring frames of a whole clip: blocks of the later frame's rows, the earlier one's columns.

    Attributes:
        single: Coupling of each of the first ``C = P - Q`` unknowns with itself in the next frame.
        next: Of the last ``Q`` with those of the next frame.
        after_next: The same two frames on.
    """

    single: Float[Tensor, "T C"]
    next: Float[Tensor, "T Q Q"]
    after_next: Float[Tensor, "T Q Q"]


@dataclass(frozen=True)
class Equations:
    """What is each frame's own, of frames in a row: blocks on the diagonal, against the shared unknowns, right-hand side."""

    diagonal: Float[Tensor, "B P P"]
    coupling: Float[Tensor, "B P S"]
    side: Float[Tensor, "B P"]


@dataclass(frozen=True)
class Piece:
    """Some chunks with all frames but their ends eliminated. N chunks of M inner frames; frames come first.

    The columns of ``past`` are the edge (the last ``Q`` unknowns of the frame two before the chunk, and the frame before it)
    and the shared unknowns, and ``side`` is the right-hand side, each after a forward substitution. ``E = P + Q`` is the size
    of an edge.

    Attributes:
        count: Frames of the piece that are a clip's; what is beyond fills the last chunk.
        lower: Cholesky factors of the inner frames.
        first: Blocks of the next frame below them.
        second: Blocks two frames below, of the last ``Q`` alone.
        past: Edge and shared columns, single precision: their errors are multiplied by a small step.
        side: Right-hand side.
        ends: Matrix of both end frames of each chunk.
        ends_past: Their edge and shared columns.
        ends_side: Their right-hand side.
        inner: What elimination leaves among edge, shared unknowns and right-hand side, to be taken from theirs.
    """

    count: int
    lower: Float[Tensor, "M N P P"]
    first: Float[Tensor, "M N P P"]
    second: Float[Tensor, "M N Q Q"]
    past: Float[Tensor, "M N P R"]
    side: Float[Tensor, "M N P"]
    ends: Float[Tensor, "N D D"]
    ends_past: Float[Tensor, "N D R"]
    ends_side: Float[Tensor, "N D"]
    inner: Float[Tensor, "N Z Z"]


def eliminate(equations: Equations, ties: Ties, start: int, chunk: int = CHUNK) -> Piece:
    """Return a piece of a clip with all but the ends of its chunks eliminated.

    Args:
        equations: Of frames ``start`` and on.
        ties: Of the whole clip.
        start: First frame of the piece.
        chunk: Frames of a chunk, at least 3; the last chunk is filled up.

    Raises:
        torch.linalg.LinAlgError: The band is not positive definite.
    """
    count, size, _ = equations.coupling.shape
    chunks = -(-count // chunk)
    diagonal, single, next_, after = _chunked(equations, ties, start, chunk, chunks)
    columns = _columns(equations, ties, start, chunk, chunks)
    tail = next_.shape[-1]
    head = size - tail
    inner = chunk - 2
    lower = diagonal.new_zeros(inner, chunks, size, size)
    first, second = torch.zeros_like(lower), diagonal.new_zeros(inner, chunks, tail, tail)
    for t in range(chunk):
        below = torch.diag_embed(torch.cat([single[t], single.new_zeros(chunks, tail)], -1))
        below[:, head:, head:] = next_[t]
        if 0 < t <= inner:
            diagonal[t] -= first[t - 1] @ first[t - 1].mT
            columns[t] -= first[t - 1] @ columns[t - 1]
            below[:, head:] -= second[t - 1] @ first[t - 1][..., head:].mT
        if 1 < t <= inner + 1:
            diagonal[t, :, head:, head:] -= second[t - 2] @ second[t - 2].mT
            columns[t, :, head:] -= second[t - 2] @ columns[t - 2][:, head:]
        if t < inner:
            lower[t] = torch.linalg.cholesky(diagonal[t])
            solved = torch.linalg.solve_triangular(lower[t], torch.cat([columns[t], below.mT], -1), upper=False)
            columns[t], first[t] = solved[..., :-size], solved[..., -size:].mT
            corner = lower[t][:, head:, head:]
            second[t] = torch.linalg.solve_triangular(corner, after[t].mT, upper=False).mT
        elif t == inner:
            between = below
    ends = torch.cat([torch.cat([diagonal[-2], between.mT], -1), torch.cat([between, diagonal[-1]], -1)], -2)
    last = torch.cat([columns[-2], columns[-1]], -2)
    flat = columns[:inner].transpose(0, 1).flatten(1, 2)
    past, side = columns[:inner, ..., :-1].float(), columns[:inner, ..., -1].clone()
    return Piece(count, lower, first, second, past, side, ends, last[..., :-1], last[..., -1], flat.mT @ flat)


def _chunked(
    equations: Equations, ties: Ties, start: int, chunk: int, chunks: int
) -> tuple[Float[Tensor, "m N P P"], Float[Tensor, "m N C"], Float[Tensor, "m N Q Q"], Float[Tensor, "m N Q Q"]]:
    """Return diagonal and ties, cut in chunks, frames of a chunk first; filled up with frames that nothing touches."""
    count, size = equations.side.shape
    diagonal = torch.eye(size, dtype=equations.side.dtype, device=equations.side.device).repeat(chunk * chunks, 1, 1)
    diagonal[:count] = equations.diagonal
    own = slice(start, start + chunk * chunks)
    tied = (_filled(part[own], chunk * chunks) for part in (ties.single, ties.next, ties.after_next))
    return tuple(part.unflatten(0, (chunks, chunk)).transpose(0, 1).contiguous() for part in (diagonal, *tied))


def _filled(values: Float[Tensor, "B *n"], count: int) -> Float[Tensor, "G *n"]:
    """Return values with zeros behind, up to a number."""
    return torch.cat([values, values.new_zeros(count - len(values), *values.shape[1:])])


def _columns(equations: Equations, ties: Ties, start: int, chunk: int, chunks: int) -> Float[Tensor, "m N P Z"]:
    """Return the columns that elimination carries along: edge, shared unknowns, right-hand side."""
    size, tail = equations.side.shape[1], ties.next.shape[-1]
    head = size - tail
    own = torch.cat([equations.coupling, equations.side[..., None]], -1)
    edge = own.new_zeros(chunk * chunks, size, size + tail)
    columns = torch.cat([edge, _filled(own, chunk * chunks)], -1)
    columns = columns.unflatten(0, (chunks, chunk)).transpose(0, 1).contiguous()
    firsts = torch.arange(start, start + chunk * chunks, chunk, device=own.device)
    real = firsts > 0
    before, chosen = firsts[real] - 1, columns[:, real]
    chosen[0, :, head:, :tail] = ties.after_next[before - 1]
    chosen[0, :, :head, tail:size] = torch.diag_embed(ties.single[before])
    chosen[0, :, head:, size : size + tail] = ties.next[before]
    chosen[1, :, head:, size : size + tail] = ties.after_next[before]
    columns[:, real] = chosen
    return columns


@dataclass(frozen=True)
class Ends:
    """The ends of all chunks and the shared unknowns, factorised one chunk after the other.

    Attributes:
        lower: Cholesky factor of each chunk's ends.
        above: ``L^-1`` times the block against the next chunk's ends; zero for the last.
        shared: ``L^-1`` times the columns of the shared unknowns.
        side: ``L^-1`` times the right-hand side.
        corner: Cholesky factor of what is left of the shared unknowns' own block.
        corner_side: What is left of their right-hand side.
    """

    lower: Float[Tensor, "N D D"]
    above: Float[Tensor, "N D D"]
    shared: Float[Tensor, "N D S"]
    side: Float[Tensor, "N D"]
    corner: Float[Tensor, "S S"]
    corner_side: Float[Tensor, " S"]


def join(pieces: list[Piece], corner: Float[Tensor, "S S"], corner_side: Float[Tensor, " S"]) -> Ends:
    """Return the ends of a clip's pieces, in order, factorised with the shared unknowns.

    Raises:
        torch.linalg.LinAlgError: The matrix is not positive definite.
    """
    matrix, past, side, inner = (
        torch.cat([getattr(piece, name) for piece in pieces]) for name in ("ends", "ends_past", "ends_side", "inner")
    )
    shared, edge = len(corner_side), past.shape[-1] - len(corner_side)
    far = matrix.shape[-1] - edge
    columns = torch.cat([past[..., edge:], side[..., None]], -1)
    matrix[:-1, far:, far:] -= inner[1:, :edge, :edge]
    columns[:-1, far:] -= inner[1:, :edge, edge:]
    rest = torch.cat([corner, corner_side[:, None]], -1) - inner[:, edge:-1, edge:].sum(0)
    lower, above = torch.zeros_like(matrix), torch.zeros_like(matrix)
    for n in range(len(matrix)):
        if n > 0:
            matrix[n] -= above[n - 1].mT @ above[n - 1]
            columns[n] -= above[n - 1].mT @ columns[n - 1]
        lower[n] = torch.linalg.cholesky(matrix[n])
        columns[n] = torch.linalg.solve_triangular(lower[n], columns[n], upper=False)
        if n + 1 < len(matrix):
            against = matrix.new_zeros(matrix.shape[1:])
            against[far:] = past[n + 1, :, :edge].mT
            above[n] = torch.linalg.solve_triangular(lower[n], against, upper=False)
    flat = columns.flatten(0, 1)
    rest = rest - flat[:, :shared].mT @ flat
    return Ends(lower, above, columns[..., :-1], columns[..., -1], torch.linalg.cholesky(rest[:, :-1]), rest[:, -1])


def solve_ends(ends: Ends) -> tuple[Float[Tensor, "N D"], Float[Tensor, " S"]]:
    """Return the unknowns of the chunks' ends, and the shared ones."""
    shared = torch.cholesky_solve(ends.corner_side[:, None], ends.corner)[:, 0]
    rest = ends.side - ends.shared @ shared
    result = torch.zeros_like(rest)
    for n in reversed(range(len(rest))):
        known = rest[n] - ends.above[n] @ result[n + 1] if n + 1 < len(rest) else rest[n]
        result[n] = torch.linalg.solve_triangular(ends.lower[n].mT, known[:, None], upper=True)[:, 0]
    return result, shared


def substitute(
    piece: Piece, ends: Float[Tensor, "N D"], before: Float[Tensor, " D"], shared: Float[Tensor, " S"]
) -> Float[Tensor, "B P"]:
    """Return the unknowns of a piece's frames.

    Args:
        piece: The piece.
        ends: Unknowns of its chunks' ends.
        before: Unknowns of the ends before the piece; whatever, if it is the first.
        shared: The shared unknowns.
    """
    inner, chunks, size, _ = piece.lower.shape
    tail = piece.second.shape[-1]
    edges = torch.cat([before[None], ends[:-1]])[:, size - tail :]
    known = torch.cat([edges, shared.expand(chunks, -1)], -1).to(piece.past)[..., None]
    side = piece.side - (piece.past @ known)[..., 0].to(piece.side)
    result = side.new_zeros(inner + 2, chunks, size)
    result[inner:] = ends.unflatten(-1, (2, size)).transpose(0, 1)
    for t in reversed(range(inner)):
        rest = side[t] - (piece.first[t].mT @ result[t + 1][..., None])[..., 0]
        rest[:, size - tail :] -= (piece.second[t].mT @ result[t + 2][:, size - tail :, None])[..., 0]
        result[t] = torch.linalg.solve_triangular(piece.lower[t].mT, rest[..., None], upper=True)[..., 0]
    return result.transpose(0, 1).flatten(0, 1)[: piece.count]
