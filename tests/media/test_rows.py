"""Rows of arrays in ``.npz`` files come as numpy would give them, and broken files are told."""

import tracemalloc

import numpy as np
import pytest

from headsmith.contract.errors import UserError
from headsmith.media.rows import RowsWriter, iterate_rows

ARRAYS = {
    "points": np.random.default_rng(0).normal(size=(7, 5, 3)).astype(np.float32),
    "flags": np.array([True, False, True]),
    "words": np.array(["ok", "no_face"]),
    "none": np.zeros((0, 4)),
}


def rows(path, key):
    return list(iterate_rows(path, key, "anna", what="landmarks", remake="they are detected anew"))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("key", list(ARRAYS))
def test_rows_are_those_of_the_array(tmp_path, save, key):
    save(tmp_path / "file.npz", **ARRAYS)
    found = rows(tmp_path / "file.npz", key)
    assert len(found) == len(ARRAYS[key])
    for row, expected in zip(found, ARRAYS[key], strict=True):
        np.testing.assert_array_equal(row, expected)
        assert row.dtype == ARRAYS[key].dtype


def test_memory_does_not_grow_with_the_rows(tmp_path):
    peaks = []
    for count in (100, 2000):
        np.savez_compressed(tmp_path / "file.npz", points=np.zeros((count, 478, 3), np.float32))
        tracemalloc.start()
        assert sum(1 for _ in iterate_rows(tmp_path / "file.npz", "points", "c", what="", remake="")) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0] + 10_000


@pytest.mark.parametrize("length", [0, 30, 150, -1])
def test_a_broken_file_is_told(tmp_path, length):
    path = tmp_path / "file.npz"
    np.savez_compressed(path, **ARRAYS)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(UserError, match="the landmarks cannot be read") as caught:
        rows(path, "points")
    assert (caught.value.clip, caught.value.file) == ("anna", str(path))
    assert "detected anew" in caught.value.remedy


def test_other_forms_are_refused(tmp_path):
    path = tmp_path / "file.npz"
    np.savez(path, columns=np.asfortranarray(np.ones((3, 4))), single=np.float64(3), objects=np.array([{}, None], object))
    for key in ("columns", "single", "objects", "missing"):
        with pytest.raises(UserError, match="cannot be read"):
            rows(path, key)
    with pytest.raises(UserError, match="No such file"):
        rows(tmp_path / "nothing.npz", "points")


def test_written_rows_are_what_numpy_reads(tmp_path):
    points = np.random.default_rng(1).normal(size=(4, 5, 3)).astype(np.float32)
    with RowsWriter(tmp_path / "new", {"points": (5, 3), "shapes": (0,)}) as writer:
        for index in range(4):
            writer.add(None if index == 2 else {"points": points[index], "shapes": np.zeros(0)})
        for _ in range(2):  # may be written more than once, with the same bytes
            writer.save(tmp_path / "file.npz", {"ids": np.arange(4), "word": np.array("ibug68")})
            content = (tmp_path / "file.npz").read_bytes()
        writer.save(tmp_path / "file.npz", {"ids": np.arange(4), "word": np.array("ibug68")})
    assert (tmp_path / "file.npz").read_bytes() == content
    assert list((tmp_path / "new").iterdir()) == []
    points[2] = np.nan
    with np.load(tmp_path / "file.npz", allow_pickle=False) as found:
        np.testing.assert_array_equal(found["points"], points)
        assert (found["shapes"].shape, found["points"].dtype, str(found["word"])) == ((4, 0), np.float32, "ibug68")
        np.testing.assert_array_equal(found["ids"], np.arange(4))


def test_a_row_of_another_shape_is_refused(tmp_path):
    with RowsWriter(tmp_path, {"points": (5, 3)}) as writer, pytest.raises(ValueError, match="a row of points is"):
        writer.add({"points": np.zeros((4, 3))})


def test_memory_does_not_grow_with_written_rows(tmp_path):
    peaks = []
    for count in (100, 2000):
        tracemalloc.start()
        with RowsWriter(tmp_path, {"points": (478, 3)}) as writer:
            for _ in range(count):
                writer.add({"points": np.ones((478, 3))})
            writer.save(tmp_path / "file.npz", {})
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0] + 100_000
