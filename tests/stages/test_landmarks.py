"""Landmarks of a folder of frames: what is written, and what faceless frames and second faces do."""

import json
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from headsmith.contract.conventions import IBUG68_FROM_MEDIAPIPE
from headsmith.contract.errors import UserError
from headsmith.contract.settings import LandmarksSettings
from headsmith.media.frames import FrameFolderWriter
from headsmith.nets.faces import Face
from headsmith.stages import landmarks_detection
from headsmith.stages.landmarks import detect_landmarks
from headsmith.stages.landmarks_choice import Chooser, Chosen, judge, prominence, touches_edge


@pytest.fixture(scope="module")
def portrait(asset):
    """The first frame of franck, 256x256 RGB."""
    read, frame = cv2.VideoCapture(str(asset("franck.mp4"))).read()
    assert read
    return cv2.cvtColor(cv2.resize(frame[24:284, 70:330], (256, 256), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)


@pytest.fixture
def detect(tmp_path, asset):
    """Return a function that runs the stage on frames and gives the two files it writes."""

    def run(frames, person=None, threads=1, **settings):
        details = {} if person is None else {"person": list(person)}
        with FrameFolderWriter(tmp_path / "frames.json", details=details) as writer:
            for index, frame in enumerate(frames):
                writer.add(2 * index, frame)
        output, summary = tmp_path / "landmarks.npz", tmp_path / "landmarks.json"
        detect_landmarks(
            clip="franck",
            frames=tmp_path / "frames.json",
            files={"face_landmarker.task": asset("face_landmarker.task")},
            given=None,
            output=output,
            summary=summary,
            settings=LandmarksSettings(**settings),
            threads=threads,
        )
        return output, summary

    return run


EMPTY = np.full((256, 256, 3), 90, np.uint8)


def test_what_is_written(detect, portrait):
    output, summary = detect([portrait, EMPTY, portrait[:, ::-1].copy()], max_missing=0.4)
    first = output.read_bytes()
    with np.load(output, allow_pickle=False) as content:
        assert content["ids"].tolist() == [0, 2, 4]
        assert content["status"].tolist() == ["ok", "no_face", "ok"]
        assert content["points"].shape == (3, 478, 3)
        assert content["points"].dtype == np.float32
        assert np.isnan(content["points"][1]).all()
        assert np.isnan(content["blendshapes"][1]).all()
        assert np.isfinite(content["points"][[0, 2]]).all()
        assert content["confidence"][1] == 0
        assert content["confidence"][0] > 0.8
        assert content["blendshape_names"][25] == "jawOpen"
        assert (content["convention"], content["detector"]) == ("mediapipe478", "mediapipe")
        assert content["point_confidence"].shape == (3, 478)
        assert (content["point_confidence"][[0, 2]] == 1).all() and np.isnan(content["point_confidence"][1]).all()
        assert 90 < content["points"][0, 4, 0] < 150
        assert abs(content["points"][0, 4, 0] + content["points"][2, 4, 0] - 256) < 3
    told = json.loads(summary.read_text())
    assert told["counts"] == {"ok": 2, "no_face": 1, "two_faces": 0, "low_confidence": 0, "other_face": 0}
    assert told["at_edge"] == []
    assert told["not_ok"] == [{"id": 2, "reason": "no_face"}]
    detect([portrait, EMPTY, portrait[:, ::-1].copy()], max_missing=0.4)
    assert output.read_bytes() == first


def test_too_many_faceless_frames(detect, portrait, tmp_path):
    with pytest.raises(UserError, match="2 of 5 frames have no usable face") as caught:
        detect([portrait, EMPTY, portrait, EMPTY, portrait], max_missing=0.2)
    assert "first is frame 2 (no_face)" in caught.value.what
    assert caught.value.clip == "franck"
    assert caught.value.file.endswith("frames/00002.png")
    assert "landmarks.max_missing" in caught.value.remedy
    assert not (tmp_path / "landmarks.npz").exists()
    assert not (tmp_path / "landmarks.json").exists()


def test_as_many_as_allowed_pass(detect, portrait):
    output, _ = detect([portrait, portrait, EMPTY, portrait, portrait], max_missing=0.2)
    assert output.exists()


def test_low_confidence_is_its_own_reason(detect, portrait):
    output, summary = detect([portrait], min_confidence=0.99, max_missing=1.0)
    assert json.loads(summary.read_text())["counts"]["low_confidence"] == 1
    with np.load(output) as content:
        assert np.isnan(content["points"]).all()
        assert 0.8 < content["confidence"][0] < 0.99


def test_two_faces_of_one_size(detect, portrait):
    pair = np.concatenate([portrait, portrait[:, ::-1]], 1)
    with pytest.raises(UserError, match="1 of 1 frames show a second face") as caught:
        detect([pair])
    assert "max_two_faces" in caught.value.remedy
    _, summary = detect([pair], max_two_faces=1.0, max_missing=1.0)
    told = json.loads(summary.read_text())
    assert told["counts"]["two_faces"] == 1
    assert told["second_face"] == [0]


def test_a_small_second_face_does_not_matter(detect, portrait):
    large = cv2.resize(portrait, (512, 512), interpolation=cv2.INTER_CUBIC)
    scene = large.copy()
    scene[:200, 312:] = cv2.resize(portrait, (200, 200), interpolation=cv2.INTER_AREA)
    alone, _ = detect([large])
    with np.load(alone) as content:
        expected = content["points"][0, 4, :2]
    output, summary = detect([scene], max_two_faces=1.0)
    assert json.loads(summary.read_text())["counts"]["ok"] == 1
    assert json.loads(summary.read_text())["second_face"] == [0]
    with np.load(output) as content:
        assert np.abs(content["points"][0, 4, :2] - expected).max() < 6


def face_at(x: float, y: float, side: float, confidence: float = 0.9) -> Face:
    """Return a face whose points fill a square."""
    points = np.zeros((478, 3), np.float32)
    points[:, :2] = (x, y)
    points[0, :2] -= side / 2
    points[1, :2] += side / 2
    return Face(points, np.zeros(52, np.float32), confidence, np.ones(len(points), np.float32))


def test_which_face_counts():
    size = (256, 256)
    centred, aside, small = face_at(128, 128, 100), face_at(30, 128, 100), face_at(128, 200, 40)
    rival = face_at(120, 128, 90)
    assert prominence(centred, size) == pytest.approx(100 * 100)
    assert prominence(centred, size) > prominence(aside, size) > 0
    assert judge([], [], size) == ("no_face", None)
    assert judge([small], [], size) == ("low_confidence", None)
    assert judge([centred, small], [centred, small], size) == ("ok", centred)
    assert judge([centred, rival], [centred, rival], size) == ("two_faces", None)
    chooser = Chooser(size, 0.5)
    assert chooser.choose([small, centred]) == Chosen("ok", centred, 2)
    assert chooser.choose([small, face_at(128, 128, 100, 0.4)]) == Chosen("ok", small, 1)
    assert chooser.choose([face_at(128, 128, 100, 0.4)]) == Chosen("low_confidence", None, 0)


def test_a_chosen_person_is_followed_and_nobody_else():
    """Two people side by side change places in depth and walk; the chosen one leaves and comes back."""
    chooser = Chooser((640, 360), 0.5, (110.0, 200.0))
    for step in range(30):
        mine, other = face_at(100 + 8 * step, 180, 70 - step), face_at(420 - 8 * step, 90, 100 + step)
        assert chooser.choose([other, mine]) == Chosen("ok", mine, 2)
    assert chooser.choose([]).status == "no_face"
    for _ in range(9):
        assert chooser.choose([face_at(520, 90, 120)]) == Chosen("other_face", None, 1)
    assert chooser.choose([face_at(300, 180, 40), face_at(520, 90, 120)]).status == "ok"


def test_a_chosen_person_beside_another(detect, portrait):
    """The left of two equal faces; where it is covered, the right one does not stand in."""
    mirrored = portrait[:, ::-1]
    pair = np.concatenate([portrait, mirrored], 1)
    alone = np.concatenate([np.full_like(portrait, 90), mirrored], 1)
    output, summary = detect([pair, alone, pair], person=(120.0, 130.0), max_missing=0.4)
    told = json.loads(summary.read_text())
    assert told["counts"]["ok"] == 2 and told["not_ok"] == [{"id": 2, "reason": "other_face"}]
    assert told["second_face"] == [0, 4]
    with np.load(output) as content:
        assert 90 < content["points"][0, 4, 0] < 150
    output, _ = detect([pair, pair], person=(400.0, 130.0))
    with np.load(output) as content:
        assert (content["points"][:, 4, 0] > 350).all()


def test_a_face_at_the_edge_is_told(detect, portrait, capsys):
    cut = np.concatenate([portrait[:, 78:], portrait[:, :78] // 2 + 60], 1)
    _, summary = detect([portrait, cut], max_missing=0.5)
    assert json.loads(summary.read_text())["at_edge"] == [2]
    assert "touches the frame's edge in 1 of 2 frames (2)" in capsys.readouterr().err
    assert not touches_edge((1.0, 1.0, 255.0, 255.0), (256, 256))
    for box in ((0.5, 9.0, 99.0, 99.0), (9.0, 0.5, 99.0, 99.0), (9.0, 9.0, 255.5, 99.0), (9.0, 9.0, 99.0, 300.0)):
        assert touches_edge(box, (256, 256))


def test_the_68_points_of_mediapipe(detect, portrait):
    output, _ = detect([portrait])
    with np.load(output) as content:
        all_points, shapes = content["points"][0], content["blendshapes"][0]
    output, summary = detect([portrait, EMPTY], detector="mediapipe68", max_missing=0.5)
    with np.load(output) as content:
        assert content["points"].shape == (2, 68, 3) and content["point_confidence"].shape == (2, 68)
        expected = np.stack([all_points[list(sources)].mean(0) for sources in IBUG68_FROM_MEDIAPIPE])
        np.testing.assert_array_equal(content["points"][0], expected)
        np.testing.assert_array_equal(content["blendshapes"][0], shapes)
        assert (content["convention"], content["detector"]) == ("ibug68", "mediapipe68")
        assert np.isnan(content["points"][1]).all()
    told = json.loads(summary.read_text())
    assert (told["convention"], told["detector"]) == ("ibug68", "mediapipe68")


def test_the_number_of_threads_changes_nothing(detect, portrait):
    frames = [np.roll(portrait, shift, 1) for shift in range(0, 21, 3)]
    contents = []
    for threads in (1, 3):
        output, summary = detect(frames, threads=threads)
        contents.append((output.read_bytes(), summary.read_bytes()))
    assert contents[0] == contents[1]


def test_landmarks_from_nowhere(tmp_path, portrait, asset):
    with FrameFolderWriter(tmp_path / "frames.json") as writer:
        writer.add(0, portrait)
    arguments = {"clip": "franck", "frames": tmp_path / "frames.json", "files": {}, "given": None, "threads": 1}
    outputs = {"output": tmp_path / "landmarks.npz", "summary": tmp_path / "landmarks.json"}
    with pytest.raises(UserError, match="none is named"):
        detect_landmarks(**arguments, **outputs, settings=LandmarksSettings(detector="file"))
    with pytest.raises(UserError, match="lacks face_landmarker"):
        detect_landmarks(**arguments, **outputs, settings=LandmarksSettings())


def test_broken_frames_are_told(detect, portrait, tmp_path, asset):
    detect([portrait])
    (tmp_path / "frames/00000.png").write_bytes(b"not a picture")
    with pytest.raises(UserError, match="not an image") as caught:
        detect_landmarks(
            clip="franck",
            frames=tmp_path / "frames.json",
            files={"face_landmarker.task": asset("face_landmarker.task")},
            given=None,
            output=tmp_path / "again.npz",
            summary=tmp_path / "again.json",
            settings=LandmarksSettings(),
            threads=1,
        )
    assert caught.value.clip == "franck"
    assert not (tmp_path / "again.npz").exists()


def test_detectors_are_closed_after_the_last_look(monkeypatch):
    closed, late = threading.Event(), []

    class Slow:
        def __enter__(self):
            return self

        def __exit__(self, *error):
            closed.set()

        def detect(self, image):
            time.sleep(0.05)
            late.extend([image] if closed.is_set() else [])
            return []

    monkeypatch.setattr(landmarks_detection, "open_detector", lambda *given, **asked: Slow())
    monkeypatch.setattr(landmarks_detection, "iterate_frames", lambda *given, **asked: ((n, None) for n in range(50)))
    stream = landmarks_detection.detected_stream(Path("frames.json"), "anna", {}, LandmarksSettings(), 1, 3)
    next(stream)
    stream.close()
    time.sleep(0.2)
    assert closed.is_set() and not late
