import numpy as np
import pytest
import torch
from bridges.tracks import random_track
from synthetic_head import synthetic_head

from headsmith.bridges.readers import read_track
from headsmith.bridges.track import project_vertices
from headsmith.contract.errors import UserError
from headsmith.heads.model import HeadModel

MODEL = HeadModel.from_container(synthetic_head(), torch.float64)


def test_our_own_clip_comes_back(tmp_path):
    track = random_track(MODEL)
    np.savez(tmp_path / "tracking.npz", **track.arrays())
    again = read_track("headsmith", tmp_path / "tracking.npz", MODEL)
    assert np.abs(project_vertices(again, MODEL) - project_vertices(track, MODEL)).max() < 0.01
    assert again.status == track.status and again.size == track.size


def test_our_own_clip_of_another_head_is_refused(tmp_path):
    np.savez(tmp_path / "tracking.npz", **random_track(MODEL).arrays())
    other = HeadModel.from_container(synthetic_head(seed=1), torch.float64)
    with pytest.raises(UserError, match="another head") as caught:
        read_track("headsmith", tmp_path / "tracking.npz", other)
    assert "convert_head" in caught.value.remedy
