"""Landmarks of a folder of frames: what is written, and what faceless frames and second faces do."""

import json

import cv2
import numpy as np
import pytest

from headsmith.contract.errors import UserError
from headsmith.contract.settings import LandmarksSettings
from headsmith.media.frames import FrameFolderWriter
from headsmith.nets.face_landmarker import Face
from headsmith.stages import landmarks
from headsmith.stages.landmarks import detect_landmarks, judge, prominence


@pytest.fixture(scope="module")
def portrait(asset):
    """The first frame of franck, 256x256 RGB."""
    read, frame = cv2.VideoCapture(str(asset("franck.mp4"))).read()
    assert read
    return cv2.cvtColor(cv2.resize(frame[24:284, 70:330], (256, 256), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)


@pytest.fixture
def detect(tmp_path, asset):
    """Return a function that runs the stage on frames and gives the two files it writes."""

    def run(frames, **settings):
        with FrameFolderWriter(tmp_path / "frames.json") as writer:
            for index, frame in enumerate(frames):
                writer.add(2 * index, frame)
        output, summary = tmp_path / "landmarks.npz", tmp_path / "landmarks.json"
        detect_landmarks(
            clip="franck",
            frames=tmp_path / "frames.json",
            detector=asset("face_landmarker.task"),
            output=output,
            summary=summary,
            settings=LandmarksSettings(**settings),
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
        assert content["convention"] == "mediapipe478"
        assert 90 < content["points"][0, 4, 0] < 150
        assert abs(content["points"][0, 4, 0] + content["points"][2, 4, 0] - 256) < 3
    told = json.loads(summary.read_text())
    assert told["counts"] == {"ok": 2, "no_face": 1, "two_faces": 0, "low_confidence": 0}
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


def face_at(x: float, y: float, side: float) -> Face:
    """Return a face whose points fill a square."""
    points = np.zeros((478, 3), np.float32)
    points[:, :2] = (x, y)
    points[0, :2] -= side / 2
    points[1, :2] += side / 2
    return Face(points, np.zeros(52, np.float32), 0.9, np.ones(len(points), np.float32))


def test_which_face_counts():
    size = (256, 256)
    centred, aside, small = face_at(128, 128, 100), face_at(30, 128, 100), face_at(128, 200, 40)
    assert prominence(centred, size) == pytest.approx(100 * 100)
    assert prominence(centred, size) > prominence(aside, size) > 0
    assert judge([], [], size) == "no_face"
    assert judge([small], [], size) == "low_confidence"
    assert judge([centred, small], [centred, small], size) == "ok"
    assert judge([centred, face_at(120, 128, 90)], [centred, face_at(120, 128, 90)], size) == "two_faces"
    assert set(landmarks.STATUSES) >= {"ok", "no_face", "low_confidence", "two_faces"}


def test_broken_frames_are_told(detect, portrait, tmp_path, asset):
    detect([portrait])
    (tmp_path / "frames/00000.png").write_bytes(b"not a picture")
    with pytest.raises(UserError, match="differs from its manifest") as caught:
        detect_landmarks(
            clip="franck",
            frames=tmp_path / "frames.json",
            detector=asset("face_landmarker.task"),
            output=tmp_path / "again.npz",
            summary=tmp_path / "again.json",
            settings=LandmarksSettings(),
        )
    assert caught.value.clip == "franck"
    assert not (tmp_path / "again.npz").exists()
