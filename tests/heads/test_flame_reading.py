"""FLAME's file is read by every reader that is at hand: what it holds, or the reason why not.

With chumpy at hand (``tests/environments`` sees to that) the reader that uses it is held to the same. torch is not needed here.
"""

import hashlib
import importlib.util
from pathlib import Path

import numpy as np
import pytest
from flame_files import LAYOUTS, LIGHT, METADATA, FakeMatVecMult, dump, flame_arrays, flame_values, write_flame

from headsmith.contract.errors import UserError
from headsmith.contract.exchange import FLAME_HEADS
from headsmith.contract.flame import TITLES
from headsmith.contract.settings import HeadsSettings
from headsmith.heads.flame_chumpy import read_flame_by_chumpy
from headsmith.heads.flame_file import ARRAYS, load_source, npy_bytes
from headsmith.heads.flame_releases import HASHES, HEAD_OF, Release, tell_release
from headsmith.heads.flame_source import find_faults, read_flame
from headsmith.stages.flame import read_flame as run

CHUMPY = importlib.util.find_spec("chumpy") is not None
READERS = {"restricted": read_flame} | ({"chumpy": read_flame_by_chumpy} if CHUMPY else {})


HALF = {key: flame_arrays()[key].astype(np.float16) for key in LIGHT}
"""Bases that are quicker to write, and hold something."""


