"""A person's head as sums of turned bases, and the sums over its places that fitting it to points needs.

With the person fixed, place i of a frame is ``y_i = sum_p T_p B_pi z + q``: the bodies p are the skull, the jaw and the eyes,
``T_p`` their rotations (the skull's for all, times a joint's own), ``z`` holds a 1, the codes whose effect is linear, and the
entries of ``R - I`` that correctives go by; ``B_pi`` is fixed. What a fit needs of ``B`` is formed here: once for a person the
sums over the places of products of two of its entries, and once a frame those of its products with the given points.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headsmith.heads.landmark_model import LandmarkModel

SQUARE_MILLIMETRES = 1e6
"""Square millimetres in a square metre: all sums are in square millimetres, so that weights and codes compare."""
BODIES = 4
"""Skull, jaw, left eye, right eye."""


@dataclass(frozen=True)
class PersonSums:
    """What fitting one person needs of the head.

    Attributes:
        rows: Which places each body holds; the skull holds all.
        bases: ``B`` of each body.
        weights: How much each place counts; they sum to 1.
        products: Sums of products of two entries of ``B``; axes: body, axis, code, twice.
        means: Sums of ``B``.
        features: Which of the 27 entries of the joints' ``R - I`` the last codes of ``z`` are.
    """

    rows: tuple[Int[Tensor, " _n"], ...]
    bases: tuple[Float[Tensor, "_n 3 Z"], ...]
    weights: Float[Tensor, " L"]
    products: Float[Tensor, "4 3 Z 4 3 Z"]
    means: Float[Tensor, "4 3 Z"]
    features: Int[Tensor, " Q"]

    @classmethod
    def of_person(cls, model: LandmarkModel, identity: Float[Tensor, " K"], weights: Float[Tensor, " L"]) -> "PersonSums":
        """Return the sums of a person's places."""
        rows, bases = _bodies(model, identity)
        size = bases[0].shape[-1]
        products = weights.new_zeros(BODIES, 3, size, BODIES, 3, size)
        means = weights.new_zeros(BODIES, 3, size)
        for one in range(BODIES):
            means[one] = torch.einsum("n,nak->ak", weights[rows[one]], bases[one])
            for other in range(one, BODIES):
                block = _product(*((rows[body], bases[body]) for body in (one, other)), weights)
                products[one, :, :, other] = block
                products[other, :, :, one] = block.permute(2, 3, 0, 1)
        return cls(rows, bases, weights, SQUARE_MILLIMETRES * products, SQUARE_MILLIMETRES * means, model.features)

    def moments(self, points: Float[Tensor, "B L 3"]) -> Float[Tensor, "B 3 4 3 Z"]:
        """Return the sums of the given points with ``B``: what a frame adds."""
        loaded = (SQUARE_MILLIMETRES * self.weights[:, None] * points).mT
        parts = [loaded[..., rows] @ basis.flatten(1) for rows, basis in zip(self.rows, self.bases, strict=True)]
        return torch.stack(parts, 2).unflatten(-1, (3, -1))


def _bodies(
    model: LandmarkModel, identity: Float[Tensor, " K"]
) -> tuple[tuple[Int[Tensor, " _n"], ...], tuple[Float[Tensor, "_n 3 Z"], ...]]:
    """Return rows and bases of the bodies: what a joint carries turns with it, the joint's own place with the skull."""

    def along(basis: Float[Tensor, "K *n"]) -> Float[Tensor, "1 *n"]:
        return torch.tensordot(identity, basis, 1)[None]

    skull = torch.cat([model.base + along(model.identity), model.moving])
    rows, bases = [torch.arange(len(model.base))], []
    for part in model.parts:
        base, by_identity, by_moving = part.place
        place = torch.cat([base + along(by_identity), by_moving])
        carried = part.share[:, None] * place[:, None]
        skull[:, part.rows] += carried
        rows.append(part.rows)
        bases.append(torch.cat([part.base + along(part.identity), part.moving]) - carried)
    return tuple(rows), tuple(basis.permute(1, 2, 0).contiguous() for basis in (skull, *bases))


def _product(
    one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor], weights: Float[Tensor, " L"]
) -> Float[Tensor, "3 Z 3 Z"]:
    """Return the weighted sums of products over the places that two bodies share."""
    dense = [weights.new_zeros(len(weights), dtype=torch.int64) - 1 for _ in range(2)]
    for places, (rows, _) in zip(dense, (one, other), strict=True):
        places[rows] = torch.arange(len(rows))
    shared = ((dense[0] >= 0) & (dense[1] >= 0)).nonzero()[:, 0]
    first, second = (body[1][places[shared]].flatten(1) for body, places in zip((one, other), dense, strict=True))
    size = one[1].shape[-1]
    return ((weights[shared, None] * first).mT @ second).reshape(3, size, 3, size)
