"""Masks by label name from made-up label maps, and the maps that the checks refuse."""

from pathlib import Path

import numpy as np
import pytest

from headsmith.contract.errors import UserError
from headsmith.contract.labels import LABEL_ORDERS, LABELS, MASKS
from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import MasksSettings
from headsmith.media.frames import FrameFolderWriter, iterate_frames
from headsmith.media.images import read_image
from headsmith.show.text import ALARM
from headsmith.stages.masks import cut_masks
from headsmith.stages.masks_check import MasksRefused
from headsmith.stages.masks_labels import label_runs, where_labelled
from headsmith.stages.quality_refused import refusal_drawn
from tests.stages.masks_clip import MAPS, SIDE, face_map, frame_of, save_landmarks


@pytest.fixture
def cut(tmp_path):
    """Return a function that cuts masks from label maps (a dict by frame id) and gives them by frame id."""

    def run(maps, mask="mouth", missing=(), convention="mediapipe478", threads=1, turn=0.0, labels=None, **settings):
        with FrameFolderWriter(tmp_path / "parsing.json") as writer:
            for frame_id, label_map in maps.items():
                writer.add(frame_id, label_map)
        save_landmarks(tmp_path / "landmarks.npz", maps, convention, missing, turn)
        sets = MasksSettings().sets | ({} if labels is None else {mask: labels})
        cut_masks(
            clip="c",
            mask=mask,
            parsing=tmp_path / "parsing.json",
            landmarks=tmp_path / "landmarks.npz",
            manifest=tmp_path / f"masks/{mask}.json",
            settings=MasksSettings(sets=sets, **settings),
            threads=threads,
        )
        return dict(iterate_frames(tmp_path / f"masks/{mask}.json", grey=True))

    return run


@pytest.fixture
def details(cut, tmp_path):
    """Return a function that cuts masks and gives what their manifest says of them."""

    def run(maps, mask="mouth", **settings):
        cut(maps, mask, **settings)
        return read_manifest(tmp_path / f"masks/{mask}.json").details

    return run


@pytest.mark.parametrize("convention", ["mediapipe478", "ibug68"])
def test_mouth_is_lips_and_what_they_enclose(cut, convention):
    for frame_id, mask in cut(MAPS, convention=convention).items():
        expected = np.zeros((SIDE, SIDE), np.uint8)
        expected[40:48, 22 + frame_id % 4 : 42 + frame_id % 4] = 255
        np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("mask", list(MASKS))
def test_a_set_is_the_pixels_of_its_labels(cut, mask):
    ids = [LABELS.index(name) for name in MASKS[mask]]
    for frame_id, pixels in cut(MAPS, mask).items():
        np.testing.assert_array_equal(pixels, np.where(np.isin(MAPS[frame_id], ids), 255, 0))


def test_a_set_of_ones_own(cut):
    masks = cut(MAPS, "clothes", labels=["cloth", "necklace"])
    assert all(mask[60, 30] == 255 and np.count_nonzero(mask) == 6 * 48 for mask in masks.values())
    with pytest.raises(UserError, match="no mask 'clothes'") as caught:
        cut(MAPS, "clothes")
    assert "mouth, head" in caught.value.remedy


def test_runs_of_labels_select_what_a_table_does():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 256, (40, 50)).astype(np.uint8)
    for ids in ([0], [255], [0, 1, 2, 254, 255], [11, 12, 13], list(range(256)), generator.choice(256, 90).tolist(), []):
        np.testing.assert_array_equal(where_labelled(labels, label_runs(ids)), np.isin(labels, ids))
    assert label_runs([7, 1, 3, 2]) == ((1, 3), (7, 7))


@pytest.mark.parametrize("threads", [1, 3])
def test_the_same_again_is_the_same(cut, tmp_path, threads):
    cut(MAPS)
    first = (tmp_path / "masks/mouth.json").read_bytes()
    cut(MAPS, threads=threads)
    assert (tmp_path / "masks/mouth.json").read_bytes() == first
    assert read_manifest(tmp_path / "masks/mouth.json").ids == tuple(MAPS)


