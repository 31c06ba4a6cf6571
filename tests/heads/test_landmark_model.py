import pytest
import torch
from synthetic_head import synthetic_head

from headsmith.contract.landmark_groups import CONVENTION
from headsmith.heads.landmark_model import LandmarkModel
from headsmith.heads.model import HeadModel, HeadParameters

BATCH = 3


@pytest.fixture(params=[False, True], ids=["plain", "correctives"])
def head(request):
    return HeadModel.from_container(synthetic_head(correctives=request.param), torch.float64)


@pytest.fixture
def landmarks(head):
    embedding = head.container.embeddings[CONVENTION]
    faces, weights = torch.from_numpy(embedding.faces).long(), torch.from_numpy(embedding.barycentrics)
    return LandmarkModel.from_head(head, faces, weights)


def random_codes(landmarks):
    generator = torch.Generator().manual_seed(1)
    identity = torch.randn(len(landmarks.identity), generator=generator, dtype=torch.float64)
    return identity, 0.4 * torch.randn(BATCH, landmarks.layout.count, generator=generator, dtype=torch.float64)


def parameters(head, identity, codes):
    number = len(head.expression)
    expression, lids, jaw, eyes = codes.split([number, 2, 3, 6], -1)
    identity = identity.expand(len(codes), -1)
    return HeadParameters(identity, expression, jaw, eyes.unflatten(-1, (2, 3)), lids, torch.zeros_like(jaw))


def test_landmarks_are_those_of_the_full_mesh(head, landmarks):
    identity, codes = random_codes(landmarks)
    embedding = head.container.embeddings[CONVENTION]
    corners = head(parameters(head, identity, codes))[:, head.faces[torch.from_numpy(embedding.faces).long()]]
    expected = (corners * torch.from_numpy(embedding.barycentrics)[..., None]).sum(-2)
    assert torch.allclose(landmarks.points(identity, codes), expected, atol=1e-12)


def test_jacobians_agree_with_finite_differences(landmarks):
    identity, codes = random_codes(landmarks)
    jacobian, step = landmarks.jacobian(identity, codes), 1e-6
    for column in range(landmarks.layout.count):
        change = torch.zeros_like(codes)
        change[:, column] = step
        slope = (landmarks.points(identity, codes + change) - landmarks.points(identity, codes - change)) / (2 * step)
        assert torch.allclose(jacobian.codes[..., column].mT, slope, atol=1e-10), column
    for column in range(len(identity)):
        change = torch.zeros_like(identity)
        change[column] = step
        slope = (landmarks.points(identity + change, codes) - landmarks.points(identity - change, codes)) / (2 * step)
        assert torch.allclose(jacobian.identity[..., column].mT, slope, atol=1e-10), column


def test_every_code_moves_some_landmark(landmarks):
    identity, codes = random_codes(landmarks)
    jacobian = landmarks.jacobian(identity, codes)
    assert (jacobian.codes.abs().amax((0, 1, 2)) > 1e-5).all()
    assert (jacobian.identity.abs().amax((0, 1, 2)) > 1e-5).all()
