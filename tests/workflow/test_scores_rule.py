"""Scores and the held-out part as a run makes them."""

import json
from pathlib import Path

from workflow.house import House


def test_lpips_without_its_network_is_told_before_anything_runs(empty_house: House, tmp_path: Path) -> None:
    house = empty_house.copy(tmp_path / "house")
    house.settings(scores={"lpips": "vgg"})
    done = house.snakemake("-n", check=False)
    assert done.returncode and "Traceback" not in done.stderr
    for word in ("scores.lpips vgg needs scores.lpips_backbone", "vgg16-397923af.pth", "https://download.pytorch.org"):
        assert word in done.stderr
    (house.folder / "vgg16.pth").write_bytes(b"what it holds is looked at when it is read")
    plain = empty_house.planned()
    house.settings(scores={"lpips": "vgg", "lpips_backbone": "vgg16.pth"})
    assert house.planned() == plain | {"fetch_asset": plain["fetch_asset"] + 1}
    house.settings(scores={"lpips_backbone": "vgg16.pth"})
    assert "scores.lpips is none" in house.snakemake("-n", check=False).stderr


def test_scores_see_the_eyes_unless_they_are_switched_off(empty_house: House, tmp_path: Path) -> None:
    assert "cut_eyes_masks" in empty_house.planned("scores")
    house = empty_house.copy(tmp_path / "house")
    house.settings(masks={"sets": {"eyes": None}})
    assert house.planned("scores")["score_avatar"] == 1 and "cut_eyes_masks" not in house.planned("scores")


def test_one_command_scores_all_clips_of_the_benchmark(empty_house: House) -> None:
    jobs = empty_house.planned("--configfile", "config/benchmark.yaml", "--", "scores")
    assert jobs["score_avatar"] == jobs["train_avatar"] == jobs["extract_frames"] == 4


def test_the_file_tells_the_protocol_and_the_report_shows_it(finished_house: House) -> None:
    results = finished_house.folder / "results/franck"
    protocol = json.loads((results / "scores/basis.json").read_text())["protocol"]
    dataset = json.loads((results / "dataset.json").read_text())
    assert (protocol["held_out_frames"], protocol["training_frames"]) == (8, len(dataset["train"]))
    assert protocol["image_size"] == [128, 128] and "left_eye, right_eye" in protocol["regions"]["eyes"]
    assert protocol["tracking"].startswith("person, camera and likely motions are estimated from all frames at once;")
    page = (results / "report/index.html").read_text()
    assert "not computed: scores.lpips is none" in page and "PSNR, masked image" in page


def test_a_share_of_the_frames_is_held_out(house: House) -> None:
    results = house.folder / "results/franck"
    before = json.loads((results / "dataset.json").read_text())
    usable = before["train"] + before["held_out"]
    house.settings(dataset={"held_out": "25%"})
    house.snakemake("dataset")
    after = json.loads((results / "dataset.json").read_text())
    assert after["train"] + after["held_out"] == usable and len(after["held_out"]) == (len(usable) + 2) // 4
    house.settings(dataset={"held_out": "99.9%"})
    done = house.snakemake("dataset", check=False)
    assert done.returncode and "none is left to train on" in done.stderr and "make dataset.held_out smaller" in done.stderr
