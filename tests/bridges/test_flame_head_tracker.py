import math

import numpy as np
import pytest
import torch
from bridges.tracks import random_track
from scipy.spatial.transform import Rotation
from synthetic_head import synthetic_head

from headsmith.bridges.flame_head_tracker import read_camera, read_flame_head_tracker, read_points
from headsmith.bridges.flame_head_tracker_write import write_camera, write_flame_head_tracker
from headsmith.bridges.track import Track, project_vertices
from headsmith.contract.errors import UserError
from headsmith.heads.model import HeadModel, HeadParameters

MODEL = HeadModel.from_container(synthetic_head(identity=30, expression=20, correctives=True), torch.float64)
NUMBERS = (0, 1, 4, 12)


def results(chance, fov=20.0, side=512, **changes):
    """What the tracker saves for a frame, in float64."""
    focal = 128 / math.tan(math.radians(fov) / 2)
    arrays = {
        "shape": np.linspace(-1, 1, 30)[None],
        "exp": chance.normal(size=(1, 20)),
        "head_pose": np.zeros((1, 3)),
        "jaw_pose": 0.2 * chance.normal(size=(1, 3)),
        "eye_pose": 0.2 * chance.normal(size=(1, 6)),
        "cam": np.r_[0.5 * chance.normal(size=3), 0.1 * chance.normal(size=2), chance.uniform(0.7, 1.5)][None],
        "fov": np.array([fov]),
        "K": np.array([[[focal, 0, 128], [0, focal, 128], [0, 0, 1]]]),
        "blendshape_scores": chance.uniform(size=(1, 52)),
        "lmks_68": chance.uniform(-1, 1, (1, 68, 2)),
        "img_aligned": np.zeros((1, side, side, 3), np.uint8),
    }
    return {key: value for key, value in {**arrays, **changes}.items() if value is not None}


def write(folder, frames):
    for number, frame in zip(NUMBERS, frames, strict=True):
        np.savez(folder / f"{number}.npz", **frame)
        (folder / f"{number}_compare.jpg").touch()
    return folder


def seen_by_the_tracker(frame, side):
    """Pixels of the crop as the tracker projects (field guide 3.5): a camera placed in the world, OpenGL's axes, y upwards."""
    parameters = {
        "identity": frame["shape"],
        "expression": frame["exp"],
        "jaw": frame["jaw_pose"],
        "eyes": frame["eye_pose"].reshape(1, 2, 3),
        "eyelids": frame["blendshape_scores"][:, 9:11],
        "neck": frame.get("neck_pose", np.zeros((1, 3))),
    }
    vertices = MODEL(HeadParameters(**{key: torch.from_numpy(value) for key, value in parameters.items()}))[0].numpy()
    yaw, pitch, roll, *place = frame["cam"][0]
    to_world = np.eye(4)
    to_world[:3, :3] = Rotation.from_euler("ZYX", [roll, yaw, pitch]).as_matrix()
    to_world[:3, 3] = place
    seen = np.c_[vertices, np.ones(len(vertices))] @ np.linalg.inv(to_world).T
    half = side / 2
    focal = half / math.tan(math.radians(float(frame["fov"][0])) / 2)
    return np.stack([half + focal * seen[:, 0] / -seen[:, 2], half - focal * seen[:, 1] / -seen[:, 2]], 1)


@pytest.mark.parametrize("seed", range(6))
def test_vertices_are_where_the_tracker_saw_them(tmp_path, seed):
    chance = np.random.default_rng(seed)
    fov, side = float(chance.uniform(10, 50)), int(chance.choice([256, 512, 640]))
    neck = {"neck_pose": 0.2 * chance.normal(size=(1, 3))} if seed % 2 else {}
    frames = [results(chance, fov, side, **neck) for _ in NUMBERS]
    track = read_flame_head_tracker(write(tmp_path, frames), MODEL)
    pixels = project_vertices(track, MODEL)
    assert track.size == (side, side) and track.ids.tolist() == list(NUMBERS)
    assert np.abs(track.neck).max() > 0.1 if neck else not track.neck.any()
    for place, frame in enumerate(frames):
        assert np.abs(pixels[place] - seen_by_the_tracker(frame, side)).max() < 1e-6


