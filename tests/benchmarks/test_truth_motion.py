"""The truth's own motion: people of one size, blinks, turns made larger."""

import numpy as np
import pytest
import torch
from synthetic_head import synthetic_head
from truth_motion import BLINK, amplify, draw_blinks, draw_person

from headsmith.heads.model import HeadModel
from headsmith.maths.rotations import axis_angle_to_matrix


def test_people_have_the_mean_eye_distance():
    model = HeadModel.from_container(synthetic_head(identity=20), torch.float64)
    embedding = model.container.embeddings["mediapipe478"].take((33, 263))
    faces, weights = model.faces[torch.from_numpy(embedding.faces).long()], torch.from_numpy(embedding.barycentrics).double()
    codes = np.stack([draw_person(model, np.random.default_rng(seed)) for seed in range(300)])
    people = model.template + torch.einsum("bk,kvd->bvd", torch.from_numpy(codes), model.identity)
    right, left = (people[:, faces] * weights[..., None]).sum(2).unbind(1)
    across = (model.template[faces] * weights[..., None]).sum(1)
    way = across[1] - across[0]
    np.testing.assert_allclose(((left - right) @ way / way.norm()).numpy(), way.norm(), rtol=1e-9)
    assert codes.std() == pytest.approx(np.sqrt(19 / 20), rel=0.05)


def test_blinks_close_and_open_and_never_overlap():
    lids = draw_blinks(1000, np.random.default_rng(0))
    closed = np.flatnonzero(lids == 1)
    assert 1000 / 110 - 2 < len(closed) < 1000 / 40 + 1
    assert np.diff(closed).min() >= 40 > len(BLINK)
    assert lids.min() == 0


def test_turns_are_made_larger_about_their_mean():
    angles = np.linspace(-0.2, 0.2, 9)
    given = axis_angle_to_matrix(torch.from_numpy(np.stack([angles * 0, angles, angles * 0], 1)))
    wanted = axis_angle_to_matrix(torch.from_numpy(np.stack([angles * 0, 1.5 * angles, angles * 0], 1)))
    np.testing.assert_allclose(amplify(given.numpy(), 1.5), wanted.numpy(), atol=1e-9)
