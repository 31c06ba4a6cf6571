"""The stage exports: which frames, which axes, and a manifest that is written last and holds content only."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from exports.seamed import moving_clip, seamed_head

from headsmith.bridges.track import Track
from headsmith.contract.digests import hash_folder
from headsmith.contract.errors import UserError
from headsmith.contract.settings import ExportsSettings
from headsmith.exports.glb_file import GlbFile
from headsmith.heads.container import save_head
from headsmith.heads.model import HeadModel
from headsmith.media.frames import FrameFolderWriter
from headsmith.stages.exports import export_clip
from headsmith.stages.exports_frames import chosen, times_of

HEAD = seamed_head()
CLIP = moving_clip(HEAD, count=9, bad=(4,))


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Path]:
    """A clip's files: head, tracking, frames and head masks."""
    save_head(HEAD, tmp_path / "head.npz")
    np.savez(tmp_path / "tracking.npz", **CLIP.arrays())
    generator = np.random.default_rng(0)
    with FrameFolderWriter(tmp_path / "frames.json", details={"fps": 25.0}) as writer:
        for number in CLIP.ids.tolist():
            writer.add(number, generator.integers(0, 256, (96, 96, 3), dtype=np.uint8))
    with FrameFolderWriter(tmp_path / "masks.json") as writer:
        for number in CLIP.ids.tolist():
            writer.add(number, np.repeat([[255] * 48 + [0] * 48], 96, 0).astype(np.uint8))
    files = {"head": "head.npz", "tracking": "tracking.npz", "frames": "frames.json", "head_masks": "masks.json"}
    return {word: tmp_path / name for word, name in files.items()}


def export(inputs: dict[str, Path], name: str, **settings) -> tuple[Path, dict]:
    manifest = inputs["head"].parent / f"exports/{name}.json"
    used = ExportsSettings(**{"texture": "regions", "texture_size": 32} | settings)
    export_clip(clip="anna", export=name, manifest=manifest, settings=used, threads=1, **inputs)
    told = json.loads(manifest.read_text())
    assert told["sha256"] == hash_folder(manifest.with_suffix(""))
    assert (told["clip"], told["export"], told["head_sha256"]) == ("anna", name, HEAD.sha256)
    return manifest.with_suffix(""), told


def vertices_of(place: int, posed: bool) -> np.ndarray:
    stored = Track.from_arrays(CLIP.arrays()).take([place])
    vertices = HeadModel.from_container(HEAD, torch.float64)(stored.parameters())[0].numpy()
    if not posed:
        return vertices
    x, y, z = (vertices @ stored.rotation[0].T + stored.translation[0]).T
    return np.stack([x, -y, -z], 1)


