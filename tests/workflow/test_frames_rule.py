"""The rule of the frames: what re-runs it, and paths that shells and Snakemake could trip over."""

import csv
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from workflow.house import ROOT, House

ODD = 'odd "one"; it\'s $HOME\nzweite Zeile | ü日本.mp4'


@pytest.fixture
def house(empty_house: House, asset: Callable[[str], Path], tmp_path: Path) -> House:
    """Return a house in which nothing has been run, with the detector and a real video at hand."""
    asset("face_landmarker.task")
    house = empty_house.copy(tmp_path / "house")
    (house.folder / "resources").mkdir()
    (house.folder / "resources/assets").symlink_to(ROOT / "resources/assets")
    return house


def write_clips(house: House, *rows: dict[str, str]) -> None:
    with (house.folder / "config/clips.tsv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ("clip", "video", "start", "end", "fps", "crop", "person"), delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)


def test_a_path_with_spaces_quotes_line_breaks_and_other_letters(asset, house: House) -> None:
    shutil.copy(asset("single_face.mp4"), house.folder / ODD)
    write_clips(house, {"clip": "odd", "video": ODD, "end": "0.5", "crop": "150,20,320"})
    house.snakemake("frames")
    assert len(list((house.folder / "results/odd/frames").glob("*.png"))) == 15
    assert house.planned("frames") == {}


def test_a_changed_picture_re_runs_its_clip_and_nothing_else_does(asset, house: House) -> None:
    shots = house.folder / "my shots"
    shots.mkdir()
    for index in range(3):
        Image.new("RGB", (96, 80), (index, 0, 0)).save(shots / f"{index}.png")
    (house.folder / "list.txt").write_text("my shots/1.png\n")
    rows = [{"clip": "folder", "video": "my shots"}, {"clip": "list", "video": "list.txt"}]
    write_clips(house, *({"crop": "none"} | row for row in rows))
    house.snakemake("frames")
    (shots / ".hidden").write_text("")
    os.utime(shots)
    assert house.planned("frames") == {}
    Image.new("RGB", (96, 80), (0, 9, 0)).save(shots / "2.png")
    assert house.planned("frames") == {"extract_frames": 1}
    Image.new("RGB", (96, 80), (0, 9, 0)).save(shots / "1.png")
    assert house.planned("frames") == {"extract_frames": 2}


def test_a_clip_s_own_crop_and_person_re_run_it(asset, house: House) -> None:
    shutil.copy(asset("single_face.mp4"), house.folder / "a.mp4")
    row = {"clip": "a", "video": "a.mp4", "end": "0.2", "crop": "150,20,320"}
    write_clips(house, row)
    house.snakemake("frames")
    for change in ({"crop": "150,20,300"}, {"person": "290,200"}, {"end": "0.3"}):
        write_clips(house, row | change)
        assert house.planned("frames") == {"extract_frames": 1}, change
    write_clips(house, row)
    assert house.planned("frames") == {}


def test_the_weights_of_a_second_opinion_are_inputs_only_when_it_is_asked_for(house: House) -> None:
    write_clips(house, {"clip": "franck", "video": "asset:franck.mp4"})
    assert "mtcnn" not in house.snakemake("-n", "--verbose", "frames").stderr
    house.settings(frames={"second_opinion": "mtcnn"})
    (house.folder / "resources/assets").unlink()
    assert house.planned("frames")["fetch_asset"] == 5


def test_an_output_in_the_way_is_told_without_a_traceback(asset, house: House) -> None:
    shutil.copy(asset("single_face.mp4"), house.folder / "a.mp4")
    write_clips(house, {"clip": "a", "video": "a.mp4", "end": "0.2", "crop": "none"})
    (house.folder / "results").mkdir(exist_ok=True)
    (house.folder / "results/a").write_text("in the way")
    done = house.snakemake("frames", check=False)
    assert done.returncode != 0
    assert "results/a" in done.stdout + done.stderr
    assert (house.folder / "results/a").read_text() == "in the way"
