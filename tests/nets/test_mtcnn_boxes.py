"""Boxes of MTCNN: suppression against slow loops, sides and windows against arithmetic by hand."""

import numpy as np
import pytest

from headsmith.nets.mtcnn_boxes import make_square, move_sides, pixels_inside, suppress, windows


def overlap(first, second, by_smaller, inclusive):
    """Return the share of two boxes by counting in one dimension after the other."""
    common, sizes = 1.0, [1.0, 1.0]
    for axis in (0, 1):
        common *= max(0.0, min(first[axis + 2], second[axis + 2]) - max(first[axis], second[axis]) + inclusive)
        for index, box in enumerate((first, second)):
            sizes[index] *= box[axis + 2] - box[axis] + inclusive
    return common / (min(sizes) if by_smaller else sum(sizes) - common)


def suppress_slowly(boxes, scores, most, by_smaller, inclusive):
    kept = []
    for candidate in sorted(range(len(boxes)), key=lambda index: -scores[index]):
        if all(overlap(boxes[candidate], boxes[better], by_smaller, inclusive) <= most for better in kept):
            kept.append(candidate)
    return kept


@pytest.mark.parametrize("by_smaller", [False, True])
@pytest.mark.parametrize("inclusive", [0, 1])
@pytest.mark.parametrize("most", [0.3, 0.5, 0.7])
def test_suppression_keeps_what_loops_keep(by_smaller, inclusive, most):
    random = np.random.default_rng(3)
    corner = random.uniform(0, 60, (150, 2))
    boxes = np.concatenate((corner, corner + random.uniform(10, 50, (150, 2))), 1).astype(np.float32)
    scores = random.permutation(150).astype(np.float32)
    kept = suppress(boxes, scores, most, by_smaller=by_smaller, inclusive=inclusive)
    assert kept.tolist() == suppress_slowly(boxes.tolist(), scores, most, by_smaller, inclusive)
    assert 1 < len(kept) < 150


def test_suppression_of_nothing_and_of_equals():
    assert suppress(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 0.5).tolist() == []
    same = np.tile(np.array((1, 2, 8, 9), np.float32), (5, 1))
    assert suppress(same, np.ones(5, np.float32), 0.5).tolist() == [0]


def test_sides_move_by_shares_of_the_box():
    box = np.array([(11, 21, 30, 60)], np.float32)
    offsets = np.array([(0.1, -0.5, 0.0, 1.0)], np.float32)
    assert np.allclose(move_sides(box, offsets, 1), [(13, 1, 30, 100)])
    assert np.allclose(move_sides(box, offsets, 0), [(12.9, 1.5, 30, 99)])


def test_a_box_becomes_square_about_its_centre():
    assert make_square(np.array([(10, 10, 20, 40), (0, 0, 8, 2)], np.float32)).tolist() == [[0, 10, 30, 40], [0, -3, 8, 5]]


def test_windows_lie_where_the_network_looked():
    assert windows(np.array([0, 3]), np.array([0, 5]), 1.0).tolist() == [[1, 1, 12, 12], [11, 7, 22, 18]]
    assert windows(np.array([3]), np.array([5]), 0.5).tolist() == [[22, 14, 44, 36]]


def test_pixels_are_those_of_the_picture():
    boxes = np.array([(1, 1, 10, 12), (-5.9, 3.2, 400, 500), (90, 4, 95, 8)], np.float32)
    assert pixels_inside(boxes, 80, 60).tolist() == [[0, 0, 10, 12], [0, 2, 80, 60], [89, 3, 80, 8]]
