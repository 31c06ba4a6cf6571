"""GLB files are the head, at rest and in motion: read by trimesh, and by pygltflib with glTF's own formulas."""

from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from exports.opened_glb import Opened
from exports.seamed import moving_clip, seamed_head

from headsmith.contract.errors import UserError
from headsmith.exports.glb import Lens, check_glb, write_glb
from headsmith.exports.glb_file import GlbFile
from headsmith.exports.glb_rig import Motion, continuous, influences
from headsmith.exports.surface import Surface
from headsmith.heads.model import HeadModel, HeadParameters

HEAD = seamed_head()
MODEL = HeadModel.from_container(HEAD, torch.float64)
SURFACE = Surface.of(HEAD)
SEAMS = SURFACE.split()
CLIP = moving_clip(HEAD)
TEXTURE = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)


def write(path: Path, **options) -> Opened:
    write_glb(path, MODEL, CLIP.parameters(), TEXTURE, name="clip", **options)
    return Opened(path)


def person(**changes) -> HeadParameters:
    parts = {"identity": torch.from_numpy(CLIP.identity), **changes}
    neutral = MODEL.neutral()
    names = ("identity", "expression", "jaw", "eyes", "eyelids", "neck")
    return HeadParameters(*(parts.get(name, getattr(neutral, name)) for name in names))


def test_trimesh_opens_the_same_mesh_with_its_texture(tmp_path: Path) -> None:
    write(tmp_path / "head.glb")
    (mesh,) = trimesh.load(tmp_path / "head.glb", process=False).geometry.values()
    rest = MODEL(person()).numpy()
    np.testing.assert_allclose(mesh.vertices[mesh.faces], rest[HEAD.faces], atol=1e-7)
    np.testing.assert_array_equal(mesh.faces, SEAMS.faces)
    np.testing.assert_allclose(mesh.visual.uv[mesh.faces], HEAD.uv[HEAD.uv_faces], atol=1e-6)
    np.testing.assert_array_equal(np.asarray(mesh.visual.material.baseColorTexture.convert("RGB")), TEXTURE)


def test_pygltflib_opens_the_same_mesh(tmp_path: Path) -> None:
    opened = write(tmp_path / "head.glb")
    rest = MODEL(person()).numpy()
    positions, uv = (opened.array(getattr(opened.part.attributes, name)) for name in ("POSITION", "TEXCOORD_0"))
    np.testing.assert_array_equal(opened.faces, SEAMS.faces)
    np.testing.assert_allclose(positions[opened.faces], rest[HEAD.faces], atol=1e-7)
    np.testing.assert_allclose(uv[opened.faces] * [1, -1] + [0, 1], HEAD.uv[HEAD.uv_faces], atol=1e-6)
    np.testing.assert_allclose(opened.moved(None)[: SURFACE.count], rest, atol=1e-7)
    normals = opened.array(opened.part.attributes.NORMAL)
    np.testing.assert_allclose(normals, SURFACE.normals(rest)[SEAMS.vertices], atol=1e-6)


def test_a_target_at_weight_one_is_the_model_with_its_code_at_one(tmp_path: Path) -> None:
    opened = write(tmp_path / "head.glb")
    names = opened.tree.meshes[0].extras["targetNames"]
    assert names == [*HEAD.expression_names, "eyelidLeft", "eyelidRight"]
    base = opened.array(opened.part.attributes.POSITION)
    for place, target in enumerate(opened.part.targets):
        code = torch.zeros(len(names), dtype=torch.float64)
        code[place] = 1
        wanted = MODEL(person(expression=code[:-2], eyelids=code[-2:])).numpy()
        np.testing.assert_allclose(base + opened.array(target["POSITION"]), wanted[SEAMS.vertices], atol=1e-7)


