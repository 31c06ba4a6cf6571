"""Checking datasets and converting heads, as a person asks for them."""

import json
import shutil
from pathlib import Path

import pytest
from workflow.house import House

from headsmith.bridges.flashavatar import read_frame, write_frame
from headsmith.media.images import read_image


def spoil(checkpoint: Path) -> None:
    """Plant two faults: a rotation that mirrors, and a number that is missing."""
    frame = checkpoint / "00003.frame"
    content = read_frame(frame)
    content["opencv"]["R"][0, 0] *= -1
    write_frame(frame, content)
    (checkpoint / "00007.frame").unlink()


def test_our_own_dataset_is_sound_and_a_spoilt_one_is_refused_and_shown(house: House) -> None:
    assert set(house.planned("validate_dataset")) == {"check_dataset"}
    house.snakemake("validate_dataset")
    verdict = house.folder / "results/franck/validation.json"
    content = json.loads(verdict.read_text())
    assert content["sound"] and {row["kind"] for row in content["faults"]} == {"not_512", "few_frames"}
    assert read_image(verdict.with_suffix(".png")).shape[1] > 1800
    assert house.planned("validate_dataset") == {}
    dataset = house.folder / "results/franck/dataset"
    shutil.copytree(dataset, house.folder / "brought")
    spoil(house.folder / "brought/metrical-tracker/output/franck/checkpoint")
    house.settings(validation={"folder": "brought/dataset/franck", "known_head": True})
    assert set(house.planned("validate_dataset")) == {"check_brought_dataset"}
    done = house.snakemake("validate_dataset", check=False)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    for words in ("ERROR in check_brought_dataset", "mirrored: ", "missing_number: ", "00003.frame", "00007.frame", "remedy:"):
        assert words in done.stderr
    shown = house.folder / "logs/validate_dataset/validation.png"
    assert read_image(shown).shape[1] > 1800 and not json.loads(shown.with_suffix(".json").read_text())["sound"]
    assert not (house.folder / "results/validate_dataset/validation.json").exists()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, ["conversion.to is blank", "flame2020, flame2023"]),
        ({"to": "anny"}, ["conversion.to and heads.model are both anny", "remedy"]),
        ({"to": "flame2023_open"}, ["flame2023_open needs its licensed file", "resources/flame/flame2023_Open.pkl"]),
    ],
)
def test_a_conversion_that_cannot_be_is_told_before_anything_runs(
    empty_house: House, tmp_path: Path, settings: dict[str, str], words: list[str]
) -> None:
    house = empty_house.copy(tmp_path / "house")
    house.settings(conversion=settings)
    done = house.snakemake("-n", "convert_head", check=False)
    assert done.returncode != 0 and "Traceback" not in done.stderr and ".smk" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_a_conversion_makes_the_other_head_and_nothing_anew(house: House) -> None:
    (house.folder / "resources/flame").mkdir()
    (house.folder / "resources/flame/flame2023.pkl").write_bytes(b"a file that is looked at when it is read")
    house.settings(conversion={"to": "flame2023"})
    assert house.planned("convert_head") == {"read_flame": 1, "build_head": 1, "convert_clip": 1}
    assert set(house.planned()) <= {"write_provenance", "write_report"}, "which state all settings"


def test_a_converted_clip_is_gone_on_with_by_the_steps_of_the_docs(house: House) -> None:
    converted = house.folder / "results/franck/converted/anny.npz"
    converted.parent.mkdir()
    shutil.copy(house.folder / "results/franck/tracking.npz", converted)
    row = f"clip\tvideo\tend\ttracking\nfranck\tasset:franck.mp4\t1.667\t{converted.relative_to(house.folder)}\n"
    (house.folder / "config/clips.tsv").write_text(row)
    assert "franck: the column `tracking` is not read: tracking.source is `solve`" in house.snakemake("tracking").stderr
    house.settings(tracking={"source": "headsmith"})
    assert house.planned("tracking") == {"import_tracking": 1}
    house.snakemake("tracking")
    assert converted.exists()
