from dataclasses import replace

import numpy as np
import pytest
import torch
from stages import known_portraits as known

from headsmith.contract.errors import UserError
from headsmith.heads.model import HeadModel
from headsmith.stages.portraits_start import start_portraits


@pytest.fixture(scope="module")
def model():
    return known.known_model()


def distance(fitted, truth, model):
    """Mean distance of landmarks in the picture, pixels."""
    return np.linalg.norm(known.landmarks(fitted, model) - known.landmarks(truth, model), axis=1).mean()


@pytest.mark.parametrize("camera", ["perspective", "weak"])
@pytest.mark.parametrize("convention", ["mediapipe478", "ibug68"])
def test_landmarks_of_both_conventions_are_met_by_both_cameras(model, camera, convention):
    truth = known.known_portrait(model, camera=camera)
    part = known.prepared(truth, model, convention=convention)
    (fitted,) = start_portraits([part], model, replace(known.SETTINGS, camera=camera))
    assert fitted.camera == camera and fitted.convention == convention
    assert distance(fitted, truth, model) < 0.35
    assert known.angle(fitted.rotation, truth.rotation) < 7
    assert abs(fitted.landmark_error) < 1


def test_a_weak_camera_sees_no_perspective_and_a_pinhole_does(model):
    """A picture taken from near: only the pinhole can meet its landmarks."""
    truth = known.known_portrait(model)
    truth = replace(truth, translation=np.array([0.0, 0, 0.35]), focal=130.0)
    part = known.prepared(truth, model)
    errors = {}
    for camera in ("perspective", "weak"):
        (fitted,) = start_portraits([part], model, replace(known.SETTINGS, camera=camera))
        errors[camera] = fitted.landmark_error
    assert errors["perspective"] < 0.7 * errors["weak"]
    assert fitted.translation[2] > 50


def test_codes_beyond_those_that_are_sought_stay_zero(model):
    part = known.prepared(known.known_portrait(model), model)
    (fitted,) = start_portraits([part], model, replace(known.SETTINGS, identity=2, expression=3))
    assert (fitted.identity[2:] == 0).all() and (fitted.expression[3:] == 0).all()
    assert fitted.identity[:2].any() and fitted.expression[:3].any()
    assert len(fitted.identity) == 4 and len(fitted.expression) == 6


def test_a_landmark_without_confidence_has_no_effect_and_one_with_it_has(model):
    part = known.prepared(known.known_portrait(model), model)
    moved, unsure = part.landmarks.copy(), part.confidence.copy()
    moved[100] += 30
    unsure[100] = 0.3
    settings = replace(known.SETTINGS, least_confidence=0.5)
    runs = [replace(part, landmarks=points, confidence=sure) for points in (part.landmarks, moved) for sure in (unsure,)]
    one, other = (start_portraits([run], model, settings)[0] for run in runs)
    np.testing.assert_array_equal(one.identity, other.identity)
    (believed,) = start_portraits([replace(part, landmarks=moved)], model, settings)
    assert not np.array_equal(believed.rotation, one.rotation)


def test_pictures_of_one_person_share_the_identity_alone(model):
    truths = [known.known_portrait(model, f"{turn}", seed=turn, turn=(0.0, 0.2 * turn, 0)) for turn in range(3)]
    fits = start_portraits([known.prepared(truth, model) for truth in truths], model, known.SETTINGS)
    assert all(np.array_equal(fit.identity, fits[0].identity) for fit in fits)
    assert not np.array_equal(fits[0].expression, fits[1].expression)
    for fit, truth in zip(fits, truths, strict=True):
        assert known.angle(fit.rotation, truth.rotation) < 7


def test_what_does_not_go_together_is_told(model):
    part = known.prepared(known.known_portrait(model), model)
    with pytest.raises(UserError, match="no part of the face is called 'chin'"):
        start_portraits([part], model, replace(known.SETTINGS, landmark_parts={"chin": 2.0}))
    with pytest.raises(UserError, match="only 0 landmarks"):
        start_portraits([replace(part, confidence=np.zeros(478))], model, known.SETTINGS)
    with pytest.raises(UserError, match="landmarks are mediapipe478"):
        bare = HeadModel.from_container(replace(model.container, embeddings={}), torch.float32)
        start_portraits([part], bare, known.SETTINGS)
    other = known.prepared(known.known_portrait(model), model, convention="ibug68")
    with pytest.raises(UserError, match="fitted together"):
        start_portraits([part, other], model, known.SETTINGS)
