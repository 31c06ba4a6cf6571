"""A FlashAvatar folder becomes frames, matte, masks and tracking, and every fault of it has a message."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from stages.subject_clip import FRAMES, MANIFESTS, accept, take, track, write_folder
from subject_files import FOCAL, NAME, SIZE

from headsmith.bridges.flashavatar import read_frame
from headsmith.bridges.subject import find_subject
from headsmith.bridges.subject_track import check_head
from headsmith.bridges.track import Track, project_vertices
from headsmith.contract.errors import UserError
from headsmith.contract.frame_ids import frame_name
from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import DatasetSettings
from headsmith.heads.model import HeadModel
from headsmith.media.images import read_image
from headsmith.stages.dataset import write_dataset


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("made"))


@pytest.fixture
def folder(made, tmp_path):
    """A copy of the folder that a test may spoil, its head beside it."""
    shutil.copytree(made.root.parent, tmp_path / "brought")
    return replace(made, root=tmp_path / "brought" / "anna")


def renumber(folder, delta):
    """Give images other numbers: those of their frames plus ``delta``."""
    for place, kinds in (("imgs", [".jpg"]), ("alpha", [".jpg"]), ("parsing", ["_mouth.png", "_neckhead.png"])):
        for kind in kinds:
            for index in range(folder.count) if delta < 1 else reversed(range(folder.count)):
                (folder.images / place / f"{index + 1:05d}{kind}").rename(folder.images / place / f"{index + delta:05d}{kind}")


def as_png(folder):
    """Turn images and mattes into PNG of the same pixels, as HyperGaussians' own preparation writes them."""
    for place in ("imgs", "alpha"):
        for path in sorted((folder.images / place).iterdir()):
            cv2.imwrite(str(path.with_suffix(".png")), cv2.imread(str(path), cv2.IMREAD_UNCHANGED))
            path.unlink()


def set_lens(folder, change):
    for index in range(folder.count):
        folder.change(index, lambda content: content["opencv"].update(K=change(content["opencv"]["K"].copy())))


def widen(folder, pixels):
    """Add columns to the left of all pictures, and say so in K and the size."""
    for kind in ("image", "alpha", "neckhead", "mouth"):
        for index in range(folder.count):
            path = folder.image(kind, index)
            pixels_of = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            cv2.imwrite(str(path), cv2.copyMakeBorder(pixels_of, 0, 0, pixels, 0, cv2.BORDER_CONSTANT))
    for index in range(folder.count):
        folder.change(index, lambda content: content.update(img_size=np.array([SIZE, SIZE + pixels])))
    set_lens(folder, lambda lens: lens + np.float32([[[0, 0, pixels], [0, 0, 0], [0, 0, 0]]]))


def original(folder, kind, index):
    return cv2.imread(str(folder.image(kind, index)), cv2.IMREAD_COLOR if kind == "image" else cv2.IMREAD_GRAYSCALE)


def test_everything_is_taken_as_it_is(folder, tmp_path) -> None:
    verdict = accept(folder, tmp_path)
    assert verdict["sound"] and verdict["frames"] == FRAMES and verdict["faults"] == []
    assert read_image(tmp_path / "subject.png").shape[1] > 1800
    take(folder, tmp_path, fps=30.0)
    frames = read_manifest(tmp_path / "frames.json", clip="anna")
    assert (frames.ids, frames.size, frames.details["fps"]) == (tuple(range(FRAMES)), (SIZE, SIZE), 30.0)
    assert frames.details["subject"] == NAME and frames.details["names"][3] == "00004.jpg"
    for index in range(FRAMES):
        for word, kind in (("frames", "image"), ("matte", "alpha"), ("mouth", "mouth"), ("head", "neckhead")):
            taken = read_image(tmp_path / word / frame_name(index), grey=kind != "image")
            theirs = original(folder, kind, index)
            assert (taken == (theirs[..., ::-1] if kind == "image" else theirs)).all()
    for word in MANIFESTS:
        assert ("jumps" in read_manifest(tmp_path / MANIFESTS[word]).details) == (word != "frames")


def test_parameters_are_the_clips_tracking(folder, tmp_path) -> None:
    """By an independent projection of the folder's own numbers: the pinhole of K, corner of the image at 0."""
    accept(folder, tmp_path)
    arrays = track(folder, tmp_path)
    assert arrays["ids"].tolist() == list(range(FRAMES)) and set(arrays["status"].tolist()) == {"ok"}
    assert np.isnan(arrays["residual"]).all() and arrays["focal"] == FOCAL and not arrays["neck"].any()
    model = HeadModel.from_container(folder.head, torch.float64)
    tracked = Track.from_arrays(arrays)
    pixels = project_vertices(tracked, model)
    vertices = model(tracked.parameters()).numpy()
    for index in range(FRAMES):
        content = torch.load(folder.frame(index), weights_only=False)
        assert (content["flame"]["exp"][0, :6] == arrays["expression"][index]).all()
        seen = vertices[index] @ content["opencv"]["R"][0].T.astype(np.float64) + content["opencv"]["t"][0]
        image = seen @ content["opencv"]["K"][0].T.astype(np.float64)
        assert np.abs(image[:, :2] / image[:, 2:] - pixels[index]).max() < 1e-3
    summary = json.loads((tmp_path / "tracking.json").read_text())
    assert summary["counts"]["ok"] == summary["frames"] == FRAMES and summary["remarks"] == []
    rows = list(csv.DictReader((tmp_path / "tracking.csv").open()))
    assert len(rows) == FRAMES and rows[0]["residual_percent"] == "" and float(rows[0]["left_eyelid"]) == pytest.approx(0.1)


