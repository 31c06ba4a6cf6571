"""What the benchmark of portraits measures with: similarities, gains, and shares of variance."""

import numpy as np
import pytest
from portrait_measures import decibels, share_within, similar


def test_a_similarity_is_undone():
    random = np.random.default_rng(0)
    points = random.normal(0, 1, (50, 3))
    turn, _ = np.linalg.qr(random.normal(0, 1, (3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    moved = 1.7 * points @ turn.T + [3, -1, 2]
    np.testing.assert_allclose(similar(moved, points), points, atol=1e-12)
    mirrored = points * [-1, 1, 1]
    assert np.linalg.norm(similar(mirrored, points) - points, axis=1).mean() > 0.3, "mirror images are no similarities"


def test_a_gain_is_free_and_the_rest_is_not():
    truth = np.random.default_rng(0).uniform(0.2, 0.8, (100, 3))
    wrong = truth + 0.01 * np.where(np.arange(100) % 2, 1, -1)[:, None]
    assert decibels(3 * wrong, truth) == pytest.approx(decibels(wrong, truth))
    assert decibels(wrong, truth) == pytest.approx(40, abs=0.1)


def test_the_share_of_variance_within_components():
    random = np.random.default_rng(1)
    basis, _ = np.linalg.qr(random.normal(0, 1, (60, 4)))
    truth = (random.normal(0, 1, (500, 4)) * [3, 2, 1, 1] @ basis.T + 5).reshape(500, 20, 3)
    assert share_within(truth, (basis[:, :2] @ [[1.0, 2], [0, 1]]).reshape(20, 3, 2)) == pytest.approx(13 / 15, abs=0.02)
    assert share_within(truth, basis.reshape(20, 3, 4)) == pytest.approx(1)
