"""The user's other files of FLAME: pipes, devices and numbers beyond measure are refused at once."""

import os

import pytest

from headsmith.contract.errors import UserError
from headsmith.heads.embedding_files import read_embeddings
from headsmith.heads.flame_eyelids import read_eyelids
from headsmith.heads.flame_uv import read_obj
from headsmith.heads.pickles_file import read_pickle

READERS = {
    "a.pkl": lambda path: read_pickle(path, "get it"),
    "b.pkl": lambda path: read_embeddings([path]),
    "a.npz": lambda path: read_embeddings([path]),
    "a.npy": lambda path: read_embeddings([path]),
    "lid.npy": lambda path: read_eyelids(path, path),
    "a.obj": read_obj,
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "too large"])
def test_what_is_no_plain_file_is_refused(tmp_path, name, kind):
    path = tmp_path / name
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"")
        os.truncate(path, 10**11)
    with pytest.raises(UserError, match=name) as caught:
        READERS[name](path)
    assert caught.value.remedy


@pytest.mark.parametrize("corner", ["9" * 30, "9" * 5000, "1e3", "-"])
def test_corners_beyond_measure_are_refused(tmp_path, corner):
    (tmp_path / "a.obj").write_text(f"v 0 0 0\nvt 0 0\nf {corner}/1 1/1 1/1\n")
    with pytest.raises(UserError, match="no OBJ of triangles"):
        read_obj(tmp_path / "a.obj")
