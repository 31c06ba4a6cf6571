"""Overlaps of neighbours, against a loop over pixels; jumps where masks move, vanish and come back."""

import numpy as np
import pytest

from headsmith.maths.jumps import JumpWatch


def overlap_by_pixels(first, second):
    pairs = list(zip(first.ravel().tolist(), second.ravel().tolist(), strict=True))
    union = sum(a or b for a, b in pairs)
    return sum(a and b for a, b in pairs) / union if union else 1.0


def test_overlaps_are_those_of_a_loop_over_pixels():
    generator = np.random.default_rng(0)
    masks = [generator.random((9, 7)) < share for share in (0.5, 0.5, 0.0, 0.0, 0.9, 1.0)]
    watch = JumpWatch(0.5)
    found = [watch.add(index, mask) for index, mask in enumerate(masks)]
    expected = [1.0, *map(overlap_by_pixels, masks[:-1], masks[1:])]
    assert found == pytest.approx(expected)
    assert watch.jumps == [(i, round(value, 4)) for i, value in enumerate(expected) if value < 0.5]


def square(left):
    mask = np.zeros((20, 40), bool)
    mask[5:15, left : left + 10] = True
    return mask


def test_a_mask_that_leaps_vanishes_and_returns_is_found_by_its_ids():
    watch = JumpWatch(0.5)
    for frame_id, mask in {3: square(0), 4: square(2), 6: square(20), 7: square(20) & False, 8: square(20)}.items():
        watch.add(frame_id, mask)
    assert watch.jumps == [(6, 0.0), (7, 0.0), (8, 0.0)]


def test_a_limit_of_zero_finds_nothing_and_the_limit_itself_is_no_jump():
    none, exact = JumpWatch(0.0), JumpWatch(8 / 12)
    for watch in (none, exact):
        watch.add(0, square(0))
        assert watch.add(1, square(2)) == pytest.approx(8 / 12)
    none.add(2, square(30))
    assert none.jumps == exact.jumps == []
