"""Derivatives of a clip's landmarks, in pixels, by all that is sought: mixtures of a few fixed bases.

A landmark's derivative by a code is ``T_0 b_0 + sum_j T_j b_j``: ``b_0`` what the code does to it at rest, ``b_j`` what it does
to its part that turns with joint j, and ``T`` the 2 x 3 matrices of camera, head and joint. So the bases are laid out once, a
column for each unknown, and each frame costs three long passes over them for every joint that matters.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headsmith.heads.landmark_model import Apart, CodeLayout, JointPart, LandmarkModel
from headsmith.maths.rotations import left_jacobian, skew

POSE = 6
"""A frame's unknowns are its codes, then its turn (3, radians, camera axes) and its shift (3, metres)."""

MANY = 1 / 3
"""A joint that moves more than this share of the landmarks is mixed over all of them: gathering rows costs more."""


@dataclass(frozen=True)
class TurningBasis:
    """What turns with a joint: ``rows`` of the landmarks (nothing: all of them), and the basis, zero where it has no part."""

    rows: Int[Tensor, " n"] | None
    basis: Float[Tensor, "3 n N"]


@dataclass(frozen=True)
class PixelSlopes:
    """The bases of a head's landmarks, and how its columns lie: codes, pose, identity, log focal length, correctives.

    Attributes:
        landmarks: The landmarks, in the precision in which derivatives are wanted.
        still: What each unknown does at rest; columns that no basis fills are zero.
        turning: The same of jaw, left and right eye.
    """

    landmarks: LandmarkModel
    still: Float[Tensor, "3 L N"]
    turning: tuple[TurningBasis, ...]

    @classmethod
    def of(cls, landmarks: LandmarkModel, kind: torch.dtype) -> "PixelSlopes":
        """Return the bases of landmarks in a precision."""
        rough = landmarks.to(kind)
        still = _columns(rough, rough.identity, rough.moving)
        turning = []
        for part in rough.parts:
            carried = (part.share[:, None] * place[:, None] for place in part.place[1:])
            held = _columns(rough, *(basis - moved for basis, moved in zip(_bases(part), carried, strict=True)))
            moved = (part.share[:, None] * place[:, None] for place in part.place[1:])
            still[:, part.rows] += _columns(rough, *moved)
            turning.append(_spread(part.rows, held, len(rough.base)))
        return cls(rough, still, tuple(turning))

    @property
    def layout(self) -> CodeLayout:
        """Where codes lie."""
        return self.landmarks.layout

    @property
    def own(self) -> int:
        """Number of a frame's own unknowns: codes and pose."""
        return self.layout.count + POSE

    @property
    def shared(self) -> int:
        """Number of unknowns of all frames: identity and focal length."""
        return len(self.landmarks.identity) + 1

    def stack(
        self, through: Float[Tensor, "B 2 3 L"], turns: Float[Tensor, "B 3 3 3"], by_focal: Float[Tensor, "B 2 L"]
    ) -> Float[Tensor, "B 2 A L"]:
        """Return pixels by metres along the axes of the head, the jaw, both eyes (12 rows), and by log focal length.

        Args:
            through: Pixels by metres along the head's axes.
            turns: Of jaw, left and right eye.
            by_focal: Pixels by log focal length.
        """
        rows = [through]
        for joint, part in enumerate(self.landmarks.parts):
            turned = through.new_zeros(through.shape)
            turned[..., part.rows] = torch.einsum("bikl,bkm->biml", through[..., part.rows], turns[:, joint])
            rows.append(turned)
        return torch.cat([*rows, by_focal[:, :, None]], 2)

    def mix(self, stack: Float[Tensor, "B 2 A L"]) -> Float[Tensor, "B 2 L N"]:
        """Return the derivatives by codes and identity; columns of pose, focal length and of angles' turning are zero."""
        result = self.still.new_empty(*stack.shape[:2], *self.still.shape[1:])
        for row in range(2):
            torch.mul(stack[:, row, 0, :, None], self.still[0], out=result[:, row])
            _add_passes(result[:, row], stack[:, row, 1:3], self.still[1:])
        for joint, part in enumerate(self.turning):
            turned = stack[:, :, 3 * joint + 3 : 3 * joint + 6]
            if part.rows is None:
                for row in range(2):
                    _add_passes(result[:, row], turned[:, row], part.basis)
            else:
                result[:, :, part.rows] += torch.einsum("biml,mln->biln", turned[..., part.rows], part.basis)
        return result

    def corner(self, sums: Float[Tensor, "L A A"]) -> Float[Tensor, "S S"]:
        """Return the block of the shared unknowns.

        A landmark's derivatives by them are ``t' b``: rows t of the stack, which change from frame to frame, and bases b, which
        do not. So ``sum (t' b)' (t' b) = b' (sum t t') b``, and the frames need only be summed over t.

        Args:
            sums: Over frames and image axes, of the products of the stack's rows, by landmark.
        """
        own, last = self.own, self.own + self.shared - 1
        count = len(self.landmarks.base)
        basis = sums.new_zeros(count, sums.shape[1], self.shared)
        basis[:, :3] = self.still[..., own : last + 1].transpose(0, 1).to(sums)
        for joint, part in enumerate(self.turning):
            rows = torch.arange(count, device=sums.device) if part.rows is None else part.rows
            basis[rows, 3 * joint + 3 : 3 * joint + 6] = part.basis[..., own : last + 1].transpose(0, 1).to(sums)
        basis[:, -1, -1] = 1
        return basis.flatten(0, 1).mT @ (sums @ basis).flatten(0, 1)

    def add_angles(self, result: Float[Tensor, "B 2 L N"], codes: Float[Tensor, "B C"], through: Tensor, apart: Apart) -> None:
        """Add to the columns of the joints' angles: their own turning, and correctives that follow it.

        Args:
            result: From ``mix``.
            codes: Of some frames.
            through: Pixels by metres along the head's axes ``(B, 2, 3, L)``.
            apart: Their landmarks.
        """
        for joint, part in enumerate(self.landmarks.parts):
            turned = apart.held[joint] @ apart.turns[:, joint].mT
            arms = -skew(turned) @ left_jacobian(codes[:, self.layout.angles(joint)])[:, None]
            seen = (through[..., part.rows, None] * arms.transpose(1, 2)[:, None]).sum(2)
            result[:, :, part.rows, self.layout.angles(joint)] += seen
        if len(self.landmarks.features):
            by_feature = self.landmarks.feature_jacobian(codes, apart.turns)
            angles = slice(self.layout.linear, self.layout.count)
            result[..., angles] += result[..., self.own + self.shared :] @ by_feature[:, None]


