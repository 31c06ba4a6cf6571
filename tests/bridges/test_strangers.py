"""Results that a stranger wrote to do harm, or that nobody checked, end in a message with their file's name."""

import json
import os

import cv2
import numpy as np
import pytest
from bridges.encoded import small_model
from bridges.tracks import random_track
from subject_files import write_subject

from headsmith.bridges import table
from headsmith.bridges.flame_head_tracker import has_picture
from headsmith.bridges.given import numbered_files, read_npz, whole_number
from headsmith.bridges.imavatar_read import read_imavatar
from headsmith.bridges.readers import read_track
from headsmith.bridges.sound import check_track
from headsmith.bridges.subject import find_subject
from headsmith.bridges.subject_check import check_subject
from headsmith.bridges.subject_heads import HeadSight
from headsmith.contract.errors import UserError
from headsmith.media.image_facts import PNG_SIGNATURE
from headsmith.media.progress import note

MODEL = small_model()
PLACED = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]])
FRAME = {"rotation": (1, 3), "translation": (1, 3), "neck_pose": (1, 3), "jaw_pose": (1, 3), "eyes_pose": (1, 6)}
LONG = "9" * 5000
ENTRY = {"timestep_index": 1, "transform_matrix": PLACED.tolist(), "flame_param_path": "flame_param/00001.npz"}
DEEP = '{"frames": ' + "[" * 100_000 + "]" * 100_000 + "}"


def gaussian(folder, change=lambda content: None):
    """A folder for GaussianAvatars of two frames, spoilt."""
    (folder / "flame_param").mkdir()
    for step in range(2):
        arrays = {key: np.zeros(shape) for key, shape in FRAME.items()} | {"shape": np.zeros(3), "expr": np.zeros((1, 3))}
        np.savez(folder / f"flame_param/{step:05d}.npz", **arrays)
    frames = [
        {"timestep_index": step, "timestep_id": str(step), "transform_matrix": PLACED.tolist()}
        | {"flame_param_path": f"flame_param/{step:05d}.npz"}
        for step in range(2)
    ]
    content = {"fl_x": 500.0, "fl_y": 500.0, "cx": 64.0, "cy": 64.0, "w": 128, "h": 128, "frames": frames}
    text = change(content)
    (folder / "transforms.json").write_text(text if isinstance(text, str) else json.dumps(content))
    return read_track("vhap", folder, MODEL)


def imavatar(folder, change=lambda content: None):
    """A folder for IMavatar of two frames, spoilt."""
    (folder / "image").mkdir()
    cv2.imwrite(str(folder / "image/1.png"), np.zeros((64, 64, 3), np.uint8))
    frames = [
        {"file_path": f"./image/{number}", "world_mat": PLACED[:3].tolist(), "expression": [0.0] * 3, "pose": [0.0] * 15}
        for number in (1, 2)
    ]
    content = {"intrinsics": [-1.2, 1.2, 0.5, 0.5], "shape_params": [0.0] * 3, "frames": frames}
    text = change(content)
    (folder / "flame_params.json").write_text(text if isinstance(text, str) else json.dumps(content))
    return check_track(read_imavatar(folder, MODEL), MODEL, folder)


def vhap(folder, **changes):
    """VHAP's file of three frames, spoilt."""
    arrays = {key: np.zeros((3, *shape[1:])) for key, shape in FRAME.items()} | {"shape": np.zeros(3), "expr": np.zeros((3, 3))}
    arrays |= {"image_size": np.array([128, 128]), "focal_length": np.array([3.0]), "timestep_id": np.array(["0", "1", "2"])}
    np.savez(folder / "tracked_flame_params_3.npz", **arrays | {key: np.asarray(value) for key, value in changes.items()})
    return read_track("vhap", folder, MODEL)


def put(*path, value):
    def change(content):
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = value

    return change


def both(value):
    return lambda content: content.update(fl_x=value, fl_y=value)


