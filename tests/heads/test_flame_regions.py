"""Regions of FLAME's head: from the model alone, or from the user's masks."""

import numpy as np
import pytest
from flame_files import SKIN, dump, flame_arrays, write_flame

from headsmith.contract.errors import UserError
from headsmith.heads.flame_eyelids import make_eyelids
from headsmith.heads.flame_head import FlameFiles, read_flame_head
from headsmith.heads.flame_regions import lowest_ring, read_masks

TEMPLATE, TRIANGLES = flame_arrays()["v_template"], flame_arrays()["f"].astype(np.int64)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_flame(tmp_path_factory.mktemp("flame") / "generic_model.pkl")


def test_regions_are_found_from_the_model_alone(model):
    lids = make_eyelids(TEMPLATE, TRIANGLES)
    regions = read_flame_head(FlameFiles(model))[0].regions
    assert regions["left_eyeball"].tolist() == list(range(3931, 4477))
    assert (TEMPLATE[regions["left_eyeball"], 0] > 0).all()
    assert regions["skin"].tolist() == list(range(3931))
    assert regions["boundary"].tolist() == list(range(3901, 3931))
    assert (regions["neck"] == np.flatnonzero(flame_arrays()["weights"][:, 0] > 0.3)).all()
    assert (regions["left_eyelid"] == np.flatnonzero(np.linalg.norm(lids[0], axis=1) > 1e-3)).all()
    assert "left_eyelid" not in read_flame_head(FlameFiles(model, without_eyelids=True))[0].regions


def test_a_closed_surface_has_no_ring():
    assert not len(lowest_ring(TEMPLATE, TRIANGLES[(TRIANGLES >= SKIN).all(1)]))


MASKS = {
    "lips": np.array([5, 3, 9]),
    "boundary": np.arange(3871, 3931),
    "left_ear": np.flatnonzero(TEMPLATE[:SKIN, 0] > 0.06),
    "right_ear": np.flatnonzero(TEMPLATE[:SKIN, 0] < -0.06),
    "left_eyeball": np.array([1]),
}


@pytest.mark.parametrize("layout", ["python2", "old", "new"])
def test_the_users_masks_are_read(model, tmp_path, layout):
    path = tmp_path / "FLAME_masks.pkl"
    path.write_bytes(dump(MASKS, layout))
    head, report = read_flame_head(FlameFiles(model, masks=path, without_eyelids=True))
    assert head.regions["lips"].tolist() == [3, 5, 9]
    assert head.regions["boundary"].tolist() == list(range(3871, 3931))
    assert (head.regions["left_ear"] == MASKS["left_ear"]).all()
    assert len(head.regions["left_eyeball"]) == 546
    assert "masks" in report.sha256
    assert not any("exchanged" in note for note in report.notes)


def test_masks_of_the_other_side_change_names_and_say_so(model, tmp_path):
    path = tmp_path / "FLAME_masks.pkl"
    path.write_bytes(dump({**MASKS, "left_ear": MASKS["right_ear"], "right_ear": MASKS["left_ear"]}))
    head, report = read_flame_head(FlameFiles(model, masks=path, without_eyelids=True))
    assert (head.regions["left_ear"] == MASKS["left_ear"]).all()
    assert (head.regions["right_ear"] == MASKS["right_ear"]).all()
    assert any("exchanged" in note for note in report.notes)


def test_masks_that_do_not_fit_are_refused(tmp_path):
    path = tmp_path / "FLAME_masks.pkl"
    cases = {
        r"lips cannot be read: it names vertices 5\.\.5023": {"lips": np.array([5, 5023])},
        r"lips cannot be read: it names vertices -1\.\.5": {"lips": np.array([5, -1])},
        "no list of vertices": {"lips": np.array([5.0])},
        "not an array": {"lips": "3 4 5"},
        "a mask is named '../lips'": {"../lips": np.array([5])},
        "a mask is named int": {4: np.array([5])},
    }
    for reason, masks in cases.items():
        path.write_bytes(dump(masks))
        with pytest.raises(UserError, match=reason):
            read_masks(path, TEMPLATE)
    path.write_bytes(dump({"lips": [9, 3, 3]}))
    assert read_masks(path, TEMPLATE)[0]["lips"].tolist() == [3, 9]
