"""FLAME's file becomes a container that holds its numbers and moves as FLAME does, or is refused with the reason."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from flame_files import LAYOUTS, FakeMatVecMult, dump, flame_arrays, flame_values, write_flame

from headsmith.contract.errors import UserError
from headsmith.heads.container import load_head, save_head
from headsmith.heads.flame_head import FlameFiles, read_flame_head
from headsmith.heads.flame_releases import HASHES, Release, tell_release
from headsmith.heads.flame_source import find_faults, read_flame
from headsmith.heads.model import HeadModel

METADATA = {"expr_source": "FLAME", "supr_gender": "neutral", "expr_components": "last_100", "n_expr": 100}


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


def test_releases_are_told_by_hash_metadata_and_name():
    for start, name in HASHES.items():
        assert tell_release(start.ljust(64, "0"), None, Path("generic_model.pkl")) == Release(name, "sha256")
    assert tell_release("0", METADATA, Path("flame2023.pkl")).name == "2023 Open"
    assert tell_release("0", None, Path("female_model.pkl")).name == "2020 female"
    assert tell_release("0", None, Path("mine.pkl")).told_by == "nothing"


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


def test_joints_that_chumpy_would_compute_are_computed(folder):
    path = write_flame(folder / "derived.pkl", "python2", J=FakeMatVecMult(None))
    assert b"MatVecMult" in path.read_bytes()
    assert np.allclose(read_flame(path).joints, flame_arrays()["J"], atol=1e-12)


def test_a_missing_model_says_where_to_get_it_and_where_to_put_it(tmp_path):
    with pytest.raises(UserError) as caught:
        read_flame_head(FlameFiles(tmp_path / "generic_model.pkl"))
    assert "not there" in caught.value.what
    assert caught.value.file == str(tmp_path / "generic_model.pkl")
    assert "https://flame.is.tue.mpg.de" in caught.value.remedy
    assert f"at {tmp_path / 'generic_model.pkl'}" in caught.value.remedy


def with_number(key, place, number):
    array = np.array(flame_arrays()[key])
    array[place] = number
    return array


FAULTS = {
    "v_template has shape (5022, 3)": lambda: {"v_template": flame_arrays()["v_template"][:-1]},
    "f has shape (9975, 3)": lambda: {"f": flame_arrays()["f"][1:]},
    "shapedirs has shape (5023, 3, 150)": lambda: {"shapedirs": flame_arrays()["shapedirs"][..., :150]},
    "posedirs has shape (5023, 3, 27)": lambda: {"posedirs": flame_arrays()["posedirs"][..., :27]},
    "weights has shape (5023, 4)": lambda: {"weights": flame_arrays()["weights"][:, :4]},
    "J has shape (3, 5)": lambda: {"J": flame_arrays()["J"].T},
    "f holds float32, not whole numbers": lambda: {"f": flame_arrays()["f"].astype(np.float32)},
    "v_template holds int64, not floating": lambda: {"v_template": flame_arrays()["v_template"].astype(np.int64)},
    "v_template holds 1 numbers": lambda: {"v_template": with_number("v_template", (7, 1), np.nan)},
    "posedirs holds 3 numbers": lambda: {"posedirs": with_number("posedirs", (7, slice(0, 3), 1), -np.inf)},
    "shapedirs holds 1 numbers": lambda: {"shapedirs": with_number("shapedirs", (0, 0, 0), 1e300)},
    "f names vertices 0..5023": lambda: {"f": with_number("f", (3, 1), 5023)},
    "f has 1 triangles that name a vertex twice": lambda: {"f": with_number("f", 5, 8)},
    "kintree_table has parents [-1, 0, 1, 2, 1]": lambda: {"kintree_table": with_number("kintree_table", (0, 3), 2)},
    "of joints [0, 1, 2, 4, 3]": lambda: {"kintree_table": with_number("kintree_table", (1, [3, 4]), [4, 3])},
    "weights go down to -0.5": lambda: {"weights": with_number("weights", (9, 0), -0.5)},
    "rows of weights sum to": lambda: {"weights": with_number("weights", (9, 2), 1.5)},
    "rows of J_regressor sum to": lambda: {"J_regressor": 1.01 * flame_arrays()["J_regressor"]},
    "v_template is 1 high": lambda: {"v_template": 4 * flame_arrays()["v_template"]},
    "v_template is 250 high": lambda: {"v_template": 1000 * flame_arrays()["v_template"]},
    "+x is the subject's left": lambda: {"v_template": flame_arrays()["v_template"] * [-1, 1, 1]},
    "+z is out of the face": lambda: {"v_template": flame_arrays()["v_template"] * [1, 1, -1]},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_models_that_are_not_flame_are_refused_with_the_reason(fault):
    told = next(find_faults({**flame_arrays(), **FAULTS[fault]()}, {}), "nothing")
    assert fault in told


def test_the_made_up_head_has_no_faults_in_any_precision():
    arrays = flame_arrays()
    assert not list(find_faults(arrays, {"bs_style": "lbs", "bs_type": "lrotmin"}))
    signed = arrays["kintree_table"].astype(np.int32).astype(np.int64)
    assert not list(find_faults({**arrays, "kintree_table": signed, "weights": arrays["weights"].astype(np.float32)}, {}))
    assert "dqbs" in next(find_faults(arrays, {"bs_style": "dqbs"}))


LIGHT = {"shapedirs": np.zeros((5023, 3, 400), np.float16), "posedirs": np.zeros((5023, 3, 36), np.float16)}
"""Bases that are quick to write."""

REFUSED = {
    "weights is missing; the file has 'J', 'J_regressor'": {"weights": None},
    "v_template cannot be read: it is a str": {"v_template": "mean"},
    "J_regressor cannot be read: it has shape (5, 5022)": {"J_regressor": np.zeros((5, 5022))},
    "no FLAME model that can be used: J holds 1 numbers": {"J": with_number("J", (0, 0), np.nan)},
    "bs_style is 'dqbs', not lbs": {"bs_style": "dqbs"},
    "the expressions are ('first_100', 100)": {"supr_expression_metadata": {**METADATA, "expr_components": "first_100"}},
    "the expressions are ('last_100', 50)": {"supr_expression_metadata": {**METADATA, "n_expr": 50}},
    "supr_expression_metadata is a str": {"supr_expression_metadata": "last_100"},
}


@pytest.mark.parametrize("reason", REFUSED)
def test_files_that_are_not_flame_are_refused_with_the_reason(tmp_path, reason):
    path = tmp_path / "generic_model.pkl"
    changes = {**LIGHT, **REFUSED[reason]}
    words = {key: changes.pop(key) for key in ("bs_style",) if key in changes}
    path.write_bytes(dump(flame_values("old", **changes) | words, "old"))
    with pytest.raises(UserError) as caught:
        read_flame(path)
    assert reason in caught.value.what
    assert caught.value.file == str(path)
    assert caught.value.remedy


def test_the_light_bases_are_no_fault_of_their_own(tmp_path):
    assert read_flame(write_flame(tmp_path / "light.pkl", "old", **LIGHT)).release.name == "unlisted"


def test_no_head_but_the_real_one_stands_in_for_flame():
    room = Path(__file__).parents[2] / "src"
    files = sorted(room.rglob("heads/flame_*.py")) + sorted(room.rglob("heads/pickles_*.py"))
    assert len(files) > 10
    assert not [path for path in files if "dummy" in path.read_text().lower()]
