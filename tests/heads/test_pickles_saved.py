"""Files of ``torch.save``: arrays and plain values come back, all else is refused without being run."""

import os
import pickle
import zipfile

import numpy as np
import pytest
import torch

from headsmith.heads.pickles_saved import MOST_BYTES, read_saved
from headsmith.heads.pickles_values import ForeignName, Refusal

CONTENT = {"flame": {"exp": np.arange(4, dtype=np.float32)[None]}, "size": np.array([3, 4]), "id": "00001", "step": 7}


class Crafted:
    """An object that is pickled as a call, with a state."""

    def __init__(self, *parts):
        self.parts = parts

    def __reduce__(self):
        return self.parts


def crafted_array(kind, shape, content):
    rebuild = np.zeros(1).__reduce__()[0]
    return Crafted(rebuild, (np.ndarray, (0,), b"b"), (1, shape, kind, False, content))


def write(path, data, method=zipfile.ZIP_STORED, name="x/data.pkl"):
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr(name, data)
    return path


@pytest.mark.parametrize("zipped", [True, False])
def test_what_torch_saves_comes_back(tmp_path, zipped):
    torch.save(CONTENT, tmp_path / "a.frame", _use_new_zipfile_serialization=zipped)
    read = read_saved(tmp_path / "a.frame")
    assert read.keys() == CONTENT.keys() and (read["id"], read["step"]) == ("00001", 7)
    for value, expected in ((read["flame"]["exp"], CONTENT["flame"]["exp"]), (read["size"], CONTENT["size"])):
        assert value.dtype == expected.dtype and np.array_equal(value, expected) and value.flags.writeable


def test_crafted_types_reach_no_state_of_numpys(tmp_path):
    """With torch's reader of weights alone the flags arrive, and numpy's next copy ends in an internal error."""
    flags = Crafted(np.dtype, ("f8", False, True), (4, "<", None, None, None, -1, -1, 63))
    path = write(tmp_path / "a.frame", pickle.dumps({"a": crafted_array(flags, (1,), b"A" * 8)}, 2))
    assert not read_saved(path)["a"].dtype.hasobject and read_saved(path)["a"].tolist() == np.frombuffer(b"A" * 8).tolist()
    for state in (("<", (np.dtype("O"), (1,)), None, None), ("<", None, ("a",), {"a": (np.dtype("O"), 0)})):
        kind = Crafted(np.dtype, ("f8", False, True), (3, *state, -1, -1, 0))
        with pytest.raises(Refusal, match="fields"):
            read_saved(write(path, pickle.dumps({"a": crafted_array(kind, (1,), b"A" * 8)}, 2)))


@pytest.mark.parametrize("shape", [(10**9,), (-1,), (10**30,)])
def test_arrays_that_lie_are_refused(tmp_path, shape):
    content = {"a": crafted_array(np.dtype("f8"), shape, b"A" * 8)}
    with pytest.raises(Refusal, match="claims"):
        read_saved(write(tmp_path / "a.frame", pickle.dumps(content, 2)))


@pytest.mark.parametrize(
    "value", [torch.ones(4), torch.eye(3).to_sparse(), torch.empty(10**9, device="meta"), Crafted(os.system, ("true",))]
)
def test_tensors_and_calls_are_refused_by_name(tmp_path, value, monkeypatch):
    monkeypatch.setattr(torch, "load", None)
    torch.save({"a": value}, tmp_path / "a.frame")
    with pytest.raises(ForeignName, match=r"torch|system"):
        read_saved(tmp_path / "a.frame")


def test_bombs_are_not_unpacked(tmp_path):
    path = write(tmp_path / "a.frame", bytes(MOST_BYTES + 1), zipfile.ZIP_DEFLATED)
    with pytest.raises(Refusal, match="unpacks to"):
        read_saved(path)


def test_what_holds_itself_and_what_stands_many_times_ends(tmp_path):
    inner = {str(key): np.ones(1) for key in range(300)}
    content = {str(key): inner for key in range(300)}
    content["itself"] = content
    path = write(tmp_path / "a.frame", pickle.dumps(content, 2))
    read = read_saved(path)
    assert read["1"]["2"] is read["299"]["2"] and read["1"]["2"].tolist() == [1.0]


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x03\x04" + bytes(50), b"\x80\x02K\x01.", b"\x80\x02]q\x00.", bytes(300)])
def test_other_files_are_refused(tmp_path, data):
    (tmp_path / "a.frame").write_bytes(data)
    with pytest.raises(Refusal):
        read_saved(tmp_path / "a.frame")


def test_places_that_are_no_files_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(Refusal, match="no plain file"):
            read_saved(path)
    with pytest.raises(Refusal, match="members"):
        read_saved(write(tmp_path / "a.frame", b"", name="other"))
