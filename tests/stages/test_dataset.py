import csv
import json

import cv2
import numpy as np
import pytest
from synthetic_head import synthetic_head

from headsmith.bridges.flashavatar import read_frame
from headsmith.contract.errors import UserError
from headsmith.contract.settings import DatasetSettings
from headsmith.heads.container import load_head, save_head
from headsmith.media.frames import FrameFolderWriter
from headsmith.stages.dataset import write_dataset

SIZE, FRAMES = 16, 12
BAD = {3: "missing", 5: "outlier", 8: "uncertain"}
NO_MATTE = 7
USABLE = [0, 1, 2, 4, 6, 9, 10, 11]


def image(frame_id, grey):
    return np.full((SIZE, SIZE) if grey else (SIZE, SIZE, 3), 10 * frame_id, np.uint8)


def tracking_arrays(head):
    turn = np.tile(np.diag([1.0, -1, -1]), (FRAMES, 1, 1))
    arrays = {
        "identity": np.arange(4.0),
        "expression": np.arange(FRAMES * 6).reshape(FRAMES, 6) / 100,
        "jaw": np.zeros((FRAMES, 3)),
        "eyes": np.zeros((FRAMES, 2, 3)),
        "neck": np.zeros((FRAMES, 3)),
        "eyelids": np.zeros((FRAMES, 2)),
        "rotation": turn,
        "translation": np.tile([0.0, 0, 1], (FRAMES, 1)) + np.arange(FRAMES)[:, None] / 100,
        "focal": np.array(50.0),
        "principal": np.array([SIZE / 2, SIZE / 2]),
        "residual": np.ones(FRAMES),
    }
    status = np.array([BAD.get(i, "ok") for i in range(FRAMES)])
    exact = {"ids": np.arange(FRAMES), "size": np.array([SIZE, SIZE]), "status": status}
    words = {"head_sha256": np.array(head.sha256), "convention": np.array("mediapipe478")}
    return {**{key: value.astype(np.float32) for key, value in arrays.items()}, **exact, **words}


@pytest.fixture
def clip(tmp_path):
    """All inputs of the stage, as its arguments."""
    paths = {"head": tmp_path / "head.npz", "tracking": tmp_path / "tracking.npz", "manifest": tmp_path / "dataset.json"}
    save_head(synthetic_head(), paths["head"])
    np.savez(paths["tracking"], **tracking_arrays(load_head(paths["head"])))
    for word in ("frames", "matte", "mouth_masks", "head_masks"):
        paths[word] = tmp_path / f"{word}.json"
        with FrameFolderWriter(paths[word]) as writer:
            for frame_id in range(FRAMES):
                if (word, frame_id) != ("matte", NO_MATTE):
                    writer.add(frame_id, image(frame_id, grey=word != "frames"))
    return {"clip": "someone", "settings": DatasetSettings(held_out=3), **paths}


def change(clip, **arrays):
    with np.load(clip["tracking"]) as content:
        merged = {**content, **arrays}
    np.savez(clip["tracking"], **merged)


def places(folder):
    """Where FlashAvatar's own code, started in the dataset's folder, looks for images and for parameters."""
    return folder / "dataset/dataset/someone", folder / "dataset/metrical-tracker/output/someone/checkpoint"


def test_the_layout_is_flashavatars(clip, tmp_path):
    write_dataset(**clip)
    folder, checkpoint = places(tmp_path)
    images = [f"{number:05d}.jpg" for number in range(1, len(USABLE) + 1)]
    assert sorted(path.name for path in (folder / "imgs").iterdir()) == images
    assert sorted(path.name for path in (folder / "alpha").iterdir()) == images
    masks = sorted(f"{name[:5]}_{kind}.png" for name in images for kind in ("mouth", "neckhead"))
    assert sorted(path.name for path in (folder / "parsing").iterdir()) == masks
    frames = [f"{number:05d}.frame" for number in range(len(USABLE))]
    assert sorted(path.name for path in checkpoint.iterdir()) == frames


def test_parameters_k_go_with_image_k_plus_1_without_gaps(clip, tmp_path):
    write_dataset(**clip)
    folder, checkpoint = places(tmp_path)
    for index, frame_id in enumerate(USABLE):
        content = read_frame(checkpoint / f"{index:05d}.frame")
        assert content["opencv"]["t"][0, 0] == pytest.approx(frame_id / 100)
        assert content["frame_id"] == f"{index:05d}"
        for name in (f"imgs/{index + 1:05d}.jpg", f"alpha/{index + 1:05d}.jpg", f"parsing/{index + 1:05d}_mouth.png"):
            assert abs(int(cv2.imread(str(folder / name))[0, 0, 0]) - 10 * frame_id) <= 1
    rows = list(csv.DictReader((folder / "mapping.csv").open()))
    assert [int(row["frame"]) for row in rows] == USABLE
    assert [row["image"] for row in rows][:2] == ["00001.jpg", "00002.jpg"]


