"""OpenFace's programs: a stand-in that writes their files and misbehaves on demand, and the real ones where they are found."""

import json
import os
import shutil
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from headsmith.contract.errors import UserError
from headsmith.nets.openface_binary import (
    NoFaceFoundError,
    OpenFaceAbsentError,
    OpenFaceDetector,
    OpenFaceFailedError,
    OpenFaceKilledError,
    OpenFaceTimeoutError,
)
from headsmith.nets.openface_table import GROUPS, OpenFaceOutputError, read_table

PICTURE = np.full((48, 64, 3), 200, np.uint8)


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """The folder of the stand-in under both names; its moods are set by the environment."""
    folder = tmp_path / "a folder; with $(signs)"
    folder.mkdir()
    source = Path(__file__).with_name("openface_stand_in.py").read_text()
    for name in ("FaceLandmarkImg", "FeatureExtraction"):
        (folder / name).write_text(f"#!{sys.executable}\n{source}")
        (folder / name).chmod(0o755)
    monkeypatch.delenv("OPENFACE_MOOD", raising=False)
    return folder


@pytest.fixture
def mood(monkeypatch):
    return lambda name: monkeypatch.setenv("OPENFACE_MOOD", name)


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "clip; rm -rf $HOME.mp4"
    path.write_bytes(b"the stand-in does not look")
    return path


def test_a_picture_gives_landmarks_and_a_confidence(programs):
    landmarks, confidence = OpenFaceDetector(programs).detect(PICTURE)
    assert landmarks.shape == (68, 2)
    assert landmarks[3].tolist() == [100 * 8 + 3 + 0.5, 100 * 9 + 3 + 0.5]
    assert confidence == 0.98


def test_all_columns_of_a_video_become_arrays(programs, video):
    table = OpenFaceDetector(programs / "FeatureExtraction").detect_video(video)
    assert table.frame.tolist() == [1, 2, 3, 4, 5]
    assert table.success.tolist() == [1, 1, 0, 1, 1]
    assert set(table.groups) == set(GROUPS)
    for name, (shape, _) in GROUPS.items():
        assert table.groups[name].shape == (5, *shape)
    np.testing.assert_allclose(table.groups["landmarks_in_space"][1, 67, 2], 100 * (ord("Z") % 16) + 67 + 0.125)
    np.testing.assert_allclose(table.timestamp, np.arange(5) / 25)


def test_the_table_of_pandas_has_the_numbers_of_the_file(programs, video):
    pandas = pytest.importorskip("pandas")
    frame = OpenFaceDetector(programs).detect_video(video).table()
    assert isinstance(frame, pandas.DataFrame)
    assert len(frame) == 5
    assert {"AU28_c", "p_scale", "eye_lmk_Z_55", "gaze_angle_y", "pose_Rz"} <= set(frame.columns)


def test_order_and_spaces_of_the_header_do_not_matter(programs, video, mood):
    plain = OpenFaceDetector(programs).detect_video(video)
    mood("shuffled")
    shuffled = OpenFaceDetector(programs).detect_video(video)
    assert shuffled.names != plain.names
    for name in GROUPS:
        np.testing.assert_array_equal(shuffled.groups[name], plain.groups[name])


def test_one_process_looks_at_all_pictures(programs, tmp_path, monkeypatch):
    calls = tmp_path / "calls"
    monkeypatch.setenv("OPENFACE_CALLS", str(calls))
    tables = OpenFaceDetector(programs).detect_images([PICTURE] * 7)
    assert [len(table.frame) for table in tables] == [2] * 7
    (call,) = calls.read_text().splitlines()
    assert json.loads(call)[1] == "-fdir"
    assert OpenFaceDetector(programs).detect_images([]) == []


def test_arguments_are_no_shell_commands(programs, video, tmp_path, monkeypatch):
    calls = tmp_path / "calls"
    monkeypatch.setenv("OPENFACE_CALLS", str(calls))
    OpenFaceDetector(programs).detect_video(video)
    assert str(video) in json.loads(calls.read_text())


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("fails", OpenFaceFailedError, "status 1.*\n.*Could not load"),
        ("crashes", OpenFaceKilledError, "SIGSEGV"),
        ("truncated", OpenFaceOutputError, "cut off"),
        ("empty", OpenFaceOutputError, "it is empty"),
        ("garbled", OpenFaceOutputError, "0.98x"),
        ("silent", OpenFaceOutputError, "No such file"),
        ("faceless", NoFaceFoundError, "sees no face"),
    ],
)
def test_each_fault_has_an_error_of_its_own(programs, video, mood, name, error, message):
    mood(name)
    detector = OpenFaceDetector(programs)
    for call in (lambda: detector.detect(PICTURE), lambda: detector.detect_video(video)):
        with pytest.raises(UserError, match=message) as caught:
            call()
        assert type(caught.value) is error