def relabelled(**names: str) -> dict[int, np.ndarray]:
    """Return the maps as a parser of another label order would give them: each named label written as another."""
    table = np.arange(len(LABELS), dtype=np.uint8)
    for name, other in names.items():
        table[LABELS.index(name)] = LABELS.index(other)
    return {frame_id: table[labels] for frame_id, labels in MAPS.items()}


def in_order(order: str) -> dict[int, np.ndarray]:
    """Return the maps as they stand in files of another order: what is read as ours without a word."""
    table = np.array([LABEL_ORDERS[order].index(name) for name in LABELS], np.uint8)
    return {frame_id: table[labels] for frame_id, labels in MAPS.items()}


REFUSED = {
    "nose and mouth swapped": (relabelled(nose="mouth", mouth="nose"), {}, "of the nose's points lie in them"),
    "nose and lips swapped": (relabelled(nose="lower_lip", lower_lip="nose"), {}, "of the nose's points lie in them"),
    "the order of CelebAMask-HQ": (in_order("celebamask_hq"), {}, "of them lies around the lips"),
    "cut with the nose": (MAPS, {"labels": [*MASKS["mouth"], "nose"]}, "pixels are labelled nose"),
    "the nose alone": (MAPS, {"labels": ["nose"]}, "pixels are labelled nose"),
    "the hair for the mouth": (relabelled(hair="mouth", mouth="hair"), {"labels": ["mouth"]}, "above the nose's tip"),
    "the neck": (MAPS, {"labels": ["neck"]}, "of them lies around the lips"),
    "no mouth at all": (relabelled(mouth="skin", upper_lip="skin", lower_lip="skin"), {}, "only 0% of the lips' points"),
}


@pytest.mark.parametrize("turn", [0.0, 0.6, -0.6, np.pi])
@pytest.mark.parametrize("fault", list(REFUSED))
def test_what_is_no_mouth_is_refused_however_the_head_is_tilted(cut, tmp_path, fault, turn):
    maps, settings, words = REFUSED[fault]
    with pytest.raises(MasksRefused, match=words) as caught:
        cut(turned(maps, turn), turn=turn, **settings)
    assert caught.value.clip == "c"
    assert "label order" in caught.value.remedy
    assert caught.value.evidence.faults
    assert not (tmp_path / "masks/mouth.json").exists()
    assert not (tmp_path / "masks/mouth").exists()


@pytest.mark.parametrize("turn", [0.6, -0.6, np.pi / 2, np.pi])
def test_a_tilted_head_keeps_its_mouth(cut, turn):
    assert len(cut(turned(MAPS, turn), turn=turn)) == len(MAPS)


def turned(maps, angle):
    """Turn label maps about their middle, as ``save_landmarks`` turns the points."""
    centre = np.array([SIDE / 2, SIDE / 2])
    cosine, sine = np.cos(angle), np.sin(angle)
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    offset = np.stack([columns, rows], -1) - centre
    back = np.stack([cosine * offset[..., 0] + sine * offset[..., 1], cosine * offset[..., 1] - sine * offset[..., 0]], -1)
    source = np.floor(back + centre).astype(int).clip(0, SIDE - 1)
    return {frame_id: labels[source[..., 1], source[..., 0]] for frame_id, labels in maps.items()}


@pytest.mark.parametrize("with_frames", [True, False])
def test_a_refusal_is_drawn_and_named(cut, tmp_path, with_frames):
    sheet = tmp_path / "logs/mouth_masks.png"
    sheet.parent.mkdir()
    sheet.write_bytes(b"of an earlier run")
    if with_frames:
        with FrameFolderWriter(tmp_path / "frames.json") as writer:
            for frame_id in MAPS:
                writer.add(frame_id, frame_of(frame_id))
    with pytest.raises(UserError, match="labelled nose") as caught, refusal_drawn(sheet):
        cut(MAPS, labels=[*MASKS["mouth"], "nose"])
    assert f"look at {sheet}: the worst frames come first" in caught.value.remedy
    picture = read_image(sheet)
    assert (picture == ALARM).all(-1).any()
    assert picture.shape[1] > 5 * 300
    with refusal_drawn(sheet):
        cut(MAPS)
    assert not sheet.exists()


