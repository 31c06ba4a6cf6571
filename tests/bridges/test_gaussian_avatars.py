"""GaussianAvatars' folder: its own FLAME and camera, written out from the field guide, see what we see."""

import io
import json
from contextlib import redirect_stderr
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from bridges.slow_flame import pose_flame, whole_weights
from bridges.tracks import random_track
from flame_files import write_flame
from synthetic_head import synthetic_head

from headsmith.bridges.gaussian_avatars import flame_parameters, frame_entry, image_name, write_gaussian_avatars
from headsmith.bridges.gaussian_avatars_read import read_gaussian_avatars
from headsmith.bridges.readers import read_track
from headsmith.bridges.track import project_vertices
from headsmith.contract.errors import UserError
from headsmith.heads.flame_head import FlameFiles, read_flame_head
from headsmith.heads.model import HeadModel

MODEL = HeadModel.from_container(whole_weights(synthetic_head(identity=12, expression=9, correctives=True)), torch.float64)
NUMBERS = ("identity", "expression", "jaw", "eyes", "neck", "eyelids", "rotation", "translation", "principal")


def seen(entry, vertices):
    """Pixels by the NeRF convention: camera to world, x right, y up, looking along -z; K with the corner as origin."""
    view = np.linalg.inv(np.array(entry["transform_matrix"]))
    x, y, z = (vertices @ view[:3, :3].T + view[:3, 3]).T
    return np.stack([entry["fl_x"] * x / -z + entry["cx"], entry["fl_y"] * -y / -z + entry["cy"]], 1)


def posed(head, arrays, index, **extra):
    """The mesh that their FLAME makes of a frame."""
    keys = ("rotation", "neck_pose", "jaw_pose", "eyes_pose")
    pose = np.concatenate([np.ravel(arrays[key][index]) for key in keys])
    return pose_flame(head, arrays["shape"], arrays["expr"][index], pose, arrays["translation"][index], **extra)


def differences(track, model):
    arrays, place = flame_parameters(track, model)
    ours = project_vertices(track, model)
    theirs = [
        seen(frame_entry(track, index, place), posed(model.container, arrays, index, lids=track.eyelids[index]))
        for index in range(len(track.ids))
    ]
    return np.abs(np.array(theirs) - ours).max()


@pytest.mark.parametrize("seed", range(8))
def test_their_flame_before_their_camera_is_our_head_before_ours(seed):
    assert differences(random_track(MODEL, seed), MODEL) < 1e-6


def test_the_same_for_a_head_from_flames_own_file(tmp_path):
    head, _ = read_flame_head(FlameFiles(write_flame(tmp_path / "flame2023.pkl"), head="flame2023"))
    model = HeadModel.from_container(whole_weights(head), torch.float64)
    assert differences(random_track(model, 3, count=2), model) < 1e-6


def test_a_mistaken_pivot_is_seen():
    """The test above can fail: about the origin instead of the root joint, the head is elsewhere."""
    track = random_track(MODEL, 1)
    arrays, place = flame_parameters(track, MODEL)
    unshaped = posed(MODEL.container, {**arrays, "rotation": np.zeros_like(arrays["rotation"])}, 0, lids=track.eyelids[0])
    assert np.abs(seen(frame_entry(track, 0, place), unshaped) - project_vertices(track, MODEL)[0]).max() > 1


def test_the_camera_stays_and_the_head_is_about_the_origin():
    track = random_track(MODEL, 4)
    arrays, place = flame_parameters(track, MODEL)
    assert np.abs(arrays["translation"].mean(0)).max() < 1e-12
    assert len({str(frame_entry(track, index, place)["transform_matrix"]) for index in range(5)}) == 1


def same(read, track, tolerance):
    for name in NUMBERS:
        np.testing.assert_allclose(getattr(read, name), getattr(track, name), atol=tolerance, err_msg=name)
    assert read.focal == pytest.approx(track.focal) and read.size == track.size and read.head_sha256 == track.head_sha256


@pytest.fixture
def folder(tmp_path):
    write_gaussian_avatars(random_track(MODEL, 5), MODEL, tmp_path, held_out=2)
    return tmp_path


def test_round_trip(folder):
    track, read = random_track(MODEL, 5), read_gaussian_avatars(folder, MODEL)
    same(read, track, 1e-6)
    assert np.abs(project_vertices(read, MODEL) - project_vertices(track, MODEL)).max() < 2e-3
    assert len(read.ids) == 5 and set(read.status) == {"ok"} and {item.name for item in fields(read)} >= set(NUMBERS)


@pytest.mark.parametrize("name", ["", "transforms.json"])
def test_the_tracker_vhap_may_be_its_export(folder, name):
    same(read_track("vhap", folder / name, MODEL), random_track(MODEL, 5), 1e-6)


