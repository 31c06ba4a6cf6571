"""OBJ files are the head, whoever opens them, and what is not the head is refused while it is written."""

from pathlib import Path

import cv2
import meshio
import numpy as np
import pytest
import trimesh
from exports.seamed import seamed_head

from headsmith.contract.errors import UserError
from headsmith.exports.obj import ObjFolder
from headsmith.exports.surface import Surface
from headsmith.media.images import write_image

HEAD = seamed_head()
SURFACE = Surface.of(HEAD)
VERTICES = HEAD.template.astype(np.float64) + 1e-4 * np.pi


def written(folder: Path) -> Path:
    write_image(folder / "head.png", np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3))
    return ObjFolder(folder, SURFACE, ("metres",)).add("00012", VERTICES)


def slow_read(path: Path) -> dict[str, list]:
    """The format as its manual tells it, line by line."""
    found: dict[str, list] = {"v": [], "vt": [], "vn": [], "f": []}
    for line in path.read_text().splitlines():
        word, *rest = line.split()
        if word == "f":
            found["f"].append([[int(number) - 1 for number in corner.split("/")] for corner in rest])
        elif word in found:
            found[word].append([float(number) for number in rest])
    return found


def test_the_file_is_the_head(tmp_path: Path) -> None:
    found = slow_read(written(tmp_path))
    np.testing.assert_array_equal(np.array(found["v"], np.float32), VERTICES.astype(np.float32))
    np.testing.assert_array_equal(np.array(found["vt"], np.float32), HEAD.uv)
    np.testing.assert_allclose(found["vn"], SURFACE.normals(VERTICES), atol=1e-7)
    corners = np.array(found["f"])
    np.testing.assert_array_equal(corners[..., 0], HEAD.faces)
    np.testing.assert_array_equal(corners[..., 1], HEAD.uv_faces)
    np.testing.assert_array_equal(corners[..., 2], HEAD.faces)


def test_trimesh_opens_the_same_mesh_with_its_texture(tmp_path: Path) -> None:
    mesh = trimesh.load(written(tmp_path), process=False)
    np.testing.assert_allclose(mesh.vertices[mesh.faces], VERTICES[HEAD.faces], atol=1e-7)
    np.testing.assert_allclose(mesh.visual.uv[mesh.faces], HEAD.uv[HEAD.uv_faces], atol=1e-7)
    picture = np.asarray(mesh.visual.material.image.convert("RGB"))
    np.testing.assert_array_equal(picture.ravel(), np.arange(8 * 8 * 3, dtype=np.uint8))


def test_opencv_opens_the_same_mesh(tmp_path: Path) -> None:
    vertices, triangles, normals, _, uv = cv2.loadMesh(str(written(tmp_path)))
    corners = np.array(triangles).reshape(-1, 3)
    np.testing.assert_allclose(vertices[0][corners], VERTICES[HEAD.faces], atol=1e-7)
    np.testing.assert_allclose(uv[corners], HEAD.uv[HEAD.uv_faces], atol=1e-7)
    np.testing.assert_allclose(normals[0][corners], SURFACE.normals(VERTICES)[HEAD.faces], atol=1e-6)


def test_meshio_opens_the_same_mesh_where_it_is_spared_seams(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text("".join(line for line in path.read_text().splitlines(True) if not line.startswith("vt ")))
    mesh = meshio.read(path)
    np.testing.assert_allclose(mesh.points, VERTICES, atol=1e-7)
    np.testing.assert_array_equal(mesh.cells_dict["triangle"], HEAD.faces)


def test_a_sequence_shares_its_material(tmp_path: Path) -> None:
    folder = ObjFolder(tmp_path, SURFACE)
    for place in range(3):
        folder.add(f"{place:05d}", VERTICES + place)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000.obj", "00001.obj", "00002.obj", "head.mtl"]
    assert "map_Kd head.png" in (tmp_path / "head.mtl").read_text()
    np.testing.assert_allclose(slow_read(tmp_path / "00002.obj")["v"], VERTICES + 2, atol=1e-6)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("vertices", "vertices"),
        ("uv", "texture coordinates"),
        ("a triangle less", "triangles"),
        ("a corner's vertex", "its triangles differ"),
        ("a corner's uv", "its triangles differ"),
    ],
)
def test_an_obj_that_does_not_match_the_head_is_an_error(tmp_path: Path, fault: str, words: str) -> None:
    folder = ObjFolder(tmp_path, SURFACE)
    line = folder.faces.splitlines()[2]
    other = line.split()
    spoiled = {
        "a triangle less": folder.faces.replace(line + "\n", "", 1),
        "a corner's vertex": folder.faces.replace(line, f"f 7/{other[1].split('/', 1)[1]} {other[2]} {other[3]}", 1),
        "a corner's uv": folder.faces.replace(line, line.replace(other[1], "{0}/9/{0}".format(other[1].split("/")[0])), 1),
    }
    folder.faces = spoiled.get(fault, folder.faces)
    if fault == "uv":
        folder.uv = folder.uv.split("\n", 1)[1]
    with pytest.raises(UserError, match=words):
        folder.add("head", VERTICES[:-1] if fault == "vertices" else VERTICES)


def test_later_files_are_checked_too(tmp_path: Path) -> None:
    folder = ObjFolder(tmp_path, SURFACE)
    path = folder.add("00000", VERTICES)
    line = folder.faces.splitlines()[2]
    turned = line.split()
    path.write_text(path.read_text().replace(line, f"f {turned[2]} {turned[1]} {turned[3]}"))
    with pytest.raises(UserError, match="its triangles differ"):
        folder._check(path)
