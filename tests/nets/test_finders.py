"""Both finders box the same faces alike."""

import numpy as np

from headsmith.contract.detectors import FINDERS
from headsmith.nets.faces import Face
from headsmith.nets.finders import box_of, open_finder, points_box


def opened(faces, asset, max_faces=2):
    return open_finder(faces, {name: asset(name) for name in FINDERS[faces]}, max_faces)


def test_mediapipe_boxes_a_face_as_mtcnn_does(asset, portraits):
    with opened("mediapipe", asset) as mediapipe, opened("mtcnn", asset) as mtcnn:
        for image in portraits:
            (first,), (second,) = mediapipe.detect(image), mtcnn.detect(image)
            width = second.box[2] - second.box[0]
            assert np.abs(np.array(first.box) - second.box).max() < 0.12 * width
            assert np.abs(first.points - second.points).max() < 0.08 * width
            assert first.confidence > 0.5


def test_no_more_faces_than_asked_for(asset, portraits):
    two = np.concatenate((portraits[0], portraits[1]), 1)
    for faces in FINDERS:
        with opened(faces, asset) as many, opened(faces, asset, 1) as one:
            assert len(many.detect(two)) == 2
            assert len(one.detect(two)) == 1


def test_the_way_to_mtcnns_boxes_and_back():
    points = np.random.default_rng(2).uniform((100, 40, 0), (260, 255, 9), (478, 3)).astype(np.float32)
    face = Face(points, np.zeros(52, np.float32), 0.5, np.ones(478, np.float32))
    found = box_of(face)
    assert found.box[1] < face.box[1]
    assert np.allclose(points_box(found), face.box, atol=1e-3)
