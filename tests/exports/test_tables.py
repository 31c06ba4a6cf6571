"""Tables hold the tracking, in the units that their columns name, and come back the same."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from exports.seamed import moving_clip, seamed_head
from scipy.io import loadmat

from headsmith.exports.arrays import write_mat, write_npz
from headsmith.exports.tables import clip_table, identity_table, write_csv, write_parquet

HEAD = seamed_head()
CLIP = moving_clip(HEAD, count=6, bad=(3,))
ANGLES = np.arange(18.0).reshape(6, 3)
TABLE = clip_table(CLIP.arrays(), HEAD.expression_names, ANGLES, CLIP.ids / 24)


def test_a_csv_is_read_back_by_anything(tmp_path: Path) -> None:
    write_csv(tmp_path / "frames.csv", TABLE)
    with (tmp_path / "frames.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["frame"]) for row in rows] == CLIP.ids.tolist()
    assert [row["status"] for row in rows] == list(CLIP.status)
    for place, row in enumerate(rows):
        if place == 3:
            assert row["x_mm"] == row["expression_unit0"] == row["residual_percent"] == ""
            continue
        found = {name: float(value) for name, value in row.items() if name != "status"}
        np.testing.assert_allclose([found[f"{axis}_mm"] for axis in "xyz"], CLIP.translation[place] * 1000, rtol=1e-6)
        np.testing.assert_allclose([found[f"jaw_{axis}_deg"] for axis in "xyz"], np.degrees(CLIP.jaw[place]), rtol=1e-6)
        eye = [found[f"right_eye_{axis}_deg"] for axis in "xyz"]
        np.testing.assert_allclose(eye, np.degrees(CLIP.eyes[place, 1]), rtol=1e-6)
        np.testing.assert_allclose(
            [found[f"expression_{name}"] for name in HEAD.expression_names], CLIP.expression[place], 1e-6
        )
        turned = [[found[f"rotation_{row}{column}"] for column in range(3)] for row in range(3)]
        np.testing.assert_allclose(turned, CLIP.rotation[place], atol=1e-7)
        assert (found["focal_px"], found["width_px"], found["principal_y_px"]) == (np.float32(CLIP.focal), 96, 48)
        assert found["time_s"] == pytest.approx(CLIP.ids[place] / 24, rel=1e-7)
        assert [found[f"{name}_deg"] for name in ("yaw", "pitch", "roll")] == ANGLES[place].tolist()


def test_parquet_keeps_numbers_and_what_they_are_of(tmp_path: Path) -> None:
    write_parquet(tmp_path / "frames.parquet", TABLE, {"head_sha256": HEAD.sha256})
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "frames.parquet"), TABLE, check_dtype=False)
    assert pd.read_parquet(tmp_path / "frames.parquet").attrs == {"head_sha256": HEAD.sha256}
    plain = pyarrow.parquet.read_table(tmp_path / "frames.parquet")
    np.testing.assert_array_equal(plain["left_eyelid"].to_numpy(), TABLE["left_eyelid"])


def test_the_person_is_a_table_too() -> None:
    np.testing.assert_array_equal(identity_table(CLIP.identity)["value"], CLIP.identity)


@pytest.mark.parametrize("form", ["npz", "mat"])
def test_arrays_come_back(tmp_path: Path, form: str) -> None:
    arrays = CLIP.arrays() | {"expression_names": np.array(HEAD.expression_names)}
    paths = [tmp_path / f"{name}.{form}" for name in ("one", "two")]
    for path in paths:
        (write_npz if form == "npz" else write_mat)(path, arrays)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    found = np.load(paths[0]) if form == "npz" else loadmat(paths[0], squeeze_me=True)
    for name, values in arrays.items():
        assert np.shape(found[name]) == np.shape(values), name
        if values.dtype.kind == "U":
            assert np.array(found[name]).tolist() == values.tolist()
        else:
            np.testing.assert_array_equal(found[name], values)
    assert str(found["head_sha256"]) == HEAD.sha256


def test_a_mat_file_has_cells_columns_and_doubles(tmp_path: Path) -> None:
    write_mat(tmp_path / "a.mat", {"names": np.array(["a", "bc"]), "ids": np.arange(3), "one": np.array("word")})
    found = loadmat(tmp_path / "a.mat")
    assert found["names"].dtype == object and found["names"].shape == (2, 1)
    assert found["ids"].dtype == np.float64 and found["ids"].shape == (3, 1)
    assert found["one"].tolist() == ["word"]


def test_what_a_format_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="pickles"):
        write_npz(tmp_path / "a.npz", {"a": np.array([{}], object)})
    with pytest.raises(ValueError, match="longer"):
        write_mat(tmp_path / "a.mat", {"a" * 32: np.zeros(1)})
