"""What all readers of other programs' files share: one value for a clip, rotations, codes, numbered files."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from synthetic_head import synthetic_head

from headsmith.bridges.given import are_rotations, check_head, fit_codes, numbered_files, one_identity, one_number
from headsmith.contract.errors import UserError
from headsmith.heads.model import HeadModel


@pytest.mark.parametrize(("share", "same"), [(5e-5, True), (2e-4, False)])
def test_one_number_is_one_but_for_the_rounding_of_text(share, same, tmp_path):
    values = [500.0, 500.0, 500.0 * (1 + share)]
    if same:
        assert one_number(values, "focal length", tmp_path, "mend it") == 500
        return
    with pytest.raises(UserError, match="the focal length changes, from 500 to 500"):
        one_number(values, "focal length", tmp_path, "mend it")


def test_only_rotations_are_rotations():
    turn = Rotation.from_rotvec([[0.3, -1, 2]]).as_matrix()
    bent = turn + np.array([[0, 2e-3, 0], [0, 0, 0], [0, 0, 0]])
    found = are_rotations(np.concatenate([turn, turn + 1e-5, -turn, 1.1 * turn, bent, np.zeros((1, 3, 3))]))
    assert found.tolist() == [True, True, False, False, False, False]


def test_codes_of_another_head_are_named(tmp_path):
    model = HeadModel.from_container(synthetic_head(), torch.float64)
    check_head(model.sha256, model, tmp_path)
    with pytest.raises(UserError, match=r"another head \(000000000000\)"):
        check_head("0" * 64, model, tmp_path)


def test_codes_are_cut_or_padded_and_none_is_lost(tmp_path):
    assert fit_codes(np.array([[1.0, 2]]), 3, "identity", tmp_path).tolist() == [[1, 2, 0]]
    assert fit_codes(np.array([[1.0, 2, 0]]), 2, "identity", tmp_path).tolist() == [[1, 2]]
    with pytest.raises(UserError, match="3 identity codes, but the head has 2"):
        fit_codes(np.array([[1.0, 2, 1e-9]]), 2, "identity", tmp_path)


def test_the_identity_of_a_clip_is_the_median_and_its_spread_is_told(tmp_path, capsys):
    rows = np.array([[1.0, 2], [1, 2], [9, 2]])
    assert one_identity(rows, tmp_path).tolist() == [1, 2]
    assert "differ between frames by up to 8" in capsys.readouterr().err
    one_identity(rows[:2], tmp_path)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("names", "fault"), [(["1.npz", "01.npz"], "the same number"), (["1.npz", "last.npz"], "not named")])
def test_files_that_cannot_be_counted_are_refused(names, fault, tmp_path):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=fault):
        numbered_files(tmp_path, ".npz")


def test_files_stand_in_the_order_of_their_numbers(tmp_path):
    for name in ("10.npz", "9.npz", "00002.npz", ".hidden.npz", "notes.txt"):
        (tmp_path / name).touch()
    assert [(number, path.name) for number, path in numbered_files(tmp_path, ".npz")] == [
        *((2, "00002.npz"), (9, "9.npz"), (10, "10.npz")),
    ]