def test_a_turned_root_is_turned_about_its_joint(tmp_path):
    """FLAME with a root rotation, from the skinning's own formula: v' = R (v - J) + J."""
    chance = np.random.default_rng(1)
    turn = np.array([[0.1, -0.2, 0.3]])
    frames = [results(chance, head_pose=turn) for _ in NUMBERS]
    pixels = project_vertices(read_flame_head_tracker(write(tmp_path, frames), MODEL), MODEL)
    still = {key: value for key, value in frames[0].items() if key != "head_pose"}
    shaped = MODEL.template + torch.tensordot(torch.from_numpy(still["shape"][0]), MODEL.identity, 1)
    shaped = shaped + torch.tensordot(torch.from_numpy(still["exp"][0]), MODEL.expression, 1)
    joint = (torch.from_numpy(MODEL.container.joint_regressor[0]).double() @ shaped).numpy()
    rotation = Rotation.from_rotvec(turn[0]).as_matrix()
    camera = np.eye(4)
    yaw, pitch, roll, *place = still["cam"][0]
    camera[:3, :3], camera[:3, 3] = Rotation.from_euler("ZYX", [roll, yaw, pitch]).as_matrix(), place
    lifted = np.eye(4)
    lifted[:3, :3], lifted[:3, 3] = rotation, joint - rotation @ joint
    # turning the head is moving the camera the other way round
    moved = np.linalg.inv(lifted) @ camera
    angles = Rotation.from_matrix(moved[:3, :3]).as_euler("ZYX")
    still["cam"] = np.r_[angles[1], angles[2], angles[0], moved[:3, 3]][None]
    assert np.abs(pixels[0] - seen_by_the_tracker(still, 512)).max() < 1e-6


@pytest.mark.parametrize("seed", range(3))
def test_cameras_come_back(seed):
    track = random_track(MODEL, seed, count=50)
    turn, shift = read_camera(write_camera(track.rotation, track.translation))
    flip = np.array([1, -1, -1])
    assert np.abs(flip[:, None] * turn - track.rotation).max() < 1e-12
    assert np.abs(flip * shift - track.translation).max() < 1e-12


def test_a_clip_comes_back(tmp_path):
    chance = np.random.default_rng(0)
    (tmp_path / "first").mkdir()
    first = read_flame_head_tracker(write(tmp_path / "first", [results(chance) for _ in NUMBERS]), MODEL)
    pictures = {number: chance.integers(0, 255, (300, 300, 3)).astype(np.uint8) for number in NUMBERS}
    (tmp_path / "second").mkdir()
    write_flame_head_tracker(tmp_path / "second", first, MODEL, lambda number: pictures[number])
    second = read_flame_head_tracker(tmp_path / "second", MODEL)
    assert np.abs(project_vertices(second, MODEL) - project_vertices(first, MODEL)).max() < 0.01
    with np.load(tmp_path / "second/4.npz", allow_pickle=False) as content:
        shapes = {name: content[name].shape for name in content.files}
        assert content["img_aligned"].dtype == np.uint8
    assert shapes == {
        **{"shape": (1, 300), "exp": (1, 100), "head_pose": (1, 3), "jaw_pose": (1, 3), "eye_pose": (1, 6), "cam": (1, 6)},
        **{"fov": (1,), "K": (1, 3, 3), "tex": (1, 50), "light": (1, 9, 3), "blendshape_scores": (1, 52)},
        **{"img": (1, 512, 512, 3), "img_aligned": (1, 512, 512, 3)},
    }


def test_points_are_shares_of_the_crops_side(tmp_path):
    chance = np.random.default_rng(0)
    frames = [results(chance, side=640) for _ in NUMBERS]
    numbers, points = read_points(write(tmp_path, frames))
    assert numbers == list(NUMBERS)
    assert np.allclose(points[2], (frames[2]["lmks_68"][0] + 1) / 2)
    (tmp_path / "bare").mkdir()
    assert read_points(write(tmp_path / "bare", [results(chance, lmks_68=None) for _ in NUMBERS])) is None


def test_the_writer_refuses_what_the_format_cannot_hold(tmp_path):
    track: Track = random_track(MODEL)
    with pytest.raises(UserError, match="principal point"):
        write_flame_head_tracker(tmp_path, track, MODEL, lambda number: np.zeros((8, 8, 3), np.uint8))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fov": 21.0}, "field of view.*changes, from 20 to 21"),
        ({"K": np.diag([700.0, 700, 1])[None]}, "focal length changes"),
        ({"exp": np.full((1, 20), np.nan)}, "'exp' holds NaN"),
        ({"exp": np.ones((1, 50))}, r"'exp' is \(50,\), but \(20,\) in 0.npz"),
        ({"cam": np.zeros((1, 7))}, r"'cam' is \(1, 7\)"),
        ({"cam": None}, "'cam' is missing"),
        ({"jaw_pose": np.array([[{}, {}, {}]], object)}, "cannot be read"),
        ({"neck_pose": np.zeros((1, 3))}, "not in 0.npz"),
    ],
)
def test_spoilt_results_are_refused_by_name(tmp_path, changes, message):
    chance = np.random.default_rng(0)
    frames = [results(chance) for _ in NUMBERS]
    frames[2] = results(chance, **changes)
    with pytest.raises(UserError, match=message) as caught:
        read_flame_head_tracker(write(tmp_path, frames), MODEL)
    assert caught.value.file is not None


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no <number>"):
        read_flame_head_tracker(tmp_path, MODEL)
    with pytest.raises(UserError, match="not a folder"):
        read_flame_head_tracker(tmp_path / "none", MODEL)
