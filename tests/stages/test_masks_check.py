"""The measures that masks are checked with, against loops over pixels."""

import numpy as np
import pytest

from headsmith.contract.conventions import CONVENTIONS
from headsmith.contract.labels import LABELS, MASKS
from headsmith.stages.masks_check import Fit, MaskWatch, box_around, share_around, share_inside
from headsmith.stages.masks_faces import Face, FaceReader
from tests.stages.masks_clip import face_map, landmarks_of


def test_share_inside_reaches_so_far_beyond_and_no_further():
    mask = np.zeros((10, 12), bool)
    mask[4:6, 4:6] = True
    points = np.array([[4.5, 4.5], [3.2, 5.9], [6.9, 6.9], [2.9, 5.0], [7.1, 5.0], [-3.0, 40.0]])
    assert [share_inside(mask, point[None], 1) for point in points] == [1, 1, 1, 0, 0, 0]
    assert [share_inside(mask, point[None]) for point in points] == [1, 0, 0, 0, 0, 0]
    assert share_inside(mask, points, 1) == 0.5


def test_share_inside_is_that_of_a_loop():
    generator = np.random.default_rng(1)
    mask, points = generator.random((9, 14)) < 0.2, generator.uniform(-2, 16, (60, 2))
    for reach in (0, 1, 2):
        found = 0
        for x, y in points:
            near = [
                (int(np.floor(y)) + down, int(np.floor(x)) + right)
                for down in range(-reach, reach + 1)
                for right in range(-reach, reach + 1)
            ]
            found += any(mask[min(max(row, 0), 8), min(max(column, 0), 13)] for row, column in near)
        assert share_inside(mask, points, reach) == pytest.approx(found / 60)


@pytest.mark.parametrize("turn", [0.0, 0.5, 2.0])
def test_the_box_turns_with_the_face_and_holds_what_lies_in_it(turn):
    turned = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    lips = (np.array([[-20.0, -4], [20, -4], [20, 6], [-20, 6]]) @ turned) + 60
    face = Face(lips, lips, lips[0], np.array([0.0, 1.0]) @ turned)
    expected = (np.array([[-30.0, -14], [30, -14], [30, 16], [-30, 16]]) @ turned) + 60
    np.testing.assert_allclose(box_around(face), expected, atol=1e-9)
    mask = np.random.default_rng(3).random((120, 120)) < 0.5
    rows, columns = np.nonzero(mask)
    local = (np.stack([columns, rows], 1) + 0.5 - 60) @ turned.T
    inside = (np.abs(local[:, 0]) < 30) & (local[:, 1] > -14) & (local[:, 1] < 16)
    assert share_around(mask, box_around(face)) == pytest.approx(inside.mean(), abs=0.01)


@pytest.mark.parametrize("convention", list(CONVENTIONS))
def test_a_face_is_read_from_the_points_of_its_convention(convention):
    face = FaceReader(CONVENTIONS[convention]).face(landmarks_of(2, convention))
    groups = CONVENTIONS[convention]
    assert face.lips.shape == (len(groups.lips), 2) and face.nose.shape == (len(groups.nose_bridge), 2)
    np.testing.assert_allclose(face.tip, (34, 35))
    assert (face.lips[:, 1] >= 40).all() and (face.nose[:, 0] == 34).all()
    assert np.linalg.norm(face.down) == pytest.approx(1) and face.down[1] > 0.99


@pytest.mark.parametrize(
    ("fit", "words"),
    [
        (Fit(), []),
        (Fit(lips=0.4), ["40% of the lips' points inside"]),
        (Fit(nose=0.5, nose_pixels=1200), ["1,200 pixels of the nose inside", "50% of the nose's points inside"]),
        (Fit(around=0.2, below=-3.0), ["20% of it around the lips", "its middle above the nose's tip"]),
    ],
)
def test_faults_are_told_and_make_a_mask_worse(fit, words):
    assert fit.faults(0.5) == words
    assert (fit.badness > 0) == bool(words)


def test_only_sets_that_hold_both_lips_must_have_them_inside():
    labels = face_map()
    face = FaceReader(CONVENTIONS["ibug68"]).face(landmarks_of(0, "ibug68"))
    for names, expected in ((MASKS["head"], True), (("mouth",), False), (MASKS["hair"], False)):
        watch = MaskWatch("others", names, 0.5)
        watch.add(3, labels == LABELS.index("hair"), labels, face)
        assert bool(watch.wrong) == bool(watch.flagged) == expected
