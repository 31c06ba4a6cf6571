"""Archives that claim more than they have, or more than is read, are refused before anything is made for them."""

import os
import struct
import warnings
import zipfile

import numpy as np
import pytest
import torch

from headsmith.contract.archives import MOST_INDEX, check_array, check_arrays, open_archive
from headsmith.contract.errors import UserError, printable

GOOD = "{'descr': '<f8', 'fortran_order': False, 'shape': (10,), }"


def npy(header, data=bytes(80), version=1):
    content = header.encode() + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(content)) + content + data


def write(path, *members, method=zipfile.ZIP_DEFLATED):
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", method) as archive:
        warnings.simplefilter("ignore")
        for name, content in members:
            archive.writestr(name, content)
    return path


def changed(path, *places):
    """Change a number in the local header and in the index of every member."""
    content = bytearray(path.read_bytes())
    for mark, place, value in places:
        at = content.find(mark)
        while at >= 0:
            content[at + place] = value
            at = content.find(mark, at + 1)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", ["<f8", ">f8", "<f4", "<i8", "|b1", "|u1", "<U3", "|S2"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3, 4)])
def test_what_numpy_writes_is_accepted(tmp_path, kind, shape):
    values = {"one": np.zeros(shape, kind), "two": np.asfortranarray(np.zeros(shape, kind)), "empty": np.array("")}
    np.savez(tmp_path / "plain.npz", **values)
    np.savez_compressed(tmp_path / "packed.npz", **values)
    np.save(tmp_path / "one.npy", values["one"])
    check_arrays(tmp_path / "plain.npz")
    check_arrays(tmp_path / "packed.npz")
    check_array(tmp_path / "one.npy")


def test_what_torch_writes_is_accepted(tmp_path):
    torch.save({"a": np.ones(3)}, tmp_path / "a.frame")
    open_archive(tmp_path / "a.frame", 2**20).close()


CLAIMS = {
    "10^12 entries": (npy(GOOD.replace("10", "10" + "0" * 11)), "claims over 10"),
    "80 GB": (npy(GOOD.replace("10", "10" + "0" * 9)), "claims 10000000000 entries of 8 bytes, but 80"),
    "10^30 entries": (npy(GOOD.replace("10", "1" + "0" * 30)), "claims over 10"),
    "fewer entries": (npy(GOOD.replace("10", "9")), "claims 9 entries"),
    "a negative side": (npy(GOOD.replace("10", "-10")), "claims the shape"),
    "a side that is text": (npy(GOOD.replace("10", "'10'")), "claims the shape"),
    "no shape": (npy("{'descr': '<f8'}"), "cannot be understood"),
    "a deep header": (npy("(" * 3000 + ")" * 3000), "cannot be understood"),
    "a header that is code": (npy("__import__('os').system('true')"), "cannot be understood"),
    "half a header": (npy("{'descr': '''"), "cannot be understood"),
    "a long header": (npy(" " * 20_000, version=2), "header of 20001 bytes"),
    "objects": (npy(GOOD.replace("<f8", "|O")), "Python objects"),
    "records": (npy(GOOD.replace("'<f8'", "[('a', '<f8')]")), "Python objects and records"),
    "text without letters": (npy(GOOD.replace("<f8", "<U0").replace("10", "1" + "0" * 12), b""), "over 10"),
    "no array": (b"hello", "no array"),
    "nothing": (b"", "no array"),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_lying_header_is_refused(tmp_path, name):
    content, message = CLAIMS[name]
    with pytest.raises(ValueError, match=message):
        check_arrays(write(tmp_path / "a.npz", ("a.npy", content)))
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        check_array(tmp_path / "a.npy")


def test_members_that_are_not_read_may_hold_anything(tmp_path):
    path = write(tmp_path / "a.npz", ("a.npy", npy(GOOD)), ("b.npy", CLAIMS["objects"][0]))
    check_arrays(path, ("a",))
    with pytest.raises(ValueError, match="Python objects"):
        check_arrays(path)


def test_what_unpacks_to_too_much_is_refused(tmp_path):
    path = write(tmp_path / "a.npz", *((f"{name}.npy", npy(GOOD) + bytes(2**20)) for name in "abc"))
    assert path.stat().st_size < 2**14
    with pytest.raises(ValueError, match="unpacks to 3146"):
        check_arrays(path, most=3 * 2**20)


@pytest.mark.parametrize(
    ("places", "message"),
    [
        (((b"PK\x03\x04", 6, 1), (b"PK\x01\x02", 8, 1)), "encrypted"),
        (((b"PK\x03\x04", 8, 97), (b"PK\x01\x02", 10, 97)), "unusual way"),
        (((b"PK\x01\x02", 6, 99),), "index cannot be read"),
        (((b"PK\x05\x06", 15, 99),), f"more than {MOST_INDEX}"),
        (((b"PK\x05\x06", 0, 99),), "no zip archive"),
    ],
)
def test_an_unusual_archive_is_refused(tmp_path, places, message):
    with pytest.raises(ValueError, match=message):
        check_arrays(changed(write(tmp_path / "a.npz", ("a.npy", npy(GOOD))), *places))


def test_two_members_of_one_name_are_refused(tmp_path):
    with pytest.raises(ValueError, match="one name"):
        check_arrays(write(tmp_path / "a.npz", ("a.npy", npy(GOOD)), ("a", npy(GOOD))))


def test_pipes_devices_and_folders_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for path in (tmp_path / "pipe", tmp_path / "zero", tmp_path):
        with pytest.raises(ValueError, match="no plain file"):
            check_arrays(path)


def test_a_files_name_moves_no_cursor():
    error = UserError("bad\nsecond line\x1b[2J", clip="a\nb", file="x\x1b[31m\n\u202ey\udcff", remedy="none")
    assert error.message.splitlines() == [
        *("bad", r"second line\x1b[2J", r"  clip:   a\nb"),
        *(r"  file:   x\x1b[31m\n\u202ey\udcff", "  remedy: none"),
    ]
    assert printable("Größe 日本 x") == "Größe 日本 x"
