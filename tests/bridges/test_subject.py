"""A FlashAvatar subject folder: a good one passes, and every planted fault is named, alone and among the others."""

import os
import shutil
import tracemalloc
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from subject_files import FRAMES, NAME, SIZE, Folder, write_subject

from headsmith.bridges.subject import find_subject
from headsmith.bridges.subject_check import check_subject, verdict
from headsmith.bridges.subject_faults import EXAMPLES, KINDS, Faults
from headsmith.bridges.subject_heads import HeadSight
from headsmith.contract.errors import UserError
from headsmith.heads.model import HeadModel


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return write_subject(tmp_path_factory.mktemp("subject") / "root")


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """Too short to tell of motion, and quick to check."""
    return write_subject(tmp_path_factory.mktemp("short") / "root", SHORT)


@pytest.fixture
def folder(good, tmp_path):
    shutil.copytree(good.root, tmp_path / "root")
    return replace(good, root=tmp_path / "root")


@pytest.fixture
def small(short, tmp_path):
    shutil.copytree(short.root, tmp_path / "root")
    return replace(short, root=tmp_path / "root")


def check(folder, *, known=True, boundary=5, threads=2):
    model = HeadModel.from_container(folder.head, torch.float64) if known else None
    return check_subject(find_subject(folder.root), HeadSight(model), boundary, threads, lambda items: items)


def errors(folder, **options):
    return check(folder, **options).faults.kinds("error")


