"""Landmarks from the vertices that carry them alone, with places that stay and places that slide."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from synthetic_head import synthetic_head

from headsmith.heads.embedding_contour import head_yaw, nearest_rows
from headsmith.heads.embedding_model import EmbeddedModel
from headsmith.heads.embedding_types import Contour
from headsmith.heads.model import HeadModel, HeadParameters
from headsmith.maths.rotations import axis_angle_to_matrix

NAME = "mediapipe478"
FLIP = torch.diag(torch.tensor([1.0, -1, -1], dtype=torch.float64))
POINTS = (3, 30, 200, 477)


def contoured():
    """A head whose contour has 79 rows, as FLAME's."""
    head, chance = synthetic_head(correctives=True), np.random.default_rng(1)
    faces = chance.integers(0, len(head.faces), (79, len(POINTS))).astype(np.int32)
    weights = chance.dirichlet((1, 1, 1), faces.shape).astype(np.float32)
    yaws = np.deg2rad(np.arange(-39.0, 40.0))
    return head.with_contour(NAME, Contour(np.array(POINTS, np.int32), yaws, faces, weights))


@pytest.fixture
def model():
    return HeadModel.from_container(contoured(), torch.float64)


def random_parameters(model, *batch):
    generator = torch.Generator().manual_seed(0)
    zero = model.neutral(*batch)
    values = [0.4 * torch.randn(getattr(zero, f.name).shape, generator=generator, dtype=torch.float64) for f in fields(zero)]
    return HeadParameters(*values)


def on_full_mesh(model, parameters, embedding):
    vertices, found = model(parameters).numpy(), []
    for face, weights in zip(embedding.faces, embedding.barycentrics.astype(np.float64), strict=True):
        corners = model.container.faces[face]
        found.append(sum(weight * vertices[..., corner, :] for weight, corner in zip(weights, corners, strict=True)))
    return np.stack(found, -2)


@pytest.mark.parametrize("batch", [(), (3,), (2, 2)])
def test_landmarks_are_those_of_the_full_mesh(model, batch):
    small, parameters = EmbeddedModel.from_head(model, NAME), random_parameters(model, *batch)
    assert len(small.model.template) < len(model.template)
    expected = on_full_mesh(model, parameters, model.container.embeddings[NAME])
    np.testing.assert_allclose(small(parameters).numpy(), expected, atol=1e-12)
    np.testing.assert_array_equal(small.points, model.container.embeddings[NAME].points)


def test_gradients_match_finite_differences(model):
    head = replace(model.container, embeddings={NAME: model.container.embeddings[NAME].take((3, 30, 200, 477))})
    small = EmbeddedModel.from_head(HeadModel.from_container(head, torch.float64), NAME, sliding=True)
    parameters = random_parameters(model)
    inputs = tuple(getattr(parameters, f.name).requires_grad_() for f in fields(parameters))
    yaw = torch.tensor(0.3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda *values: small(HeadParameters(*values), yaw), inputs)


def turned(yaw, pitch, roll):
    about = axis_angle_to_matrix(torch.tensor([[0, yaw, 0], [pitch, 0, 0], [0, 0, roll]], dtype=torch.float64))
    return about[2] @ about[0] @ about[1]


def flames_row(turn):
    """The rule of FLAME's authors, with their numbering: 0..39 for turns to the left, 40..78 for -1..-39 degrees."""
    theta = round(float(np.degrees(np.arctan2(-turn[2, 0], np.hypot(turn[0, 0], turn[1, 0])))))
    theta = max(-39, min(39, theta))
    return theta if theta >= 0 else 39 - theta


def test_the_nearest_yaw_is_flames_own_choice(model):
    """The rows are FLAME's, put in the order of their yaws."""
    rows_of_flame = [*range(78, 39, -1), *range(40)]
    yaws = torch.as_tensor(model.container.contours[NAME].yaws)
    chance, chosen = np.random.default_rng(2), set()
    for yaw, pitch, roll in chance.uniform(-1, 1, (300, 3)) * (1.2, 0.5, 0.5):
        turn = turned(yaw, pitch, roll)
        row = int(nearest_rows(yaws, head_yaw(FLIP @ turn)))
        assert rows_of_flame[row] == flames_row(turn.numpy())
        chosen.add(row)
    assert len(chosen) > 60


def test_a_yaw_is_to_the_subjects_left_and_does_not_depend_on_pitch_and_roll():
    for angle in (-1.2, -0.3, 0.0, 0.8):
        assert float(head_yaw(FLIP @ turned(angle, 0.0, 0.0))) == pytest.approx(angle, abs=1e-12)
        assert float(head_yaw(FLIP @ turned(angle, 0.4, -0.7))) == pytest.approx(angle, abs=1e-12)


def test_a_head_beside_the_axis_is_seen_from_its_side():
    """To the camera's right, a head that looks along the axis shows its own right: as if turned to its left."""
    position = torch.tensor([[0.5, 0, 0.5], [0, 0, 2], [0, 1, 1]], dtype=torch.float64)
    assert torch.allclose(head_yaw(FLIP, position), torch.tensor([np.pi / 4, 0, 0], dtype=torch.float64), atol=1e-12)


def test_points_slide_and_the_others_stay(model):
    small, parameters = EmbeddedModel.from_head(model, NAME, sliding=True), random_parameters(model, 3)
    contour = model.container.contours[NAME]
    yaw = torch.tensor([-2.0, 0.104, 0.61], dtype=torch.float64)
    points = small(parameters, yaw).numpy()
    stay = np.setdiff1d(np.arange(478), POINTS)
    expected = on_full_mesh(model, parameters, model.container.embeddings[NAME])
    np.testing.assert_allclose(points[:, stay], expected[:, stay], atol=1e-12)
    for frame, row in enumerate((0, 45, 74)):
        places = on_full_mesh(model, parameters, contour.at(float(yaw[frame])))
        np.testing.assert_array_equal(contour.at(float(yaw[frame])).faces, contour.faces[row])
        np.testing.assert_allclose(points[frame, list(POINTS)], places[frame], atol=1e-12)


def test_one_person_at_many_yaws_has_as_many_contours(model):
    small = EmbeddedModel.from_head(model, NAME, sliding=True)
    yaws = torch.linspace(-0.5, 0.5, 4, dtype=torch.float64)
    together = small(model.neutral(), yaws)
    assert together.shape == (4, 478, 3)
    assert torch.allclose(together[2], small(model.neutral(), yaws[2]), atol=1e-12)


def test_sliding_needs_a_yaw_and_a_contour(model):
    with pytest.raises(ValueError, match="yaw"):
        EmbeddedModel.from_head(model, NAME, sliding=True)(model.neutral())
    with pytest.raises(ValueError, match="yaw"):
        EmbeddedModel.from_head(model, NAME)(model.neutral(), torch.zeros(()).double())
    with pytest.raises(KeyError):
        EmbeddedModel.from_head(model, "ibug68")


def test_landmarks_follow_precision_and_device(model):
    small = EmbeddedModel.from_head(model, NAME, sliding=True)
    parameters, yaw = random_parameters(model, 2), torch.zeros(2).double()
    single = small.to(torch.float32)(parameters.to(torch.float32), yaw.float())
    assert (single.double() - small(parameters, yaw)).abs().max() < 1e-6
    there = small.to(device="meta")(parameters.to(device="meta"), yaw.to("meta"))
    assert (there.device.type, there.shape) == ("meta", (2, 478, 3))
    assert EmbeddedModel.from_head(model.to(torch.float32), NAME).barycentrics.dtype == torch.float32