@pytest.mark.parametrize("posed", [False, True])
@pytest.mark.parametrize("name", ["obj", "ply"])
def test_a_sequence_has_the_frames_that_were_tracked(inputs: dict[str, Path], name: str, posed: bool) -> None:
    folder, told = export(inputs, name, frames="4::4", pose=posed)
    assert told["frames"] == [4, 12, 16] and told["left_out"] == [{"id": 8, "reason": "tracking: missing"}]
    stems = sorted(path.stem for path in folder.glob(f"*.{name}"))
    assert stems == ["00004", "00012", "00016"]
    assert told["axes"].startswith("OpenGL's" if posed else "the head's own")
    for frame in (4, 16):
        mesh = trimesh.load(folder / f"{frame:05d}.{name}", process=False)
        np.testing.assert_allclose(mesh.vertices[mesh.faces], vertices_of(frame // 2, posed)[HEAD.faces], atol=1e-6)


def test_at_rest_there_is_one_mesh_of_the_person(inputs: dict[str, Path]) -> None:
    folder, told = export(inputs, "obj", pose=True)
    assert sorted(path.name for path in folder.iterdir()) == ["head.mtl", "head.png", "neutral.obj"]
    assert told["frames"] == "neutral" and told["axes"].startswith("the head's own")
    numbers = (told["vertices"], told["texture_coordinates"], told["triangles"])
    assert numbers == (len(HEAD.template), len(HEAD.uv), len(HEAD.faces))
    person = HEAD.template + np.einsum("k,kvc->vc", CLIP.identity, HEAD.identity)
    mesh = trimesh.load(folder / "neutral.obj", process=False)
    np.testing.assert_allclose(mesh.vertices[mesh.faces], person[HEAD.faces], atol=1e-6)


def test_a_glb_moves_at_the_clips_own_times(inputs: dict[str, Path]) -> None:
    folder, told = export(inputs, "glb", frames="all", pose=True)
    file = GlbFile((folder / "head.glb").read_bytes())
    times = file.read(file.tree["animations"][0]["samplers"][0]["input"])
    kept = [number for number in CLIP.ids.tolist() if number != 8]
    np.testing.assert_allclose(times, np.array(kept) / 25, atol=1e-6)
    assert told["frames"] == kept and told["camera"] and told["seconds"] == pytest.approx(16 / 25)
    rest, told = export(inputs, "glb")
    assert "animations" in GlbFile((rest / "head.glb").read_bytes()).tree and not told["camera"]
    assert told["frames"] == kept and told["axes"].startswith("the head's own")
    assert export(inputs, "glb", frames="4:6")[1]["frames"] == [4, 6]
    assert export(inputs, "glb", frames="4:4")[1]["seconds"] == 0


def test_a_texture_from_the_clip_says_how_much_was_seen(inputs: dict[str, Path]) -> None:
    folder, told = export(inputs, "obj", texture="clip")
    assert 0.2 < told["texture"]["seen_share"] < 1
    assert set(told["texture"]["baked_from"]) <= set(CLIP.ids.tolist()) - {8}
    assert (folder / "head.png").is_file()


@pytest.mark.parametrize("name", ["csv", "parquet", "npz", "mat"])
def test_tables_have_every_frame_and_are_the_same_each_time(inputs: dict[str, Path], name: str) -> None:
    first = export(inputs, name)[1]
    assert first == export(inputs, name)[1]
    assert first["frames"] == CLIP.ids.tolist()


def test_an_input_that_a_setting_needs_is_asked_for(inputs: dict[str, Path]) -> None:
    with pytest.raises(UserError, match="needs heads"):
        export(inputs, "obj", texture="model")
    manifest = inputs["head"].parent / "exports/obj.json"
    assert not manifest.exists() and not manifest.with_suffix("").exists()


def test_a_tracking_of_another_head_is_refused(inputs: dict[str, Path]) -> None:
    save_head(seamed_head(seed=1), inputs["head"])
    with pytest.raises(UserError, match="another head"):
        export(inputs, "csv")


@pytest.mark.parametrize(
    ("frames", "ids"),
    [
        ("all", [0, 2, 4, 6, 10, 12, 14, 16]),
        (":", [0, 2, 4, 6, 10, 12, 14, 16]),
        ("4:10", [4, 6, 10]),
        ("4:10:3", [4, 10]),
        (":6", [0, 2, 4, 6]),
        ("10::6", [10, 16]),
    ],
)
def test_frames_are_named_by_id_with_the_last_one_included(frames: str, ids: list[int]) -> None:
    assert [int(CLIP.ids[place]) for place in chosen(CLIP, frames, "anna")] == ids


def test_frames_that_are_not_there_are_refused() -> None:
    with pytest.raises(UserError, match="names no frame"):
        chosen(CLIP, "8:9", "anna")
    with pytest.raises(UserError, match="no frame was tracked well"):
        chosen(replace(CLIP, status=("missing", "outlier", "uncertain") * 3), "all", "anna")


def test_times_need_the_frames_per_second(tmp_path: Path) -> None:
    with FrameFolderWriter(tmp_path / "frames.json") as writer:
        writer.add(0, np.zeros((4, 4), np.uint8))
    with pytest.raises(UserError, match="frames per second are not known"):
        times_of(CLIP, tmp_path / "frames.json", "anna")
