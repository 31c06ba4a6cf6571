"""The size at which detectors look, and boxes of points."""

import cv2
import numpy as np
import pytest
from skimage import data

from headsmith.nets.face_landmarker import FaceLandmarker
from headsmith.nets.faces import LARGEST_SIDE, Face, box_around, cap_size


def test_a_small_picture_is_looked_at_as_it_is():
    image = np.arange(30 * LARGEST_SIDE * 3, dtype=np.uint8).reshape(30, LARGEST_SIDE, 3)
    small, back = cap_size(image)
    assert np.array_equal(small, image)
    assert back.tolist() == [1, 1]


@pytest.mark.parametrize("shape", [(1440, 720), (1441, 2161), (7200, 3), (721, 720)])
def test_a_large_one_is_brought_to_the_largest_side_and_places_come_back(shape):
    height, width = shape
    small, back = cap_size(np.zeros((height, width, 3), np.uint8))
    assert max(small.shape[:2]) == LARGEST_SIDE
    assert np.allclose(np.array(small.shape[1::-1]) * back, (width, height))


def test_no_pixel_is_skipped_on_the_way_down():
    image = np.random.default_rng(0).integers(0, 256, (1440, 1440, 3)).astype(np.uint8)
    means = image.reshape(720, 2, 720, 2, 3).mean((1, 3))
    assert np.abs(cap_size(image)[0] - means).max() <= 0.5


def test_the_box_of_points_ignores_their_depth():
    points = np.array([(3, 9, 100), (7, 2, -100), (5, 5, 0)], np.float32)
    face = Face(points, np.zeros(0, np.float32), 1.0, np.ones(3, np.float32))
    assert face.box == box_around(points) == (3, 2, 7, 9)


def test_a_picture_of_6000_pixels_gives_the_landmarks_of_its_copy_of_720(asset):
    copy = cv2.resize(data.astronaut(), (720, 720), interpolation=cv2.INTER_CUBIC)
    huge = cv2.resize(copy, (6000, 6000), interpolation=cv2.INTER_CUBIC)
    with FaceLandmarker(asset("face_landmarker.task")) as landmarker:
        (small,), (large,) = landmarker.detect(copy), landmarker.detect(huge)
    distance = np.linalg.norm(small.points[33, :2] - small.points[263, :2])
    scale = 720 / 6000
    assert np.abs(large.points * scale - small.points).max() < 0.005 * distance
    assert abs(large.confidence - small.confidence) < 0.01
