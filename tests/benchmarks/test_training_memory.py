"""Clips of any length for the benchmark of memory: whole for training, and made of links alone."""

import json

import numpy as np
from training_memory import FOLDERS, HELD_OUT, PER_FRAME, disk_of, repeat_clip

from headsmith.contract.frame_ids import frame_name
from headsmith.contract.manifest import read_manifest
from headsmith.media.frames import FrameFolderWriter
from headsmith.media.images import read_image

FRAMES, COUNT = 3, 17


def test_a_clip_is_repeated_round_and_round(tmp_path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    generator = np.random.default_rng(1)
    for name in FOLDERS.values():
        with FrameFolderWriter(source / name) as writer:
            for frame_id in range(FRAMES):
                writer.add(frame_id, generator.integers(0, 255, (6, 8), np.uint8))
    arrays = {name: np.arange(FRAMES) * 10 for name in PER_FRAME} | {"identity": np.arange(5), "deviation": np.arange(FRAMES)}
    np.savez(source / "tracking.npz", **arrays)
    repeat_clip(source, target, COUNT)
    for name in FOLDERS.values():
        manifest = read_manifest(target / name)
        assert (manifest.count, manifest.size) == (COUNT, (8, 6))
        folders = [(root / name).with_suffix("") for root in (source, target)]
        for frame_id in range(COUNT):
            path = folders[1] / frame_name(frame_id)
            assert path.is_symlink()
            assert (read_image(path, grey=True) == read_image(folders[0] / frame_name(frame_id % FRAMES), grey=True)).all()
    with np.load(target / "tracking.npz") as content:
        assert content["ids"].tolist() == list(range(COUNT)) and content["jaw"].tolist() == [0, 10, 20] * 5 + [0, 10]
        assert content["identity"].tolist() == [0, 1, 2, 3, 4] and "deviation" not in content
    split = json.loads((target / "dataset.json").read_text())
    assert split["train"] + split["held_out"] == list(range(COUNT)) and len(split["held_out"]) == HELD_OUT


def test_disk_space_is_counted(tmp_path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/b").write_bytes(bytes(2_000_000))
    assert disk_of(tmp_path) == 2.0 and disk_of(tmp_path / "none") == 0
