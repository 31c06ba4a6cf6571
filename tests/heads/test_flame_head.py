"""FLAME's file becomes a container that holds its numbers and moves as FLAME does, or is refused with the reason."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from flame_files import LAYOUTS, METADATA, flame_arrays, write_flame

from headsmith.contract.errors import UserError
from headsmith.heads.container import load_head, save_head
from headsmith.heads.flame_head import FlameFiles, read_flame_head
from headsmith.heads.model import HeadModel


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("flame")


@pytest.fixture(scope="module")
def models(folder):
    """A file of each layout, of one head."""
    return {layout: write_flame(folder / f"{layout}.pkl", layout) for layout in LAYOUTS}


@pytest.fixture(scope="module")
def model(models, folder):
    return models["new"].rename(folder / "generic_model.pkl")


@pytest.fixture(scope="module")
def made(model):
    """The container and the report of the made-up head."""
    return read_flame_head(FlameFiles(model))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_container_holds_the_files_numbers(models, model, layout):
    path = model if layout == "new" else models[layout]
    head, _ = read_flame_head(FlameFiles(path, without_eyelids=True))
    arrays = {key: array.astype(np.float32) for key, array in flame_arrays().items()}
    assert (head.template == arrays["v_template"]).all()
    assert (head.identity == arrays["shapedirs"].transpose(2, 0, 1)[:300]).all()
    assert (head.expression == arrays["shapedirs"].transpose(2, 0, 1)[300:]).all()
    assert (head.correctives == arrays["posedirs"].transpose(2, 0, 1)).all()
    assert (head.joint_regressor == arrays["J_regressor"]).all()
    assert (head.weights == arrays["weights"]).all()
    assert (head.faces == flame_arrays()["f"]).all()
    assert head.parents.tolist() == [-1, 0, 1, 1, 1]
    assert head.joint_names == ("root", "neck", "jaw", "left_eye", "right_eye")
    assert not head.eyelids.any()


def test_all_layouts_give_the_same_container(models, made):
    others = [read_flame_head(FlameFiles(models[layout]))[0] for layout in ("python2", "old")]
    assert len({replace(head, source_sha256="", licence="").sha256 for head in (made[0], *others)}) == 1


def test_the_container_is_sound_and_comes_back_from_its_file(made, tmp_path):
    save_head(made[0], tmp_path / "flame.npz")
    assert load_head(tmp_path / "flame.npz").sha256 == made[0].sha256


def rodrigues(vector):
    """A rotation matrix from its axis and angle, by the exponential's own series."""
    x, y, z = vector
    generator = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    result, term = np.eye(3), np.eye(3)
    for power in range(1, 40):
        term = term @ generator / power
        result = result + term
    return result


def slow_flame(arrays, shape, expression, pose):
    """FLAME's formula written out with 4 x 4 matrices, one vertex after the other; ``pose`` is five axis-angles."""
    codes = np.concatenate([shape, expression])
    shaped = arrays["v_template"] + sum(code * arrays["shapedirs"][:, :, row] for row, code in enumerate(codes) if code)
    joints = arrays["J_regressor"] @ shaped
    turns = [rodrigues(vector) for vector in pose]
    features = np.concatenate([(turn - np.eye(3)).ravel() for turn in turns[1:]])
    posed = shaped + arrays["posedirs"] @ features
    world = []
    for joint, parent in enumerate((None, 0, 1, 1, 1)):
        local = np.eye(4)
        local[:3, :3] = turns[joint]
        local[:3, 3] = joints[joint] - (0 if parent is None else joints[parent])
        world.append(local if parent is None else world[parent] @ local)
    for joint, matrix in enumerate(world):
        matrix[:3, 3] -= matrix[:3, :3] @ joints[joint]
    found = []
    for weights, vertex in zip(arrays["weights"], posed, strict=True):
        blended = sum(weight * matrix for weight, matrix in zip(weights, world, strict=True))
        found.append(blended[:3] @ [*vertex, 1])
    return np.array(found)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
def test_the_model_moves_by_flames_formula(made, dtype, tolerance):
    chance = np.random.default_rng(5)
    head = HeadModel.from_container(made[0], dtype)
    shape, expression = chance.normal(size=300), chance.normal(size=100)
    pose = np.concatenate([np.zeros((1, 3)), 0.4 * chance.normal(size=(4, 3))])
    as_tensor = {
        "identity": shape,
        "expression": expression,
        "neck": pose[1],
        "jaw": pose[2],
        "eyes": pose[3:],
    }
    parameters = replace(head.neutral(), **{name: torch.as_tensor(value, dtype=dtype) for name, value in as_tensor.items()})
    single = {key: array.astype(np.float32).astype(np.float64) for key, array in flame_arrays().items()}
    expected = slow_flame(single, shape, expression, pose)
    assert np.abs(expected - single["v_template"]).max() > 0.02
    assert np.abs(head(parameters).numpy() - expected).max() < tolerance


def test_the_open_release_is_told_by_its_metadata_and_keeps_its_licence(folder):
    path = write_flame(folder / "flame2023.pkl", "old", supr_expression_metadata=METADATA)
    head, report = read_flame_head(FlameFiles(path, without_eyelids=True))
    assert (report.release, report.told_by) == ("2023 Open", "metadata")
    assert "CC BY 4.0" in head.licence
    assert not any("release" in note for note in report.notes)


def test_what_is_not_known_is_said(made):
    head, report = made
    assert (report.release, report.told_by) == ("2020 generic", "file name")
    assert "may be passed on" in head.licence
    assert any("by its file's name" in note for note in report.notes)
    assert any("eyelids were made" in note for note in report.notes)
    assert any("unwrapping of our own" in note for note in report.notes)
    assert report.sha256 == {"model": head.source_sha256}
    assert report.joint_miss < 1e-12


def test_a_missing_model_says_where_to_get_it_and_where_to_put_it(tmp_path):
    with pytest.raises(UserError) as caught:
        read_flame_head(FlameFiles(tmp_path / "generic_model.pkl"))
    assert "not there" in caught.value.what
    assert caught.value.file == str(tmp_path / "generic_model.pkl")
    assert "https://flame.is.tue.mpg.de" in caught.value.remedy
    assert f"at {tmp_path / 'generic_model.pkl'}" in caught.value.remedy