def test_the_manifest_tells_split_reasons_and_notes(clip):
    write_dataset(**clip)
    content = json.loads(clip["manifest"].read_text())
    assert content["train"] == USABLE[:-3] and content["held_out"] == USABLE[-3:]
    assert {item["id"]: item["reason"] for item in content["left_out"]} == {
        **{frame_id: f"tracking: {status}" for frame_id, status in BAD.items()},
        NO_MATTE: "not in matte",
    }
    told = "4 of 12 frames are left out: 1 tracking: missing, 1 tracking: outlier, 1 not in matte, 1 tracking: uncertain"
    assert content["notes"][0] == told
    assert any("512x512" in note for note in content["notes"]) and any("synthetic" in note for note in content["notes"])
    assert any("last 500 frames" in note for note in content["notes"])


def test_a_redo_changes_nothing(clip):
    write_dataset(**clip)
    before = clip["manifest"].read_bytes()
    write_dataset(**clip)
    assert clip["manifest"].read_bytes() == before


@pytest.mark.parametrize(("share", "count"), [("25%", 2), ("12.5%", 1), ("0.1%", 1), ("90%", len(USABLE) - 1)])
def test_the_held_out_part_may_be_a_share_of_the_usable_frames(clip, share, count):
    write_dataset(**{**clip, "settings": DatasetSettings(held_out=share)})
    content = json.loads(clip["manifest"].read_text())
    assert content["train"] == USABLE[:-count] and content["held_out"] == USABLE[-count:]


@pytest.mark.parametrize("held_out", [len(USABLE), 500, "95%"])
def test_none_left_to_train_on(clip, tmp_path, held_out):
    with pytest.raises(UserError, match="none is left to train on") as caught:
        write_dataset(**{**clip, "settings": DatasetSettings(held_out=held_out)})
    assert caught.value.clip == "someone" and "held_out" in caught.value.remedy
    assert not (tmp_path / "dataset").exists() and not clip["manifest"].exists()


def test_another_heads_tracking_is_refused(clip):
    save_head(synthetic_head(seed=1), clip["head"])
    with pytest.raises(UserError, match="another head"):
        write_dataset(**clip)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"principal": np.array([10.0, 8.0], np.float32)}, "principal point"),
        ({"neck": np.full((FRAMES, 3), 0.1, np.float32)}, "neck"),
        ({"size": np.array([8, 8])}, "16x16"),
    ],
)
def test_what_the_format_cannot_hold_is_refused(clip, arrays, message):
    change(clip, **arrays)
    with pytest.raises(UserError, match=message):
        write_dataset(**clip)


def test_an_off_centre_principal_point_is_met_with_the_crop_that_centres_it(clip):
    change(clip, principal=np.array([9.0, 6.0], np.float32))
    with FrameFolderWriter(clip["frames"]) as writer:
        for frame_id in range(FRAMES):
            writer.add(frame_id, image(frame_id, grey=False))
        writer.details |= {"crop": [100, 50, 32], "source_size": [640, 480]}
    with pytest.raises(UserError, match="principal point") as caught:
        write_dataset(**clip)
    # the point is at (100 + 18, 50 + 12) of the video, and the farthest edge of the crop 20 pixels from it
    assert "98,42,40" in caught.value.remedy


def test_a_part_of_a_pixel_is_put_into_the_heads_place(clip, tmp_path):
    before = tracking_arrays(load_head(clip["head"]))
    offset = np.array([0.3, -0.2], np.float32)
    change(clip, principal=before["principal"] + offset)
    write_dataset(**clip)
    _, checkpoint = places(tmp_path)
    content, middle = read_frame(checkpoint / "00000.frame"), load_head(clip["head"]).template.mean(0)
    seen = content["opencv"]["R"][0] @ middle + content["opencv"]["t"][0]
    pixel = 50 * seen[:2] / seen[2] + SIZE / 2
    was = before["rotation"][0] @ middle + before["translation"][0]
    assert np.allclose(pixel, 50 * was[:2] / was[2] + SIZE / 2 + offset, atol=1e-4)
    assert np.allclose(content["opencv"]["K"][0, :2, 2], SIZE / 2)
    assert any("0.30 pixels off" in note for note in json.loads(clip["manifest"].read_text())["notes"])


def test_a_broken_tracking_is_refused(clip):
    clip["tracking"].write_bytes(b"not an archive")
    with pytest.raises(UserError, match="cannot be read"):
        write_dataset(**clip)
