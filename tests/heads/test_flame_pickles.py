"""Pickles are read as plain data: arrays, sparse matrices and chumpy's arrays, of any protocol and layout."""

import functools
import pickle

import numpy as np
import pytest
from flame_files import LAYOUTS, FakeCh, dump, read_content
from scipy import sparse

from headsmith.contract.errors import UserError
from headsmith.heads.pickles_arrays import as_array, as_matrix
from headsmith.heads.pickles_file import read_pickle

CHANCE = np.random.default_rng(3)
ARRAYS = {
    "float": CHANCE.normal(size=(4, 3)),
    "columns": np.asfortranarray(CHANCE.normal(size=(4, 3)).astype(np.float32)),
    "strided": CHANCE.normal(size=(3, 4, 5)).transpose(1, 0, 2),
    "big_endian": np.arange(5, dtype=">i4"),
    "unsigned": np.array([[2**32 - 1, 0], [1, 1]], np.uint32),
    "half": np.arange(3, dtype=np.float16),
    "bytes": np.arange(256, dtype=np.uint8),
    "number": np.float64(3.5),
    "empty": np.zeros((0, 3)),
}


@pytest.fixture
def read(tmp_path):
    """A function that reads the bytes of a pickle."""
    return functools.partial(read_content, tmp_path)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_come_back_exactly(read, name, protocol):
    array = ARRAYS[name]
    found = read(pickle.dumps({"x": array}, protocol)).read("x", as_array)
    assert found.shape == array.shape
    assert found.dtype == array.dtype.newbyteorder("=")
    assert (found == array).all()


@pytest.mark.parametrize("protocol", [0, 1, 2])
@pytest.mark.parametrize("layout", ["python2", "old"])
@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_of_older_writers_come_back_exactly(read, name, layout, protocol):
    content = dump({"x": ARRAYS[name]}, layout, protocol)
    assert b"numpy._core" not in content
    assert (read(content).read("x", as_array) == ARRAYS[name]).all()


def test_text_of_python_2_in_protocol_0_is_latin1(read):
    assert read(b"(dS'x'\nS'\\x00\\xff\\''\ns.").values == {"x": "\x00\xff'"}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", [sparse.csc_matrix, sparse.csr_matrix, sparse.csc_array, sparse.csr_array])
def test_sparse_matrices_are_read_without_scipy(read, kind, layout):
    dense = np.where(CHANCE.random((5, 40)) < 0.2, CHANCE.normal(size=(5, 40)), 0)
    content = dump({"J": kind(dense)}, layout)
    assert (b"scipy.sparse._cs" in content) == (layout == "new")
    assert (read(content).read("J", lambda value: as_matrix(value, (5, 40))) == dense).all()


def test_entries_that_stand_twice_are_added(read):
    matrix = sparse.csc_matrix((np.array([1.0, 2.0, 4.0]), np.array([1, 1, 0]), np.array([0, 2, 3])), shape=(2, 2))
    assert (read(dump({"J": matrix})).read("J", lambda value: as_matrix(value, (2, 2))) == [[0, 4], [3, 0]]).all()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"indices": np.array([0, 9])}, "entries at 0..9 of 2"),
        ({"indices": np.array([0, -1])}, "entries at -1..0 of 2"),
        ({"indices": np.array([0.0, 1.0])}, "starts"),
        ({"indptr": np.array([0, 2, 1])}, "do not fit"),
        ({"indptr": np.array([0, 1, 3])}, "do not fit"),
        ({"indptr": np.array([1, 1, 2])}, "do not fit"),
        ({"indptr": np.array([0, 2])}, "starts of 2 lines"),
        ({"data": np.ones(3)}, "do not fit"),
        ({"_shape": (2, 10**12)}, "shape"),
        ({"_shape": "ab"}, "shape is a str"),
    ],
)
def test_sparse_matrices_whose_parts_do_not_fit_are_refused(read, change, reason):
    matrix = sparse.csc_matrix(np.eye(2))
    matrix.__dict__.update(change)
    with pytest.raises(UserError, match=f"J cannot be read.*{reason}"):
        read(dump({"J": matrix})).read("J", lambda value: as_matrix(value, (2, 2)))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_chumpy_is_read_without_chumpy(read, layout, protocol):
    content = dump({"x": FakeCh(ARRAYS["strided"])}, layout, protocol)
    assert b"chumpy.ch" in content
    assert (read(content).read("x", as_array) == ARRAYS["strided"]).all()


