"""The landmarker on real frames: where points lie, that it has no memory, several faces, none, broken files."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from headsmith.contract import landmark_groups as groups
from headsmith.contract.errors import UserError
from headsmith.nets.face_landmarker import BLENDSHAPE_NAMES, FaceLandmarker
from headsmith.nets.silence import silent_stderr


@pytest.fixture(scope="module")
def landmarker(asset):
    with FaceLandmarker(asset("face_landmarker.task")) as opened:
        yield opened


def test_one_face_with_everything(landmarker, portraits):
    (face,) = landmarker.detect(portraits[0])
    assert face.points.shape == (478, 3)
    assert face.points.dtype == np.float32
    assert face.blendshapes.shape == (52,) == (len(BLENDSHAPE_NAMES),)
    assert ((face.blendshapes >= 0) & (face.blendshapes <= 1)).all()
    assert 0.8 < face.confidence <= 1


def test_parts_of_the_face_stand_as_a_face_does(landmarker, portraits):
    points = landmarker.detect(portraits[0])[0].points
    right_eye, left_eye = points[list(groups.OUTER_EYE_CORNERS), :2]
    assert left_eye[0] - right_eye[0] > 50
    forehead, chin = points[[groups.FACE_OVAL[0], groups.FACE_OVAL[18]], 1]
    assert forehead < right_eye[1] < points[groups.NOSE_TIP, 1] < points[13, 1] < chin
    assert points[groups.NOSE_TIP, 2] < points[234, 2]
    for pupil, ring in ((groups.RIGHT_PUPIL, groups.RIGHT_EYE), (groups.LEFT_PUPIL, groups.LEFT_EYE)):
        outline = points[list(ring), :2].reshape(-1, 1, 2)
        assert cv2.pointPolygonTest(outline, points[pupil, :2].tolist(), False) > 0


def test_rings_go_round_without_crossing(landmarker, portraits):
    points = landmarker.detect(portraits[0])[0].points[:, :2]
    for name, ring in groups.RINGS.items():
        assert len(set(ring)) == len(ring), name
        outline = points[list(ring)]
        length = np.linalg.norm(outline - np.roll(outline, 1, 0), axis=1).sum()
        hull = cv2.arcLength(cv2.convexHull(outline), True)
        assert length < 1.25 * hull, name
    assert len(groups.LIPS) == 40


def test_no_memory_between_pictures(landmarker, portraits):
    first = landmarker.detect(portraits[0])[0]
    landmarker.detect(portraits[3])
    again = landmarker.detect(portraits[0])[0]
    np.testing.assert_array_equal(first.points, again.points)
    np.testing.assert_array_equal(first.blendshapes, again.blendshapes)
    assert first.confidence == again.confidence


def test_points_are_in_pixels_of_the_given_picture(landmarker, portraits):
    small = landmarker.detect(portraits[0])[0].points
    large = landmarker.detect(cv2.resize(portraits[0], (768, 768), interpolation=cv2.INTER_CUBIC))[0].points
    assert np.abs(large[:, :2] / 3 - small[:, :2]).mean() < 0.6
    wide = np.zeros((256, 400, 3), np.uint8)
    wide[:, 100:356] = portraits[0]
    moved = landmarker.detect(wide)[0].points
    assert np.abs(moved[:, :2] - small[:, :2] - (100, 0)).mean() < 1.0
    assert np.abs(moved[:, 2] - small[:, 2]).mean() < 2.0


def test_several_faces_and_none(landmarker, portraits):
    faces = landmarker.detect(np.concatenate([portraits[0], portraits[2]], 1))
    assert sorted(face.box[0] > 256 for face in faces) == [False, True]
    assert all(face.confidence > 0.5 for face in faces)
    assert landmarker.detect(np.full((256, 256, 3), 120, np.uint8)) == []


@pytest.mark.parametrize("content", [None, b"", b"PK\x05\x06" + bytes(18), b"not a zip"])
def test_broken_model_is_refused(tmp_path, content):
    file = tmp_path / "face_landmarker.task"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError, match="cannot be read") as caught:
        FaceLandmarker(file)
    assert caught.value.file == str(file)


def test_is_quiet(asset):
    code = (
        "import sys, numpy; from headsmith.nets.face_landmarker import FaceLandmarker\n"
        "with FaceLandmarker(sys.argv[1]) as landmarker: landmarker.detect(numpy.zeros((64, 64, 3), numpy.uint8))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code, asset("face_landmarker.task")], capture_output=True, env=environment, check=True, text=True
    )
    assert done.stdout == ""
    assert done.stderr == ""


def test_silence_ends_and_tells_what_went_wrong(capfd):
    with silent_stderr():
        os.write(2, b"chatter\n")
    assert capfd.readouterr().err == ""
    with pytest.raises(RuntimeError), silent_stderr():
        os.write(2, b"the reason\n")
        raise RuntimeError
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "the reason\nafter\n"