def _columns(
    landmarks: LandmarkModel, identity: Float[Tensor, "K n 3"], moving: Float[Tensor, "M n 3"]
) -> Float[Tensor, "3 n N"]:
    """Return bases as columns in the order of the unknowns, with the correctives behind them."""
    linear = landmarks.layout.linear
    gap = identity.new_zeros(landmarks.layout.count + POSE - linear, *identity.shape[1:])
    focal = identity.new_zeros(1, *identity.shape[1:])
    return torch.cat([moving[:linear], gap, identity, focal, moving[linear:]]).permute(2, 1, 0).contiguous()


def _bases(part: JointPart) -> tuple[Tensor, Tensor]:
    return part.identity, part.moving


def _spread(rows: Int[Tensor, " n"], basis: Float[Tensor, "3 n N"], count: int) -> TurningBasis:
    if len(rows) < MANY * count:
        return TurningBasis(rows, basis)
    everywhere = basis.new_zeros(3, count, basis.shape[-1])
    everywhere[:, rows] = basis
    return TurningBasis(None, everywhere)


def _add_passes(result: Float[Tensor, "B L N"], through: Float[Tensor, "B k L"], basis: Float[Tensor, "k L N"]) -> None:
    """Add ``sum_k through[k] basis[k]``: long passes, where a product of tiny matrices is an order slower."""
    for axis in range(len(basis)):
        result.addcmul_(through[:, axis, :, None], basis[axis])
