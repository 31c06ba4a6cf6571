"""Masks are cut, re-cut and refused in real runs."""

import numpy as np
import pytest
from workflow.house import House

from headsmith.contract.labels import LABEL_ORDERS, LABELS, MASKS
from headsmith.contract.manifest import folder_of, read_manifest
from headsmith.media.frames import FrameFolderWriter, iterate_frames
from headsmith.media.images import read_image

SWAPPED = list(LABELS)
SWAPPED[LABELS.index("nose")], SWAPPED[LABELS.index("mouth")] = "mouth", "nose"
TABLES = {
    "nose and mouth swapped": [SWAPPED.index(name) for name in LABELS],
    "the order of CelebAMask-HQ": [LABEL_ORDERS["celebamask_hq"].index(name) for name in LABELS],
}

SCORED = {"score_avatar", "write_provenance", "write_report"}


def relabel(house: House, table: list[int]) -> None:
    """Write the clip's label maps as another parser would, one that did not say in which order its labels are."""
    manifest = house.folder / "results/franck/parsing.json"
    maps = {frame_id: np.array(table, np.uint8)[labels] for frame_id, labels in iterate_frames(manifest, grey=True)}
    with FrameFolderWriter(manifest) as writer:
        for frame_id, labels in maps.items():
            writer.add(frame_id, labels)


def refused(house: House, *arguments: str) -> str:
    """Run the workflow, which must stop at the mouth masks and show why; return what it said."""
    sheet = house.folder / "logs/franck/mouth_masks.png"
    assert not sheet.exists()
    done = house.snakemake("mouth_masks", *arguments, check=False)
    assert done.returncode != 0
    for words in (
        "ERROR in cut_mouth_masks: the mouth masks do not fit the faces",
        "clip:   franck",
        "logs/franck/mouth_masks.png",
    ):
        assert words in done.stderr
    assert "Traceback" not in done.stderr
    manifest = house.folder / "results/franck/masks/mouth.json"
    assert not manifest.exists() and not folder_of(manifest).exists()
    assert_shows_frames(house, read_image(sheet))
    return done.stderr


def assert_shows_frames(house: House, sheet: np.ndarray) -> None:
    """The upper corners of the sheet's first panel, where the background is, hold a frame tinted with its label."""
    frame = read_image(house.folder / "results/franck/frames/00000.png")
    assert sheet.shape[1] > 6 * 300
    panel = next(sheet[top : top + 300, 12:312] for top in range(60, 400) if is_frame(sheet[top, 12:312]))
    side = frame.shape[0]
    for x in (6, side - 6):
        shown = panel[int(6 * 300 / side), int(x * 300 / side)].astype(float)
        np.testing.assert_allclose(shown, 0.35 * frame[6, x] + 0.65 * np.array([24, 26, 32]), atol=20)


def is_frame(row: np.ndarray) -> bool:
    """Tell whether a row of pixels is that of a picture: no paper in it."""
    return bool((row.max(-1) < 240).all())


@pytest.mark.parametrize("fault", list(TABLES))
def test_label_maps_of_another_order_are_refused_and_shown(house: House, fault: str) -> None:
    relabel(house, TABLES[fault])
    refused(house, "-R", "cut_mouth_masks")


def test_a_mouth_cut_with_the_nose_is_refused_and_shown_and_mended(house: House) -> None:
    before = (house.folder / "results/franck/masks/mouth.json").read_bytes()
    house.settings(masks={"sets": {"mouth": [*MASKS["mouth"], "nose"]}})
    assert "labelled nose" in refused(house)
    house.settings()
    house.snakemake("mouth_masks")
    assert (house.folder / "results/franck/masks/mouth.json").read_bytes() == before
    assert not (house.folder / "logs/franck/mouth_masks.png").exists()
    assert house.planned() == {}


def test_identical_masks_cut_again_redo_nothing_and_run_no_network(house: House) -> None:
    assert set(house.planned("mouth_masks", "-R", "cut_mouth_masks")) == {"cut_mouth_masks"}
    done = house.snakemake("mouth_masks", "-R", "cut_mouth_masks")
    assert "cut_mouth_masks: franck" in done.stderr
    assert house.planned() == {}


def test_another_set_changes_nothing_of_the_others(house: House) -> None:
    house.settings(masks={"sets": {"hair": ["hair", "hat"], "brows": ["left_brow", "right_brow"], "eyes": None}})
    assert set(house.planned()) == SCORED, "eyes are scored, and the report states all settings"
    house.snakemake("hair_masks", "brows_masks")
    for mask, labels in (("hair", ("hair", "hat")), ("brows", ("left_brow", "right_brow"))):
        masks = dict(iterate_frames(house.folder / f"results/franck/masks/{mask}.json", grey=True))
        for frame_id, label_map in iterate_frames(house.folder / "results/franck/parsing.json", grey=True):
            expected = np.isin(label_map, [LABELS.index(name) for name in labels])
            np.testing.assert_array_equal(masks[frame_id], np.where(expected, 255, 0))
    house.settings(masks={"sets": {"hair": ["hair"], "brows": ["left_brow", "right_brow"], "eyes": None}})
    assert set(house.planned("hair_masks", "brows_masks")) == {"cut_hair_masks"}
    assert set(house.planned()) == SCORED, "eyes are scored, and the report states all settings"


def test_masks_in_the_finished_clip_have_nothing_wrong(house: House) -> None:
    for mask in ("mouth", "head"):
        assert read_manifest(house.folder / f"results/franck/masks/{mask}.json").details == {"jumps": [], "flagged": []}