GAUSSIAN = [
    lambda content: DEEP,
    lambda content: "null",
    lambda content: LONG,
    put("frames", 0, "timestep_index", value=float("inf")),
    put("frames", 1, value={**ENTRY, "timestep_id": LONG, "timestep_index_original": "x"}),
    put("frames", 1, value={**ENTRY, "timestep_id": "x", "timestep_index_original": 10**30}),
    put("frames", 0, "flame_param_path", value="../../../../../../etc/passwd"),
    put("frames", 0, "flame_param_path", value="/dev/zero"),
    put("frames", 0, "flame_param_path", value="a\0b"),
    put("frames", 0, "flame_param_path", value="\ud800"),
    put("frames", 0, "transform_matrix", value=[[1], [2, 3]]),
    put("frames", 0, "transform_matrix", value=[[0] * 4] * 4),
    put("frames", 0, "transform_matrix", value=np.diag([2.0, 3, 4, 1]).tolist()),
    put("frames", 0, "transform_matrix", value=[[1e308] * 4] * 4),
    *(both(value) for value in (0, -5, 1e308, 10**400, "5")),
    *(put("w", value=value) for value in (0, -3, 1e300, 0.4)),
]
IMAVATAR = [
    lambda content: DEEP,
    put("frames", 0, "file_path", value="a\0/1"),
    put("frames", 0, "file_path", value="\ud800/1"),
    put("frames", 1, "file_path", value=LONG),
    put("frames", 1, "file_path", value="./image/01"),
    put("frames", 0, "expression", value=[[1], [1, 2]]),
    put("frames", 0, "expression", value=[1.0] * 2),
    put("frames", 0, "pose", value=[1e308] * 15),
    put("frames", 0, "world_mat", value=[[0] * 4] * 3),
    put("intrinsics", value=[0, 0, 0, 0]),
]
VHAP = [
    *({"timestep_id": value} for value in ("5", ["0", "1", "²"], ["0", "1", LONG], ["0", "1", "1" + "0" * 30])),
    *({"focal_length": [value]} for value in (0.0, -3.0, 1e308)),
    *({"image_size": value} for value in ([0, 0], [-5, 5], [1e300, 1.0])),
    *({"rotation": np.full((3, 3), value)} for value in (1e308, np.longdouble("1e4000"))),
    {"expr": np.full((3, 3), 1e308)},
    {"static_offset": np.zeros((2, 2))},
]


def test_what_is_sound_is_read(tmp_path):
    readers = {"gaussian": gaussian, "imavatar": imavatar, "vhap": vhap}
    for name, reader in readers.items():
        (tmp_path / name).mkdir()
        assert len(reader(tmp_path / name).ids) == (3 if name == "vhap" else 2)


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid")
@pytest.mark.parametrize("change", GAUSSIAN)
def test_hostile_transforms_are_refused(tmp_path, change):
    with pytest.raises(UserError, match=rf"{tmp_path.name}|/dev/zero"):
        gaussian(tmp_path, change)


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid")
@pytest.mark.parametrize("change", IMAVATAR)
def test_hostile_flame_params_are_refused(tmp_path, change):
    with pytest.raises(UserError, match=tmp_path.name):
        imavatar(tmp_path, change)


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid")
@pytest.mark.parametrize("changes", VHAP)
def test_hostile_arrays_are_refused(tmp_path, changes):
    with pytest.raises(UserError, match=tmp_path.name):
        vhap(tmp_path, **changes)


