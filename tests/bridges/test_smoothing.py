from dataclasses import replace

import numpy as np
import pytest
import torch
from bridges.tracks import random_track
from scipy.spatial.transform import Rotation
from synthetic_head import synthetic_head

from headsmith.bridges.smoothing import low_pass, runs_of, smooth_track, smooth_turns, smooth_values
from headsmith.heads.model import HeadModel

MODEL = HeadModel.from_container(synthetic_head(), torch.float64)
FPS, HERTZ, FRAMES = 25.0, 4.0, 120


def clip(**changes):
    return replace(random_track(MODEL, count=FRAMES), **changes)


def wave(hertz, frames=FRAMES):
    return np.sin(2 * np.pi * hertz * np.arange(frames) / FPS)[:, None]


@pytest.mark.parametrize(("hertz", "least", "most"), [(0.5, 0.99, 1.01), (4.0, 0.45, 0.55), (9.0, -0.01, 0.01)])
def test_slow_waves_stay_and_fast_ones_go_without_delay(hertz, least, most):
    values, taps = wave(hertz), low_pass(HERTZ, FPS, FRAMES)
    inner = slice(30, -30)
    found = smooth_values(values, taps)[inner]
    gain = (found * values[inner]).sum() / (values[inner] ** 2).sum()
    assert least < gain < most
    assert np.abs(found - gain * values[inner]).max() < 0.01


def test_lids_that_shut_at_once_stay_between_open_and_closed():
    shut = np.repeat([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]], FRAMES // 3, 0)
    assert smooth_values(shut, low_pass(HERTZ, FPS, FRAMES)).max() > 1.02, "the filter overshoots"
    found = smooth_track(clip(eyelids=shut), HERTZ, FPS).eyelids
    assert found.min() == 0 and found.max() == 1


def test_what_moves_at_constant_speed_stays_to_the_last_frame():
    line = np.linspace(0, 5, FRAMES)[:, None] * [1.0, -2, 3]
    taps = low_pass(HERTZ, FPS, FRAMES)
    assert np.abs(smooth_values(line, taps) - line).max() < 1e-12
    assert len(taps) % 2 == 1 and taps.sum() == pytest.approx(1) and np.allclose(taps, taps[::-1])


def test_constant_turns_stay_however_far_they_go():
    start = Rotation.from_rotvec([0.3, -0.2, 0.5])
    turns = np.linspace(0, 3 * np.pi, FRAMES)[:, None] * np.array([0.6, 0.0, 0.8])
    rotations = (Rotation.from_rotvec(turns) * start).as_matrix()
    assert np.abs(smooth_turns(rotations, low_pass(HERTZ, FPS, FRAMES)) - rotations).max() < 1e-10


def test_jitter_of_turns_goes_and_rotations_stay_rotations():
    chance = np.random.default_rng(0)
    smooth = Rotation.from_rotvec(0.3 * np.sin(0.05 * np.arange(FRAMES))[:, None] * [[1, 2, 0.5]])
    shaky = (Rotation.from_rotvec(0.02 * chance.normal(size=(FRAMES, 3))) * smooth).as_matrix()
    found = smooth_turns(shaky, low_pass(2.0, FPS, FRAMES))
    away = [(Rotation.from_matrix(each) * smooth.inv()).magnitude().mean() for each in (shaky, found)]
    assert away[1] < 0.5 * away[0]
    assert np.abs(found @ np.swapaxes(found, 1, 2) - np.eye(3)).max() < 1e-12


def test_gaps_and_bad_frames_end_a_run():
    ids = np.r_[np.arange(60), np.arange(70, 130)]
    status = ["ok"] * FRAMES
    status[20], status[90], status[100] = "outlier", "missing", "uncertain"
    track = clip(ids=ids, status=tuple(status))
    assert runs_of(track) == [slice(0, 20), slice(21, 60), slice(60, 90), slice(91, 100), slice(101, 120)]
    wild = track.expression.copy()
    wild[20] = 1e6
    track = replace(track, expression=wild)
    found = smooth_track(track, HERTZ, FPS)
    assert np.abs(found.expression[:20]).max() < 10 and found.expression[20, 0] == 1e6
    alone = smooth_track(track.take(np.arange(60, 90)), HERTZ, FPS)
    assert np.array_equal(alone.expression, found.expression[60:90])


@pytest.mark.parametrize("hertz", [0.0, 12.5, 40.0])
def test_nothing_is_done_beyond_what_frames_can_show(hertz):
    track = clip()
    assert smooth_track(track, hertz, FPS) is track


@pytest.mark.parametrize("frames", [1, 2, 3, 9])
def test_short_runs_are_filtered_as_far_as_they_go(frames):
    found = smooth_track(clip().take(np.arange(frames)), HERTZ, FPS)
    assert np.isfinite(found.rotation).all() and found.eyelids.min() >= 0 and found.eyelids.max() <= 1
