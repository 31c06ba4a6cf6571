"""PLY, binary, little-endian: positions, normals, texture coordinates ``s t``, and the head's own number of each vertex.

The format: Turk 1994, *The PLY Polygon File Format*. Vertices are doubled along seams; ``head_vertex`` undoes that. The comment
``TextureFile`` is MeshLab's way to name the picture.
"""

from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.exports.surface import Seams, Surface, mismatch

VERTEX: Final = np.dtype([*((name, "<f4") for name in ("x", "y", "z", "nx", "ny", "nz", "s", "t")), ("head_vertex", "<i4")])
FACE: Final = np.dtype([("count", "u1"), ("corners", "<i4", 3)])
PROPERTIES: Final = "".join(f"property float {name}\n" for name in VERTEX.names[:-1]) + "property int head_vertex\n"


def write_ply(
    path: Path, vertices: Float[ndarray, "V 3"], surface: Surface, seams: Seams, remarks: tuple[str, ...] = ()
) -> None:
    """Write a mesh whose texture is ``head.png`` beside it, and check it against the head.

    Args:
        path: The file.
        vertices: Of the head, one a vertex.
        surface: The head's surface.
        seams: ``surface.split()``.
        remarks: Lines for the file's head: units, axes.

    Raises:
        UserError: The file does not hold what the head is.
    """
    rows = np.zeros(len(seams.vertices), VERTEX)
    columns = np.concatenate([vertices, surface.normals(vertices)], 1)[seams.vertices]
    for name, values in zip(VERTEX.names, np.concatenate([columns, seams.uv], 1).T, strict=False):
        rows[name] = values
    rows["head_vertex"] = seams.vertices
    triangles = np.zeros(len(seams.faces), FACE)
    triangles["count"], triangles["corners"] = 3, seams.faces
    path.write_bytes(header(len(rows), len(triangles), remarks) + rows.tobytes() + triangles.tobytes())
    check_ply(path, surface, seams)


def header(vertices: int, faces: int, remarks: tuple[str, ...]) -> bytes:
    """Return the head of a file of so many vertices and triangles."""
    comments = "".join(f"comment {line}\n" for line in ("TextureFile head.png", *remarks))
    elements = f"element vertex {vertices}\n{PROPERTIES}element face {faces}\nproperty list uchar int vertex_indices\n"
    return f"ply\nformat binary_little_endian 1.0\n{comments}{elements}end_header\n".encode()


def check_ply(path: Path, surface: Surface, seams: Seams) -> None:
    """Accept a written file whose triangles are the head's own once its doubled vertices are undone.

    Raises:
        UserError: They differ.
    """
    head, _, body = path.read_bytes().partition(b"end_header\n")
    counts = [int(line.split()[2]) for line in head.decode().splitlines() if line.startswith("element")]
    surface.check(path, (counts[0], len(seams.uv), counts[1]), (len(seams.vertices), len(seams.uv), len(surface.faces)))
    rows = np.frombuffer(body, VERTEX, counts[0])
    triangles = np.frombuffer(body, FACE, counts[1], rows.nbytes)
    corners = triangles["corners"]
    uv = np.stack([rows["s"], rows["t"]], 1)[corners]
    same = np.array_equal(rows["head_vertex"][corners], surface.faces)
    if not same or not np.array_equal(uv, surface.uv[surface.uv_faces].astype(np.float32)):
        raise mismatch("its triangles differ", path)
