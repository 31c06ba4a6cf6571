"""A dataset that headsmith wrote becomes a clip again, up to its report, and only what must run runs."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from workflow.house import House

from headsmith.bridges.track import Track, project_vertices
from headsmith.contract.frame_ids import frame_name
from headsmith.heads.model import HeadModel
from headsmith.media.images import read_image

TAKEN = {"check_subject", "import_frames", "import_matte", "import_mouth_masks", "import_head_masks", "import_parameters"}
OF_VIDEOS = {"extract_frames", "estimate_matte", "cut_mouth_masks", "cut_head_masks", "track_head"}


@pytest.fixture(scope="module")
def again(finished_house: House, tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house in which a copy of the demo clip's dataset has been run to the report."""
    house = finished_house.copy(tmp_path_factory.mktemp("again") / "house")
    shutil.copytree(house.folder / "results/franck/dataset", house.folder / "brought")
    shutil.copy(house.folder / "results/franck/dataset.json", house.folder / "brought/dataset.json")
    (house.folder / "config/clips.tsv").write_text("clip\tsubject\tfps\nagain\tbrought/dataset/franck\t24\n")
    house.snakemake()
    return house


@pytest.fixture
def spoilt(again: House, tmp_path: Path) -> House:
    return again.copy(tmp_path / "house")


def track_of(house: House, clip: str) -> Track:
    with np.load(house.folder / f"results/{clip}/tracking.npz") as content:
        return Track.from_arrays(dict(content))


def test_the_clip_that_comes_back_is_the_one_that_went(again: House) -> None:
    """Frames but for JPEG's loss, masks to the bit, cameras and heads to a hundredth of a pixel, and as good an avatar."""
    results = again.folder / "results"
    split = json.loads((results / "franck/dataset.json").read_text())
    ids = split["train"] + split["held_out"]
    for place, frame_id in enumerate(ids):
        before, after = (
            {
                word: read_image(results / clip / word / frame_name(name), grey=word != "frames").astype(int)
                for word in ("frames", "matte", "masks/head", "masks/mouth")
            }
            for clip, name in (("franck", frame_id), ("again", place))
        )
        assert ((before["frames"] - after["frames"]) ** 2).mean() < 255**2 / 10**4.5
        assert np.abs(before["matte"] - after["matte"]).max() <= 8
        assert all((before[word] == after[word]).all() for word in ("masks/head", "masks/mouth"))
    model = HeadModel.load(again.folder / "resources/heads/anny.npz", torch.float64)
    before, after = track_of(again, "franck"), track_of(again, "again")
    rows = [before.ids.tolist().index(frame_id) for frame_id in ids]
    assert np.abs(project_vertices(before.take(rows), model) - project_vertices(after, model)).max() < 0.01
    scores = [json.loads((results / clip / "scores/basis.json").read_text())["psnr_head"] for clip in ("franck", "again")]
    assert abs(scores[0] - scores[1]) < 0.5
    assert (results / "again/report/index.html").is_file()


def test_no_network_makes_what_the_folder_brings(again: House) -> None:
    assert again.planned() == {}
    planned = set(again.planned("--forceall"))
    assert planned > TAKEN and not planned & OF_VIDEOS
    assert not (again.folder / "results/again/quality/parsing.png").exists()
    trained = set(again.planned("--forceall", "avatars"))
    assert not trained & {"detect_landmarks", "parse_faces"}, "what only scores and pictures need waits for them"


def test_a_file_that_changes_is_read_again_and_a_fault_is_told(spoilt: House) -> None:
    alpha = spoilt.folder / "brought/dataset/franck/alpha/00003.jpg"
    content = alpha.read_bytes()
    alpha.unlink()
    assert set(spoilt.planned("mattes")) == {"check_subject", "import_matte"}
    done = spoilt.snakemake("mattes", check=False)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    for words in ("ERROR in check_subject", "missing_image", "alpha/00003.jpg", "clip:   again", "remedy:"):
        assert words in done.stderr
    assert read_image(spoilt.folder / "logs/again/subject.png").shape[1] > 1800
    alpha.write_bytes(content)
    spoilt.snakemake("frames", "mattes", "mouth_masks", "head_masks", "tracking")
    assert spoilt.planned() == {}, "an identical redo stops at the manifests"


def test_one_clip_of_a_table_can_be_made_of_anothers_dataset(empty_house: House, tmp_path: Path) -> None:
    house = empty_house.copy(tmp_path / "house")
    table = "clip\tvideo\tsubject\tend\nfranck\tasset:franck.mp4\t\t1.667\nagain\t\tresults/franck/dataset\t\n"
    (house.folder / "config/clips.tsv").write_text(table)
    jobs = house.planned("results/again/tracking.npz")
    assert (jobs["write_dataset"], jobs["check_subject"], jobs["track_head"]) == (1, 1, 1)
    house.settings(tracking={"photometric": True})
    assert house.planned("results/again/tracking.npz")["import_parameters"] == 1


def test_wrong_cells_end_the_run_before_anything_is_computed(empty_house: House, tmp_path: Path) -> None:
    house = empty_house.copy(tmp_path / "house")
    (house.folder / "config/clips.tsv").write_text("clip\tvideo\tsubject\nagain\tasset:franck.mp4\tconfig\n")
    done = house.snakemake("-n", check=False)
    assert done.returncode != 0 and "Traceback" not in done.stderr and ".smk" not in done.stderr
    assert "has a video (asset:franck.mp4) and a subject (config)" in done.stderr and "remedy" in done.stderr
