"""A head's surface as mesh formats need it: triangles with texture coordinates, and its vertices doubled along the seams.

A head has two sets of triangles over the same surface: of vertices, and of texture coordinates. OBJ keeps both. PLY and glTF
know one index a corner, so a vertex on a seam of the unwrapping stands there once for each of its texture coordinates.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.heads.container import HeadContainer
from headsmith.mesh.shading import vertex_normals


@dataclass(frozen=True)
class Seams:
    """A surface with one index a corner.

    Attributes:
        vertices: The head's vertex of each; the first ``V`` are the head's own in their order, the doubles follow.
        uv: Texture coordinates, v up.
        faces: The head's triangles, in their order, of these.
    """

    vertices: Int[ndarray, " W"]
    uv: Float[ndarray, "W 2"]
    faces: Int[ndarray, "F 3"]


@dataclass(frozen=True)
class Surface:
    """What does not change when a head moves.

    Attributes:
        count: Number of the head's vertices, ``V``.
        faces: Triangles, counter-clockwise seen from outside.
        uv: Texture coordinates in 0..1, v up.
        uv_faces: The same triangles, as indices into ``uv``.
    """

    count: int
    faces: Int[ndarray, "F 3"]
    uv: Float[ndarray, "U 2"]
    uv_faces: Int[ndarray, "F 3"]

    @classmethod
    def of(cls, head: HeadContainer) -> "Surface":
        """Return the surface of a head.

        Raises:
            UserError: Its texture coordinates do not belong to its triangles.
        """
        faces, uv_faces = head.faces.astype(np.int64), head.uv_faces.astype(np.int64)
        if faces.shape != uv_faces.shape or uv_faces.min(initial=0) < 0 or uv_faces.max(initial=-1) >= len(head.uv):
            what = f"{len(head.uv)} texture coordinates in {len(uv_faces)} triangles do not fit the {len(faces)} of the head"
            raise UserError(f"{head.name}: {what}", remedy="delete the head's container and run snakemake again")
        return cls(len(head.template), faces, head.uv.astype(np.float64), uv_faces)

    def normals(self, vertices: Float[ndarray, "V 3"]) -> Float[ndarray, "V 3"]:
        """Return smooth unit normals, also across seams: one a vertex of the head.

        Raises:
            UserError: There are not as many vertices as the head has.
        """
        if len(vertices) != self.count:
            raise UserError(f"the mesh does not match the head: {len(vertices)} vertices for {self.count}")
        return vertex_normals(vertices.astype(np.float64), self.faces)

    def split(self) -> Seams:
        """Return the surface with vertices doubled along its seams."""
        return split_seams(self.faces, self.uv, self.uv_faces, self.count)

    def check(self, path: Path, found: tuple[int, int, int], expected: tuple[int, int, int] | None = None) -> None:
        """Accept a written mesh that has as many vertices, texture coordinates and triangles as the head.

        Args:
            path: What was written, for the message.
            found: The numbers counted in it.
            expected: What they must be; the head's own where left out.

        Raises:
            UserError: They differ.
        """
        wanted = expected or (self.count, len(self.uv), len(self.faces))
        if found != wanted:
            words = ("vertices", "texture coordinates", "triangles")
            counts = ", ".join(f"{one} {word} for {two}" for one, word, two in zip(found, words, wanted, strict=True))
            raise mismatch(counts, path)


def mismatch(what: str, path: Path) -> UserError:
    """Return the error of a written mesh that is not the head.

    Args:
        what: In what they differ.
        path: What was written.
    """
    return UserError(f"the mesh does not match the head: {what}", file=path, remedy="run the export again")


def split_seams(faces: Int[ndarray, "F 3"], uv: Float[ndarray, "U 2"], uv_faces: Int[ndarray, "F 3"], count: int) -> Seams:
    """Return a surface whose corners have one index each, for vertex and texture coordinate together.

    Args:
        faces: Triangles of vertices.
        uv: Texture coordinates.
        uv_faces: The same triangles, of texture coordinates.
        count: Number of vertices; those of no triangle keep their place, at texture coordinate 0, 0.
    """
    corners = np.stack([faces.ravel(), uv_faces.ravel()], 1)
    pairs, place = np.unique(corners, axis=0, return_inverse=True)
    used, first = np.unique(pairs[:, 0], return_index=True)
    index = np.full(len(pairs), -1)
    index[first] = used
    doubles = np.flatnonzero(index < 0)
    index[doubles] = count + np.arange(len(doubles))
    coordinates = np.zeros((count + len(doubles), 2))
    coordinates[index] = uv[pairs[:, 1]]
    vertices = np.concatenate([np.arange(count), pairs[doubles, 0]])
    return Seams(vertices, coordinates, index[place.reshape(-1)].reshape(faces.shape))
