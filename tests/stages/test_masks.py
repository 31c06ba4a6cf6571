"""Masks by label name from made-up label maps, and the maps that the checks refuse."""

import numpy as np
import pytest

from headsmith.contract.errors import UserError
from headsmith.contract.labels import LABELS
from headsmith.contract.landmark_groups import LIPS, NOSE_BRIDGE
from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import MasksSettings
from headsmith.media.frames import FrameFolderWriter, iterate_frames
from headsmith.stages.masks import cut_masks, share_inside


def paint(labels: np.ndarray, name: str, rows: tuple[int, int], columns: tuple[int, int]) -> None:
    labels[slice(*rows), slice(*columns)] = LABELS.index(name)


def face_map(shift: int = 0) -> np.ndarray:
    """Return a label map of blocks, 64x64: hair, skin, eyes, nose, lips around an open mouth, neck, cloth."""
    labels = np.zeros((64, 64), np.uint8)
    paint(labels, "hair", (4, 16), (14 + shift, 50 + shift))
    paint(labels, "skin", (16, 52), (16 + shift, 48 + shift))
    paint(labels, "left_eye", (22, 25), (20 + shift, 28 + shift))
    paint(labels, "right_eye", (22, 25), (36 + shift, 44 + shift))
    paint(labels, "nose", (24, 36), (28 + shift, 36 + shift))
    paint(labels, "upper_lip", (40, 43), (22 + shift, 42 + shift))
    paint(labels, "mouth", (43, 45), (22 + shift, 42 + shift))
    paint(labels, "lower_lip", (45, 48), (22 + shift, 42 + shift))
    paint(labels, "neck", (52, 58), (24, 40))
    paint(labels, "cloth", (58, 64), (8, 56))
    return labels


def landmarks_of(shift: int) -> np.ndarray:
    """Return points: the lips evenly over the lips' block, the nose over the nose's."""
    points = np.full((478, 3), 2.0, np.float32)
    share = np.linspace(0, 1, len(LIPS))
    points[list(LIPS), 0] = 22 + shift + 19.9 * share
    points[list(LIPS), 1] = 40 + 7.9 * np.abs(np.sin(9 * share))
    points[list(NOSE_BRIDGE), 0] = 32 + shift
    points[list(NOSE_BRIDGE), 1] = np.linspace(25, 35, len(NOSE_BRIDGE))
    return points


@pytest.fixture
def cut(tmp_path):
    """Return a function that cuts masks from label maps (a dict by frame id) and gives them by frame id."""

    def run(maps, kind="mouth", missing=(), **settings):
        with FrameFolderWriter(tmp_path / "parsing.json") as writer:
            for frame_id, labels in maps.items():
                writer.add(frame_id, labels)
        status = ["no_face" if frame_id in missing else "ok" for frame_id in maps]
        points = np.stack([landmarks_of(frame_id % 4) for frame_id in maps])
        points[[entry != "ok" for entry in status]] = np.nan
        np.savez(tmp_path / "landmarks.npz", ids=np.array(list(maps)), points=points, status=np.array(status))
        cut_masks(
            clip="c",
            kind=kind,
            parsing=tmp_path / "parsing.json",
            landmarks=tmp_path / "landmarks.npz",
            manifest=tmp_path / f"masks/{kind}.json",
            settings=MasksSettings(**settings),
        )
        return dict(iterate_frames(tmp_path / f"masks/{kind}.json", grey=True))

    return run


MAPS = {frame_id: face_map(frame_id % 4) for frame_id in (0, 1, 2, 5, 7)}


def test_mouth_is_lips_and_what_they_enclose(cut):
    for frame_id, mask in cut(MAPS).items():
        expected = np.zeros((64, 64), np.uint8)
        expected[40:48, 22 + frame_id % 4 : 42 + frame_id % 4] = 255
        np.testing.assert_array_equal(mask, expected)


def test_head_is_all_but_background_and_cloth(cut):
    for frame_id, mask in cut(MAPS, "head").items():
        left_out = np.isin(MAPS[frame_id], (LABELS.index("background"), LABELS.index("cloth")))
        np.testing.assert_array_equal(mask, np.where(left_out, 0, 255))
    assert {mask[54, 30] for mask in cut(MAPS, "head", not_head=["background", "cloth", "neck"]).values()} == {0}


