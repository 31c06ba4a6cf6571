from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from synthetic_head import synthetic_head

from headsmith.heads.container import save_head
from headsmith.heads.model import HeadModel, HeadParameters


@pytest.fixture
def model():
    return HeadModel.from_container(synthetic_head(correctives=True), torch.float64)


def random_parameters(model, *batch, seed=0):
    generator = torch.Generator().manual_seed(seed)
    zero = model.neutral(*batch)
    values = [0.4 * torch.randn(getattr(zero, f.name).shape, generator=generator, dtype=torch.float64) for f in fields(zero)]
    return HeadParameters(*values)


def rodrigues(vector):
    angle = np.linalg.norm(vector)
    if angle == 0:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def slow_forward(head, p):
    """The model again: one vertex at a time, homogeneous matrices, straight from the container."""
    arrays = {name: np.asarray(getattr(head, name), np.float64) for name in ("template", "identity", "expression", "eyelids")}
    shaped = arrays["template"].copy()
    for k, code in enumerate(p.identity.numpy()):
        shaped += code * arrays["identity"][k]
    for k, code in enumerate(p.expression.numpy()):
        shaped += code * arrays["expression"][k]
    joints = head.joint_regressor.astype(np.float64) @ shaped
    for k, code in enumerate(p.eyelids.numpy()):
        shaped += code * arrays["eyelids"][k]
    turns = [np.eye(3), *(rodrigues(v.numpy()) for v in (p.neck, p.jaw, p.eyes[0], p.eyes[1]))]
    features = np.concatenate([(turn - np.eye(3)).ravel() for turn in turns[1:]])
    for row, value in zip(head.correctives.astype(np.float64), features, strict=False):
        shaped += value * row
    world = []
    for joint, parent in enumerate(head.parents):
        local = np.eye(4)
        local[:3, :3] = turns[joint]
        local[:3, 3] = joints[joint] - (joints[parent] if parent >= 0 else 0)
        world.append(local if parent < 0 else world[parent] @ local)
    result = np.zeros_like(shaped)
    for index, point in enumerate(shaped):
        for joint in range(5):
            moved = world[joint][:3, :3] @ (point - joints[joint]) + world[joint][:3, 3]
            result[index] += float(head.weights[index, joint]) * moved
    return result


@pytest.mark.parametrize("correctives", [False, True])
def test_forward_agrees_with_a_slow_loop(correctives):
    head = synthetic_head(correctives=correctives)
    model = HeadModel.from_container(head, torch.float64)
    for seed in range(3):
        parameters = random_parameters(model, seed=seed)
        np.testing.assert_allclose(model(parameters).numpy(), slow_forward(head, parameters), atol=1e-9)


def test_zeros_give_the_template(model):
    assert torch.allclose(model(model.neutral(2)), model.template.expand(2, -1, 3), atol=1e-12)


def test_a_joint_moves_its_own_vertices_rigidly(model):
    plain = HeadModel.from_container(synthetic_head(), torch.float64)
    parameters = plain.neutral()
    angle = torch.tensor([[0.3, -0.2, 0.1], [0.0, 0.0, 0.0]], dtype=torch.float64)
    moved = plain(replace(parameters, eyes=angle))
    ball = plain.weights[:, 3] == 1
    turn = torch.as_tensor(rodrigues(angle[0].numpy()))
    expected = (plain.template[ball] - plain.joints[3]) @ turn.T + plain.joints[3]
    assert torch.allclose(moved[ball], expected, atol=1e-12)
    assert torch.allclose(moved[~ball], plain.template[~ball], atol=1e-12)


def test_leading_shapes_broadcast(model):
    many = random_parameters(model, 3, seed=1)
    one = random_parameters(model, seed=2)
    mixed = replace(many, identity=one.identity, neck=one.neck)
    together = model(mixed)
    for row in range(3):
        single = HeadParameters(one.identity, many.expression[row], many.jaw[row], many.eyes[row], many.eyelids[row], one.neck)
        assert torch.allclose(together[row], model(single), atol=1e-12)


def test_a_slice_gives_exactly_its_rows(model):
    ids = torch.tensor([7, 3, 200, 3])
    small, parameters = model.at(ids), random_parameters(model, 2)
    assert torch.allclose(small(parameters), model(parameters)[:, ids], atol=1e-12)
    assert small.vertex_ids.tolist() == ids.tolist()
    assert small.at(torch.tensor([2])).vertex_ids.tolist() == [200]
    assert small.sha256 == model.sha256


def test_gradients_match_finite_differences(model):
    small = model.at(torch.tensor([0, 80, 150, 200, 230]))
    parameters = random_parameters(model)
    inputs = tuple(getattr(parameters, f.name).requires_grad_() for f in fields(parameters))
    assert torch.autograd.gradcheck(lambda *values: small(HeadParameters(*values)), inputs)


def test_gradients_are_finite_at_rest(model):
    parameters = model.neutral()
    inputs = [getattr(parameters, f.name).requires_grad_() for f in fields(parameters)]
    gradients = torch.autograd.grad(model(parameters).square().sum(), inputs)
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_single_precision_is_close_to_double(model):
    parameters = random_parameters(model, 2)
    single = HeadParameters(*(getattr(parameters, f.name).float() for f in fields(parameters)))
    assert (model.to(torch.float32)(single).double() - model(parameters)).abs().max() < 1e-6


def test_load_reads_what_save_wrote(tmp_path):
    head = synthetic_head()
    save_head(head, tmp_path / "head.npz")
    model = HeadModel.load(tmp_path / "head.npz")
    assert model.sha256 == head.sha256
    assert model.template.dtype == torch.float32
    assert model.faces.shape == head.faces.shape
