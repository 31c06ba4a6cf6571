"""The field's fit, frame by frame: clips side by side do not feel each other, and it comes near what it is shown."""

import numpy as np
import pytest
import sequential_fit
import torch
from synthetic_head import synthetic_head

from headsmith.bridges.track import project_embedded
from headsmith.heads.model import HeadModel


@pytest.fixture(scope="module")
def model():
    return HeadModel.from_container(synthetic_head(), torch.float64)


@pytest.fixture
def short(monkeypatch):
    for name, value in {"START_STEPS": 80, "START_SLOWER": 60, "START_PERSON": 40}.items():
        monkeypatch.setattr(sequential_fit, name, value)


def shown(model, count, seed=0):
    """Points of a head that drifts."""
    from bridges.tracks import FACING, random_track

    track = random_track(model, seed, count)
    still = {name: np.zeros_like(getattr(track, name)) for name in ("expression", "jaw", "eyes", "neck", "eyelids", "identity")}
    drift = np.linspace(0, 0.01, count)[:, None] * [1, 0, 0] + [0, 0, 1]
    pose = {"rotation": np.tile(FACING, (count, 1, 1)), "translation": drift}
    lens = {"focal": 3.5 * 256, "principal": np.full(2, 128.0), "size": (256, 256)}
    track = sequential_fit.Track(**{**vars(track), **still, **pose, **lens})
    points = np.zeros((count, 478, 2))
    embedding = model.container.embeddings["mediapipe478"]
    points[:, embedding.points] = project_embedded(track, model, embedding)
    return track, points


def test_clips_do_not_feel_each_other(model, short):
    _, points = shown(model, 5)
    usable = np.array([True, True, True, False, True])
    alone, _ = sequential_fit.fit_sequentially(model, points, usable, (256, 256), steps=5)
    both = [points[:4] + 3, points], [np.ones(4, bool), usable]
    together, _ = sequential_fit.fit_in_step(model, *both, (256, 256), steps=5)
    for name in ("identity", "expression", "rotation", "translation", "eyelids"):
        np.testing.assert_allclose(getattr(together[1], name), getattr(alone, name), atol=2e-4)
    assert len(together[0].ids) == 4


def test_frames_without_points_keep_the_last(model, short):
    _, points = shown(model, 4)
    found, _ = sequential_fit.fit_sequentially(model, points, np.array([True, True, False, True]), (256, 256), steps=3)
    np.testing.assert_array_equal(found.rotation[2], found.rotation[1])
    assert found.status == ("ok", "ok", "missing", "ok")


def test_it_comes_near_what_it_is_shown(model, short):
    _, points = shown(model, 3)
    found, seconds = sequential_fit.fit_sequentially(model, points, np.ones(3, bool), (256, 256), steps=60)
    embedding = model.container.embeddings["mediapipe478"]
    places = project_embedded(found, model, embedding)
    assert np.linalg.norm(places - points[:, embedding.points], axis=-1).mean() < 1.5
    assert seconds["a_frame"] > 0


def test_no_points_at_all_are_refused(model):
    with pytest.raises(ValueError, match="no frame has points"):
        sequential_fit.fit_sequentially(model, np.zeros((2, 478, 2)), np.zeros(2, bool), (256, 256))
