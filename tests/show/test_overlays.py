import numpy as np

from headsmith.contract.conventions import CONVENTIONS, IBUG68, MEDIAPIPE478
from headsmith.contract.labels import LABELS
from headsmith.contract.landmark_groups import LEFT_EYE, RIGHT_EYE
from headsmith.show.colours import HEAD_COLOUR, LABEL_COLOURS
from headsmith.show.overlays import (
    CONTOUR_COLOURS,
    MESH_COLOUR,
    TRACKED_COLOUR,
    blend_labels,
    cross_out,
    draw_edges,
    draw_landmarks,
    draw_mesh,
    draw_points,
    over_checkerboard,
)

GREY = np.full((120, 120, 3), 90, np.uint8)


def test_a_dot_is_centred_on_its_point():
    drawn = draw_landmarks(GREY, np.array([[30.5, 70.5]]))
    changed = np.abs(drawn.astype(float) - GREY).sum(2)
    rows, columns = np.nonzero(changed)
    weight = changed[rows, columns]
    assert abs((columns + 0.5) @ weight / weight.sum() - 30.5) < 0.1
    assert abs((rows + 0.5) @ weight / weight.sum() - 70.5) < 0.1
    assert drawn[70, 30].min() > 230


def test_rings_have_the_colours_of_their_sides():
    points = np.full((478, 2), 200.0)
    for ring, centre in ((RIGHT_EYE, 30.5), (LEFT_EYE, 80.5)):
        angles = np.linspace(0, 2 * np.pi, len(ring), endpoint=False)
        points[list(ring)] = np.stack([centre + 12 * np.cos(angles), 50.5 + 12 * np.sin(angles)], 1)
    drawn = draw_landmarks(GREY, points, MEDIAPIPE478)
    assert np.abs(drawn[50, 42].astype(int) - CONTOUR_COLOURS["right_eye"]).max() < 40
    assert np.abs(drawn[50, 92].astype(int) - CONTOUR_COLOURS["left_eye"]).max() < 40
    assert (drawn[50, 30] == 90).all()
    contours = [name for convention in CONVENTIONS.values() for name in (*convention.rings, *convention.lines)]
    assert set(CONTOUR_COLOURS) == set(contours)


def test_open_contours_stay_open():
    points = np.full((68, 2), 10.5)
    angles = np.linspace(0.2 * np.pi, 0.8 * np.pi, 17)
    points[:17] = np.stack([60.5 - 50 * np.cos(angles), 20.5 + 60 * np.sin(angles)], 1)
    drawn = draw_landmarks(GREY, points, IBUG68)
    assert np.abs(drawn[80, 60].astype(int) - CONTOUR_COLOURS["oval"]).max() < 40
    ends = points[[0, 16]].mean(0).astype(int)
    assert (drawn[ends[1], ends[0]] == 90).all()
    assert (drawn != 90).any(-1).sum() < 400


def test_edges_follow_the_mask_and_leave_its_inside():
    mask = np.zeros((60, 60), np.uint8)
    mask[15:45, 10:50] = 255
    drawn = draw_edges(GREY, mask, HEAD_COLOUR)
    edge = (drawn != GREY).any(2)
    assert (drawn[60, 20] == HEAD_COLOUR).all() and (drawn[30, 50] == HEAD_COLOUR).all()
    assert not edge[40:80, 30:90].any() and not edge[:24].any() and not edge[:, :14].any()


def test_labels_tint_by_their_share():
    labels = np.full((120, 120), LABELS.index("hair"), np.uint8)
    expected = np.round(0.35 * 90 + 0.65 * np.array(LABEL_COLOURS["hair"]))
    assert np.abs(blend_labels(GREY, labels)[5, 5] - expected).max() <= 1
    np.testing.assert_array_equal(blend_labels(GREY, labels, 0.0), GREY)


def test_the_checkerboard_shows_where_the_matte_is_empty():
    alpha = np.zeros((120, 120), np.uint8)
    alpha[:, 60:] = 255
    alpha[0] = 51
    shown = over_checkerboard(GREY, alpha, square=10)
    assert (shown[5:, 60:] == 90).all()
    assert set(np.unique(shown[1:, :60])) == {170, 235}
    assert (shown[5, 5] == 170).all() and (shown[5, 15] == 235).all()
    assert (shown[0, 15] == round(0.2 * 90 + 0.8 * 235)).all()


def test_a_mesh_is_translucent_and_smoothly_shaded():
    face_ids = np.full((120, 120), -1, np.int32)
    face_ids[20:40, 20:100], face_ids[60:80, 20:100] = 0, 1
    weights = np.where(face_ids[..., None] < 0, 0, np.array([0.5, 0.25, 0.25])).astype(np.float32)
    weights[25, 50] = (0.0, 0.0, 1.0)
    drawn = draw_mesh(GREY, face_ids, weights, np.array([[1.0, 1.0, 0.2], [0.4, 0.4, 0.4]], np.float32), share=0.6)
    assert (drawn[face_ids < 0] == 90).all()
    for place, light in (((30, 30), 0.8), ((70, 30), 0.4), ((25, 50), 0.2)):
        np.testing.assert_allclose(drawn[place], 0.4 * 90 + 0.6 * light * np.array(MESH_COLOUR), atol=1)


def test_a_mesh_outside_the_picture_leaves_it_alone():
    nowhere = np.full((120, 120), -1, np.int32)
    drawn = draw_mesh(GREY, nowhere, np.zeros((120, 120, 3), np.float32), np.ones((1, 3), np.float32))
    np.testing.assert_array_equal(drawn, GREY)


def test_dots_are_as_large_as_asked_and_points_without_a_place_are_left_out():
    drawn = draw_points(GREY, np.array([[30.5, 70.5], [np.nan, 5.0]]), TRACKED_COLOUR, radius=4.0)
    rows, columns = np.nonzero((drawn != GREY).any(2))
    assert {int(np.ptp(rows)), int(np.ptp(columns))} <= {8, 9, 10}
    assert (rows.mean() + 0.5, columns.mean() + 0.5) == (70.5, 30.5) and tuple(drawn[70, 30]) == TRACKED_COLOUR
    points = np.full((478, 2), 60.5)
    assert (draw_landmarks(GREY, points, MEDIAPIPE478, dots=False) != draw_landmarks(GREY, points, MEDIAPIPE478)).any()


def test_crossing_out_goes_through_the_corners_and_the_middle():
    drawn = cross_out(GREY)
    for place in ((0, 0), (119, 119), (0, 119), (60, 60)):
        assert drawn[place][0] > 180 and drawn[place][1] < 90
    assert (drawn[60, 10] == 90).all()