def test_files_hold_what_their_loader_takes(folder):
    content = json.loads((folder / "transforms.json").read_text())
    assert [entry["timestep_index"] for entry in content["frames"]] == content["timestep_indices"] == [0, 1, 2, 3, 4]
    keys = {"timestep_index", "timestep_index_original", "timestep_id", "camera_index", "camera_id", "file_path"}
    keys |= {"cx", "cy", "fl_x", "fl_y", "h", "w", "camera_angle_x", "camera_angle_y", "transform_matrix"}
    assert set(content["frames"][0]) == keys | {"fg_mask_path", "flame_param_path"}
    assert content["frames"][3]["file_path"] == f"images/{image_name(3)}" == "images/00003_00.png"
    track = random_track(MODEL, 5)
    assert track.size[0] / 2 / np.tan(content["frames"][0]["camera_angle_x"] / 2) == pytest.approx(track.focal)
    with np.load(folder / "flame_param/00003.npz") as frame, np.load(folder / "canonical_flame_param.npz") as canonical:
        shapes = {name: frame[name].shape for name in frame.files}
        assert {frame[name].dtype for name in frame.files} == {np.dtype(np.float32)}
        assert canonical["jaw_pose"].tolist() == [[pytest.approx(0.3), 0, 0]] and not canonical["expr"].any()
        assert (canonical["shape"] == frame["shape"]).all()
    small = {"translation": (1, 3), "rotation": (1, 3), "neck_pose": (1, 3), "jaw_pose": (1, 3), "eyes_pose": (1, 6)}
    large = {"shape": (300,), "expr": (1, 100), "static_offset": (1, len(MODEL.template), 3), "eyelids": (1, 2)}
    assert shapes == small | large


def test_the_last_frames_are_for_tests_and_none_for_validation(folder):
    parts = {name: json.loads((folder / f"transforms_{name}.json").read_text()) for name in ("train", "val", "test")}
    assert {name: part["timestep_indices"] for name, part in parts.items()} == {"train": [0, 1, 2], "val": [], "test": [3, 4]}
    assert [entry["timestep_index"] for entry in parts["test"]["frames"]] == [3, 4] and not parts["val"]["frames"]


def change(folder, name, **arrays):
    with np.load(folder / "flame_param" / name) as content:
        changed = {**content, **arrays}
    np.savez(folder / "flame_param" / name, **{key: value for key, value in changed.items() if value is not None})


def test_vhaps_own_files_have_offsets_teeth_and_no_lids(folder):
    """VHAP's offsets move the joint that the head turns about: with them, and without lids, the same vertices are seen."""
    track = replace(random_track(MODEL, 5), eyelids=np.zeros((5, 2)))
    chance = np.random.default_rng(0)
    offset = 2e-3 * chance.normal(size=(1, len(MODEL.template) + 120, 3)).astype(np.float32)
    for index in range(5):
        change(folder, f"{index:05d}.npz", static_offset=offset, eyelids=None)
    arrays, place = flame_parameters(track, MODEL)
    told = io.StringIO()
    with redirect_stderr(told):
        read = read_gaussian_avatars(folder, MODEL)
    assert "offsets of single vertices" in told.getvalue() and not read.eyelids.any()
    vertices = posed(MODEL.container, arrays, 2, offset=offset[0, : len(MODEL.template)].astype(np.float64))
    bare = posed(
        MODEL.container,
        {**arrays, "rotation": 0 * arrays["rotation"], "translation": 0 * arrays["translation"]},
        2,
        offset=offset[0, : len(MODEL.template)].astype(np.float64),
    )
    in_camera = bare @ read.rotation[2].T + read.translation[2]
    pixels = read.focal * in_camera[:, :2] / in_camera[:, 2:] + read.principal
    assert np.abs(pixels - seen(frame_entry(track, 2, place), vertices)).max() < 2e-3


def test_offsets_that_make_another_person_are_refused(folder):
    change(folder, "00000.npz", static_offset=np.full((1, len(MODEL.template), 3), 0.01, np.float32))
    with pytest.raises(UserError, match="offsets of single vertices"):
        read_gaussian_avatars(folder, MODEL)


def test_ids_are_the_images_numbers(tmp_path):
    ids = [2, 3, 7, 8, 11]
    write_gaussian_avatars(replace(random_track(MODEL), ids=np.array(ids)), MODEL, tmp_path, held_out=2)
    assert read_gaussian_avatars(tmp_path, MODEL).ids.tolist() == ids
    edit(tmp_path, lambda content: [entry.update(timestep_id=f"frame_{entry['timestep_id']}") for entry in content["frames"]])
    assert read_gaussian_avatars(tmp_path / "transforms.json", MODEL).ids.tolist() == ids
    edit(tmp_path, lambda content: [entry.pop("timestep_index_original") for entry in content["frames"]])
    assert read_gaussian_avatars(tmp_path, MODEL).ids.tolist() == [0, 1, 2, 3, 4]


def edit(folder, change):
    path = folder / "transforms.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda content: content.update(head_sha256="0" * 64), "another head"),
        (lambda content: content["frames"][1].update(timestep_index=0), "not one camera's"),
        (lambda content: content["frames"][1].update(timestep_id="00000"), "do not ascend"),
        (lambda content: content["frames"][1].update(fl_x=1.0), "focal length changes"),
        (lambda content: content["frames"][1].pop("flame_param_path"), "no list of frames"),
        (lambda content: content["frames"][1].update(transform_matrix=[[1]]), "transform_matrix"),
        (lambda content: content.update(frames=[]), "0 images"),
    ],
)
def test_what_a_track_cannot_hold_is_refused(folder, fault, message):
    edit(folder, fault)
    with pytest.raises(UserError, match=message):
        read_gaussian_avatars(folder, MODEL)


def test_codes_beyond_the_heads_are_refused(folder):
    change(folder, "00002.npz", expr=np.ones((1, 100), np.float32))
    with pytest.raises(UserError, match="100 expression codes, but the head has 9"):
        read_gaussian_avatars(folder, MODEL)