class Trap:
    """What a hostile file holds: reading it with pickle makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def set_in(group, key, value):
    def change(content):
        content[group][key] = value(content[group][key])

    return change


def scaled_mask(path, values):
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(path), np.where(mask > 0, values, 0).astype(np.uint8))


def rgba(path):
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    _, content = cv2.imencode(".png", np.dstack([image] * 4))
    path.write_bytes(content.tobytes())


def over_the_nose(folder):
    """Cut the mouth where the nose is: up by what the made-up face has between the two."""
    for index in range(folder.count):
        path = folder.image("mouth", index)
        mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        cv2.imwrite(str(path), np.roll(mask, -round(0.05 * 260 / 0.76), 0))


def shift_images(folder, by):
    """Give every frame the images of another one."""
    for kind in ("image", "alpha", "neckhead", "mouth"):
        contents = [folder.image(kind, index).read_bytes() for index in range(FRAMES)]
        for index in range(FRAMES):
            folder.image(kind, index).write_bytes(contents[(index + by) % FRAMES])


FAULTS = {
    "type": lambda f: f.change(3, set_in("flame", "exp", lambda array: array.astype(np.float64))),
    "missing_number": lambda f: f.frame(20).unlink(),
    "stray_file": lambda f: (f.checkpoint / ".DS_Store").write_bytes(b"x"),
    "fov_varies": lambda f: f.change(7, set_in("opencv", "K", lambda lens: lens * np.float32([[[1.01], [1.01], [1]]]))),
    "mirrored": lambda f: f.change(8, set_in("opencv", "R", lambda turn: turn * np.float32([-1, 1, 1]))),
    "behind": lambda f: f.change(9, set_in("opencv", "t", lambda shift: -shift)),
    "alpha_channels": lambda f: rgba(f.image("alpha", 11)),
    "mask_values": lambda f: scaled_mask(f.image("neckhead", 12), 200),
    "counts_off": lambda f: shutil.copy(f.image("image", 0), f.images / "imgs" / f"{f.count + 1:05d}.jpg"),
    "mouth_elsewhere": over_the_nose,
    "shape": lambda f: f.change(13, set_in("flame", "jaw", lambda array: array[0])),
    "not_finite": lambda f: f.change(14, set_in("flame", "shape", lambda array: array * np.float32(np.nan))),
    "missing_key": lambda f: f.change(15, lambda content: content.pop("opencv")),
    "identity_varies": lambda f: f.change(16, set_in("flame", "shape", lambda array: array + np.float32(0.01))),
    "codes_beyond_head": lambda f: f.change(17, set_in("flame", "exp", lambda array: array + np.float32(0.01))),
    "rotation": lambda f: f.change(18, set_in("opencv", "R", lambda turn: turn * np.float32(1.1))),
    "six_numbers": lambda f: f.change(19, set_in("flame", "eyes", lambda array: array * 0)),
    "image_size": lambda f: f.change(21, lambda content: content.update(img_size=np.array([512, 512]))),
    "missing_image": lambda f: f.image("mouth", 22).unlink(),
    "image_broken": lambda f: f.image("image", 23).write_bytes(f.image("image", 23).read_bytes()[:300]),
    "image_channels": lambda f: rgba(f.image("image", 24)),
    "sizes_differ": lambda f: cv2.imwrite(str(f.image("alpha", 25)), np.full((SIZE, SIZE // 2), 255, np.uint8)),
    "mask_empty": lambda f: scaled_mask(f.image("neckhead", 26), 0),
    "mask_channels": lambda f: rgba(f.image("neckhead", 27)),
    "alpha_off_head": lambda f: cv2.imwrite(str(f.image("alpha", 28)), 255 - cv2.imread(str(f.image("alpha", 28)), 0)),
    "mouth_outside": lambda f: cv2.imwrite(str(f.image("mouth", 29)), 255 - cv2.imread(str(f.image("neckhead", 29)), 0)),
    "head_elsewhere": lambda f: f.change(30, set_in("opencv", "t", lambda shift: shift + np.float32([0.2, 0, 0]))),
    "unreadable": lambda f: f.frame(31).write_bytes(b"not a zip"),
    "unsafe": lambda f: torch.save({"flame": Trap(f.root / "sprung")}, f.frame(32)),
    "lens": lambda f: f.change(33, set_in("opencv", "K", lambda lens: lens * np.float32([[[-1], [1], [1]]]))),
    "numbered_from_0": lambda f: shutil.copy(f.image("alpha", 0), f.images / "alpha" / "00000.jpg"),
    "no_frames": lambda f: [path.unlink() for path in f.checkpoint.iterdir()],
}
COMPANIONS = {
    "missing_number": {"counts_off"},
    "lens": {"fov_varies", "head_elsewhere", "mouth_elsewhere", "alpha_off_head"},
    "mirrored": {"mouth_elsewhere"},
    "missing_image": {"counts_off"},
    "mouth_outside": {"mouth_elsewhere"},
    "numbered_from_0": {"counts_off"},
    "no_frames": {"counts_off"},
    "head_elsewhere": {"mouth_elsewhere", "alpha_off_head"},
    "mouth_elsewhere": {"mouth_outside"},
    "mask_empty": {"mouth_outside"},
    "identity_varies": {"codes_beyond_head"},
}
"""Faults that come with another: a missing frame also unbalances the numbers."""
PLANTED = list(FAULTS)[:10]
SHORT = 12


def test_a_good_folder_passes(good):
    found = check(good)
    assert found.faults.kinds("error") == [] and found.faults.kinds("warning") == ["not_512"]
    assert (found.size, len(found.indices), found.moves) == ((SIZE, SIZE), FRAMES, True)
    assert errors(good, known=False) == [] and errors(good, threads=1) == []


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_named(small, kind):
    FAULTS[kind](small)
    found = errors(small)
    assert kind in found
    assert set(found) <= {kind} | COMPANIONS.get(kind, set())


def test_ten_faults_are_all_named(folder):
    for kind in PLANTED:
        FAULTS[kind](folder)
    found = check(folder)
    assert set(PLANTED) <= set(found.faults.kinds("error"))
    lines = "\n".join(found.faults.lines("error"))
    for kind in PLANTED:
        assert f"{kind}: {KINDS[kind].title}" in lines and KINDS[kind].remedy in lines
    for name in ("00003.frame", "00007.frame", ".DS_Store", "00012.jpg", "00013_neckhead.png"):
        assert name in lines


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        (
            "principal",
            lambda f: f.change(2, set_in("opencv", "K", lambda lens: lens + np.float32([[0, 0, 5], [0] * 3, [0] * 3]))),
        ),
        ("eyelids", lambda f: f.change(3, set_in("flame", "eyelids", lambda lids: lids + np.float32(1)))),
        ("rows_not_unit", lambda f: f.change(4, set_in("flame", "jaw", lambda rows: rows * np.float32(1.2)))),
        ("mouth_empty", lambda f: scaled_mask(f.image("mouth", 5), 0)),
    ],
)
def test_what_flashavatar_bears_is_a_warning(small, kind, spoil):
    spoil(small)
    found = check(small)
    assert found.faults.kinds("error") == [] and found.faults.kinds("warning") == [
        name for name in KINDS if name in {kind, "not_512"}
    ]


def test_nothing_left_to_train_on_is_a_warning(short):
    assert check(short, boundary=500).faults.kinds() == ["not_512", "few_frames"]


def test_a_hostile_file_is_named_and_not_run(small):
    FAULTS["unsafe"](small)
    (told,) = [row for row in check(small).faults.summary() if row["kind"] == "unsafe"]
    assert told["examples"][0]["file"].endswith(small.frame(32).name) and "system" in told["examples"][0]["what"]
    assert not (small.root / "sprung").exists()


@pytest.mark.parametrize("by", [-2, -1, 1, 2])
@pytest.mark.parametrize("known", [True, False])
def test_images_of_other_frames_are_found_by_how_they_move(folder, by, known):
    shift_images(folder, by)
    found = check(folder, known=known)
    (told,) = [row for row in found.faults.summary() if row["kind"] == "time_shift"]
    place = {1: "image k do", -1: "image k + 2 do", 2: "image k - 1 do", -2: "image k + 3 do"}[by]
    assert place in told["examples"][0]["what"]


def test_a_head_that_keeps_still_tells_of_no_shift(folder):
    for index in range(1, FRAMES):
        shutil.copy(folder.frame(0), folder.frame(index))
        for kind in ("image", "alpha", "neckhead", "mouth"):
            shutil.copy(folder.image(kind, 0), folder.image(kind, index))
    found = check(folder)
    assert found.faults.kinds("error") == [] and not found.moves


def test_faults_of_a_kind_are_counted_and_few_are_told():
    faults = Faults()
    for index in range(317):
        faults.add("type", f"{index:05d}.frame", "flame.exp is float64", index)
    (row,) = faults.summary()
    assert (row["count"], len(row["examples"]), row["more"]) == (317, EXAMPLES, 317 - EXAMPLES)
    assert "and 316 more" in faults.lines("error")[0]


def test_a_verdict_says_nothing_of_times(short):
    first, second = (verdict(find_subject(short.root), check(short, threads=threads), []) for threads in (1, 2))
    assert first == second and first["sound"] and first["subject"] == NAME


def test_memory_does_not_grow_with_the_clip(short, tmp_path):
    times = 8
    long = Folder(tmp_path / "long", short.head, times * SHORT)
    for place in ("imgs", "alpha", "parsing"):
        (long.images / place).mkdir(parents=True)
    long.checkpoint.mkdir(parents=True)
    for index in range(long.count):
        os.link(short.frame(index), long.frame(index))
        for kind in ("image", "alpha", "neckhead", "mouth"):
            os.link(short.image(kind, index), long.image(kind, index))
    peaks = []
    check(short, known=False)
    for folder in (short, long):
        tracemalloc.start()
        check(folder, known=False, threads=1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < (times - 1) * SHORT * 3000, "names, numbers and a few places a frame"


def test_a_subject_is_found_by_either_folder(good, tmp_path):
    for place in (good.root, good.images, good.root / "dataset"):
        subject = find_subject(place)
        assert (subject.name, subject.images, subject.checkpoint) == (NAME, good.images, good.checkpoint)
    assert find_subject(good.root, good.checkpoint.parent).checkpoint == good.checkpoint.parent


def test_a_folder_that_is_no_subject_is_refused(good, tmp_path):
    with pytest.raises(UserError, match="no FlashAvatar subject"):
        find_subject(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        find_subject(tmp_path / "none")
    with pytest.raises(UserError, match="not there"):
        find_subject(good.root, tmp_path / "none")
    for name in ("one", "two"):
        (tmp_path / "dataset" / name / "imgs").mkdir(parents=True)
    with pytest.raises(UserError, match="2 subjects: one, two"):
        find_subject(tmp_path)
    with pytest.raises(UserError, match=r"folder of \.frame files"):
        find_subject(tmp_path / "dataset" / "one")


def test_images_without_parameters_are_told(small):
    FAULTS["counts_off"](small)
    assert "extra_image" in check(small).faults.kinds("warning")


def test_every_kind_has_a_test():
    elsewhere = ("time_shift", "extra_image", "not_512", "few_frames", "principal", "eyelids", "rows_not_unit", "mouth_empty")
    assert {*FAULTS, *elsewhere} == set(KINDS)