def test_the_same_again_is_the_same(cut, tmp_path):
    cut(MAPS)
    first = (tmp_path / "masks/mouth.json").read_bytes()
    cut(MAPS)
    assert (tmp_path / "masks/mouth.json").read_bytes() == first
    assert read_manifest(tmp_path / "masks/mouth.json").ids == tuple(MAPS)


def relabelled(**names: str) -> dict[int, np.ndarray]:
    """Return the maps as a parser of another label order would give them: each named label written as another."""
    table = np.arange(len(LABELS), dtype=np.uint8)
    for name, other in names.items():
        table[LABELS.index(name)] = LABELS.index(other)
    return {frame_id: table[labels] for frame_id, labels in MAPS.items()}


def test_nose_and_mouth_swapped_are_refused(cut, tmp_path):
    with pytest.raises(UserError, match="points on the nose lie in the mouth masks") as caught:
        cut(relabelled(nose="mouth", mouth="nose"))
    assert caught.value.clip == "c"
    assert "label order" in caught.value.remedy
    assert not (tmp_path / "masks/mouth.json").exists()
    assert not (tmp_path / "masks/mouth").exists()


def test_the_label_beside_is_refused(cut, tmp_path):
    with pytest.raises(UserError, match="only 0% of the detected lip points lie in the mouth masks"):
        cut(MAPS, mouth=["nose"])
    assert not (tmp_path / "masks/mouth").exists()


def test_maps_in_the_order_of_the_data_set_are_refused(cut):
    order = {"nose": "left_brow", "mouth": "nose", "upper_lip": "mouth", "lower_lip": "upper_lip", "hair": "lower_lip"}
    with pytest.raises(UserError, match="of the mouth masks lies around the detected lips"):
        cut(relabelled(**order))


def test_one_bad_frame_among_good_ones_passes(cut):
    maps = {**MAPS, 9: np.zeros((64, 64), np.uint8)}
    assert not cut(maps)[9].any()


def test_frames_without_landmarks_do_not_count(cut):
    maps = {**MAPS, 8: np.zeros((64, 64), np.uint8), 9: np.zeros((64, 64), np.uint8)}
    assert len(cut(maps, missing=(8, 9), min_lips_inside=0.95)) == 7
    with pytest.raises(UserError, match="lip points"):
        cut(maps, min_lips_inside=0.95)


def test_no_landmarks_at_all_are_told(cut):
    with pytest.raises(UserError, match="no frame has landmarks"):
        cut(MAPS, missing=tuple(MAPS))


def test_unknown_label_names_and_ids_are_refused(cut, tmp_path):
    with pytest.raises(UserError, match="unknown label 'lips'"):
        cut(MAPS, mouth=["lips"])
    with pytest.raises(UserError, match="holds label 19") as caught:
        cut({0: MAPS[0], 1: np.full((64, 64), 19, np.uint8)})
    assert caught.value.file == str(tmp_path / "parsing/00001.png")


def test_broken_landmarks_are_told(cut, tmp_path):
    cut(MAPS)
    (tmp_path / "landmarks.npz").write_bytes(b"PK broken")
    with pytest.raises(UserError, match="landmarks cannot be read") as caught:
        cut_masks(
            clip="c",
            kind="mouth",
            parsing=tmp_path / "parsing.json",
            landmarks=tmp_path / "landmarks.npz",
            manifest=tmp_path / "masks/mouth.json",
            settings=MasksSettings(),
        )
    assert caught.value.file == str(tmp_path / "landmarks.npz")


def test_share_inside_reaches_one_pixel_beyond():
    mask = np.zeros((10, 10), np.uint8)
    mask[4:6, 4:6] = 255
    points = np.array([[4.5, 4.5], [3.2, 5.9], [6.9, 6.9], [2.9, 5.0], [7.1, 5.0], [-3.0, 40.0]], np.float32)
    assert [share_inside(mask, point[None]) for point in points] == [1, 1, 1, 0, 0, 0]
