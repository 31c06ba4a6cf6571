"""A training that is killed goes on, whenever it was killed, and ends with the same bytes."""

import random
import shutil
from pathlib import Path

import pytest

from headsmith.contract.settings import AvatarSettings
from headsmith.stages.avatar import train_avatar
from tests.killed_jobs import preload, run_job
from tests.stages.avatar_clip import write_clip

KILLS = 8
SETTINGS = AvatarSettings(gaussians=500, iterations=200, bases=2, hidden=8, save_every=40, preview_every=60)


def train(clip: dict[str, object], folder: Path, threads: int = 1) -> None:
    """Train the toy clip."""
    outputs = {"output": folder / "avatar.pt", "curve": folder / "training.csv"}
    train_avatar(**clip, **outputs, settings=SETTINGS, threads=threads)


def contents(folder: Path) -> dict[str, bytes]:
    """Return what a training left, by its place."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    preload(["tests.stages.avatar_warm", "tests.stages.test_avatar_kills"])
    return write_clip(tmp_path_factory.mktemp("clip"))


def test_a_training_killed_at_random_moments_ends_with_the_same_bytes(clip, tmp_path):
    log = tmp_path / "log"
    seconds = run_job(train, {"clip": clip, "folder": tmp_path / "whole"}, log)
    whole = contents(tmp_path / "whole")
    assert {"avatar.pt", "training.csv", "progress/00000060.png", "progress/00000200.png"} <= set(whole)
    generator = random.Random(0)
    for number in range(KILLS):
        folder = tmp_path / f"killed{number}"
        while run_job(train, {"clip": clip, "folder": folder}, log, generator.uniform(0, seconds)) is not None:
            assert contents(folder) == whole
            shutil.rmtree(folder)
        left = folder / "avatar.pt"
        assert not left.exists() or left.read_bytes() == whole["avatar.pt"]
        took = run_job(train, {"clip": clip, "folder": folder, "threads": 1 + number % 2}, log)
        seconds = min(seconds, took)
        assert contents(folder) == whole
    assert "going on after" in log.read_text()
