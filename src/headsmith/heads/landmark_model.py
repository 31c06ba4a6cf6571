"""Landmarks of a head as a function of its codes, with exact derivatives, over the few vertices that carry them.

A landmark is a fixed mixture of three vertices. With the neck at rest, root and neck do not move, so a skinned landmark is

    x = a_0 + sum_j (R_j (a_j - s_j p_j) + s_j p_j),    j = jaw, left eye, right eye,

where ``a_j`` is the mixture of the vertices at rest weighted by joint j's skinning weights (``a_0`` by root's and neck's),
``s_j`` the mixture of those weights and ``p_j`` the joint's place. All ``a_j`` and ``p_j`` are linear in the codes, so the
bases are mixed once and the full mesh is never formed.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headsmith.heads.model import HeadModel
from headsmith.maths.rotations import axis_angle_to_matrix, left_jacobian, skew

TURNING = (2, 3, 4)
"""Rows of the joints that turn: jaw, left eye, right eye; each is a child of the neck."""


@dataclass(frozen=True)
class CodeLayout:
    """Where a frame's codes lie in one vector: expression, eyelids (left, right), jaw, eyes (left, right; axis-angle)."""

    expression: int

    @property
    def linear(self) -> int:
        """Number of codes whose effect is linear: expression and eyelids, which come first."""
        return self.expression + 2

    @property
    def count(self) -> int:
        """Number of all codes."""
        return self.linear + 9

    def angles(self, joint: int) -> slice:
        """Where the axis-angle of a turning joint lies (0 jaw, 1 left eye, 2 right eye)."""
        return slice(self.linear + 3 * joint, self.linear + 3 * joint + 3)


@dataclass(frozen=True)
class JointPart:
    """What one turning joint carries, over the landmarks that feel it.

    Attributes:
        rows: Those landmarks.
        base: Mixture of the template, weighted.
        identity: Mixture of the identity basis, weighted.
        moving: Mixture of expression, eyelids and correctives, weighted.
        share: Mixture of the skinning weights.
        place: The joint in the template; what identity codes and the moving codes (zero but for expression) do to it.
    """

    rows: Int[Tensor, " n"]
    base: Float[Tensor, "n 3"]
    identity: Float[Tensor, "K n 3"]
    moving: Float[Tensor, "M n 3"]
    share: Float[Tensor, " n"]
    place: tuple[Float[Tensor, "3"], Float[Tensor, "K 3"], Float[Tensor, "M 3"]]

    def from_person(self, mean: Float[Tensor, " K"], directions: Float[Tensor, "D K"]) -> "JointPart":
        """Return the part in other identity codes z: those of before are ``mean + z @ directions``."""
        base, by_identity, by_moving = self.place
        place = (base + mean @ by_identity, directions @ by_identity, by_moving)
        person = self.base + _along(mean, self.identity), _along(directions, self.identity)
        return JointPart(self.rows, *person, self.moving, self.share, place)

    def to(self, kind: torch.dtype) -> "JointPart":
        """Return the part in another precision."""
        base, by_identity, by_moving = (item.to(kind) for item in self.place)
        bases = (item.to(kind) for item in (self.base, self.identity, self.moving, self.share))
        return JointPart(self.rows, *bases, (base, by_identity, by_moving))


@dataclass(frozen=True)
class LandmarkJacobian:
    """Landmarks and what a small change of each unknown does to them, in the head's frame, metres per unit.

    Attributes:
        points: The landmarks.
        codes: By code of the frame; axes before landmarks, which lets the products run over long rows.
        identity: By identity code.
    """

    points: Float[Tensor, "B L 3"]
    codes: Float[Tensor, "B 3 L C"]
    identity: Float[Tensor, "B 3 L K"]


@dataclass(frozen=True)
class Apart:
    """Landmarks, metres, in the head's frame; the turns of jaw, left and right eye; what each turns, before it does."""

    points: Float[Tensor, "B L 3"]
    turns: Float[Tensor, "B 3 3 3"]
    held: tuple[Float[Tensor, "B _ 3"], ...]


