"""The distance of a head's places from given points: its gradient and its Gauss-Newton matrix, from sums over the places.

In the notation of ``conversion_sums`` the weighted squared distance and its derivatives by codes, joints and rigid motion need
the places only through those sums. So the steps of a fit never touch the mesh.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.heads.conversion_sums import BODIES, SQUARE_MILLIMETRES, PersonSums
from headsmith.maths.rotations import axis_angle_to_matrix, left_jacobian, skew


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
    identity = SQUARE_MILLIMETRES * torch.eye(3, dtype=code.dtype).expand(count, 3, 3)
    given = moments.flatten(2, 3)
    missing = SQUARE_MILLIMETRES * (shift - mean) + (shift_code @ code[..., None])[..., 0]
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