@pytest.mark.filterwarnings("ignore:invalid")
@pytest.mark.parametrize(
    "changes",
    [
        *({"size": value} for value in ([1, 2, 3], [1.5, 2.5], [0, 5])),
        *({"focal": value} for value in ([1, 2], np.nan)),
        *({"ids": value} for value in ([[0, 1]], [0, 1], ["a"] * 5, [4, 3, 2, 1, 0], [])),
        *({"rotation": np.zeros(shape)} for shape in ((5, 3), (5, 3, 3))),
        *({"status": value} for value in ("ok", [1, 2, 3, 4, 5])),
        *({"expression": np.full(shape, value)} for shape, value in (((5, 6), np.nan), ((5, 2), 0), ((5, 6), 1e30))),
        {"jaw": ["a"]},
        {"identity": np.zeros(1)},
        {"principal": [1, 2, 3]},
    ],
)
def test_a_spoilt_tracking_is_refused(tmp_path, changes):
    arrays = random_track(MODEL).arrays() | {key: np.asarray(value) for key, value in changes.items()}
    np.savez(tmp_path / "tracking.npz", **arrays)
    with pytest.raises(UserError, match=r"tracking\.npz"):
        read_track("headsmith", tmp_path / "tracking.npz", MODEL)


@pytest.mark.parametrize("name", ["01.npz", "1" + "0" * 30 + ".npz", "٣.npz", "a\nb\x1b[31m.npz"])
def test_names_that_are_no_numbers_are_refused_in_plain_letters(tmp_path, name):
    for entry in ("1.npz", name):
        (tmp_path / entry).write_bytes(b"")
    with pytest.raises(UserError) as caught:
        numbered_files(tmp_path, ".npz")
    assert all(line.isprintable() for line in caught.value.message.splitlines())
    assert len(caught.value.message.splitlines()) == 3


def test_numbers_of_frames_are_plain_digits():
    assert [whole_number(text) for text in ("0", "00012", "", "-1", "²", "٣", "1_0", "9" * 10)] == [0, 12, *[None] * 6]


def test_what_is_no_plain_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for read in (read_npz, has_picture, lambda path: next(table.read_rows(path))):
        with pytest.raises(UserError, match="no plain file"):
            read(tmp_path / "pipe")


def test_a_table_of_too_many_rows_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "MOST_ROWS", 100)
    (tmp_path / "a.csv").write_text("frame,a\n" + "1\n" * 200)
    with pytest.raises(UserError, match="more than 100 rows"):
        table.read_table(tmp_path / "a.csv", "frame", ("a",), (), "")


@pytest.mark.parametrize(
    "text", ["frame,a\n1e300,1\n", "frame,a\n0," + "9" * 200_000, "frame,a\n0,1e400\n", "frame,a\n0,\x1b[2J\n"]
)
def test_hostile_tables_are_refused(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(UserError) as caught:
        table.read_table(tmp_path / "a.csv", "frame", ("a",), (), "")
    assert all(line.isprintable() for line in caught.value.message.splitlines())


def test_a_subject_of_pipes_devices_and_bombs_is_told(tmp_path):
    folder = write_subject(tmp_path / "root", 4)
    for index, kind in enumerate(("image", "alpha", "neckhead")):
        folder.image(kind, index).unlink()
        os.mkfifo(folder.image(kind, index))
    folder.image("mouth", 3).unlink()
    folder.image("mouth", 3).symlink_to("/dev/zero")
    header = b"\0\0\0\rIHDR" + (2**14).to_bytes(4, "big") * 2 + b"\x10\x06\0\0\0"
    folder.image("neckhead", 3).write_bytes(PNG_SIGNATURE + header + bytes(8) + b"IEND\xaeB`\x82")
    (folder.checkpoint / "x\x1b[2J\n.frame").write_bytes(b"")
    os.mkfifo(folder.checkpoint / "00004.frame")
    found = check_subject(find_subject(folder.root), HeadSight(None), 0, 2, lambda items: items)
    told = {row["kind"]: row for row in found.faults.summary()}
    assert told["image_broken"]["count"] == 5 and told["unreadable"]["examples"][0]["what"] == "it is no plain file"
    assert all(line.isprintable() for line in found.faults.lines("error"))


def test_notes_move_no_cursor(capsys):
    note("a\x1b[2J\nb")
    assert capsys.readouterr().err == "a\\x1b[2J\nb\n"
