"""DECA's files of one picture, as its ``demo_reconstruct.py`` writes them (Feng et al. 2021).

Units are metres, axes DECA's world. The material names the texture by file name alone; DECA's names the normals by the path of
the machine that wrote it, as a displacement, which readers take for what it says: here a comment tells of them.
"""

import io
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy import ndarray
from PIL import Image

from headsmith.exports.arrays import write_mat
from headsmith.exports.obj import lines
from headsmith.exports.surface import Surface, mismatch

QUALITY: Final = 95
MATERIAL: Final = "FaceTexture"


def write_jpeg(path: Path, picture: UInt8[ndarray, "H W 3"]) -> None:
    """Write an RGB picture as JPEG, its colours at full resolution."""
    content = io.BytesIO()
    Image.fromarray(picture).save(content, "JPEG", quality=QUALITY, subsampling=0)
    path.write_bytes(content.getvalue())


def write_points(folder: Path, name: str, flat: Float[ndarray, "68 2"], solid: Float[ndarray, "68 4"]) -> None:
    """Write ``_kpt2d.txt`` (x, y) and ``_kpt3d.txt`` (x, y, z, visibility), a point a line, -1..1 over the crop."""
    np.savetxt(folder / f"{name}_kpt2d.txt", flat)
    np.savetxt(folder / f"{name}_kpt3d.txt", solid)


def write_mesh(
    folder: Path,
    name: str,
    vertices: Float[ndarray, "V 3"],
    surface: Surface,
    texture: UInt8[ndarray, "U U 3"],
    normals: UInt8[ndarray, "U U 3"],
) -> None:
    """Write ``.obj``, ``.mtl``, the texture ``.png`` and ``_normals.png``, and check the mesh against the head.

    Raises:
        UserError: What was written is not the head.
    """
    corners = np.stack([surface.faces, surface.uv_faces], -1) + 1
    faces = "f %d/%d %d/%d %d/%d\n" * len(corners) % tuple(corners.ravel().tolist())
    head = f"mtllib {name}.mtl\n\n"
    path = folder / f"{name}.obj"
    path.write_text(head + lines("v", vertices) + lines("vt", surface.uv) + f"usemtl {MATERIAL}\n" + faces)
    note = f"# normals in the mesh' own axes, not a displacement: {name}_normals.png\n"
    (folder / f"{name}.mtl").write_text(f"newmtl {MATERIAL}\nKa 1 1 1\nKd 1 1 1\nKs 0 0 0\nillum 1\nmap_Kd {name}.png\n{note}")
    Image.fromarray(texture).save(folder / f"{name}.png")
    Image.fromarray(normals).save(folder / f"{name}_normals.png")
    check_mesh(path, surface)


def check_mesh(path: Path, surface: Surface) -> None:
    """Accept a written mesh whose triangles are the head's.

    Raises:
        UserError: They are not.
    """
    text = path.read_text()
    surface.check(path, tuple(text.count(f"\n{word} ") for word in ("v", "vt", "f")))
    rows = [line[2:] for line in text.splitlines() if line.startswith("f ")]
    found = np.array(" ".join(rows).replace("/", " ").split(), np.int64).reshape(-1, 3, 2) - 1
    if not np.array_equal(found[..., 0], surface.faces) or not np.array_equal(found[..., 1], surface.uv_faces):
        raise mismatch("its triangles differ", path)


def write_dense_mesh(
    path: Path, vertices: Float[ndarray, "n 3"], colours: Float[ndarray, "n 3"], faces: Int[ndarray, "m 3"]
) -> None:
    """Write ``_detail.obj``: a colour beside each vertex, 0..255, as DECA has them."""
    rows = np.concatenate([vertices, colours], 1)
    triangles = "f %d %d %d\n" * len(faces) % tuple((faces + 1).ravel().tolist())
    path.write_text(lines("v", rows) + triangles)


def write_arrays(path: Path, arrays: dict[str, ndarray]) -> None:
    """Write ``.mat`` of MATLAB's level 5; names are those of DECA's dictionaries."""
    write_mat(path, arrays)
