"""What stops a training: it says where, keeps the last good state, and goes on from there after the remedy."""

import errno
import itertools
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from headsmith.contract.errors import UserError
from headsmith.contract.settings import AvatarSettings
from headsmith.splat.basis import BasisAvatar
from headsmith.stages import avatar_state, avatar_training
from headsmith.stages.avatar_store import RowStore
from tests.stages.avatar_clip import train_clip, write_clip

SETTINGS = AvatarSettings(gaussians=500, iterations=120, bases=2, hidden=8, save_every=40, preview_every=60)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip"))


def train(clip, folder, settings=SETTINGS):
    return train_clip(clip, folder, settings)


@pytest.fixture(scope="module")
def trained(clip, tmp_path_factory):
    return train(clip, tmp_path_factory.mktemp("trained"))


def after(calls, fault, real):
    """Return a method that does what it did, and from some call on something else first."""
    count = itertools.count()

    def method(self, *arguments):
        if next(count) >= calls:
            fault(self, *arguments)
        return real(self, *arguments)

    return method


def test_a_poisoned_parameter_stops_with_image_and_frames_and_the_next_run_goes_on(
    clip, trained, tmp_path, monkeypatch, capsys
):
    def poison(avatar, *_):
        avatar.gaussians["colour"].data[0] = torch.nan

    monkeypatch.setattr(BasisAvatar, "loss", after(100, poison, BasisAvatar.loss))
    with pytest.raises(UserError, match=r"after 100 of 120 images: frames \[\d, \d\] spoilt") as told:
        train(clip, tmp_path)
    assert "goes on after 80 images" in told.value.remedy
    assert "toy" in told.value.message
    monkeypatch.undo()
    assert train(clip, tmp_path) == trained
    assert "going on after 80 of 120" in capsys.readouterr().err


def test_an_avatar_that_is_not_finite_is_never_saved(clip, tmp_path, monkeypatch):
    real = BasisAvatar.set_rates

    def poison(avatar, *_):
        avatar.gaussians["offset"].data[3] = torch.nan

    monkeypatch.setattr(BasisAvatar, "set_rates", after(59, poison, real))
    with pytest.raises(UserError, match="after 118 of 120"):
        train(clip, tmp_path)
    saved = torch.load(tmp_path / "avatar.partial/state.pt", weights_only=True)
    assert saved["step"] == 40
    assert all(part.isfinite().all() for part in saved["avatar"].values())


def test_a_poisoned_frame_is_named_and_prepared_anew(clip, trained, tmp_path, monkeypatch, capsys):
    real = RowStore.read

    def poisoned(store, row, pinned=False):
        content = real(store, row, pinned)
        if row == 3 and (tmp_path / "avatar.partial/state.pt").exists():
            store.arrays(content)["weight"][5, 5] = torch.nan
        return content

    monkeypatch.setattr(RowStore, "read", poisoned)
    with pytest.raises(UserError, match=r"frames \[3\], as training reads them, hold numbers") as told:
        train(clip, tmp_path)
    folder = Path(re.search(r"delete (\S+) and run again", told.value.remedy)[1])
    assert folder == tmp_path / "avatar.partial/frames"
    monkeypatch.undo()
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    assert train(clip, tmp_path) == trained
    assert "going on after 40 of 120" in capsys.readouterr().err


def test_a_full_disk_stops_with_image_and_frames_and_the_last_state_stays(clip, trained, tmp_path, monkeypatch, capsys):
    real, count = avatar_state.os.fsync, itertools.count()

    def full(descriptor):
        if next(count) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(avatar_state.os, "fsync", full)
    with pytest.raises(
        UserError, match=r"disk is full[\s\S]*after 80 of 120 images, frames \[\d, \d\][\s\S]*goes on after 40"
    ) as told:
        train(clip, tmp_path)
    assert (told.value.clip, "free space" in told.value.remedy) == ("toy", True)
    assert not list((tmp_path / "avatar.partial").glob(".*"))
    monkeypatch.undo()
    assert train(clip, tmp_path) == trained
    assert "going on after 40 of 120" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["write_preview", "write_curve"])
def test_a_picture_that_a_kill_prevented_is_drawn_by_the_next_run(clip, trained, tmp_path, monkeypatch, name):
    settings, count = replace(SETTINGS, preview_every=40), itertools.count()
    real = getattr(avatar_training, name)

    def dying(*arguments):
        if next(count) == 1:
            raise KeyboardInterrupt
        real(*arguments)

    monkeypatch.setattr(avatar_training, name, dying)
    with pytest.raises(KeyboardInterrupt):
        train(clip, tmp_path, settings)
    monkeypatch.undo()
    train(clip, tmp_path, settings)
    assert [path.name for path in sorted((tmp_path / "progress").iterdir())] == [
        f"{images:08d}.png" for images in (40, 80, 120)
    ]


@pytest.mark.parametrize("limit", [30_000, 80_000])
def test_a_real_limit_of_the_system_stops_the_frames_or_a_state(clip, trained, tmp_path, limit):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(UserError, match="the disk is full"):
            train(clip, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (tmp_path / "avatar.pt").exists()
    assert train(clip, tmp_path) == trained


def test_a_damaged_state_is_told_and_training_begins_anew(clip, trained, tmp_path, monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(BasisAvatar, "loss", after(100, stop, BasisAvatar.loss))
    with pytest.raises(KeyboardInterrupt):
        train(clip, tmp_path)
    monkeypatch.undo()
    state = tmp_path / "avatar.partial/state.pt"
    state.write_bytes(state.read_bytes()[:1000])
    assert train(clip, tmp_path) == trained
    assert "cannot be read" in capsys.readouterr().err


def test_frames_that_are_whole_are_not_prepared_again(clip, trained, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(BasisAvatar, "loss", stop)
    with pytest.raises(KeyboardInterrupt):
        train(clip, tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(RowStore, "write", stop)
    assert train(clip, tmp_path) == trained


def test_how_a_training_runs_may_change_between_its_parts(clip, trained, tmp_path, monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(BasisAvatar, "loss", after(100, stop, BasisAvatar.loss))
    with pytest.raises(KeyboardInterrupt):
        train(clip, tmp_path)
    monkeypatch.undo()
    train(clip, tmp_path, replace(SETTINGS, save_every=1000))
    assert "going on after 80 of 120" in capsys.readouterr().err
    state = torch.load(tmp_path / "avatar.pt", weights_only=True)["state"]
    (tmp_path / "whole.pt").write_bytes(trained[0])
    expected = torch.load(tmp_path / "whole.pt", weights_only=True)["state"]
    assert all(torch.equal(state[name], expected[name]) for name in expected)


def test_a_gpu_that_is_not_there_is_told(clip, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match=r"no.* can be used[\s\S]*toy[\s\S]*device: cpu"):
        train(clip, tmp_path, replace(SETTINGS, device="cuda"))
    assert not (tmp_path / "avatar.partial").exists()


def test_a_head_that_is_no_finite_numbers_is_named(clip, tmp_path):
    with np.load(clip["tracking"]) as content:
        arrays = dict(content)
    arrays["expression"][4] = np.nan
    np.savez(tmp_path / "tracking.npz", **arrays)
    with pytest.raises(UserError, match="frame 4"):
        train(clip | {"tracking": tmp_path / "tracking.npz"}, tmp_path)
