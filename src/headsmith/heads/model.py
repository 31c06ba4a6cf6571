"""The head's forward pass: codes and joint rotations to vertices in the head's own frame.

FLAME's model (Li et al. 2017, section 3) with one documented rule for all heads: the eyelids' displacements are added to the
shaped vertices before skinning. FLAME's own eyelids were made to be added after it; both are the same where neck, jaw and eye
rotations leave the lids alone, and this order keeps the lids closed when the neck turns.

Everything runs on the device that the model is on, in the precision that it is in.
"""

import os
from dataclasses import dataclass, fields, replace
from itertools import groupby

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headsmith.heads.container import HeadContainer, load_head
from headsmith.maths.rotations import to_matrix
from headsmith.maths.skinning import add_shapes, blend_shapes, chain_transforms, pose_features, skin_vertices


@dataclass(frozen=True)
class HeadParameters:
    """What drives a head; leading shapes broadcast against each other.

    A rotation is an axis-angle vector (3 numbers, radians) or the first two rows of its matrix (6 numbers, as FlashAvatar and
    PyTorch3D have them; they need not be orthonormal); jaw, eyes and neck may differ in that.

    Attributes:
        identity: Codes in standard deviations; about -3..3.
        expression: Codes; face units in 0..1 for Anny, standard deviations for FLAME.
        jaw: Rotation of the jaw; opening is positive about +x.
        eyes: Rotations of the left and the right eye; looking down is positive about +x, to the subject's left about +y.
        eyelids: Left and right, 0 open, 1 closed.
        neck: Rotation of the head against the root.
    """

    identity: Float[Tensor, "*#b K"]
    expression: Float[Tensor, "*#b E"]
    jaw: Float[Tensor, "*#b jaw"]
    eyes: Float[Tensor, "*#b 2 eyes"]
    eyelids: Float[Tensor, "*#b 2"]
    neck: Float[Tensor, "*#b neck"]

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> "HeadParameters":
        """Return the parameters in another precision, or on another device, or both."""
        return HeadParameters(*(getattr(self, item.name).to(dtype=dtype, device=device) for item in fields(self)))


