from dataclasses import replace

import numpy as np
import torch
from bridges.tracks import random_track
from synthetic_head import synthetic_head

from headsmith.bridges.neck import fold_neck, seen
from headsmith.heads.model import HeadModel


def model_of(**changes):
    container = synthetic_head(identity=30, expression=20, **changes)
    return HeadModel.from_container(container, torch.float64)


def test_vertices_that_move_with_the_head_stay_where_they_were():
    """Without correctives all of the head's vertices hang on the neck or on joints above it."""
    model = model_of()
    track = random_track(model)
    folded, residual = fold_neck(track, model)
    assert not folded.neck.any() and np.abs(track.neck).max() > 0.1
    assert np.abs(seen(folded, model) - seen(track, model)).max() < 1e-8
    assert residual.largest_mm < 1e-5


def test_what_correctives_lose_is_measured():
    model = model_of(correctives=True)
    track = random_track(model)
    folded, residual = fold_neck(track, model)
    face = np.unique(model.container.faces[model.container.embeddings["mediapipe478"].faces])
    apart = 1000 * np.linalg.norm(seen(folded, model) - seen(track, model), axis=-1)[:, face]
    assert 0.1 < residual.mean_mm < residual.largest_mm
    assert np.isclose(residual.largest_mm, apart.max()) and np.isclose(residual.mean_mm, apart.mean())
    assert np.isclose(residual.bend_degrees, np.degrees(np.linalg.norm(track.neck, axis=1).max()))


def test_a_neck_at_rest_changes_nothing():
    model = model_of(correctives=True)
    track = random_track(model)
    track = replace(track, neck=np.zeros_like(track.neck))
    folded, residual = fold_neck(track, model)
    assert np.abs(folded.rotation - track.rotation).max() < 1e-15 and residual.largest_mm < 1e-5