@pytest.mark.parametrize("png", [False, True])
def test_images_from_zero_and_png_are_found(folder, made, tmp_path, png) -> None:
    renumber(folder, 0)
    if png:
        as_png(folder)
    accept(folder, tmp_path)
    take(folder, tmp_path)
    manifest = read_manifest(tmp_path / "frames.json")
    assert manifest.details["names"][0] == ("00000.png" if png else "00000.jpg") and manifest.details["fps"] == 25
    for index in range(FRAMES):
        assert (read_image(tmp_path / "frames" / frame_name(index)) == original(made, "image", index)[..., ::-1]).all()


def test_the_videos_first_image_belongs_to_no_frame(folder, tmp_path) -> None:
    """Images 0 to N for frames 0 to N - 1: metrical-tracker left the first out, and FlashAvatar's rule holds."""
    for place, kind in (("imgs", ".jpg"), ("alpha", ".jpg"), ("parsing", "_mouth.png"), ("parsing", "_neckhead.png")):
        shutil.copy(folder.images / place / f"00005{kind}", folder.images / place / f"00000{kind}")
    verdict = accept(folder, tmp_path)
    assert [row["kind"] for row in verdict["faults"]] == ["extra_image"] and verdict["sound"]
    take(folder, tmp_path, "frames")
    assert (read_image(tmp_path / "frames/00000.png") == original(folder, "image", 0)[..., ::-1]).all()


def test_the_principal_point_is_where_k_has_it_and_images_need_not_be_square(folder, made, tmp_path, capsys) -> None:
    accept(made, tmp_path)
    before = Track.from_arrays(track(made, tmp_path))
    widen(folder, 30)
    assert accept(folder, tmp_path)["size"] == [SIZE + 30, SIZE]
    after = Track.from_arrays(track(folder, tmp_path))
    assert after.size == (SIZE + 30, SIZE) and after.principal.tolist() == [SIZE / 2 + 30, SIZE / 2]
    model = HeadModel.from_container(folder.head, torch.float64)
    assert np.abs(project_vertices(after, model) - project_vertices(before, model) - (30, 0)).max() < 1e-6
    told = json.loads((tmp_path / "tracking.json").read_text())["remarks"][0]
    assert "the principal point is 78, 48, not the centre 63, 48: K's is used" in told and told in capsys.readouterr().err


def test_a_subject_that_is_written_again_is_the_same_subject(folder, tmp_path) -> None:
    """Its parameters to float32, its images but for JPEG's loss; a principal point beside the centre stays, and is told."""
    widen(folder, 30)
    accept(folder, tmp_path)
    take(folder, tmp_path)
    track(folder, tmp_path)
    inputs = {word: tmp_path / name for word, name in MANIFESTS.items()}
    inputs |= {"tracking": tmp_path / "tracking.npz", "head": folder.root.parent / "head.npz"}
    write_dataset(clip="anna", manifest=tmp_path / "dataset.json", settings=DatasetSettings(held_out=2), **inputs)
    content = json.loads((tmp_path / "dataset.json").read_text())
    assert (content["train"], content["held_out"]) == (list(range(FRAMES - 2)), [FRAMES - 2, FRAMES - 1])
    assert any("as in the folder that was brought" in note for note in content["notes"])
    written = find_subject(tmp_path / "dataset")
    for index in range(FRAMES):
        before, after = read_frame(folder.frame(index)), read_frame(written.frame(index))
        for group, keys in (("flame", ("shape", "exp", "jaw", "eyes", "eyelids")), ("opencv", ("R", "t", "K"))):
            for key in keys:
                assert np.abs(before[group][key] - after[group][key]).max() < 1e-6, key
        image = read_image(written.files(index)["image"]).astype(int)
        assert np.abs(image - original(folder, "image", index)[..., ::-1]).mean() < 1


