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


def to_rows(vector):
    """The first two rows of a rotation's matrix, by a series."""
    return torch.as_tensor(np.stack([rodrigues(entry.numpy())[:2].ravel() for entry in vector.reshape(-1, 3)])).reshape(
        *vector.shape[:-1], 6
    )


def test_rotations_as_rows_are_the_same_rotations(model):
    parameters = random_parameters(model, 2, seed=3)
    turned = {name: to_rows(getattr(parameters, name)) for name in ("jaw", "eyes", "neck")}
    expected = model(parameters)
    assert torch.allclose(model(replace(parameters, **turned)), expected, atol=1e-12)
    for name in turned:
        assert torch.allclose(model(replace(parameters, **{name: turned[name]})), expected, atol=1e-12)
    stretched = turned["jaw"] * torch.tensor([2.0, 2, 2, 0.5, 0.5, 0.5]) + torch.tensor([0.0, 0, 0, 1, 1, 1]) * torch.cat(
        [torch.zeros(2, 3), turned["jaw"][:, :3]], -1
    )
    assert torch.allclose(model(replace(parameters, jaw=stretched)), expected, atol=1e-12)


def test_rotations_of_another_size_are_refused(model):
    with pytest.raises(ValueError, match="9 numbers"):
        model(replace(model.neutral(), jaw=torch.zeros(9, dtype=torch.float64)))


def test_gradients_by_rows_match_finite_differences(model):
    small = model.at(torch.tensor([0, 80, 150, 230]))
    parameters = random_parameters(model, seed=4)
    turned = replace(parameters, **{name: to_rows(getattr(parameters, name)) for name in ("jaw", "eyes", "neck")})
    inputs = tuple(getattr(turned, f.name).requires_grad_() for f in fields(turned))
    assert torch.autograd.gradcheck(lambda *values: small(HeadParameters(*values)), inputs)


def quarter(axis):
    """A quarter of a turn, and its matrix."""
    vector = torch.zeros(3, dtype=torch.float64)
    vector[axis] = np.pi / 2
    matrices = ([[1, 0, 0], [0, 0, -1], [0, 1, 0]], [[0, 0, 1], [0, 1, 0], [-1, 0, 0]], [[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    return vector, torch.tensor(matrices[axis], dtype=torch.float64)


@pytest.mark.parametrize("axis", range(3))
def test_a_quarter_turn_of_each_joint_is_a_permutation_about_it(axis):
    plain = HeadModel.from_container(synthetic_head(), torch.float64)
    vector, matrix = quarter(axis)
    rest, joints, still = plain.template, plain.joints, plain.neutral()
    jaw = plain(replace(still, jaw=vector))
    share = plain.weights[:, 2:3]
    assert torch.allclose(jaw, rest + share * ((rest - joints[2]) @ matrix.T + joints[2] - rest), atol=1e-12)
    both = plain(replace(still, neck=vector, eyes=torch.stack([torch.zeros(3), vector]).double()))
    ball = plain.weights[:, 4] == 1
    about_eye = (rest[ball] - joints[4]) @ matrix.T + joints[4]
    assert torch.allclose(both[ball], (about_eye - joints[1]) @ matrix.T + joints[1], atol=1e-12)
    carried = plain.weights[:, 1] == 1
    assert torch.allclose(both[carried], (rest[carried] - joints[1]) @ matrix.T + joints[1], atol=1e-12)


def test_turned_back_the_head_is_at_rest_but_for_its_correctives():
    plain = HeadModel.from_container(synthetic_head(), torch.float64)
    parameters = random_parameters(plain, seed=6)
    whole = replace(parameters, neck=parameters.neck * (1 + 2 * np.pi / parameters.neck.norm()))
    assert torch.allclose(plain(whole), plain(parameters), atol=1e-12)


@pytest.mark.parametrize("batch", [(), (1,), (2, 3), (4, 1, 2)])
def test_any_leading_shape_gives_the_same_rows(model, batch):
    parameters = random_parameters(model, *batch, seed=5)
    together = model(parameters)
    assert together.shape == (*batch, len(model.template), 3)
    assert together.is_contiguous()
    for place in np.ndindex(batch):
        single = HeadParameters(*(getattr(parameters, f.name)[place] for f in fields(parameters)))
        assert torch.allclose(together[place], model(single), atol=1e-12)


def test_every_mixture_of_shared_codes_gives_the_same(model):
    one, many = random_parameters(model, seed=7), random_parameters(model, 3, seed=8)
    names = [f.name for f in fields(many)]
    for shared in range(1, 2 ** len(names) - 1):
        mixed = {name: getattr(one if shared >> bit & 1 else many, name) for bit, name in enumerate(names)}
        spread = {name: value.expand(3, *getattr(one, name).shape) for name, value in mixed.items()}
        assert torch.allclose(model(HeadParameters(**mixed)), model(HeadParameters(**spread)), atol=1e-12)


def test_the_bases_are_parts_of_one(model):
    head = model.container
    for name in ("identity", "expression", "eyelids", "correctives"):
        np.testing.assert_array_equal(getattr(model, name).numpy(), getattr(head, name).astype(np.float64))
        assert getattr(model, name).data_ptr() >= model.basis.data_ptr()


def test_nothing_leaves_the_device_of_the_head(model):
    """On ``meta``, a tensor of another device among those of a sum is an error: this stands for a GPU."""
    there = model.to(device="meta")
    parameters = random_parameters(model, 2).to(device="meta")
    assert {there.neutral(2).jaw.device, there.faces.device, there.vertex_ids.device} == {torch.device("meta")}
    assert there(parameters).device == torch.device("meta")
    assert there.shaped(there.neutral()).shape == model.template.shape
    rows = replace(parameters, jaw=torch.zeros(2, 6, device="meta", dtype=torch.float64))
    assert there.to(torch.float32)(rows.to(torch.float32)).dtype == torch.float32
    assert there.template.dtype == torch.float64
