"""dlib's 68 points on real faces, against MediaPipe's map and against dlib shown a face by its own detector."""

import dlib
import numpy as np
import pytest

from headsmith.contract.conventions import IBUG68
from headsmith.contract.detectors import DLIB_MODEL, detector_files
from headsmith.contract.errors import UserError
from headsmith.nets.detectors import open_detector
from headsmith.nets.dlib_landmarker import DlibLandmarker, dlib_square
from headsmith.nets.finders import MediapipeFinder


@pytest.fixture(scope="module", params=["mediapipe", "mtcnn"])
def landmarker(request, asset):
    files = {name: asset(name) for name in detector_files("dlib", request.param)}
    with open_detector("dlib", files, faces=request.param) as opened:
        yield opened


def test_what_a_face_has(landmarker, portraits):
    (face,) = landmarker.detect(portraits[0])
    assert landmarker.convention == "ibug68"
    assert face.points.shape == (68, 3)
    assert np.isnan(face.points[:, 2]).all()
    assert face.blendshapes.shape == (0,)
    assert (face.point_confidence == 1).all()
    assert 0.5 < face.confidence <= 1


def test_points_agree_with_those_mapped_from_mediapipe(landmarker, portraits, asset):
    with open_detector("mediapipe68", {"face_landmarker.task": asset("face_landmarker.task")}) as mapped:
        for image in portraits:
            (face,), (other,) = landmarker.detect(image), mapped.detect(image)
            distance = np.linalg.norm(other.points[36, :2] - other.points[45, :2])
            errors = np.linalg.norm(face.points[:, :2] - other.points[:, :2], axis=1) / distance
            assert errors[list(IBUG68.parts["eyes"])].mean() < 0.03
            assert errors[list(IBUG68.parts["lips"])].mean() < 0.05
            assert errors[list(IBUG68.parts["nose"])].mean() < 0.07
            assert errors[list(IBUG68.outline)].mean() < 0.12


def test_points_agree_with_those_in_the_box_of_dlibs_own_detector(landmarker, portraits, asset):
    finder, predictor = dlib.get_frontal_face_detector(), dlib.shape_predictor(str(asset(DLIB_MODEL)))
    for image in portraits[::2]:
        shape = predictor(image, finder(image, 1)[0])
        own = np.array([(part.x, part.y) for part in shape.parts()]) + 0.5
        points = landmarker.detect(image)[0].points[:, :2]
        distance = np.linalg.norm(own[36] - own[45])
        assert np.linalg.norm(points - own, axis=1)[17:].mean() < 0.015 * distance


def test_the_square_keeps_the_area_it_was_measured_to_have():
    square = dlib_square((10.0, 20.0, 110.0, 164.0))
    assert (square.x, square.y) == (60, 92 + 0.056 * 144)
    assert square.side == pytest.approx(0.9 * 120)


def test_no_face_no_points(landmarker):
    assert landmarker.detect(np.full((90, 120, 3), 99, np.uint8)) == []


@pytest.mark.parametrize("content", [None, b"", b"not a shape predictor" * 100])
def test_a_file_that_is_none_is_told(tmp_path, content, asset):
    path = tmp_path / "predictor.dat"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"shape predictor cannot be read[\s\S]*predictor.dat[\s\S]*fetch dlib"):
        DlibLandmarker(path, MediapipeFinder(asset("face_landmarker.task")))
