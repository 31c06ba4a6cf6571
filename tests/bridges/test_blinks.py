from dataclasses import replace

import numpy as np
import pytest
import torch
from bridges.tracks import random_track
from synthetic_head import synthetic_head

from headsmith.bridges.blinks import calibrate_blinks
from headsmith.heads.model import HeadModel

MODEL = HeadModel.from_container(synthetic_head(), torch.float64)
FRAMES = 250


def scored(closure, floor, ceiling, noise=0.01, seed=0):
    """A clip whose scores are a person's own stretch of how far the lids are closed."""
    scores = floor + (ceiling - floor) * closure + noise * np.random.default_rng(seed).normal(size=closure.shape)
    return replace(random_track(MODEL, count=len(closure)), eyelids=scores.clip(0, 1))


def blinks(every=50):
    time = np.arange(FRAMES)[:, None] + [0, 0]
    return np.exp(-0.5 * (((time + every // 2) % every - every / 2) / 2.0) ** 2)


@pytest.mark.parametrize(("floor", "ceiling"), [(0.05, 0.6), (0.2, 0.9), (0.1, 0.55)])
def test_the_lids_are_as_far_closed_as_they_were(floor, ceiling):
    closure = blinks()
    track = scored(closure, floor, ceiling)
    found, ranges = calibrate_blinks(track)
    before, after = (np.abs(clip.eyelids - closure).mean() for clip in (track, found))
    assert after < 0.06 and after < before / 2
    assert found.eyelids.min() == 0 and found.eyelids.max() == 1
    assert all(abs(one.open - floor) < 0.03 and abs(one.closed - ceiling) < 0.05 for one in ranges)


def test_one_wild_frame_does_not_set_the_scale():
    track = scored(blinks(), 0.1, 0.6)
    track.eyelids[7] = 0.02, 0.75
    _, ranges = calibrate_blinks(track)
    assert abs(ranges[1].closed - 0.6) < 0.08


def test_a_clip_without_blinks_stays_as_it_is():
    track = scored(np.zeros((FRAMES, 2)), 0.15, 0.9, noise=0.03)
    found, ranges = calibrate_blinks(track)
    assert np.array_equal(found.eyelids, track.eyelids)
    assert ranges[0].closed is None and ranges[1].closed is None


def test_each_eye_has_its_own_range():
    closure = blinks()
    closure[:, 1] = 0
    found, ranges = calibrate_blinks(scored(closure, 0.1, 0.7))
    assert ranges[0].closed is not None and ranges[1].closed is None
    assert found.eyelids[:, 0].max() == 1 and found.eyelids[:, 1].max() < 0.2


def test_lids_that_are_lowered_most_of_the_time_do_not_count_as_open():
    closure = np.maximum(blinks(), 0.4)
    closure[100:130] = 0
    _, ranges = calibrate_blinks(scored(closure, 0.1, 0.8))
    assert all(abs(one.open - 0.1) < 0.03 and abs(one.closed - 0.8) < 0.05 for one in ranges)
