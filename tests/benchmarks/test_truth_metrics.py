"""What the benchmark of truth measures, against closed forms."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from bridges.tracks import random_track
from synthetic_head import synthetic_head
from truth_metrics import (
    align,
    aligned_error,
    angle_between,
    calibration,
    gaze_angle,
    measure,
    pivot_places,
    point_jitter,
    turn_jitter,
    turns_of_points,
)

from headsmith.bridges.track import project_embedded
from headsmith.heads.model import HeadModel
from headsmith.maths.rotations import axis_angle_to_matrix


def turn(*degrees):
    return axis_angle_to_matrix(torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))).numpy()


def far_apart(count):
    """Detected points that lie nowhere near, but not all at one place."""
    return np.ones((count, 478, 2)) * np.arange(478)[:, None]


@pytest.fixture(scope="module")
def model():
    head = synthetic_head()
    face = np.arange(len(head.template) - 50, dtype=np.int32)
    return HeadModel.from_container(replace(head, regions={**head.regions, "face": face}), torch.float64)


@pytest.fixture
def points():
    return np.random.default_rng(0).normal(size=(6, 40, 3))


def test_alignment_finds_what_was_done(points):
    rotation, shift = turn(20, -50, 70), np.array([1.0, -2, 3])
    moved = 1.3 * points @ rotation.T + shift
    scale, found, offset = align(points.reshape(-1, 3), moved.reshape(-1, 3), scaled=True)
    assert scale == pytest.approx(1.3)
    np.testing.assert_allclose(found, rotation, atol=1e-12)
    np.testing.assert_allclose(offset, shift, atol=1e-12)
    assert aligned_error(points, moved, scaled=True).max() < 1e-9


def test_rigid_alignment_leaves_the_size(points):
    moved = 1.1 * points @ turn(0, 30, 0).T + 5
    expected = 1000 * 0.1 * np.linalg.norm(points - points.reshape(-1, 3).mean(0), axis=-1).mean(-1)
    np.testing.assert_allclose(aligned_error(points, moved, scaled=False), expected)


def test_alignment_is_one_for_the_clip(points):
    moved = points.copy()
    moved[0] += [0.003, 0, 0]
    moved[1] -= [0.003, 0, 0]
    errors = aligned_error(moved, points, scaled=False)
    np.testing.assert_allclose(errors[:2], 3, atol=0.2)
    assert errors[2:].max() < 0.5


def test_alignment_never_mirrors(points):
    mirrored = points * [-1, 1, 1]
    _, rotation, _ = align(points.reshape(-1, 3), mirrored.reshape(-1, 3), scaled=True)
    assert np.linalg.det(rotation) == pytest.approx(1)


def test_angles(points):
    assert angle_between(turn(0, 12, 0)[None], turn(0, -5, 0)[None]) == pytest.approx([17])
    turned = np.stack([frame @ turn(0, 0, 3.0 * number).T for number, frame in enumerate(points)])
    np.testing.assert_allclose(turns_of_points(turned + 7, points), 3.0 * np.arange(6), atol=1e-6)
    assert gaze_angle(turn(0, 90, 0)[:, 2], np.array([0.0, 0, 1])) == pytest.approx(90)


def test_jitter_of_even_acceleration():
    times = np.arange(10.0)
    path = np.stack([0.5 * 0.002 * times**2, 3 * times, times * 0], 1)[:, None].repeat(4, 1)
    assert point_jitter(path, np.ones(10, bool)) == pytest.approx(2)
    angle = torch.from_numpy(np.stack([times * 0, 0.5 * 0.004 * times**2, times * 0], 1))
    assert turn_jitter(axis_angle_to_matrix(angle).numpy(), np.ones(10, bool)) == pytest.approx(4)


def test_jitter_leaves_gaps_out():
    path = np.zeros((9, 2, 3))
    path[4] = 1
    assert point_jitter(path, np.arange(9) != 4) == 0
    assert point_jitter(path, np.ones(9, bool)) > 0


def test_the_truth_is_without_error(model):
    truth = random_track(model, count=6)
    seen = np.zeros((6, 478, 2))
    embedding = model.container.embeddings["mediapipe478"]
    seen[:, embedding.points] = project_embedded(truth, model, embedding)
    figures = measure(truth, truth, model, seen, np.ones(6, bool))
    sizes = {"vertex_error_other_size_mm", "jitter_mm", "turn_jitter_mrad"} | {name for name in figures if "_size_" in name}
    for name, value in figures.items():
        if "ratio" in name:
            assert value == pytest.approx(1), name
        elif name not in sizes:
            assert value == pytest.approx(0, abs=1e-5), name


def test_errors_that_were_made_on_purpose(model):
    truth = random_track(model, count=6)
    wrong = replace(
        truth, focal=truth.focal * 1.1, translation=truth.translation + np.array([0, 0, 0.02]), eyelids=truth.eyelids - 0.25
    )
    figures = measure(wrong, truth, model, far_apart(6), np.ones(6, bool))
    assert figures["focal_percent"] == pytest.approx(10)
    assert figures["eyelid_percent"] == pytest.approx(25)
    assert figures["pose_degrees"] == pytest.approx(0, abs=1e-5)
    still = measure(replace(wrong, eyelids=truth.eyelids), truth, model, far_apart(6), np.ones(6, bool))
    assert still["vertex_error_camera_mm"] == pytest.approx(20)
    assert still["vertex_error_mm"] == pytest.approx(0, abs=1e-6)


def test_calibration_counts(model):
    truth = random_track(model, count=6)
    codes = truth.expression.shape[1]
    deviation = np.full((6, codes + 17), 0.01)
    found = replace(truth, expression=truth.expression + 0.015, jaw=truth.jaw + 0.005, eyelids=truth.eyelids + 0.03)
    shares = calibration({"parameter_deviation": deviation}, found, truth, np.ones(6, bool), model)
    assert [shares[f"within_{times}_deviations_expression"] for times in (1, 2)] == [0, 1]
    assert [shares[f"within_{times}_deviations_eyelids"] for times in (1, 2)] == [0, 0]
    assert [shares[f"within_{times}_deviations_{name}"] for name in ("jaw", "turn", "shift") for times in (1, 2)] == [1] * 6
    assert calibration({}, found, truth, np.ones(6, bool), model) == {}


def test_the_pivot_does_not_turn_with_the_head(model):
    truth = random_track(model, count=3)
    pivot = np.linalg.solve(truth.rotation[0], pivot_places(truth, model)[0] - truth.translation[0])
    turned = truth.rotation @ turn(0, 10, 0)
    kept = truth.rotation @ pivot + truth.translation - turned @ pivot
    moved = replace(truth, rotation=turned, translation=kept)
    np.testing.assert_allclose(pivot_places(moved, model), pivot_places(truth, model), atol=1e-12)