@pytest.mark.parametrize("posed", [False, True])
def test_the_animation_gives_the_vertices_of_the_model(tmp_path: Path, posed: bool) -> None:
    flip = np.diag([1.0, -1.0, -1.0])
    pose = np.concatenate([flip @ CLIP.rotation, (CLIP.translation @ flip)[..., None]], -1) if posed else None
    times = np.arange(len(CLIP.ids)) / 24
    opened = write(tmp_path / "head.glb", motion=Motion(times, CLIP.parameters(), pose))
    wanted = MODEL(CLIP.parameters()).numpy()
    if posed:
        wanted = np.einsum("tij,tvj->tvi", pose[..., :3], wanted) + pose[:, None, :, 3]
    for place in range(len(CLIP.ids)):
        np.testing.assert_allclose(opened.moved(place), wanted[place][SEAMS.vertices], atol=2e-6)
    samplers = opened.tree.animations[0].samplers
    np.testing.assert_allclose(opened.array(samplers[0].input), times, atol=1e-7)
    assert [node.name for node in opened.tree.nodes] == ["head", *HEAD.joint_names]


def test_the_camera_sees_what_the_clip_shows(tmp_path: Path) -> None:
    width, height = CLIP.size
    lens = Lens(2 * np.arctan(height / (2 * CLIP.focal)), width / height)
    opened = write(tmp_path / "head.glb", lens=lens)
    seen = opened.tree.cameras[0].perspective
    focal = height / (2 * np.tan(seen.yfov / 2))
    assert focal == pytest.approx(CLIP.focal)
    assert seen.aspectRatio == width / height
    assert opened.tree.nodes[opened.tree.scenes[0].nodes[-1]].camera == 0


def test_weights_sum_to_one_in_sets_of_four_whatever_was_rounded() -> None:
    given = np.random.default_rng(4).dirichlet(np.ones(6), 50) * 0.999
    given[:10, 3:] = 0
    sets = influences(given)
    joints, weights = (np.concatenate(parts, 1) for parts in zip(*sets, strict=True))
    assert [part.shape for part in (joints, weights)] == [(50, 8)] * 2 and len(influences(given[:10])) == 1
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
    spread = np.zeros_like(given)
    np.add.at(spread, (np.arange(50)[:, None], joints), weights)
    np.testing.assert_allclose(spread, given / given.sum(1, keepdims=True), atol=1e-6)


def test_the_same_head_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.glb", "two.glb"):
        write(tmp_path / name, motion=Motion(np.arange(5.0), CLIP.parameters(), None))
    assert (tmp_path / "one.glb").read_bytes() == (tmp_path / "two.glb").read_bytes()


@pytest.mark.parametrize("fault", ["indices", "TEXCOORD_0"])
def test_a_glb_that_does_not_match_the_head_is_an_error(tmp_path: Path, fault: str) -> None:
    write(tmp_path / "head.glb")
    file = GlbFile((tmp_path / "head.glb").read_bytes())
    part = file.tree["meshes"][0]["primitives"][0]
    number = part["indices"] if fault == "indices" else part["attributes"][fault]
    accessor = file.tree["accessors"][number]
    start = file.tree["bufferViews"][accessor["bufferView"]]["byteOffset"] + accessor.get("byteOffset", 0)
    file.binary[start + (0 if fault == "indices" else 2)] ^= 1 if fault == "indices" else 64
    (tmp_path / "head.glb").write_bytes(file.content())
    with pytest.raises(UserError, match="does not match the head"):
        check_glb(tmp_path / "head.glb", SURFACE, SEAMS)


def test_a_vertex_of_more_than_four_joints_keeps_them_all() -> None:
    weights = np.random.default_rng(1).dirichlet(np.ones(5), 7)
    sets = influences(weights)
    assert len(sets) == 2
    found = np.zeros((7, 5))
    for joints, shares in sets:
        for row in range(7):
            for joint, share in zip(joints[row], shares[row], strict=True):
                found[row, joint] += share
    np.testing.assert_allclose(found, weights, atol=1e-6)


def test_quaternions_never_take_the_long_way() -> None:
    generator = np.random.default_rng(2)
    walk = np.cumsum(generator.normal(size=(40, 3, 4)) * 0.2, 0) + np.eye(4)[0]
    smooth = walk / np.linalg.norm(walk, axis=-1, keepdims=True)
    flipped = smooth * generator.choice([-1, 1], (40, 3, 1))
    found = continuous(flipped)
    assert ((found[1:] * found[:-1]).sum(-1) > 0).all()
    np.testing.assert_allclose(np.abs((found * flipped).sum(-1)), 1)


def test_a_cut_off_file_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "head.glb")
    with pytest.raises(ValueError, match="cut off"):
        GlbFile((tmp_path / "head.glb").read_bytes()[:-4])
