"""Tracking refined by the pictures, as a user switches it on."""

import json
import re

import numpy as np
import pytest
from workflow.house import House

SMALL = {"photometric": True, "photometric_size": 128, "photometric_iterations": 1}
FILES = (*(f"results/franck/tracking.{kind}" for kind in ("npz", "json", "csv")), "logs/franck/photometric.png")
ONLY = ("--allowed-rules", "begin_round", "measure_shifts_chunk", "refine_tracking")
"""Another number of chunks makes landmarks and label maps anew too: `test_chunks.py`."""


@pytest.fixture(scope="module")
def refined(finished_house: House, tmp_path_factory) -> House:
    """A house whose clip has been tracked and refined."""
    house = finished_house.copy(tmp_path_factory.mktemp("photometric") / "house")
    house.settings(tracking=SMALL)
    assert {"track_head": 1, "refine_tracking": 1}.items() <= house.planned("tracking").items()
    house.snakemake("tracking")
    return house


def test_the_tracking_is_refined_and_says_so(refined):
    clip = refined.folder / "results/franck"
    told = json.loads((clip / "tracking.json").read_text())
    assert told["photometric"]["skin_psnr_after"] > told["photometric"]["skin_psnr_before"]
    with np.load(clip / "landmark_tracking.npz") as before, np.load(clip / "tracking.npz") as after:
        assert set(before.files) == set(after.files)
        assert not np.array_equal(before["rotation"], after["rotation"])
    assert (clip / "landmark_tracking.csv").exists()
    logs = refined.folder / "logs/franck"
    assert "skin is met to" in (logs / "photometric.log").read_text() and (logs / "photometric.png").exists()


def test_its_settings_re_run_it_alone_and_those_of_landmarks_both(refined):
    assert refined.planned("tracking") == {}
    refined.settings(tracking=SMALL | {"photometric_weight": 0.2})
    assert refined.planned("tracking") == {"refine_tracking": 1}
    refined.settings(tracking=SMALL | {"smoothness": 2.0})
    assert refined.planned("tracking") == {"track_head": 1, "refine_tracking": 1}
    refined.settings(tracking=SMALL)


def test_chunks_change_no_byte(refined, tmp_path):
    house = refined.copy(tmp_path / "house")
    before = {name: (house.folder / name).read_bytes() for name in FILES}
    house.settings(tracking=SMALL, cluster={"chunks": 2})
    done = house.snakemake(*ONLY, "--set-threads", "measure_shifts_chunk=1", "--", "tracking")
    for jobs in ("begin_round +2", "measure_shifts_chunk +4", "refine_tracking +1"):
        assert re.search(f"^{jobs}$", done.stdout + done.stderr, re.MULTILINE)
    assert {name: (house.folder / name).read_bytes() for name in FILES} == before
    assert not list((house.folder / "results/franck/chunks").glob("*"))
    assert house.planned(*ONLY, "--", "tracking") == {}


def test_settings_of_the_refinement_re_run_nothing_where_it_is_off(house):
    house.settings(tracking={"photometric_size": 64, "photometric_weight": 0.3})
    assert house.planned("tracking") == {}


def test_another_programs_tracking_is_not_refined(empty_house, tmp_path):
    house = empty_house.copy(tmp_path / "house")
    (house.folder / "theirs").mkdir()
    (house.folder / "config/clips.tsv").write_text("clip\tvideo\ttracking\tfps\nanna\ttheirs\ttheirs\t24\n")
    (house.folder / "generic_model.pkl").touch()
    heads = {"model": "flame2020", "flame2020": "generic_model.pkl"}
    house.settings(heads=heads, tracking={"source": "flame_head_tracker", "photometric": True})
    done = house.snakemake("-n", "tracking", check=False)
    assert done.returncode != 0 and "tracking.photometric refines our own tracking" in done.stdout + done.stderr
