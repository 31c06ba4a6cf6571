"""Imported by a server of processes before it forks: one step of training, so that each job finds everything loaded."""

import tempfile
from pathlib import Path

from headsmith.contract.settings import AvatarSettings
from headsmith.stages.avatar import train_avatar
from tests.stages.avatar_clip import write_clip

with tempfile.TemporaryDirectory() as folder:
    place = Path(folder)
    settings = AvatarSettings(gaussians=500, iterations=10, bases=2, hidden=8)
    outputs = {"output": place / "avatar.pt", "curve": place / "training.csv"}
    train_avatar(**write_clip(place / "clip"), **outputs, settings=settings, threads=1)