def test_plain_values_and_shared_ones_come_back(read):
    shared = [1, -(2**70), 2.5, None, True, "word", b"bytes", (), (1, (2, 3))]
    value = {"a": shared, "b": shared, "c": {"d": {1, 2}, "e": frozenset((3,)), 4: bytearray(b"x")}}
    for protocol in range(6):
        found = read(pickle.dumps(value, protocol)).values
        assert found == value
        assert found["a"] is found["b"]


def crafted(
    shape="(K\x01t", kind="S'f8'\n", state="(K\x03S'<'\nNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t", raw="S'12345678'\n"
):
    """The pickle of one array, in pieces that can be changed."""
    start = "(dS'x'\ncnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tS'b'\ntR"
    return f"{start}(K\x01{shape}cnumpy\ndtype\n({kind}K\x00K\x01tR{state}bI00\n{raw}tbs.".encode("latin1")


CLAIMS = {
    "more than there is": (crafted(shape="(K\x02t"), "claims 2 entries of 8 bytes, the file holds 8"),
    "10^18 entries": (crafted(shape="(J\x00\xca\x9a\x3bJ\x00\xca\x9a\x3bt"), "claims 1000000000 x 1000000000 entries"),
    "an endless number": (crafted(shape="(\x8a\xff" + "\xff" * 254 + "\x7ft"), "claims over 10"),
    "a negative shape": (crafted(shape="(J\xff\xff\xff\xffJ\xff\xff\xff\xfft"), "claims the shape"),
    "many axes": (crafted(shape="(" + "K\x01" * 40 + "t"), "claims the shape"),
    "a shape of text": (crafted(shape="(S'1'\nt"), "a shape is a tuple"),
    "Python objects": (crafted(kind="S'O8'\n", raw="(lS'x'\na"), "'O8', not plain numbers"),
    "pointers as bytes": (
        crafted(kind="S'O8'\n", state="(K\x03S'|'\nNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t"),
        "'O8', not plain numbers",
    ),
    "objects under a number's name": (crafted(raw="(lS'x'\na"), "not bytes: arrays of Python objects"),
    "a structure": (crafted(kind="S'V8'\n"), "'V8'"),
    "fields": (crafted(state="(K\x03S'<'\nNS'a'\n}J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t"), "fields"),
    "no byte order": (crafted(state="(K\x03S'!'\nNNNt"), "byte order"),
    "a number for a type": (crafted(kind="K\x01"), "type a int"),
    "a type of commas": (crafted(kind="S'f8,f8'\n"), "'f8,f8'"),
}


def test_the_crafted_array_is_sound_before_it_is_spoiled(read):
    found = read(crafted()).read("x", as_array)
    assert found.tobytes() == b"12345678"


@pytest.mark.parametrize("claim", CLAIMS)
def test_arrays_that_claim_what_they_are_not_are_refused(read, claim):
    content, reason = CLAIMS[claim]
    with pytest.raises(UserError) as caught:
        read(content).read("x", as_array)
    assert reason in caught.value.what
    assert "x cannot be read" in caught.value.what


def test_chumpy_that_holds_no_array_is_refused(read):
    loop = FakeCh(None)
    loop.x = loop
    cases = {
        "`chumpy.ch.Ch`, not an array": dump({"x": loop}),
        "without its array": b"(dS'x'\n" + b"cchumpy.ch\nCh\n" + b")\x81}bs.",
        "the state of its": b"(dS'x'\n" + b"cchumpy.ch\nCh\n" + b")\x81s.",
        "would have to compute": b"(dS'x'\ncchumpy.reordering\nSelect\n)\x81}bs.",
        "it is a list": b"(dS'x'\n]s.",
    }
    for reason, content in cases.items():
        with pytest.raises(UserError, match=reason):
            read(content).read("x", as_array)


def test_missing_files_and_folders_are_told(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="not there") as caught:
        read_pickle(tmp_path / "none.pkl", "get it there")
    assert caught.value.remedy == "get it there"
    with pytest.raises(UserError, match="cannot be read"):
        read_pickle(tmp_path, "")
    (tmp_path / "large.pkl").write_bytes(b"0123456789")
    monkeypatch.setattr("headsmith.heads.pickles_file.MAX_BYTES", 9)
    with pytest.raises(UserError, match="10 bytes, over the 9"):
        read_pickle(tmp_path / "large.pkl", "")
