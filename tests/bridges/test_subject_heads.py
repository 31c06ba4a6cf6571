"""Whether masks move as the head does, by plain numbers in the place of images."""

import numpy as np
import pytest

from headsmith.bridges.subject_heads import FEWEST, TimeWatch

WIDTH, COUNT = 256, 120


def watch(shift, wild=0, noise=0.1, step=3.0, count=COUNT):
    """Return what has seen a wandering head whose masks are those of ``shift`` frames later, some of them anywhere."""
    chance = np.random.default_rng(3)
    way = 128 + np.cumsum(step * chance.normal(size=(count + 20, 2)), 0)
    seen = TimeWatch(count)
    places = chance.choice(count, wild, replace=False)
    for row in range(count):
        middle = way[10 + row - shift] + noise * chance.normal(size=2)
        middles = {"mouth": chance.uniform(0, WIDTH, 2) if row in places else middle, "neckhead": middle}
        seen.add(row, way[10 + row], {"mouth": middles["mouth"]} if wild else middles)
    return seen


@pytest.mark.parametrize("shift", [-3, -1, 0, 1, 3])
def test_a_shift_is_found(shift):
    found = watch(shift).shift(WIDTH)
    assert found is None if shift == 0 else found[0] == shift


@pytest.mark.parametrize("shift", [-1, 0, 2])
def test_masks_that_lie_anywhere_in_some_frames_hide_no_shift_and_make_none(shift):
    found = watch(shift, wild=5).shift(WIDTH)
    assert found is None if shift == 0 else found[0] == shift


def test_a_head_that_keeps_still_or_a_clip_that_is_short_tells_nothing():
    assert not watch(1, step=0.1).moves(WIDTH) and watch(1, step=0.1).shift(WIDTH) is None
    assert not watch(1, count=FEWEST).moves(WIDTH) and watch(1, count=FEWEST + 1).moves(WIDTH)
