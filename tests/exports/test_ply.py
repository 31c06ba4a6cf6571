"""PLY files are the head, whoever opens them."""

from pathlib import Path

import cv2
import meshio
import numpy as np
import pytest
import trimesh
from exports.seamed import seamed_head

from headsmith.contract.errors import UserError
from headsmith.exports.ply import check_ply, write_ply
from headsmith.exports.surface import Surface

HEAD = seamed_head()
SURFACE = Surface.of(HEAD)
SEAMS = SURFACE.split()
VERTICES = HEAD.template.astype(np.float64) + 1e-4 * np.pi


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_ply(tmp_path / "head.ply", VERTICES, SURFACE, SEAMS, ("metres",))
    return tmp_path / "head.ply"


def test_trimesh_opens_the_same_mesh(path: Path) -> None:
    mesh = trimesh.load(path, process=False)
    np.testing.assert_array_equal(np.asarray(mesh.vertices, np.float32), VERTICES.astype(np.float32)[SEAMS.vertices])
    np.testing.assert_array_equal(mesh.faces, SEAMS.faces)
    np.testing.assert_allclose(mesh.vertex_normals, SURFACE.normals(VERTICES)[SEAMS.vertices], atol=1e-6)


def test_meshio_opens_the_same_mesh_with_its_texture_coordinates(path: Path) -> None:
    mesh = meshio.read(path)
    faces = mesh.cells_dict["triangle"]
    np.testing.assert_allclose(mesh.points[faces], VERTICES[HEAD.faces], atol=1e-7)
    uv = np.stack([mesh.point_data["s"], mesh.point_data["t"]], 1)
    np.testing.assert_allclose(uv[faces], HEAD.uv[HEAD.uv_faces], atol=1e-7)
    np.testing.assert_array_equal(mesh.point_data["head_vertex"][faces], HEAD.faces)


def test_opencv_opens_the_same_mesh(path: Path) -> None:
    vertices, triangles, normals, _, uv = cv2.loadMesh(str(path))
    corners = np.array(triangles).reshape(-1, 3)
    np.testing.assert_allclose(vertices[0][corners], VERTICES[HEAD.faces], atol=1e-7)
    np.testing.assert_allclose(uv[corners], HEAD.uv[HEAD.uv_faces], atol=1e-7)
    np.testing.assert_allclose(normals[0][corners], SURFACE.normals(VERTICES)[HEAD.faces], atol=1e-6)


@pytest.mark.parametrize("column", ["head_vertex", "s", "corner"])
def test_a_ply_that_does_not_match_the_head_is_an_error(path: Path, column: str) -> None:
    content = bytearray(path.read_bytes())
    start = content.index(b"end_header\n") + len(b"end_header\n")
    row = 8 * 4 + 4
    place = {"head_vertex": start + 8 * 4, "s": start + 6 * 4 + 2, "corner": start + row * len(SEAMS.vertices) + 1}[column]
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="does not match the head"):
        check_ply(path, SURFACE, SEAMS)
