"""IMavatar's file: its FLAME, four times as large, before its camera and SplattingAvatar's, written out by themselves."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from bridges.slow_flame import pose_flame, whole_weights
from bridges.tracks import random_track
from synthetic_head import synthetic_head

from headsmith.bridges.imavatar import frame_entries, image_name, seen_boxes, shared_entries, write_imavatar
from headsmith.bridges.imavatar_read import read_imavatar
from headsmith.bridges.left_out import measure_left_out
from headsmith.bridges.track import project_vertices
from headsmith.contract.errors import UserError
from headsmith.contract.landmark_groups import CONVENTION
from headsmith.heads.model import HeadModel

MODEL = HeadModel.from_container(whole_weights(synthetic_head(identity=12, expression=9, correctives=True)), torch.float64)
RICH = HeadModel.from_container(synthetic_head(identity=110, expression=60), torch.float64)
NUMBERS = ("identity", "expression", "jaw", "eyes", "neck", "eyelids", "rotation", "translation", "principal")


def made_large(head):
    """Their FLAME: template, directions and correctives times 4; joints follow, because they are regressed from it."""
    names = ("template", "identity", "expression", "correctives", "eyelids")
    return replace(head, **{name: 4 * getattr(head, name) for name in names})


def mesh(head, shared, entry):
    lids = entry["eyelids"]
    return pose_flame(
        made_large(head), np.array(shared["shape_params"]), np.array(entry["expression"]), entry["pose"], lids=lids
    )


def seen_by_imavatar(shared, entry, size, vertices):
    """Pixels whose rays, sent as IMavatar sends them with z = -1, meet the vertices: (u - cx) / fx * z, (v - cy) / fy * z."""
    width, height = size
    fx, fy, cx, cy = np.array(shared["intrinsics"]) * (width, height, width, height)
    view = np.array(entry["world_mat"])
    x, y, z = (vertices @ view[:, :3].T + view[:, 3]).T
    assert (z < 0).all()
    return np.stack([fx * x / z + cx, fy * y / z + cy], 1)


def seen_by_splatting_avatar(shared, entry, size, vertices):
    """Magnitudes of the intrinsics, rows y and z turned, then an OpenCV camera."""
    width, height = size
    fx, fy, cx, cy = np.abs(np.array(shared["intrinsics"]) * (width, height, width, height))
    view = np.array(entry["world_mat"])
    view[1:] *= -1
    x, y, z = (vertices @ view[:, :3].T + view[:, 3]).T
    return np.stack([fx * x / z + cx, fy * y / z + cy], 1)


@pytest.mark.parametrize("see", [seen_by_imavatar, seen_by_splatting_avatar])
@pytest.mark.parametrize("seed", range(5))
def test_their_flame_before_their_camera_is_our_head_before_ours(see, seed):
    track = random_track(MODEL, seed)
    shared, entries, ours = shared_entries(track), frame_entries(track, MODEL), project_vertices(track, MODEL)
    theirs = [see(shared, entry, track.size, mesh(MODEL.container, shared, entry)) for entry in entries]
    assert np.abs(np.array(theirs) - ours).max() < 1e-6


def test_signs_are_imavatars_own():
    shared, entry = shared_entries(random_track(MODEL)), frame_entries(random_track(MODEL), MODEL)[0]
    assert [value > 0 for value in shared["intrinsics"]] == [False, True, True, True]
    assert np.array(entry["world_mat"])[:, :3].tolist() == np.eye(3).tolist()
    assert [len(entry[key]) for key in ("expression", "pose", "bbox")] == [50, 15, 4] and len(shared["shape_params"]) == 100


def test_the_box_is_around_the_landmarks():
    track = replace(random_track(MODEL, 2), convention=CONVENTION)
    landmarks = MODEL.container.embeddings[CONVENTION]
    corners = MODEL(track.parameters()).numpy()[:, MODEL.container.faces[landmarks.faces]]
    points = np.einsum("tlcx,lc->tlx", corners, landmarks.barycentrics.astype(float))
    in_camera = np.einsum("tij,tlj->tli", track.rotation, points) + track.translation[:, None]
    pixels = track.focal * in_camera[..., :2] / in_camera[..., 2:] + track.principal
    expected = np.concatenate([pixels.min(1), pixels.max(1)], 1) / np.tile(track.size, 2) * 2 - 1
    np.testing.assert_allclose(seen_boxes(track, MODEL), expected, atol=1e-9)


def write(folder, track, held_out=2):
    write_imavatar(track, MODEL, folder, held_out)
    (folder / "image").mkdir()
    width, height = track.size
    cv2.imwrite(str(folder / "image" / image_name(0)), np.zeros((height, width, 3), np.uint8))
    return folder


def test_round_trip(tmp_path):
    track = random_track(MODEL, 6)
    read = read_imavatar(write(tmp_path, track), MODEL)
    for name in NUMBERS:
        np.testing.assert_allclose(getattr(read, name), getattr(track, name), atol=1e-9, err_msg=name)
    assert read.size == track.size and read.focal == pytest.approx(track.focal) and read.ids.tolist() == [0, 1, 2, 3, 4]
    assert np.abs(project_vertices(read, MODEL) - project_vertices(track, MODEL)).max() < 1e-6


def test_a_camera_that_turns_and_a_head_that_turns_are_both_read(tmp_path):
    """Their files may have the pose in either; the mesh that their camera sees is the same."""
    folder = write(tmp_path, random_track(MODEL, 7))
    content = json.loads((folder / "flame_params.json").read_text())
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    for entry in content["frames"]:
        view = np.array(entry["world_mat"])
        view[:, 3] += 0.1
        entry["world_mat"] = (turn @ view).tolist()
        entry.pop("eyelids")
    (folder / "flame_params.json").write_text(json.dumps(content))
    read = read_imavatar(folder, MODEL)
    vertices = MODEL(read.parameters()).numpy()[3] @ read.rotation[3].T + read.translation[3]
    expected = mesh(MODEL.container, content, {**content["frames"][3], "eyelids": [0, 0]})
    view = np.array(content["frames"][3]["world_mat"])
    np.testing.assert_allclose(vertices, (expected @ view[:, :3].T + view[:, 3]) * [1, -1, -1] / 4, atol=1e-9)


def test_old_files_have_pixels_of_512(tmp_path):
    track = random_track(MODEL, 8)
    track = replace(track, size=(300, 300), principal=np.array([150.0, 150]))
    folder = write(tmp_path, track)
    content = json.loads((folder / "flame_params.json").read_text())
    content["intrinsics"] = [512 * value for value in content["intrinsics"]]
    (folder / "flame_params.json").write_text(json.dumps(content))
    assert read_imavatar(folder, MODEL).focal == pytest.approx(track.focal)


def test_parts_are_folders_whose_images_are_one_up(tmp_path):
    folder = write(tmp_path, random_track(MODEL))
    parts = {name: json.loads((folder / name / "flame_params.json").read_text()) for name in ("train", "test", ".")}
    paths = {name: [entry["file_path"] for entry in part["frames"]] for name, part in parts.items()}
    assert paths == {
        "train": ["./../image/1", "./../image/2", "./../image/3"],
        "test": ["./../image/4", "./../image/5"],
        ".": [f"./image/{number}" for number in range(1, 6)],
    }


def test_what_is_left_out_is_measured_by_the_vertices():
    track = random_track(RICH, 1, count=40)
    found = measure_left_out(track, RICH, 100, 50)
    rest = replace(RICH.neutral(40), identity=torch.from_numpy(track.identity).repeat(40, 1))
    rest = replace(rest, expression=torch.from_numpy(track.expression), eyelids=torch.from_numpy(track.eyelids))
    kept = replace(rest, identity=rest.identity.clone(), expression=rest.expression.clone(), eyelids=0 * rest.eyelids)
    kept.identity[:, 100:], kept.expression[:, 50:] = 0, 0
    far = 1000 * (RICH(rest) - RICH(kept)).norm(dim=-1)
    assert found.mean_mm == pytest.approx(float(far.mean())) and found.largest_mm == pytest.approx(float(far.max()))
    lids = 1000 * (RICH(replace(kept, eyelids=rest.eyelids)) - RICH(kept)).norm(dim=-1)
    assert found.lids_mm == pytest.approx(float(lids.max()))
    shared, entries = shared_entries(track), frame_entries(track, RICH)
    assert (
        shared["shape_params"] == track.identity[:100].tolist()
        and entries[7]["expression"] == track.expression[7, :50].tolist()
    )
    nothing = replace(random_track(MODEL), eyelids=np.zeros((5, 2)))
    assert set(measure_left_out(nothing, MODEL, 100, 50).figures().values()) == {0.0}


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda content: content.update(head_sha256="0" * 64), "another head"),
        (lambda content: content.update(intrinsics=[-3.0, 2.0, 0.5, 0.5]), "not square"),
        (lambda content: content.pop("shape_params"), "shape_params"),
        (lambda content: content["frames"][1].update(pose=[0.0]), "pose"),
        (lambda content: content["frames"][1].update(file_path="./image/last"), "not named by a number"),
        (lambda content: content.update(frames=[]), "no frames"),
        (lambda content: content.update(frames=3), "no list"),
    ],
)
def test_what_a_track_cannot_hold_is_refused(tmp_path, fault, message):
    folder = write(tmp_path, random_track(MODEL))
    content = json.loads((folder / "flame_params.json").read_text())
    fault(content)
    (folder / "flame_params.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=message):
        read_imavatar(folder, MODEL)