@dataclass(frozen=True)
class HeadModel:
    """A head model as tensors; ``at`` gives a smaller one with the same interface.

    Attributes:
        template: Vertices at rest, metres.
        basis: Displacements of all codes, one after the other: identity (metres per standard deviation), expression (metres
            per unit), the left and the right eyelid at 1, and the correctives over ``pose_features`` where there are any.
        weights: Skinning weights.
        joints: Places of the joints of the template, metres.
        joints_identity: What a unit of each identity code does to the joints.
        joints_expression: What a unit of each expression code does to the joints.
        parents: Parent of each joint, -1 for the root; stays on the CPU, because the chain of joints is unrolled.
        vertex_ids: Which of the container's vertices these are.
        container: The whole container: triangles, UVs, regions, embeddings, names.
    """

    template: Float[Tensor, "V 3"]
    basis: Float[Tensor, "C V 3"]
    weights: Float[Tensor, "V J"]
    joints: Float[Tensor, "J 3"]
    joints_identity: Float[Tensor, "K J 3"]
    joints_expression: Float[Tensor, "E J 3"]
    parents: Int[Tensor, " J"]
    vertex_ids: Int[Tensor, " V"]
    container: HeadContainer

    @classmethod
    def load(cls, path: str | os.PathLike[str], dtype: torch.dtype = torch.float32) -> "HeadModel":
        """Read a container.

        Raises:
            UserError: The file is missing or unsound.
        """
        return cls.from_container(load_head(path), dtype)

    @classmethod
    def from_container(cls, head: HeadContainer, dtype: torch.dtype = torch.float32) -> "HeadModel":
        """Return the model of a container; joints come from the full regressor applied to the bases."""
        names = ("template", "identity", "expression", "eyelids", "correctives")
        template, *bases = (torch.as_tensor(getattr(head, name), dtype=dtype) for name in names)
        regressor = torch.as_tensor(head.joint_regressor, dtype=torch.float64)
        places = [(regressor @ moved.double()).to(dtype) for moved in (template, *bases[:2])]
        weights, parents = torch.as_tensor(head.weights, dtype=dtype), torch.as_tensor(head.parents, dtype=torch.int64)
        return cls(template, torch.cat(bases), weights, *places, parents, torch.arange(len(template)), head)

    @property
    def sha256(self) -> str:
        """Hash of the container, kept in every file of parameters."""
        return self.container.sha256

    @property
    def faces(self) -> Int[Tensor, "F 3"]:
        """Triangles of the whole head (ids of the container, also after ``at``)."""
        return torch.as_tensor(self.container.faces, dtype=torch.int64, device=self.template.device)

    @property
    def identity(self) -> Float[Tensor, "K V 3"]:
        """Basis of identity, metres per standard deviation."""
        return self.basis[: len(self.joints_identity)]

    @property
    def expression(self) -> Float[Tensor, "E V 3"]:
        """Basis of expression, metres per unit."""
        return self.basis[len(self.joints_identity) :][: len(self.joints_expression)]

    @property
    def eyelids(self) -> Float[Tensor, "2 V 3"]:
        """Displacements of the left and the right lid at 1, metres."""
        return self.basis[len(self.joints_identity) + len(self.joints_expression) :][:2]

    @property
    def correctives(self) -> Float[Tensor, "P V 3"]:
        """Basis over ``pose_features``, metres; no rows where the head has none."""
        return self.basis[len(self.joints_identity) + len(self.joints_expression) + 2 :]

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> "HeadModel":
        """Return the model in another precision, or on another device, or both."""
        names = ("template", "basis", "weights", "joints", "joints_identity", "joints_expression")
        moved = {name: getattr(self, name).to(dtype=dtype, device=device) for name in names}
        return replace(self, **moved, vertex_ids=self.vertex_ids.to(device=device))

    def at(self, vertex_ids: Int[Tensor, " n"]) -> "HeadModel":
        """Return the model of some vertices: exactly those rows of the full model's result."""
        rows = {name: getattr(self, name)[vertex_ids] for name in ("template", "weights", "vertex_ids")}
        return replace(self, basis=self.basis[:, vertex_ids], **rows)

    def neutral(self, *batch: int) -> HeadParameters:
        """Return the parameters of the mean head at rest: zeros of the given leading shape, rotations as axis-angle vectors."""
        sizes = ((len(self.joints_identity),), (len(self.joints_expression),), (3,), (2, 3), (2,), (3,))
        return HeadParameters(*(self.template.new_zeros(*batch, *size) for size in sizes))

    def rotations(self, parameters: HeadParameters) -> Float[Tensor, "*b J 3 3"]:
        """Return each joint's rotation relative to its parent; the root's is the identity."""
        neck, jaw, eyes = parameters.neck[..., None, :], parameters.jaw[..., None, :], parameters.eyes
        batch = torch.broadcast_shapes(*(turns.shape[:-2] for turns in (neck, jaw, eyes)))
        spread = [turns.expand(*batch, -1, -1) for turns in (neck, jaw, eyes)]
        alike = len({turns.shape[-1] for turns in spread}) == 1
        matrices = [to_matrix(turns) for turns in ([torch.cat(spread, -2)] if alike else spread)]
        root = torch.eye(3, dtype=self.template.dtype, device=self.template.device)
        return torch.cat([root.expand(*batch, 1, 3, 3), *matrices], -3)

    def places(self, parameters: HeadParameters) -> Float[Tensor, "*b J 3"]:
        """Return the joints at rest: the regressor over template, identity and expression, as FLAME has it."""
        moved = blend_shapes(parameters.identity, self.joints_identity)
        return self.joints + moved + blend_shapes(parameters.expression, self.joints_expression)

    def transforms(self, parameters: HeadParameters) -> Float[Tensor, "*b J 3 4"]:
        """Return each joint's transform ``[R | t]`` of points at rest into the head's frame."""
        return self._chained(self.rotations(parameters), parameters)

    def shaped(self, parameters: HeadParameters) -> Float[Tensor, "*b V 3"]:
        """Return the vertices at rest: template, identity, expression and eyelids, before correctives and joints."""
        return self._displaced([parameters.identity, parameters.expression, parameters.eyelids])

    def forward(self, parameters: HeadParameters) -> Float[Tensor, "*b V 3"]:
        """Return the vertices in the head's frame (the root at rest), metres; differentiable in all parameters."""
        rotations = self.rotations(parameters)
        features = [pose_features(rotations)] if len(self.correctives) else []
        posed = self._displaced([parameters.identity, parameters.expression, parameters.eyelids, *features])
        return skin_vertices(posed, self._chained(rotations, parameters), self.weights)

    __call__ = forward

    def _chained(self, rotations: Float[Tensor, "*#b J 3 3"], parameters: HeadParameters) -> Float[Tensor, "*b J 3 4"]:
        places = self.places(parameters)
        batch = torch.broadcast_shapes(rotations.shape[:-3], places.shape[:-2])
        return chain_transforms(rotations.expand(*batch, -1, 3, 3), places.expand(*batch, -1, 3), self.parents)

    def _displaced(self, codes: list[Tensor]) -> Float[Tensor, "*b V 3"]:
        """Return the template moved by the first codes of the basis: one product for all neighbours of one leading shape."""
        moved, first = self.template, 0
        for _, group in groupby(codes, lambda part: part.shape[:-1]):
            together = torch.cat(list(group), -1)
            last = first + together.shape[-1]
            moved, first = add_shapes(moved, together, self.basis[first:last]), last
        return moved