@dataclass(frozen=True)
class LandmarkModel:
    """Landmarks of a head; see the module.

    Attributes:
        layout: Where the codes lie.
        base: Mixture of the template over joints that do not turn.
        identity: The same of the identity basis.
        moving: The same of expression, eyelids and the correctives of jaw and eyes.
        features: Which of the 27 entries of the turning joints' ``R - I`` the last rows of ``moving`` belong to; entries
            without effect are left out.
        parts: Jaw, left eye, right eye.
    """

    layout: CodeLayout
    base: Float[Tensor, "L 3"]
    identity: Float[Tensor, "K L 3"]
    moving: Float[Tensor, "M L 3"]
    features: Int[Tensor, " Q"]
    parts: tuple[JointPart, ...]

    @classmethod
    def from_head(cls, head: HeadModel, faces: Int[Tensor, " L"], barycentrics: Float[Tensor, "L 3"]) -> "LandmarkModel":
        """Return the landmarks that lie in triangles of a head, at barycentric coordinates.

        Raises:
            ValueError: The head's joints are not FLAME's five.
        """
        if head.parents.tolist() != [-1, 0, 1, 1, 1]:
            raise ValueError(f"parents are {head.parents.tolist()}, not those of root, neck, jaw and two eyes")
        corners = head.faces[faces]
        near = head.at(corners.flatten())
        mix = barycentrics.to(head.template)[..., None]
        features = near.correctives[9:].abs().amax((1, 2)).nonzero()[:, 0]
        moving = torch.cat([near.expression, near.eyelids, near.correctives[9:][features]])
        bases = (near.template[None], near.identity, moving)
        weights = near.weights.unflatten(0, (-1, 3))

        def mixed(basis: Tensor, weight: Tensor) -> Tensor:
            return (basis.unflatten(1, (-1, 3)) * (mix * weight[..., None])).sum(2)

        still = [mixed(basis, weights[..., :2].sum(-1)) for basis in bases]
        parts = []
        for joint in TURNING:
            weight = weights[..., joint]
            rows = weight.sum(1).nonzero()[:, 0]
            loaded = [mixed(basis, weight)[:, rows] for basis in bases]
            share = (mix[..., 0] * weight).sum(1)[rows]
            parts.append(JointPart(rows, loaded[0][0], *loaded[1:], share, _place(head, joint, len(moving))))
        return cls(CodeLayout(len(head.expression)), still[0][0], *still[1:], features, tuple(parts))

    def points(self, identity: Float[Tensor, " K"], codes: Float[Tensor, "B C"]) -> Float[Tensor, "B L 3"]:
        """Return the landmarks in the head's frame, metres."""
        return self.apart(identity, codes).points

    def apart(self, identity: Float[Tensor, " K"], codes: Float[Tensor, "B C"]) -> "Apart":
        """Return the landmarks, and what of them turns with each joint."""
        turns = self._turns(codes)
        linear = self._linear(codes, turns)
        points, helds = (self.base + _along(identity, self.identity)) + _along(linear, self.moving), []
        for part, turn in zip(self.parts, turns.unbind(1), strict=True):
            held, place = _held(part, identity, linear)
            points[:, part.rows] += held @ turn.mT + part.share[:, None] * place[:, None]
            helds.append(held)
        return Apart(points, turns, tuple(helds))

    def jacobian(self, identity: Float[Tensor, " K"], codes: Float[Tensor, "B C"]) -> LandmarkJacobian:
        """Return the landmarks and their derivatives."""
        turns = self._turns(codes)
        linear = self._linear(codes, turns)
        by_moving = self.moving.permute(2, 1, 0).repeat(len(codes), 1, 1, 1)
        by_identity = self.identity.permute(2, 1, 0).repeat(len(codes), 1, 1, 1)
        by_angles = codes.new_zeros(len(codes), 3, len(self.base), 9)
        for joint, (part, turn) in enumerate(zip(self.parts, turns.unbind(1), strict=True)):
            by_moving[:, :, part.rows] += _turned(part, turn, part.moving, part.place[2])
            by_identity[:, :, part.rows] += _turned(part, turn, part.identity, part.place[1])
            held, _ = _held(part, identity, linear)
            arms = -skew(held @ turn.mT) @ left_jacobian(codes[:, self.layout.angles(joint)])[:, None]
            by_angles[:, :, part.rows, 3 * joint : 3 * joint + 3] = arms.transpose(1, 2)
        plain, corrective = by_moving[..., : self.layout.linear], by_moving[..., self.layout.linear :]
        if len(self.features):
            by_angles += corrective @ self.feature_jacobian(codes, turns)[:, None]
        return LandmarkJacobian(self.points(identity, codes), torch.cat([plain, by_angles], -1), by_identity)

    def from_person(self, mean: Float[Tensor, " K"], directions: Float[Tensor, "D K"]) -> "LandmarkModel":
        """Return the model in other identity codes z: those of before are ``mean + z @ directions``."""
        parts = tuple(part.from_person(mean, directions) for part in self.parts)
        base, identity = self.base + _along(mean, self.identity), _along(directions, self.identity)
        return LandmarkModel(self.layout, base, identity, self.moving, self.features, parts)

    def to(self, kind: torch.dtype) -> "LandmarkModel":
        """Return the model in another precision."""
        parts = tuple(part.to(kind) for part in self.parts)
        bases = (basis.to(kind) for basis in (self.base, self.identity, self.moving))
        return LandmarkModel(self.layout, *bases, self.features, parts)

    def _turns(self, codes: Float[Tensor, "B C"]) -> Float[Tensor, "B 3 3 3"]:
        return axis_angle_to_matrix(codes[:, self.layout.linear :].unflatten(-1, (3, 3)))

    def _linear(self, codes: Float[Tensor, "B C"], turns: Float[Tensor, "B 3 3 3"]) -> Float[Tensor, "B M"]:
        """Return the codes of the moving basis: expression, eyelids, and ``R - I`` where the head has correctives."""
        entries = (turns - torch.eye(3, dtype=turns.dtype)).flatten(1)
        return torch.cat([codes[:, : self.layout.linear], entries[:, self.features]], -1)

    def feature_jacobian(self, codes: Float[Tensor, "B C"], turns: Float[Tensor, "B 3 3 3"]) -> Float[Tensor, "B Q 9"]:
        """Return the derivative of the used entries of the turning joints' rotations by their axis-angle vectors."""
        result = codes.new_zeros(len(codes), 3, 9, 3, 3)
        for joint in range(3):
            axes = left_jacobian(codes[:, self.layout.angles(joint)]).mT
            result[:, joint, :, joint] = (skew(axes) @ turns[:, joint, None]).flatten(2).mT
        return result.flatten(3).flatten(1, 2)[:, self.features]