@pytest.fixture(params=READERS)
def read(request):
    """A reader of FLAME's file."""
    return READERS[request.param]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A file of each layout, of one head."""
    folder = tmp_path_factory.mktemp("flame")
    return {layout: write_flame(folder / f"{layout}.pkl", layout, **HALF) for layout in LAYOUTS}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_file_is_read_exactly(models, read, layout):
    source, arrays = read(models[layout]), {**flame_arrays(), **HALF}
    names = {"template": "v_template", "directions": "shapedirs", "correctives": "posedirs", "joint_regressor": "J_regressor"}
    for name, key in {**names, "joints": "J", "weights": "weights", "faces": "f"}.items():
        assert (getattr(source, name) == arrays[key]).all(), name
    assert source.sha256 == hashlib.sha256(models[layout].read_bytes()).hexdigest()


def test_other_precisions_stay_what_they_are(tmp_path, read):
    weights = flame_arrays()["weights"].astype(np.float32)
    source = read(write_flame(tmp_path / "generic_model.pkl", "python2", weights=weights, **LIGHT))
    assert (source.weights.dtype, source.directions.dtype) == (np.float32, np.float16)


def test_releases_are_told_by_hash_metadata_and_name():
    for start, name in HASHES.items():
        assert tell_release(start.ljust(64, "0"), None, Path("generic_model.pkl")) == Release(name, "sha256")
    assert tell_release("0", METADATA, Path("flame2023.pkl")).name == "2023 Open"
    assert tell_release("0", None, Path("female_model.pkl")).name == "2020 female"
    assert tell_release("0", None, Path("mine.pkl")).told_by == "nothing"


def test_joints_that_chumpy_would_compute_are_computed(tmp_path, read):
    path = write_flame(tmp_path / "derived.pkl", "python2", J=FakeMatVecMult(None), **LIGHT)
    assert b"MatVecMult" in path.read_bytes()
    assert np.allclose(read(path).joints, flame_arrays()["J"], atol=1e-12)


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
    "rows of J_regressor sum to": lambda: {"J_regressor": 1.02 * flame_arrays()["J_regressor"]},
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


def test_what_a_fit_leaves_is_no_fault():
    arrays = {"J_regressor": 1.005 * flame_arrays()["J_regressor"], "weights": with_number("weights", (9, 4), -5e-4)}
    assert not list(find_faults({**flame_arrays(), **arrays}, {}))


REFUSED = {
    "weights is missing; the file has 'J', 'J_regressor'": {"weights": None},
    "v_template cannot be read: it is a str": {"v_template": "mean"},
    "J_regressor cannot be read: it has shape (5, 5022)": {"J_regressor": np.zeros((5, 5022))},
    "no FLAME model that can be used: J holds 1 numbers": {"J": with_number("J", (0, 0), np.nan)},
    "v_template has shape (5022, 3), not (5023, 3)": {"v_template": flame_arrays()["v_template"][1:]},
    "weights holds 1 numbers that are not finite": {"weights": with_number("weights", (5, 1), np.inf)},
    "f names vertices 0..5023, but there are 5023": {"f": with_number("f", (3, 1), 5023)},
    "kintree_table has parents [-1, 0, 1, 2, 1]": {"kintree_table": with_number("kintree_table", (0, 3), 2)},
    "bs_style is 'dqbs', not lbs": {"bs_style": "dqbs"},
    "the expressions are ('first_100', 100)": {"supr_expression_metadata": {**METADATA, "expr_components": "first_100"}},
    "the expressions are ('last_100', 50)": {"supr_expression_metadata": {**METADATA, "n_expr": 50}},
    "supr_expression_metadata is a str": {"supr_expression_metadata": "last_100"},
}


@pytest.mark.parametrize("reason", REFUSED)
def test_files_that_are_not_flame_are_refused_with_the_reason(tmp_path, read, reason):
    path = tmp_path / "generic_model.pkl"
    changes = {**LIGHT, **REFUSED[reason]}
    words = {key: changes.pop(key) for key in ("bs_style",) if key in changes}
    path.write_bytes(dump(flame_values("old", **changes) | words, "old"))
    with pytest.raises(UserError) as caught:
        read(path)
    assert reason in caught.value.what
    assert caught.value.file == str(path)
    assert caught.value.remedy


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_file_that_was_cut_off_is_refused(models, tmp_path, read, layout):
    path = tmp_path / "generic_model.pkl"
    path.write_bytes(models[layout].read_bytes()[:-1000])
    with pytest.raises(UserError, match=r"broken or cut off|ends after"):
        read(path)


def test_the_light_bases_are_no_fault_of_their_own(tmp_path, read):
    assert read(write_flame(tmp_path / "light.pkl", "old", **LIGHT)).release.name == "unlisted"


def test_the_heads_of_the_contract_are_those_of_the_files():
    assert tuple(TITLES) == FLAME_HEADS
    assert {*HEAD_OF.values()} == {*FLAME_HEADS}
    assert {*HASHES.values()} <= {*HEAD_OF}


@pytest.mark.parametrize(
    ("name", "metadata", "head", "reason"),
    [
        ("generic_model.pkl", None, "flame2023", "FLAME 2020 generic, told by its file name: the head flame2020"),
        ("male_model.pkl", None, "flame2020", None),
        ("mine.pkl", None, "flame2023_open", None),
        ("flame2023.pkl", METADATA, "flame2023", "FLAME 2023 Open, told by its metadata: the head flame2023_open"),
        ("flame2023.pkl", METADATA, "flame2023_open", None),
        ("flame2023_no_jaw.pkl", None, "flame2023", None),
    ],
)
def test_a_file_of_another_release_is_refused(tmp_path, name, metadata, head, reason):
    path = write_flame(tmp_path / name, "old", supr_expression_metadata=metadata, **LIGHT)
    output = tmp_path / "read.npz"
    if reason is None:
        run(head=head, model=path, output=output, settings=HeadsSettings())
        assert load_source(output, path).path == path
        return
    with pytest.raises(UserError, match=reason) as caught:
        run(head=head, model=path, output=output, settings=HeadsSettings())
    assert f"heads.{head}" in caught.value.remedy
    assert not output.exists()


def test_what_was_read_comes_back_from_its_file(models, tmp_path):
    source, output = read_flame(models["new"]), tmp_path / "read.npz"
    run(head="flame2023", model=models["new"], output=output, settings=HeadsSettings())
    found = load_source(output, models["new"])
    assert (found.path, found.sha256, found.release) == (source.path, source.sha256, source.release)
    for name in ARRAYS:
        assert getattr(found, name).dtype == getattr(source, name).dtype
        assert (getattr(found, name) == getattr(source, name)).all()


def test_the_file_of_what_was_read_depends_on_its_content_alone(models, tmp_path):
    outputs = [tmp_path / "a.npz", tmp_path / "deep/b.npz"]
    for output in outputs:
        run(head="flame2020", model=models["python2"], output=output, settings=HeadsSettings())
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


@pytest.mark.parametrize(
    "array", [np.arange(6.0).reshape(2, 3).T, np.array("2020 generic"), np.arange(3, dtype=">u4"), np.zeros(0)]
)
def test_arrays_are_written_as_numpy_reads_them(tmp_path, array):
    (tmp_path / "x.npy").write_bytes(npy_bytes(array))
    found = np.load(tmp_path / "x.npy", allow_pickle=False)
    assert (found.dtype, found.shape) == (array.dtype.newbyteorder("<"), array.shape)
    assert (found == array).all()


def test_a_broken_file_of_what_was_read_is_told(tmp_path):
    with pytest.raises(UserError, match="not there"):
        load_source(tmp_path / "none.npz", "model.pkl")
    (tmp_path / "read.npz").write_bytes(b"PK")
    with pytest.raises(UserError, match="is broken"):
        load_source(tmp_path / "read.npz", "model.pkl")
    np.savez(tmp_path / "read.npz", template=np.zeros(3))
    with pytest.raises(UserError, match="is broken"):
        load_source(tmp_path / "read.npz", "model.pkl")


@pytest.mark.skipif(CHUMPY, reason="chumpy is at hand here")
@pytest.mark.parametrize("reader", ["chumpy", "patched"])
def test_without_chumpy_the_reader_that_needs_it_says_what_to_do(models, tmp_path, reader):
    with pytest.raises(UserError, match="chumpy, which cannot be imported") as caught:
        run(head="flame2020", model=models["new"], output=tmp_path / "x.npz", settings=HeadsSettings(reader=reader))
    assert "--use-conda" in caught.value.remedy and "heads.reader: restricted" in caught.value.remedy
