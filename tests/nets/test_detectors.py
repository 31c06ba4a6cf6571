"""One way to all detectors: the map to 68 points, several side by side, and what is missing."""

import threading

import numpy as np
import pytest

from headsmith.contract.conventions import IBUG68, IBUG68_FROM_MEDIAPIPE
from headsmith.contract.detectors import CONVENTION_OF, detector_files
from headsmith.contract.errors import UserError
from headsmith.media.parallel import map_in_order
from headsmith.nets.detectors import DetectorTeam, open_detector
from headsmith.nets.faces import Face


@pytest.fixture(scope="module")
def model(asset):
    return {"face_landmarker.task": asset("face_landmarker.task")}


def test_the_map_is_the_mean_of_the_points_that_stand_for_each(model, portraits):
    with open_detector("mediapipe", model) as all_points, open_detector("mediapipe68", model) as mapped:
        (face,), (other,) = all_points.detect(portraits[0]), mapped.detect(portraits[0])
    for point, sources in zip(other.points, IBUG68_FROM_MEDIAPIPE, strict=True):
        assert np.allclose(point, sum(face.points[source] for source in sources) / len(sources), atol=1e-4)
    assert mapped.convention == IBUG68.name
    assert other.point_confidence.shape == (68,)
    assert np.array_equal(other.blendshapes, face.blendshapes)
    assert other.confidence == face.confidence


@pytest.mark.parametrize("name", ["mediapipe", "dlib"])
def test_the_number_of_threads_changes_no_result(name, asset, portraits):
    files = {file: asset(file) for file in detector_files(name, "mtcnn")}
    with open_detector(name, files, faces="mtcnn") as one, open_detector(name, files, faces="mtcnn", threads=2) as two:
        assert one.convention == two.convention == CONVENTION_OF[name]
        for image, faces in map_in_order(two.detect, portraits, 2):
            (expected,), (face,) = one.detect(image), faces
            assert np.array_equal(face.points, expected.points, equal_nan=True)
            assert np.array_equal(face.blendshapes, expected.blendshapes)
            assert face.confidence == expected.confidence


class Slow:
    """A detector that fails when two call it at once, and waits until as many as there are work."""

    convention = "ibug68"
    all_at_work = threading.Barrier(3)

    def __init__(self):
        self.busy = threading.Lock()
        self.closed = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True

    def detect(self, image) -> list[Face]:
        assert self.busy.acquire(blocking=False)
        try:
            self.all_at_work.wait(timeout=5)
            if image[0, 0, 0] == 13:
                raise RuntimeError("13")
            return []
        finally:
            self.busy.release()


def test_a_team_works_at_once_each_for_one_caller_and_survives_an_error():
    with DetectorTeam(Slow, 3) as team:
        members = list(team._all)
        images = [np.full((2, 2, 3), value, np.uint8) for value in range(9)]
        assert [faces for _, faces in map_in_order(team.detect, images, 3)] == [[]] * 9
        with pytest.raises(RuntimeError, match="13"):
            list(map_in_order(team.detect, [np.full((2, 2, 3), 13, np.uint8)] * 3, 3))
        assert len(list(map_in_order(team.detect, images[:3], 3))) == 3
    assert all(member.closed for member in members)


def test_a_file_that_was_not_handed_over_is_named(model):
    with pytest.raises(UserError, match=r"the detector dlib lacks dlib/shape_predictor_68_face_landmarks\.dat"):
        open_detector("dlib", model)
    with pytest.raises(UserError, match="unknown landmark detector"):
        open_detector("openpose", model)
