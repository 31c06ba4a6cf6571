"""Linear blend skinning: blend shapes, a chain of joints, and the blend of their transforms.

The model is that of SMPL (Loper et al. 2015, section 3) as FLAME uses it (Li et al. 2017, section 3): vertices in rest pose are
moved by the weighted sum of rigid transforms, each taken relative to the joint's place at rest.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def blend_shapes(codes: Float[Tensor, "*batch K"], basis: Float[Tensor, "K V 3"]) -> Float[Tensor, "*batch V 3"]:
    """Return the displacement ``sum_k codes_k * basis_k`` in metres."""
    flat = codes @ basis.flatten(1)
    return flat.unflatten(-1, basis.shape[1:])


def add_shapes(
    base: Float[Tensor, "*#batch V 3"], codes: Float[Tensor, "*#batch K"], basis: Float[Tensor, "K V 3"]
) -> Float[Tensor, "*both V 3"]:
    """Return ``base + blend_shapes(codes, basis)``; in one pass over the result where all share one base."""
    if base.shape[:-2].numel() != 1 or base.ndim > codes.ndim + 1:
        return base + blend_shapes(codes, basis)
    moved = torch.addmm(base.flatten(), codes.flatten(0, -2) if codes.ndim > 1 else codes[None], basis.flatten(1))
    return moved.reshape(*codes.shape[:-1], *basis.shape[1:])


def rigid_transforms(
    rotations: Float[Tensor, "*batch J 3 3"], origins: Float[Tensor, "*batch J 3"]
) -> Float[Tensor, "*batch J 3 4"]:
    """Return ``[R | t]`` that turn about a fixed origin: ``x -> R (x - origin) + origin``."""
    shift = origins - (rotations @ origins[..., None])[..., 0]
    return torch.cat([rotations, shift[..., None]], -1)


def chain_transforms(
    rotations: Float[Tensor, "*batch J 3 3"], joints: Float[Tensor, "*batch J 3"], parents: Int[Tensor, " J"]
) -> Float[Tensor, "*batch J 3 4"]:
    """Return each joint's transform of points given in rest pose, all ancestors applied.

    A joint turns about its own place at rest, then follows its parent, so ``A_j = A_parent(j) o turn_j`` (SMPL, equation 3
    and 4 in one step, since the turn is written about the joint's place at rest).

    Args:
        rotations: Rotation of each joint relative to its parent.
        joints: Places of the joints at rest, metres.
        parents: Parent of each joint, -1 for the root; a parent comes before its children.
    """
    chained: list[Tensor] = []
    for parent, turn in zip(parents.tolist(), rigid_transforms(rotations, joints).unbind(-3), strict=True):
        chained.append(turn if parent < 0 else compose_transforms(chained[parent], turn))
    return torch.stack(chained, -3)


def compose_transforms(after: Float[Tensor, "*batch 3 4"], before: Float[Tensor, "*batch 3 4"]) -> Float[Tensor, "*batch 3 4"]:
    """Return the transform that applies ``before``, then ``after``."""
    linear = after[..., :3] @ before[..., :3]
    shift = after[..., :3] @ before[..., 3:] + after[..., 3:]
    return torch.cat([linear, shift], -1)


def skin_vertices(
    vertices: Float[Tensor, "*shaped V 3"], transforms: Float[Tensor, "*posed J 3 4"], weights: Float[Tensor, "V J"]
) -> Float[Tensor, "*both V 3"]:
    """Return vertices moved by the weighted sum of the joints' transforms (SMPL, equation 2).

    Leading shapes of ``vertices`` and ``transforms`` broadcast. Coordinates come before vertices on the way, so that all inner
    loops run over vertices, and all transforms are blended in one product, then used column by column.
    """
    columns = transforms.movedim(-1, 0).mT
    blended = (columns.reshape(-1, weights.shape[1]) @ weights.mT).view(*columns.shape[:-1], len(weights))
    *axes, moved = blended.unbind(0)
    for axis, coordinate in zip(axes, vertices.unbind(-1), strict=True):
        moved = torch.addcmul(moved, axis, coordinate[..., None, :])
    return moved.mT.contiguous()


def pose_features(rotations: Float[Tensor, "*batch J 3 3"]) -> Float[Tensor, "*batch F"]:
    """Return ``R_j - I`` of all joints but the root, flattened row by row: 9 numbers a joint (SMPL, equation 9)."""
    identity = torch.eye(3, dtype=rotations.dtype, device=rotations.device)
    return (rotations[..., 1:, :, :] - identity).flatten(-3)
