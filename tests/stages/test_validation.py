"""The stage: its verdict and picture where all is well, and where it is not."""

import json
import shutil
from dataclasses import replace

import pytest
from subject_files import NAME, write_subject

from headsmith.contract.errors import UserError
from headsmith.contract.settings import ValidationSettings
from headsmith.heads.container import save_head
from headsmith.media.images import read_image
from headsmith.stages.validation import validate_dataset

FRAMES = 8


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write_subject(tmp_path_factory.mktemp("made") / "dataset", FRAMES)


@pytest.fixture
def job(made, tmp_path):
    """A copy of the folder, and the arguments of the stage."""
    shutil.copytree(made.root, tmp_path / "dataset")
    save_head(made.head, tmp_path / "head.npz")
    paths = {"output": "out/validation.json", "picture": "out/validation.png", "refused": "logs/validation.json"}
    (tmp_path / "logs").mkdir()
    arguments = {name: tmp_path / path for name, path in paths.items()}
    arguments |= {"clip": NAME, "settings": ValidationSettings(), "threads": 1}
    return replace(made, root=tmp_path / "dataset"), arguments | {
        "dataset": tmp_path / "dataset.json",
        "head": tmp_path / "head.npz",
    }


def brought(folder, job, **settings):
    return {**job, "clip": None, "dataset": None, "head": None, "settings": ValidationSettings(folder=str(folder), **settings)}


def test_a_sound_dataset_has_a_verdict_and_a_picture(job, capsys):
    _, arguments = job
    arguments["refused"].write_text("of an earlier run")
    validate_dataset(**arguments)
    verdict = json.loads(arguments["output"].read_text())
    assert (
        verdict["sound"]
        and verdict["frames"] == FRAMES
        and [row["kind"] for row in verdict["faults"]] == ["not_512", "few_frames"]
    )
    assert [what.split(":")[0] for what in verdict["not_checked"]] == ["whether images are in step with parameters"]
    assert read_image(arguments["picture"]).shape[1] > 1800
    assert not arguments["refused"].exists()
    told = capsys.readouterr().err
    assert f"{FRAMES} frames in" in told and "warning: not_512" in told


def test_faults_end_the_stage_with_all_kinds_and_a_picture(job):
    folder, arguments = job
    folder.frame(2).write_bytes(b"broken")
    folder.image("mouth", 3).unlink()
    with pytest.raises(UserError) as caught:
        validate_dataset(**arguments)
    error = caught.value
    assert "2 kinds of faults" in error.what and error.clip == NAME
    for words in ("unreadable", "00002.frame", "missing_image", "00004_mouth.png"):
        assert words in error.what
    assert str(arguments["refused"].with_suffix(".png")) in error.remedy
    assert not arguments["output"].exists() and not arguments["picture"].exists()
    assert not json.loads(arguments["refused"].read_text())["sound"]
    assert read_image(arguments["refused"].with_suffix(".png")).shape[1] > 1800


def test_a_folder_that_is_brought_is_checked_without_a_head(job, tmp_path):
    folder, arguments = job
    validate_dataset(**brought(folder.images, arguments))
    assert len(json.loads(arguments["output"].read_text())["not_checked"]) == 2
    moved = tmp_path / "elsewhere"
    shutil.move(folder.checkpoint, moved)
    with pytest.raises(UserError, match=r"folder of \.frame files"):
        validate_dataset(**brought(folder.images, arguments))
    validate_dataset(**brought(folder.images, arguments, checkpoint=str(moved)))


def test_nothing_but_broken_files_still_gives_a_picture(job):
    folder, arguments = job
    for index in range(FRAMES):
        folder.image("image", index).write_bytes(b"")
        folder.frame(index).write_bytes(b"")
    with pytest.raises(UserError, match="unreadable"):
        validate_dataset(**arguments)
    assert arguments["refused"].with_suffix(".png").exists()
    shutil.rmtree(folder.checkpoint)
    folder.checkpoint.mkdir()
    with pytest.raises(UserError, match="no_frames"):
        validate_dataset(**arguments)
    assert arguments["refused"].with_suffix(".png").exists()
