"""A FLAME file, its head and a tracked clip: by the rules, on real frames. The face is Anny's, the file FLAME's in all else."""

import json
from pathlib import Path

import numpy as np
import pytest
from flame_face import face_arrays
from flame_files import dump, write_flame
from workflow.house import House

from headsmith.contract import paths
from headsmith.heads.container import load_head

HEADS = {"model": "flame2020", "masks": "resources/flame/FLAME_masks.pkl", "closed_mouth": False}
"""The triangles that close FLAME's mouth join vertices that are elsewhere on this face."""


@pytest.fixture(scope="module")
def flame_house(finished_house: House, tmp_path_factory: pytest.TempPathFactory) -> House:
    """Return a house whose clip is tracked with the FLAME head."""
    house = finished_house.copy(tmp_path_factory.mktemp("flame") / "house")
    arrays, masks = face_arrays(load_head(house.folder / paths.HEAD.format(head="anny")))
    folder = house.folder / "resources/flame"
    folder.mkdir(parents=True)
    write_flame(folder / "generic_model.pkl", "python2", **arrays)
    (folder / "FLAME_masks.pkl").write_bytes(dump(masks))
    house.settings(heads=HEADS)
    house.snakemake("tracking")
    return house


def test_real_frames_are_tracked_with_a_flame_file(flame_house: House, finished_house: House) -> None:
    head = load_head(flame_house.folder / paths.HEAD.format(head="flame2020"))
    assert (head.name, head.template.shape, head.identity.shape) == ("flame2020", (5023, 3), (300, 5023, 3))
    assert {"lips", "scalp", "left_eyelid"} <= head.regions.keys()
    assert len(head.embeddings["mediapipe478"].points) == 478
    log = (flame_house.folder / "logs/heads/flame2020.log").read_text()
    assert "told by its file name" in log and "eyelids were made" in log
    ours, before = (summary(house) for house in (flame_house, finished_house))
    assert ours["frames"] == before["frames"] >= 40
    assert ours["counts"]["ok"] >= 0.95 * ours["frames"]
    assert ours["landmark_error_percent_iod"] < 1.15 * before["landmark_error_percent_iod"]
    with np.load(flame_house.folder / paths.TRACKING.format(clip="franck"), allow_pickle=False) as tracking:
        assert tracking["head_sha256"] == head.sha256
        assert tracking["identity"].shape == (300,)


def summary(house: House) -> dict:
    """Return what tracking told of the clip."""
    return json.loads((house.folder / paths.TRACKING_SUMMARY.format(clip="franck")).read_text())


def test_only_what_a_head_is_made_from_makes_it_anew(flame_house: House, tmp_path: Path) -> None:
    house = flame_house.copy(tmp_path / "house")
    house.settings(heads={**HEADS, "identity_samples": 200, "texture": "resources/flame/FLAME_masks.pkl"})
    assert house.planned("tracking") == {}
    (house.folder / HEADS["masks"]).write_bytes(dump({"lips": [1, 2, 3]}))
    assert set(house.planned("tracking")) == {"build_head", "track_head"}


def test_without_the_licensed_file_nothing_is_planned(empty_house: House) -> None:
    done = empty_house.snakemake("-n", "--config", "heads={model: flame2023}", check=False)
    assert done.returncode != 0 and done.stdout == "" and "Traceback" not in done.stderr
    for words in ("the head flame2023 needs its licensed file", "resources/flame/flame2023.pkl", "https://flame.is.tue.mpg.de"):
        assert words in done.stderr