def _place(head: HeadModel, joint: int, moving: int) -> tuple[Tensor, Tensor, Tensor]:
    by_expression = head.joints_expression[:, joint]
    by_moving = torch.nn.functional.pad(by_expression, (0, 0, 0, moving - len(by_expression)))
    return head.joints[joint], head.joints_identity[:, joint], by_moving


def _along(codes: Float[Tensor, "*b K"], basis: Float[Tensor, "K n 3"]) -> Float[Tensor, "*b n 3"]:
    return (codes @ basis.flatten(1)).unflatten(-1, basis.shape[1:])


def _held(
    part: JointPart, identity: Float[Tensor, " K"], linear: Float[Tensor, "B M"]
) -> tuple[Float[Tensor, "B n 3"], Float[Tensor, "B 3"]]:
    """Return ``a_j - s_j p_j``, which turns with the joint, and the joint's place."""
    base, by_identity, by_moving = part.place
    place = base + identity @ by_identity + linear @ by_moving
    loaded = part.base + _along(identity, part.identity) + _along(linear, part.moving)
    return loaded - part.share[:, None] * place[:, None], place


def _turned(
    part: JointPart, turn: Float[Tensor, "B 3 3"], basis: Float[Tensor, "Q n 3"], place: Float[Tensor, "Q 3"]
) -> Float[Tensor, "B 3 n Q"]:
    """Return what codes of a basis do to a joint's landmarks: ``R (A - s P) + s P``."""
    carried = place.mT[:, None] * part.share[:, None]
    loose = basis.permute(2, 1, 0) - carried
    return (turn @ loose.flatten(1)).unflatten(-1, loose.shape[1:]) + carried
