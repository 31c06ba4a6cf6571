"""Prepared pictures come back as they were written, and what does not hold together is refused."""

from pathlib import Path

import numpy as np
import pytest

from headsmith.contract.errors import UserError
from headsmith.media.images import encode_png
from headsmith.stages.portraits_prepared import PreparedPortrait, read_prepared, write_prepared


@pytest.fixture
def portrait() -> PreparedPortrait:
    rng = np.random.default_rng(3)
    return PreparedPortrait(
        name="ada",
        picture=rng.integers(0, 256, (32, 32, 3), np.uint8),
        labels=rng.integers(0, 19, (32, 32), np.uint8),
        landmarks=rng.uniform(-5, 40, (68, 2)),
        confidence=rng.uniform(0, 1, 68),
        convention="ibug68",
        crop=np.array([[0.1, 0, 3.0], [0, 0.1, -2.5], [0, 0, 1]]),
        size=(640, 480),
    )


def test_a_prepared_picture_comes_back(tmp_path: Path, portrait: PreparedPortrait) -> None:
    write_prepared(tmp_path, portrait)
    found = read_prepared(tmp_path, "ada")
    for key in ("picture", "labels", "landmarks", "confidence", "crop"):
        np.testing.assert_array_equal(getattr(found, key), getattr(portrait, key))
    assert (found.convention, found.size, found.name) == ("ibug68", (640, 480), "ada")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ada.labels.png", "ada.npz", "ada.png"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"labels": np.full((32, 32), 19, np.uint8)}, "no label 19"),
        ({"labels": np.zeros((16, 16), np.uint8)}, r"`labels` is \(16, 16\)"),
        ({"landmarks": np.zeros((478, 2))}, "`landmarks` is"),
        ({"crop": np.full((3, 3), np.nan)}, "not finite"),
        ({"convention": np.array("ibug70")}, "unknown landmark convention"),
    ],
)
def test_what_does_not_hold_together_is_refused(
    tmp_path: Path, portrait: PreparedPortrait, change: dict[str, np.ndarray], told: str
) -> None:
    write_prepared(tmp_path, portrait)
    with np.load(tmp_path / "ada.npz") as content:
        arrays = dict(content) | change
    if "labels" in change:
        (tmp_path / "ada.labels.png").write_bytes(encode_png(arrays.pop("labels")))
    np.savez(tmp_path / "ada.npz", **arrays)
    with pytest.raises(UserError, match=told):
        read_prepared(tmp_path, "ada")


def test_a_missing_part_is_told(tmp_path: Path, portrait: PreparedPortrait) -> None:
    write_prepared(tmp_path, portrait)
    (tmp_path / "ada.labels.png").unlink()
    with pytest.raises(UserError, match="cannot be read"):
        read_prepared(tmp_path, "ada")
