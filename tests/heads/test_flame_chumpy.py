"""Reading with the real chumpy: nothing hostile reaches it, and its own files are read by our own machine as well.

Skipped where chumpy is not at hand; ``tests/environments`` runs this in two environments that have it.
"""

import pickle
import subprocess

import numpy as np
import pytest
from flame_files import LIGHT, FakeCh, FakeMatVecMult, dump, flame_arrays, flame_values
from scipy import sparse

from headsmith.contract.errors import UserError
from headsmith.heads import flame_chumpy
from headsmith.heads.flame_chumpy import Unpickler, find_modules, known_names, read_flame_by_chumpy
from headsmith.heads.flame_file import ARRAYS
from headsmith.heads.flame_source import read_flame
from headsmith.heads.pickles_values import Refusal
from tests.heads.test_flame_hostile import CH, GLOBALS, HIDDEN, TRICKS, Hostile
from tests.heads.test_flame_pickles import CLAIMS, crafted

chumpy = pytest.importorskip("chumpy")


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """A function that has chumpy read bytes, which must be refused before anything is unpickled, and returns the reason."""

    def run(*_):
        raise AssertionError("the pickle was unpickled, or ran something")

    def reason(content):
        path = tmp_path / "generic_model.pkl"
        path.write_bytes(content)
        for target in ("os.system", "builtins.eval", "subprocess.Popen"):
            monkeypatch.setattr(target, run)
        monkeypatch.setattr(flame_chumpy, "Unpickler", run)
        with pytest.raises(UserError) as caught:
            read_flame_by_chumpy(path)
        assert caught.value.remedy
        return caught.value.what

    return reason


@pytest.mark.parametrize("name", GLOBALS)
def test_globals_outside_the_list_are_refused_by_name(refused, name):
    assert f"`{name}`" in refused(GLOBALS[name])


@pytest.mark.parametrize("trick", TRICKS)
def test_tricks_are_refused_with_the_reason(refused, trick):
    content, reason = TRICKS[trick]
    assert reason in refused(content)


@pytest.mark.parametrize("place", HIDDEN)
def test_hostile_values_are_refused_wherever_they_hide(refused, place):
    assert "builtins.eval`" in refused(dump(HIDDEN[place](Hostile())))


@pytest.mark.parametrize("claim", CLAIMS)
def test_arrays_that_claim_what_they_are_not_never_reach_numpy(refused, claim):
    content, reason = CLAIMS[claim]
    assert reason in refused(content)


def test_what_is_dropped_again_is_looked_at_too(refused):
    dropped = crafted(kind="S'O8'\n").removeprefix(b"(dS'x'\n").removesuffix(b"s.") + b"0"
    assert "'O8', not plain numbers" in refused(b"(dS'x'\n" + dropped + b"Ns.")


def test_matrices_and_objects_that_could_do_harm_are_refused(refused):
    matrix = sparse.csc_matrix(np.eye(2))
    matrix.indices = np.array([0, 10**6])
    assert "entries at 0..1000000 of 2" in refused(dump({"J_regressor": matrix}))
    assert "with arguments" in refused(b"(dS'x'\n" + CH + b"(K\x01t\x81s.")
    large = crafted().replace(b"(K\x00tS'b'\n", b"(J\x00\xca\x9a\x3btS'b'\n")
    assert "in another way than numpy's" in refused(large)
    assert "1001 objects" in refused(b"(d" + b"S'x'\n" + b"]" + (CH + b")\x81}ba") * 1001 + b"s.")


@pytest.mark.parametrize("module", ["os", "posix", "builtins", "chumpy.ch", "numpy", "scipy.sparse.csc"])
def test_the_unpickler_itself_finds_nothing_else(module):
    known = known_names(find_modules())
    for name in ("system", "eval", "getattr", "load", "np", "Ch.__init__", "type"):
        with pytest.raises(Refusal, match=rf"asks for `{module}\.{name}`"):
            Unpickler(f"c{module}\n{name}\n.".encode(), known).load()


def test_what_it_finds_are_classes_of_data_and_those_who_make_arrays():
    known = known_names(find_modules())
    assert known["chumpy.ch", "Ch"] is chumpy.ch.Ch
    assert known["scipy.sparse.csc", "csc_matrix"] is known["scipy.sparse._csc", "csc_matrix"] is sparse.csc_matrix
    assert known["numpy.core.multiarray", "_reconstruct"] is known["numpy._core.multiarray", "_reconstruct"]
    functions = {found.__name__ for found in known.values() if not isinstance(found, type)}
    assert functions == {"_reconstruct", "_frombuffer", "scalar", "encode", "_reconstructor", "__newobj__"}
    assert subprocess.Popen not in known.values()


def real(protocol, **changes):
    """A file that chumpy itself has written."""
    arrays = {**flame_arrays(), **LIGHT}
    regressor = sparse.csc_matrix(arrays["J_regressor"])
    values = {**flame_values("new", **LIGHT), **{key: chumpy.array(arrays[key]) for key in ("v_template", "weights")}}
    threefold = sparse.kron(regressor, sparse.eye(3)).tocsc()
    values["J"] = chumpy.ch.MatVecMult(threefold, values["v_template"])
    assert np.allclose(values["J"].r, arrays["J"], atol=1e-12)
    return pickle.dumps({**values, **{key: change(arrays) for key, change in changes.items()}}, protocol)


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_files_that_chumpy_wrote_are_the_same_to_both(tmp_path, protocol):
    path = tmp_path / "generic_model.pkl"
    path.write_bytes(real(protocol))
    ours, theirs = read_flame(path), read_flame_by_chumpy(path)
    assert (ours.template == flame_arrays()["v_template"]).all()
    for name in ARRAYS:
        assert getattr(ours, name).dtype == getattr(theirs, name).dtype
        assert getattr(ours, name).tobytes() == getattr(theirs, name).tobytes()


def test_what_chumpy_has_to_compute_it_computes_and_our_machine_says_so(tmp_path):
    path = tmp_path / "generic_model.pkl"
    path.write_bytes(real(2, weights=lambda arrays: chumpy.array(2 * arrays["weights"]) / 2))
    assert (read_flame_by_chumpy(path).weights == flame_arrays()["weights"]).all()
    with pytest.raises(UserError, match=r"`chumpy\.ch_ops\.divide`, which chumpy itself would have to compute.*heads\.reader"):
        read_flame(path)


def test_what_chumpy_cannot_compute_is_told(tmp_path):
    path = tmp_path / "generic_model.pkl"
    values = {**flame_values("new", **LIGHT), "weights": FakeCh(None)}
    path.write_bytes(dump(values))
    with pytest.raises(UserError, match="weights cannot be read: it is a NoneType"):
        read_flame_by_chumpy(path)
    path.write_bytes(dump({**values, "weights": FakeMatVecMult(None)}))
    with pytest.raises(UserError, match="weights cannot be read: chumpy cannot compute it"):
        read_flame_by_chumpy(path)
