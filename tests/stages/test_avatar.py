import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from headsmith.contract.errors import UserError
from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import AvatarSettings, RendersSettings
from headsmith.media.frames import iterate_frames
from headsmith.splat.basis import BasisAvatar
from headsmith.stages import avatar as stage
from headsmith.stages.avatar_order import batches
from headsmith.stages.avatar_progress import difference
from headsmith.stages.avatar_targets import clothes_of, fill_plate, pixel_weights
from headsmith.stages.renders import render_avatar
from tests.stages.avatar_clip import CLOTH, COUNT, HELD_OUT, WALL, pictures, train_clip, write_clip

SETTINGS = AvatarSettings(gaussians=500, iterations=240, bases=2, hidden=8, save_every=40)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip"))


def train(clip, folder, settings=SETTINGS, threads=1):
    return train_clip(clip, folder, settings, threads)


@pytest.fixture(scope="module")
def trained(clip, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    return folder, train(clip, folder)


def test_each_pass_shows_every_frame_once_and_a_resumed_one_the_same():
    whole = list(batches(5, seed=3, first=0, last=10))
    rows = [row for _, batch in whole for row in batch]
    assert all(sorted(rows[start : start + 5]) == [0, 1, 2, 3, 4] for start in range(0, 20, 5))
    assert rows[:5] != rows[5:10]
    assert list(batches(5, seed=3, first=4, last=10)) == whole[4:]
    assert list(batches(5, seed=4, first=0, last=10)) != whole


def test_clothes_weigh_little_the_rim_nothing_and_the_mouth_more():
    matte, head, mouth = (np.zeros((3, 40), np.uint8) for _ in range(3))
    head[:, 10:20] = mouth[:, 14] = 255
    matte[:, 8:40] = 255
    matte[:, 8] = 51
    weights = pixel_weights(matte, mouth, head, 10.0)[1]
    assert weights[[0, 8, 9, 12, 14, 21, 30]].tolist() == pytest.approx([1, 0.8, 0, 1, 11, 0, 0.2], abs=1e-3)
    assert clothes_of(matte, head)[1, [0, 8, 12, 21, 23, 24, 39]].tolist() == [0, 0, 0, 0, 0, 1, 1]


def test_the_plate_is_the_mean_where_seen_and_filled_elsewhere():
    total, seen = np.full((9, 9, 3), 600.0), np.full((9, 9), 6.0)
    seen[4, 4], total[4, 4] = 0, 0
    assert (fill_plate(total, seen) == 100).all()


def test_training_learns_the_clip_and_leaves_no_scratch(trained):
    folder, (_, curve) = trained
    losses = [float(line.split(",")[1]) for line in curve.splitlines()[1:]]
    assert losses[-1] < 0.6 * losses[0]
    assert sorted(path.name for path in folder.iterdir()) == ["avatar.pt", "progress", "training.csv"]


def test_the_plate_of_a_clip_is_its_wall(trained):
    plate = torch.load(trained[0] / "avatar.pt", weights_only=True)["plate"].numpy()
    assert (plate[:5] == WALL).all()
    assert not (plate == CLOTH).all(-1).any()


def test_two_threads_train_the_same_avatar(clip, trained, tmp_path):
    assert train(clip, tmp_path, threads=2) == trained[1]


def test_a_killed_training_goes_on_and_ends_with_the_same_avatar(clip, trained, tmp_path, monkeypatch, capsys):
    real, calls = BasisAvatar.loss, itertools.count()

    def dying(*arguments):
        if next(calls) == 130:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(BasisAvatar, "loss", dying)
    with pytest.raises(KeyboardInterrupt):
        train(clip, tmp_path)
    assert not (tmp_path / "avatar.pt").exists()
    monkeypatch.setattr(BasisAvatar, "loss", real)
    assert train(clip, tmp_path) == trained[1]
    assert "going on after 120 of 240" in capsys.readouterr().err


def test_another_setting_does_not_go_on_from_a_stale_state(clip, trained, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(stage, "write_avatar", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        train(clip, tmp_path, replace(SETTINGS, seed=5))
    monkeypatch.undo()
    assert train(clip, tmp_path) == trained[1]
    assert "going on" not in capsys.readouterr().err


def test_renders_show_the_held_out_frames(clip, trained, tmp_path):
    arguments = {name: clip[name] for name in ("clip", "head", "tracking", "dataset", "frames")}
    manifest = tmp_path / "basis.json"
    render_avatar(
        **arguments,
        avatar=trained[0] / "avatar.pt",
        manifest=manifest,
        video=tmp_path / "basis.mp4",
        settings=RendersSettings(),
        threads=2,
    )
    assert read_manifest(manifest).ids == tuple(range(COUNT - HELD_OUT, COUNT))
    for frame, render in iterate_frames(manifest):
        truth, _, _, head = pictures(frame)
        error = np.abs(render.astype(float) - truth)
        assert error[head > 0].mean() < 25
        assert error[:5].mean() < 5
        assert np.abs(render[31, :4].astype(float) - WALL).mean() < 25 < error[31, :4].mean()
    assert (tmp_path / "basis.mp4").stat().st_size > 500


def test_difference_is_grey_where_equal_and_strengthened_where_not():
    truth = np.full((2, 2, 3), 100, np.uint8)
    render = truth.copy()
    render[0, 0] = 110
    assert difference(truth, render)[0, 0].tolist() == [168] * 3
    assert (difference(truth, render)[1] == 128).all()


def test_tracking_of_another_head_is_refused(clip, tmp_path):
    with np.load(clip["tracking"]) as content:
        arrays = dict(content)
    np.savez(tmp_path / "tracking.npz", **(arrays | {"head_sha256": "f" * 64}))
    with pytest.raises(UserError, match="ffffffffffff"):
        train(clip | {"tracking": tmp_path / "tracking.npz"}, tmp_path)


def test_a_damaged_avatar_is_refused_by_name(clip, trained, tmp_path):
    broken = tmp_path / "avatar.pt"
    broken.write_bytes((trained[0] / "avatar.pt").read_bytes()[:2000])
    arguments = {name: clip[name] for name in ("clip", "head", "tracking", "dataset", "frames")}
    with pytest.raises(UserError, match=r"cannot be read[\s\S]*avatar\.pt[\s\S]*trained anew"):
        outputs = {"manifest": tmp_path / "r.json", "video": tmp_path / "r.mp4"}
        render_avatar(**arguments, **outputs, avatar=broken, settings=RendersSettings(), threads=1)


def test_an_avatar_of_another_head_is_refused(clip, trained, tmp_path):
    content = torch.load(trained[0] / "avatar.pt", weights_only=True)
    torch.save(content | {"head_sha256": "f" * 64}, tmp_path / "avatar.pt")
    arguments = {name: clip[name] for name in ("clip", "head", "tracking", "dataset", "frames")}
    outputs = {"manifest": tmp_path / "r.json", "video": tmp_path / "r.mp4"}
    with pytest.raises(UserError, match="the avatar belongs to head ffffffffffff"):
        render_avatar(**arguments, **outputs, avatar=tmp_path / "avatar.pt", settings=RendersSettings(), threads=1)


def test_a_frame_changed_on_disk_is_noticed(clip, tmp_path):
    own = write_clip(tmp_path / "clip")
    frame = own["frames"].with_suffix("") / "00002.png"
    frame.write_bytes(frame.read_bytes()[:-40])
    with pytest.raises(UserError, match="differs from its manifest"):
        train(own, tmp_path)