def test_a_program_that_hangs_is_ended_with_all_it_started(programs, tmp_path, monkeypatch, mood):
    note = tmp_path / "child"
    monkeypatch.setenv("OPENFACE_NOTE", str(note))
    mood("hangs")
    with pytest.raises(OpenFaceTimeoutError, match="within 3 s"):
        OpenFaceDetector(programs, time_limit=3.0).detect(PICTURE)
    child = int(note.read_text())
    for _ in range(100):
        state = Path(f"/proc/{child}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("what the program started still runs")


def test_absent_programs_are_told(tmp_path, programs, video):
    for place in (tmp_path / "nowhere", tmp_path, "no-such-openface"):
        with pytest.raises(OpenFaceAbsentError, match="not there"):
            OpenFaceDetector(place)
    (programs / "FeatureExtraction").unlink()
    with pytest.raises(OpenFaceAbsentError, match="FeatureExtraction is not there"):
        OpenFaceDetector(programs).detect_video(video)
    (programs / "FaceLandmarkImg").chmod(0o644)
    with pytest.raises(OpenFaceAbsentError, match="cannot be started"):
        OpenFaceDetector(programs).detect(PICTURE)
    with pytest.raises(UserError, match="video is not there"):
        OpenFaceDetector(programs).detect_video(tmp_path / "absent.mp4")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("x_67, ", "", 1), "1 are missing, the first x_67"),
        (lambda text: text.replace("confidence", "certainty", 1), "no columns `confidence`"),
        (lambda text: text.replace("y_3,", "y_2,", 1), "names of their own"),
        (lambda text: text.rstrip("\n"), "no end"),
        (lambda text: text.replace("0.980", "1.980"), "not within 0..1"),
        (lambda text: text.replace("803.000", "nan"), "not finite"),
    ],
)
def test_a_damaged_table_is_refused(programs, video, tmp_path, change, message, monkeypatch):
    kept = tmp_path / "kept.csv"
    monkeypatch.setattr(
        "headsmith.nets.openface_binary.read_table", lambda path: (shutil.copy(path, kept), read_table(path))[1]
    )
    OpenFaceDetector(programs).detect_video(video)
    text = change(kept.read_text())
    if message.startswith("1 are"):
        head, *rows = text.splitlines()
        text = "\n".join([head, *(row.rpartition(", ")[0] for row in rows)]) + "\n"
    kept.write_text(text)
    with pytest.raises(OpenFaceOutputError, match=message):
        read_table(kept)


def test_a_table_of_landmarks_alone_is_enough(tmp_path):
    names = [f"{axis}_{point}" for axis in "xy" for point in range(68)]
    path = tmp_path / "few.csv"
    path.write_text(",".join(["face", "confidence", *names]) + "\n" + ",".join(["0", "0.5", *["3"] * 136]) + "\n")
    table = read_table(path)
    assert set(table.groups) == {"landmarks"}
    assert (table.landmarks == 3.5).all()
    assert table.success.tolist() == [1]


def test_the_real_programs_where_they_are(tmp_path):
    place = os.environ.get("OPENFACE") or shutil.which("FeatureExtraction")
    if not place:
        pytest.skip("OpenFace is not on this machine (name its folder in $OPENFACE)")
    picture = data.astronaut()
    landmarks, confidence = OpenFaceDetector(place).detect(picture)
    assert confidence > 0.5
    assert (np.abs(landmarks[30] - (215, 130)) < 40).all()
    writer = cv2.VideoWriter(str(tmp_path / "still.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 25, (512, 512))
    for _ in range(5):
        writer.write(picture[..., ::-1])
    writer.release()
    assert OpenFaceDetector(place).detect_video(tmp_path / "still.avi").success.sum() >= 3
