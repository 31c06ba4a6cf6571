"""The head's forward pass: codes and joint rotations to vertices in the head's own frame.

FLAME's model (Li et al. 2017, section 3) with one documented rule for all heads: the eyelids' displacements are added to the
shaped vertices before skinning. FLAME's own eyelids were made to be added after it; both are the same where neck, jaw and eye
rotations leave the lids alone, and this order keeps the lids closed when the neck turns.
"""

import os
from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headsmith.heads.container import HeadContainer, load_head
from headsmith.maths.rotations import axis_angle_to_matrix
from headsmith.maths.skinning import blend_shapes, chain_transforms, pose_features, skin_vertices


@dataclass(frozen=True)
class HeadParameters:
    """What drives a head; leading shapes broadcast against each other.

    Attributes:
        identity: Codes in standard deviations; about -3..3.
        expression: Codes; face units in 0..1 for Anny, standard deviations for FLAME.
        jaw: Axis-angle of the jaw, radians; opening is positive about +x.
        eyes: Axis-angle of the left and the right eye; looking down is positive about +x, to the subject's left about +y.
        eyelids: Left and right, 0 open, 1 closed.
        neck: Axis-angle of the head against the root, radians.
    """

    identity: Float[Tensor, "*#b K"]
    expression: Float[Tensor, "*#b E"]
    jaw: Float[Tensor, "*#b 3"]
    eyes: Float[Tensor, "*#b 2 3"]
    eyelids: Float[Tensor, "*#b 2"]
    neck: Float[Tensor, "*#b 3"]


@dataclass(frozen=True)
class HeadModel:
    """A head model as tensors; ``at`` gives a smaller one with the same interface.

    Attributes:
        template: Vertices at rest, metres.
        identity: Basis, metres per standard deviation.
        expression: Basis, metres per unit.
        eyelids: Displacements of the left and the right lid at 1, metres.
        correctives: Basis over ``pose_features``, or no rows.
        weights: Skinning weights.
        joints: Places of the joints of the template, metres.
        joints_identity: What a unit of each identity code does to the joints.
        joints_expression: What a unit of each expression code does to the joints.
        parents: Parent of each joint, -1 for the root.
        vertex_ids: Which of the container's vertices these are.
        container: The whole container: triangles, UVs, regions, embeddings, names.
    """

    template: Float[Tensor, "V 3"]
    identity: Float[Tensor, "K V 3"]
    expression: Float[Tensor, "E V 3"]
    eyelids: Float[Tensor, "2 V 3"]
    correctives: Float[Tensor, "P V 3"]
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
        names = ("template", "identity", "expression", "eyelids", "correctives", "weights")
        tensors = {name: torch.as_tensor(getattr(head, name), dtype=dtype) for name in names}
        regressor = torch.as_tensor(head.joint_regressor, dtype=torch.float64)
        places = [(regressor @ tensors[name].double()).to(dtype) for name in ("template", "identity", "expression")]
        parents = torch.as_tensor(head.parents, dtype=torch.int64)
        return cls(*tensors.values(), *places, parents, torch.arange(len(head.template)), head)

    @property
    def sha256(self) -> str:
        """Hash of the container, kept in every file of parameters."""
        return self.container.sha256

    @property
    def faces(self) -> Int[Tensor, "F 3"]:
        """Triangles of the whole head (ids of the container, also after ``at``)."""
        return torch.as_tensor(self.container.faces, dtype=torch.int64)

    def to(self, dtype: torch.dtype) -> "HeadModel":
        """Return the model in another precision."""
        tensors = {item.name: getattr(self, item.name) for item in fields(self)}
        floating = {k: v.to(dtype) for k, v in tensors.items() if isinstance(v, Tensor) and v.is_floating_point()}
        return replace(self, **floating)

    def at(self, vertex_ids: Int[Tensor, " n"]) -> "HeadModel":
        """Return the model of some vertices: exactly those rows of the full model's result."""
        rows = {name: getattr(self, name)[:, vertex_ids] for name in ("identity", "expression", "eyelids", "correctives")}
        rows |= {name: getattr(self, name)[vertex_ids] for name in ("template", "weights", "vertex_ids")}
        return replace(self, **rows)

    def neutral(self, *batch: int) -> HeadParameters:
        """Return the parameters of the mean head at rest: zeros of the given leading shape."""
        sizes = (self.identity.shape[:1], self.expression.shape[:1], (3,), (2, 3), (2,), (3,))
        return HeadParameters(*(torch.zeros(*batch, *size, dtype=self.template.dtype) for size in sizes))

    def rotations(self, parameters: HeadParameters) -> Float[Tensor, "*b J 3 3"]:
        """Return each joint's rotation relative to its parent; the root's is the identity."""
        jaw, eyes, neck = torch.broadcast_tensors(parameters.jaw[..., None, :], parameters.eyes, parameters.neck[..., None, :])
        angles = torch.cat([neck[..., :1, :], jaw[..., :1, :], eyes], -2)
        return axis_angle_to_matrix(torch.nn.functional.pad(angles, (0, 0, 1, 0)))

    def places(self, parameters: HeadParameters) -> Float[Tensor, "*b J 3"]:
        """Return the joints at rest: the regressor over template, identity and expression, as FLAME has it."""
        moved = blend_shapes(parameters.identity, self.joints_identity)
        return self.joints + moved + blend_shapes(parameters.expression, self.joints_expression)

    def transforms(self, parameters: HeadParameters) -> Float[Tensor, "*b J 3 4"]:
        """Return each joint's transform ``[R | t]`` of points at rest into the head's frame."""
        rotations, places = self.rotations(parameters), self.places(parameters)
        batch = torch.broadcast_shapes(rotations.shape[:-3], places.shape[:-2])
        return chain_transforms(rotations.expand(*batch, -1, 3, 3), places.expand(*batch, -1, 3), self.parents)

    def shaped(self, parameters: HeadParameters) -> Float[Tensor, "*b V 3"]:
        """Return the vertices at rest: template, identity, expression and eyelids, before correctives and joints."""
        person = self.template + blend_shapes(parameters.identity, self.identity)
        return person + blend_shapes(parameters.expression, self.expression) + blend_shapes(parameters.eyelids, self.eyelids)

    def forward(self, parameters: HeadParameters) -> Float[Tensor, "*b V 3"]:
        """Return the vertices in the head's frame (the root at rest), metres; differentiable in all parameters."""
        vertices = self.shaped(parameters)
        if len(self.correctives):
            vertices = vertices + blend_shapes(pose_features(self.rotations(parameters)), self.correctives)
        return skin_vertices(vertices, self.transforms(parameters), self.weights)

    __call__ = forward
