"""Covariances of a clip's unknowns: the parts of the inverse of an arrow matrix that belong to single frames.

Elimination leaves ``x = L'^-1 (n - W z)`` for each frame, z the few unknowns that it hangs on (the two frames after it, the
edge before its chunk, the shared ones) and n white noise. So going back from the last frame, the covariance of x and z follows
from that of z (selected inversion: Takahashi et al. 1973; for bundle adjustment: Triggs et al. 1999, section 9).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.maths.arrow import Ends, Piece


@dataclass(frozen=True)
class Covariances:
    """Of some frames in a row: of each one's unknowns, of those with the next frame's, and of those with the shared ones.

    What belongs to the last frame of a chunk and its next is not a number: it is not needed, and would take the next chunk.
    """

    own: Float[Tensor, "B P P"]
    next: Float[Tensor, "B P P"]
    shared: Float[Tensor, "B P S"]


@dataclass(frozen=True)
class EndCovariances:
    """Of the ends of each chunk: their own, with those of the chunk after, with the shared unknowns; and these."""

    own: Float[Tensor, "N D D"]
    next: Float[Tensor, "N D D"]
    shared: Float[Tensor, "N D S"]
    corner: Float[Tensor, "S S"]


def end_covariances(ends: Ends) -> EndCovariances:
    """Return the covariances of the chunks' ends and the shared unknowns."""
    corner = torch.cholesky_inverse(ends.corner)
    own, next_, shared = torch.zeros_like(ends.lower), torch.zeros_like(ends.lower), torch.zeros_like(ends.shared)
    for n in reversed(range(len(own))):
        inverse = _inverse(ends.lower[n])
        by_shared, by_next = inverse.mT @ ends.shared[n], inverse.mT @ ends.above[n]
        last = n + 1 == len(own)
        after, across = (own[n], shared[n]) if last else (own[n + 1], shared[n + 1])
        next_[n] = -by_next @ after - by_shared @ across.mT
        shared[n] = -by_next @ across - by_shared @ corner
        own[n] = inverse.mT @ inverse - next_[n] @ by_next.mT - shared[n] @ by_shared.mT
    next_[-1] = 0
    return EndCovariances(own, next_, shared, corner)


def covariances(pieces: list[Piece], ends: Ends) -> Iterator[Covariances]:
    """Yield the covariances of the frames of each piece, in order."""
    known, done = end_covariances(ends), 0
    for piece in pieces:
        count = piece.lower.shape[1]
        yield _piece_covariances(piece, known, slice(done, done + count))
        done += count


def _piece_covariances(piece: Piece, known: EndCovariances, chunks: slice) -> Covariances:
    """Return those of one piece: its chunks beside each other, each from its last inner frame back to its first.

    ``z`` is the next frame (P), the tail of the one after it (Q), the edge (P + Q) and the shared unknowns.
    """
    inner, count, size, _ = piece.lower.shape
    tail = piece.second.shape[-1]
    total, ends = _around_ends(known, chunks, size, tail), known.own[chunks]
    own, next_ = (total.new_full((inner + 2, count, size, size), torch.nan) for _ in range(2))
    shared = own.new_zeros(inner + 2, count, size, known.corner.shape[0])
    own[inner], own[inner + 1], next_[inner] = ends[:, :size, :size], ends[:, size:, size:], ends[:, :size, size:]
    shared[inner], shared[inner + 1] = known.shared[chunks, :size], known.shared[chunks, size:]
    reach = own.new_zeros(count, size, tail)
    for t in reversed(range(inner)):
        inverse = _inverse(piece.lower[t])
        reach[:, size - tail :] = piece.second[t].mT
        hang = inverse.mT @ torch.cat([piece.first[t].mT, reach, piece.past[t].to(own)], -1)
        across = -hang @ total
        own[t] = inverse.mT @ inverse - across @ hang.mT
        next_[t], shared[t] = across[..., :size], across[..., -shared.shape[-1] :]
        total = _step_back(total, own[t], across, tail)
    parts = (part.transpose(0, 1).flatten(0, 1)[: piece.count] for part in (own, next_, shared))
    return Covariances(*parts)


def _around_ends(known: EndCovariances, chunks: slice, size: int, tail: int) -> Float[Tensor, "N Z Z"]:
    """Return the covariance of what each chunk's last inner frame hangs on: the ends, the edge before, what is shared."""
    own, shared = known.own[chunks], known.shared[chunks]
    count, edge = len(own), slice(size - tail, 2 * size)
    before = torch.arange(chunks.start, chunks.stop) - 1
    real = (before >= 0).to(own)[:, None, None]
    back = known.next[before].mT[..., edge] * real
    back_own, back_shared = known.own[before][:, edge, edge], known.shared[before][:, edge] * real
    here = torch.cat([torch.arange(size), torch.arange(2 * size - tail, 2 * size)])
    corner = known.corner.expand(count, -1, -1)
    rows = [
        torch.cat([own[:, here[:, None], here], back[:, here], shared[:, here]], -1),
        torch.cat([back[:, here].mT, back_own, back_shared], -1),
        torch.cat([shared[:, here].mT, back_shared.mT, corner], -1),
    ]
    return torch.cat(rows, 1)


def _step_back(
    total: Float[Tensor, "N Z Z"], own: Float[Tensor, "N P P"], across: Float[Tensor, "N P Z"], tail: int
) -> Float[Tensor, "N Z Z"]:
    """Return the covariance of what the frame before hangs on: this one, the tail of its next, and the rest as before."""
    size = own.shape[-1]
    kept = torch.cat([torch.arange(size - tail, size), torch.arange(size + tail, total.shape[-1])])
    beside = across[..., kept]
    rest = total[:, kept[:, None], kept]
    return torch.cat([torch.cat([own, beside], -1), torch.cat([beside.mT, rest], -1)], -2)


def _inverse(lower: Float[Tensor, "*n P P"]) -> Float[Tensor, "*n P P"]:
    eye = torch.eye(lower.shape[-1], dtype=lower.dtype, device=lower.device).expand(lower.shape)
    return torch.linalg.solve_triangular(lower, eye, upper=False)
