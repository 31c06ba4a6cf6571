import numpy as np
import pytest

from headsmith.contract.errors import UserError
from headsmith.media.arrays import read_arrays, read_landmark_arrays


def test_the_arrays_asked_for_come_back(tmp_path):
    np.savez(tmp_path / "a.npz", ids=np.arange(3), other=np.ones(2))
    content = read_landmark_arrays(tmp_path / "a.npz", "anna", "ids")
    assert list(content) == ["ids"] and content["ids"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("fault", ["missing", "cut off", "no such array", "pickle"])
def test_what_cannot_be_read_is_told_with_clip_file_and_remedy(tmp_path, fault):
    path = tmp_path / "a.npz"
    np.savez(path, ids=np.array([{}], object) if fault == "pickle" else np.arange(300))
    if fault == "missing":
        path.unlink()
    if fault == "cut off":
        path.write_bytes(path.read_bytes()[:100])
    key = "points" if fault == "no such array" else "ids"
    with pytest.raises(UserError, match="the landmarks cannot be read") as caught:
        read_arrays(path, [key], "anna", what="landmarks", remake="they are detected anew")
    assert caught.value.clip == "anna" and caught.value.file == str(path)
    assert caught.value.remedy == f"delete {path} and run snakemake again: they are detected anew"