def test_a_lens_that_counts_from_the_middle_of_pixels_is_recognised(folder, tmp_path) -> None:
    set_lens(folder, lambda lens: lens - np.float32([[[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]]))
    accept(folder, tmp_path)
    assert track(folder, tmp_path)["principal"].tolist() == [SIZE / 2, SIZE / 2]
    assert "half a pixel" in json.loads((tmp_path / "tracking.json").read_text())["remarks"][0]


def test_parameters_may_lie_elsewhere(folder, tmp_path) -> None:
    shutil.move(folder.checkpoint, tmp_path / "frames of anna")
    with pytest.raises(UserError, match=r"the folder of \.frame files is not there"):
        accept(folder, tmp_path)
    accept(folder, tmp_path, checkpoint=tmp_path / "frames of anna")
    assert len(track(folder, tmp_path, tmp_path / "frames of anna")["ids"]) == FRAMES


FAULTS = {
    "missing_image: images, mattes or masks are missing: dataset/someone/alpha/00004.jpg": lambda f: f.image(
        "alpha", 3
    ).unlink(),
    "missing_number": lambda f: f.frame(4).unlink(),
    "stray_file": lambda f: (f.checkpoint / "notes.txt").touch(),
    "sizes_differ": lambda f: cv2.imwrite(str(f.image("mouth", 2)), np.zeros((SIZE, SIZE // 2), np.uint8)),
    "image_size": lambda f: f.change(5, lambda content: content.update(img_size=np.array([512, 512]))),
    "codes_beyond_head": lambda f: f.change(0, lambda content: content["flame"]["exp"].__setitem__((0, 50), 0.5)),
    "missing_key": lambda f: f.change(1, lambda content: content["flame"].pop("eyelids")),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_told_with_clip_file_and_remedy(folder, tmp_path, kind) -> None:
    FAULTS[kind](folder)
    with pytest.raises(UserError) as caught:
        accept(folder, tmp_path)
    assert kind in caught.value.message and caught.value.clip == "anna" and "refused.png" in (caught.value.remedy or "")
    assert not (tmp_path / "subject.json").exists() and (tmp_path / "refused.json").exists()


def test_codes_are_those_of_the_head_that_something_names(folder, tmp_path) -> None:
    with pytest.raises(UserError, match="nothing says whose codes these are: FlashAvatar's are of flame2020") as caught:
        accept(folder, tmp_path, known=False)
    assert "validation.known_head" in (caught.value.remedy or "") and caught.value.clip == "anna"
    note = folder.root / "dataset.json"
    note.write_text(json.dumps({"head": "anny", "head_sha256": folder.head.sha256}))
    assert accept(folder, tmp_path, known=False)["sound"]
    note.rename(folder.root.with_suffix(".json"))
    assert accept(folder, tmp_path, known=False)["sound"], "beside the folder, where stage dataset writes it"
    folder.root.with_suffix(".json").write_text(json.dumps({"head": "flame2023", "head_sha256": "0" * 64}))
    with pytest.raises(UserError, match=r"the codes are of the head flame2023 \(000000000000\), and heads.model is") as caught:
        accept(folder, tmp_path, known=False)
    assert str(caught.value.file).endswith("anna.json")
    folder.root.with_suffix(".json").write_text("[]")
    with pytest.raises(UserError, match="tells of no head"):
        accept(folder, tmp_path, known=False)


def test_codes_of_the_formats_own_head_need_no_word(made) -> None:
    subject = find_subject(made.root)
    check_head(subject, replace(made.head, name="flame2020"), known=False)
    for name in ("flame2023", "anny"):
        with pytest.raises(UserError, match=f"heads.model is {name}"):
            check_head(subject, replace(made.head, name=name), known=False)


def test_one_camera_must_stand_for_all_frames(folder, tmp_path) -> None:
    accept(folder, tmp_path)
    set_lens(folder, lambda lens: lens * np.float32([[[1, 1, 1], [1, 1.1, 1], [1, 1, 1]]]))
    with pytest.raises(UserError, match=r"focal lengths 260.00 and 286.00: the pixels are not square") as caught:
        track(folder, tmp_path)
    assert caught.value.clip == "anna" and "heights by 0.9091" in (caught.value.remedy or "")
    set_lens(folder, lambda lens: lens / np.float32([[[1, 1, 1], [1, 1.1, 1], [1, 1, 1]]]))
    folder.change(3, lambda content: content["opencv"]["K"].__setitem__((0, 0, 2), SIZE / 2 + 9))
    with pytest.raises(UserError, match=r"the principal point moves by up to 9.0 pixels"):
        track(folder, tmp_path)


def test_a_folder_that_changes_while_it_is_read_is_refused(folder, tmp_path) -> None:
    accept(folder, tmp_path)
    shutil.copy(folder.frame(0), folder.checkpoint / f"{FRAMES:05d}.frame")
    with pytest.raises(UserError, match="has 9 frames, and had 8"):
        take(folder, tmp_path, "matte")
    (folder.checkpoint / f"{FRAMES:05d}.frame").unlink()
    folder.image("alpha", 2).write_bytes(b"gone")
    with pytest.raises(UserError, match="the file has changed") as caught:
        take(folder, tmp_path, "matte")
    assert str(caught.value.file).endswith("00003.jpg") and caught.value.clip == "anna"
    assert not Path(tmp_path / "matte.json").exists() and not (tmp_path / "matte").exists()


def test_naming_is_flashavatars_unless_it_is_looked_for(made) -> None:
    subject = find_subject(made.root)
    assert subject.files(0)["image"].name == "00001.jpg" and subject.root == made.root.absolute()
