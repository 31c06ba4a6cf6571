"""Wavefront OBJ with MTL and PNG: positions, texture coordinates and normals, each corner as ``v/vt/vn``.

The format: Wavefront, *Advanced Visualizer Manual*, appendix B1. Indices begin at 1. The head's own numbers of vertices and of
texture coordinates stay, so a seam needs no doubled vertex. What was written is read again and counted against the head.
"""

from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from headsmith.exports.surface import Surface, mismatch

NAME: Final = "head"
"""Stem of the material's and the texture's file, and the names inside: no blanks, which readers take for a name's end."""

MATERIAL: Final = f"newmtl {NAME}\nKa 1 1 1\nKd 1 1 1\nKs 0 0 0\nd 1\nillum 1\nmap_Kd {NAME}.png\n"


class ObjFolder:
    """A folder of OBJ files of one head that share their triangles, their material and their texture ``head.png``.

    Args:
        folder: An empty folder.
        surface: The head's surface.
        remarks: Lines for the head of each file: units, axes.
    """

    def __init__(self, folder: Path, surface: Surface, remarks: tuple[str, ...] = ()) -> None:
        self.folder, self.surface = folder, surface
        self.start = "".join(f"# {line}\n" for line in remarks) + f"mtllib {NAME}.mtl\no {NAME}\n"
        self.uv = lines("vt", surface.uv)
        self.faces = f"usemtl {NAME}\ns 1\n" + face_lines(surface)
        self._checked = False
        (folder / f"{NAME}.mtl").write_text(MATERIAL)

    def add(self, stem: str, vertices: Float[ndarray, "V 3"]) -> Path:
        """Write a mesh as ``<stem>.obj`` and check it against the head.

        Raises:
            UserError: The file does not hold what the head is.
        """
        path = self.folder / f"{stem}.obj"
        normals = lines("vn", self.surface.normals(vertices))
        path.write_text(self.start + lines("v", vertices) + self.uv + normals + self.faces)
        self._check(path)
        return path

    def _check(self, path: Path) -> None:
        content = path.read_bytes()
        counts = tuple(content.count(f"\n{word} ".encode()) for word in ("v", "vt", "f"))
        self.surface.check(path, counts)
        start = content.index(b"usemtl ")
        if not self._checked:
            check_faces(path, content[start:].decode(), self.surface)
            self._checked = True
        elif content[start:] != self.faces.encode():
            raise mismatch("its triangles differ", path)


def lines(word: str, values: Float[ndarray, "n C"]) -> str:
    """Return a line for each row: the word and its numbers, exact for 32-bit numbers."""
    line = f"{word}{' %.9g' * values.shape[1]}\n"
    return line * len(values) % tuple(values.astype(np.float32).ravel().tolist())


def face_lines(surface: Surface) -> str:
    """Return the lines of the triangles; a vertex has the number of its normal."""
    corners = np.stack([surface.faces, surface.uv_faces, surface.faces], -1) + 1
    return "f %d/%d/%d %d/%d/%d %d/%d/%d\n" * len(corners) % tuple(corners.ravel().tolist())


def read_faces(text: str) -> Int[ndarray, "F 3 3"]:
    """Return the triangles of an OBJ's text, as indices from 0 of vertex, texture coordinate and normal at each corner.

    Raises:
        ValueError: A line has another form.
    """
    rows = [line[2:] for line in text.splitlines() if line.startswith("f ")]
    numbers = np.array(" ".join(rows).replace("/", " ").split(), np.int64)
    return numbers.reshape(len(rows), 3, 3) - 1


def check_faces(path: Path, text: str, surface: Surface) -> None:
    """Accept triangles that are the head's own, in vertices and texture coordinates.

    Raises:
        UserError: They differ.
    """
    found = read_faces(text)
    if not np.array_equal(found[..., 0], surface.faces) or not np.array_equal(found[..., 1], surface.uv_faces):
        raise mismatch("its triangles differ", path)
