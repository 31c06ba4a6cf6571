"""Frames that are not seen one by one: OpenFace's programs in batches, and a face that is followed."""

import sys
from pathlib import Path

import numpy as np
import pytest
from nets.test_clnf import clnf, face, finder, landmarker, picture_of, points_of  # noqa: F401 (fixtures)

from headsmith.contract.errors import UserError
from headsmith.contract.settings import LandmarksSettings
from headsmith.stages import landmarks_streams
from headsmith.stages.landmarks_streams import special_stream

STAND_IN = Path(__file__).resolve().parents[1] / "nets/openface_stand_in.py"


@pytest.fixture
def programs(tmp_path):
    for name in ("FaceLandmarkImg", "FeatureExtraction"):
        (tmp_path / name).write_text(f"#!{sys.executable}\n{STAND_IN.read_text()}")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def test_openface_looks_at_many_frames_with_one_process(programs, tmp_path, monkeypatch):
    calls = tmp_path / "calls"
    monkeypatch.setenv("OPENFACE_CALLS", str(calls))
    monkeypatch.setattr(landmarks_streams, "TOGETHER", 4)
    images = ((number, np.full((32, 40, 3), 200, np.uint8)) for number in (3, 4, 5, 8, 9, 11))
    settings = LandmarksSettings(detector="openface", openface=str(programs))
    found = list(special_stream(images, "clip", {}, settings, 1))
    assert [number for number, _ in found] == [3, 4, 5, 8, 9, 11]
    assert all(len(faces) == 1 and faces[0].points.shape == (68, 3) for _, faces in found)
    assert len(calls.read_text().splitlines()) == 2


def test_openface_is_to_be_named():
    with pytest.raises(UserError, match="no program is named"):
        special_stream(iter([]), "clip", {}, LandmarksSettings(detector="openface"), 1)


def test_other_detectors_see_frames_one_by_one():
    for detector in ("mediapipe", "clnf", "dlib"):
        assert special_stream(iter([]), "clip", {}, LandmarksSettings(detector=detector), 1) is None


def test_a_face_is_followed_through_the_frames(landmarker, finder, monkeypatch):  # noqa: F811
    monkeypatch.setattr(landmarks_streams, "open_detector", lambda *_, **__: landmarker)
    clip = [face(spread=0.5, at=(205.0 + 2 * step, 205.0)) for step in range(3)]
    finder.where = clip[0]
    images = ((number, picture_of(truth)) for number, truth in enumerate(clip))
    settings = LandmarksSettings(detector="clnf", follow=True)
    for (_, faces), truth in zip(special_stream(images, "clip", {}, settings, 1), clip, strict=True):
        assert np.linalg.norm(faces[0].points[:, :2] - points_of(truth), axis=1).mean() < 1.5
