"""A person's head as sums of turned bases, and the sums over its places that fitting it to points needs.

With the person fixed, place i of a frame is ``y_i = sum_p T_p B_pi z + q``: the bodies p are the skull, the jaw and the eyes,
``T_p`` their rotations (the skull's for all, times a joint's own), ``z`` holds a 1, the codes whose effect is linear, and the
entries of ``R - I`` that correctives go by; ``B_pi`` is fixed. The weighted squared distance to given points, its gradient and
its Gauss-Newton matrix need ``B`` only through sums over the places: those of products of two entries of ``B``, formed once for
a person, and those of ``B`` with the given points, formed once a frame. So the steps of the fit never touch the mesh.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headsmith.heads.landmark_model import LandmarkModel
from headsmith.maths.rotations import axis_angle_to_matrix, left_jacobian, skew

MILLIMETRES = 1e6
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
        return cls(rows, bases, weights, MILLIMETRES * products, MILLIMETRES * means, model.features)

    def moments(self, points: Float[Tensor, "B L 3"]) -> Float[Tensor, "B 3 4 3 Z"]:
        """Return the sums of the given points with ``B``: what a frame adds."""
        loaded = (MILLIMETRES * self.weights[:, None] * points).mT
        parts = [loaded[..., rows] @ basis.flatten(1) for rows, basis in zip(self.rows, self.bases, strict=True)]
        return torch.stack(parts, 2).unflatten(-1, (3, -1))


@dataclass(frozen=True)
class HeadState:
    """Frames of a head.

    Attributes:
        linear: Expression and eyelids.
        angles: Axis-angle of jaw, left and right eye, radians.
        turn: Rotation of the whole head.
        shift: Shift after it, metres.
    """

    linear: Float[Tensor, "B C"]
    angles: Float[Tensor, "B 3 3"]
    turn: Float[Tensor, "B 3 3"]
    shift: Float[Tensor, "B 3"]

    def moved(self, step: Float[Tensor, "B U"]) -> "HeadState":
        """Return the state after a step: linear codes, angles, turn (multiplied from the left), shift."""
        linear, angles, turn, shift = step.split([self.linear.shape[1], 9, 3, 3], 1)
        turned = axis_angle_to_matrix(turn) @ self.turn
        return HeadState(self.linear + linear, self.angles + angles.unflatten(1, (3, 3)), turned, self.shift + shift)


def normal_equations(
    sums: PersonSums, state: HeadState, moments: Float[Tensor, "B 3 4 3 Z"], mean: Float[Tensor, "B 3"]
) -> tuple[Float[Tensor, "B U U"], Float[Tensor, "B U"]]:
    """Return the Gauss-Newton matrix and the gradient of half the weighted squared distance, square millimetres.

    Args:
        sums: The person.
        state: Where the frames are; ``U`` counts the numbers of ``HeadState.moved``.
        moments: ``PersonSums.moments`` of the points to be met.
        mean: Their weighted mean, metres.
    """
    joints = axis_angle_to_matrix(state.angles)
    by_angle = skew(left_jacobian(state.angles).mT) @ joints[:, :, None]
    code = _codes(sums, state, joints)
    bodies = state.turn[:, None] @ torch.cat([torch.eye(3, dtype=joints.dtype).expand(len(joints), 1, 3, 3), joints], 1)
    turning = _turning(state.turn, bodies, by_angle)
    full, slope = _free_equations(sums, code, bodies, turning, state.shift, moments, mean)
    chain = _chain(sums, state, by_angle)
    return chain.mT @ full @ chain, (slope[:, None] @ chain)[:, 0]


def _free_equations(
    sums: PersonSums,
    code: Float[Tensor, "B Z"],
    bodies: Float[Tensor, "B 4 3 3"],
    turning: Float[Tensor, "B 12 4 3 3"],
    shift: Float[Tensor, "B 3"],
    moments: Float[Tensor, "B 3 4 3 Z"],
    mean: Float[Tensor, "B 3"],
) -> tuple[Float[Tensor, "B N N"], Float[Tensor, "B N"]]:
    """Return matrix and gradient as if all of ``z`` were free: first ``z``, then turns and angles, then the shift."""
    count, size = code.shape
    held = (code @ sums.products.flatten(3).permute(2, 0, 1, 3).reshape(size, -1)).reshape(count, 12, 12, size)
    both = torch.einsum("bpoi,bqoj->bpiqj", bodies, bodies).reshape(count, 144)
    by_code = (both @ sums.products.permute(0, 1, 3, 4, 2, 5).reshape(144, -1)).reshape(count, size, size)
    rows = turning.permute(0, 1, 3, 2, 4).flatten(3)
    posed = bodies.permute(0, 2, 1, 3).flatten(2)
    mixed = torch.einsum("bvoi,boj->bvij", rows, posed)
    by_both = mixed.flatten(2) @ held.flatten(1, 2)
    twice = (held @ code[:, None, :, None])[..., 0]
    by_turn = torch.einsum("bvoi,bij,bwoj->bvw", rows, twice, rows)
    means = sums.means.flatten(0, 1)
    shift_code, shift_turn = posed @ means, torch.einsum("bvoi,bi->bov", rows, code @ means.mT)
    identity = MILLIMETRES * torch.eye(3, dtype=code.dtype).expand(count, 3, 3)
    given = moments.flatten(2, 3)
    missing = MILLIMETRES * (shift - mean) + (shift_code @ code[..., None])[..., 0]
    toward = [
        (by_code @ code[..., None])[..., 0] + (shift[:, None] @ shift_code)[:, 0] - torch.einsum("boi,boik->bk", posed, given),
        (mixed * twice[:, None]).sum((2, 3))
        + (shift[:, None] @ shift_turn)[:, 0]
        - torch.einsum("bvoi,boik,bk->bv", rows, given, code),
        missing,
    ]
    upper = torch.cat([by_code, by_both.mT, shift_code.mT], 2)
    middle = torch.cat([by_both, by_turn, shift_turn.mT], 2)
    lower = torch.cat([shift_code, shift_turn, identity], 2)
    return torch.cat([upper, middle, lower], 1), torch.cat(toward, 1)


def _codes(sums: PersonSums, state: HeadState, joints: Float[Tensor, "B 3 3 3"]) -> Float[Tensor, "B Z"]:
    entries = (joints - torch.eye(3, dtype=joints.dtype)).flatten(1)[:, sums.features]
    return torch.cat([torch.ones_like(state.linear[:, :1]), state.linear, entries], 1)


def _turning(
    turn: Float[Tensor, "B 3 3"], bodies: Float[Tensor, "B 4 3 3"], by_angle: Float[Tensor, "B 3 3 3 3"]
) -> Float[Tensor, "B 12 4 3 3"]:
    """Return what turns (about three axes) and the nine angles do to the bodies' rotations."""
    axes = skew(torch.eye(3, dtype=turn.dtype))
    whole = axes[None, :, None] @ bodies[:, None]
    own = turn.new_zeros(len(turn), 3, 3, BODIES, 3, 3)
    for joint in range(3):
        own[:, joint, :, joint + 1] = turn[:, None] @ by_angle[:, joint]
    return torch.cat([whole, own.flatten(1, 2)], 1)


def _chain(sums: PersonSums, state: HeadState, by_angle: Float[Tensor, "B 3 3 3 3"]) -> Float[Tensor, "B N U"]:
    """Return what the unknowns do to the free numbers: correctives follow the angles, the leading 1 follows nothing."""
    count, linear = state.linear.shape
    size = 1 + linear + len(sums.features)
    chain = by_angle.new_zeros(count, size + 15, linear + 15)
    free = torch.arange(linear)
    chain[:, 1 + free, free] = 1
    order = torch.tensor([*range(size + 3, size + 12), *range(size, size + 3), *range(size + 12, size + 15)])
    chain[:, order, linear + torch.arange(15)] = 1
    entries = by_angle.new_zeros(count, 3, 9, 3, 3)
    for joint in range(3):
        entries[:, joint, :, joint] = by_angle[:, joint].flatten(2).mT
    chain[:, 1 + linear : size, linear : linear + 9] = entries.flatten(3).flatten(1, 2)[:, sums.features]
    return chain


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