def test_the_worst_frames_come_first(cut):
    wide = face_map(2)
    wide[24:40, 10:54] = LABELS.index("nose")
    with pytest.raises(MasksRefused) as caught:
        cut({0: MAPS[0], 1: MAPS[1], 2: wide, 5: MAPS[5]}, labels=[*MASKS["mouth"], "nose"])
    faults = caught.value.evidence.faults
    assert faults[0][0] == 2
    assert {frame_id for frame_id, _ in faults} == {0, 1, 2, 5}
    assert "pixels of the nose inside" in faults[0][1]


def test_one_bad_frame_among_good_ones_passes_and_is_flagged(details):
    away = face_map(3)
    away[40:48] = LABELS.index("skin")
    away[2:10, 2:22] = LABELS.index("upper_lip")
    good = {frame_id: face_map(frame_id % 4) for frame_id in range(20, 28)}
    found = details({**MAPS, 9: np.zeros((SIDE, SIDE), np.uint8), 11: away, **good})["flagged"]
    assert [item["id"] for item in found] == [9, 11]
    assert found[0]["reason"] == "empty"
    for words in ("0% of the lips' points inside", "0% of it around the lips", "above the nose's tip"):
        assert words in found[1]["reason"]


def test_jumps_are_told_with_their_overlap(details):
    shifts = {0: 0, 1: 1, 2: 16, 3: 16, 4: 1}
    maps = {frame_id: np.roll(face_map(), shift, axis=1) for frame_id, shift in shifts.items()}
    missing = (2, 3)
    assert details(maps, missing=missing)["jumps"] == [[2, 0.1429], [4, 0.1429]]
    assert details(maps, missing=missing, min_overlap={"mouth": 0.1})["jumps"] == []
    assert details(maps, missing=missing, min_overlap={})["jumps"] == [[2, 0.1429], [4, 0.1429]]
    assert details(maps, missing=missing, min_overlap={"mouth": 0.95})["jumps"][0] == [1, 0.9048]


def test_nothing_is_flagged_where_nothing_is_wrong(details):
    assert details(MAPS) == {"jumps": [], "flagged": []}
    assert details(MAPS, "eyes") == {"jumps": [], "flagged": []}


def test_frames_without_landmarks_do_not_count(cut):
    maps = {**MAPS, 8: np.zeros((SIDE, SIDE), np.uint8), 9: np.zeros((SIDE, SIDE), np.uint8)}
    assert len(cut(maps, missing=(8, 9), min_lips_inside=0.95)) == 7
    with pytest.raises(UserError, match="lips' points"):
        cut(maps, min_lips_inside=0.95)


def test_the_head_must_hold_the_lips_and_hair_need_not(cut):
    maps = relabelled(upper_lip="background", lower_lip="background", mouth="background")
    with pytest.raises(UserError, match=r"the head masks do not fit the faces: only \d+% of the lips' points"):
        cut(maps, "head")
    assert len(cut(maps, "hair")) == len(MAPS)


def test_no_landmarks_at_all_are_told(cut):
    with pytest.raises(UserError, match="no frame has landmarks"):
        cut(MAPS, missing=tuple(MAPS))


def test_unknown_label_names_ids_and_conventions_are_refused(cut, tmp_path):
    with pytest.raises(UserError, match="unknown label 'lips'"):
        cut(MAPS, labels=["lips"])
    with pytest.raises(UserError, match="holds label 19") as caught:
        cut({0: MAPS[0], 1: np.full((SIDE, SIDE), 19, np.uint8)})
    assert caught.value.file == str(tmp_path / "parsing/00001.png")
    with pytest.raises(UserError, match="unknown landmark convention 'wflw98'"):
        cut(MAPS, convention="wflw98")


@pytest.mark.parametrize("length", [0, 9, -1, -2000])
def test_broken_landmarks_are_told(cut, tmp_path, length):
    cut(MAPS)
    content = (tmp_path / "landmarks.npz").read_bytes()
    Path(tmp_path / "landmarks.npz").write_bytes(content[:length])
    with pytest.raises(UserError, match="landmarks cannot be read") as caught:
        cut_masks(
            clip="c",
            mask="mouth",
            parsing=tmp_path / "parsing.json",
            landmarks=tmp_path / "landmarks.npz",
            manifest=tmp_path / "masks/mouth.json",
            settings=MasksSettings(),
            threads=1,
        )
    assert caught.value.file == str(tmp_path / "landmarks.npz")
