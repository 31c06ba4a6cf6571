"""A head in FLAME's format is exported whole: its vertices, its triangles and those that close the mouth, and its motion."""

from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from exports.opened_glb import Opened
from exports.seamed import moving_clip
from flame_files import write_flame

from headsmith.exports.glb import write_glb
from headsmith.exports.glb_rig import Motion
from headsmith.exports.obj import ObjFolder
from headsmith.exports.surface import Surface
from headsmith.heads.container import HeadContainer
from headsmith.heads.flame_head import FlameFiles, read_flame_head
from headsmith.heads.model import HeadModel


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> HeadContainer:
    path = write_flame(tmp_path_factory.mktemp("flame") / "generic_model.pkl")
    return read_flame_head(FlameFiles(path, closed_mouth=True))[0]


def test_an_obj_of_flame_has_flames_numbers(head: HeadContainer, tmp_path: Path) -> None:
    vertices = head.template.astype(np.float64)
    path = ObjFolder(tmp_path, Surface.of(head)).add("neutral", vertices)
    words = [line.split(" ", 1)[0] for line in path.read_text().splitlines()]
    assert (words.count("v"), words.count("vt"), words.count("f")) == (5023, len(head.uv), 9976 + 30)
    mesh = trimesh.load(path, process=False)
    np.testing.assert_allclose(mesh.vertices[mesh.faces], vertices[head.faces], atol=1e-7)
    np.testing.assert_allclose(mesh.visual.uv[mesh.faces], head.uv[head.uv_faces], atol=1e-7)


def test_a_glb_of_flame_moves_as_flame(head: HeadContainer, tmp_path: Path) -> None:
    model, clip = HeadModel.from_container(head, torch.float64), moving_clip(head, count=2)
    motion = Motion(np.arange(2.0), clip.parameters(), None)
    write_glb(tmp_path / "head.glb", model, clip.parameters(), np.zeros((4, 4, 3), np.uint8), name="clip", motion=motion)
    opened = Opened(tmp_path / "head.glb")
    names = opened.tree.meshes[0].extras["targetNames"]
    assert len(opened.part.targets) == len(names) > len(head.expression_names) + 2, "pose correctives are targets too"
    seams = Surface.of(head).split()
    wanted = model(clip.parameters()).numpy()
    for place in range(2):
        np.testing.assert_allclose(opened.moved(place), wanted[place][seams.vertices], atol=5e-6)
