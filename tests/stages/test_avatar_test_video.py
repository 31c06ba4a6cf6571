"""`test.avi`: what players are told, and what they show."""

import av
import numpy as np
import pytest
import torch

from headsmith.contract.settings import AvatarSettings
from headsmith.media.video_xvid import XvidWriter
from headsmith.stages.avatar_file import read_avatar
from headsmith.stages.avatar_test_video import draw_test_video, shown
from headsmith.stages.avatar_views import load_views
from tests.stages.avatar_clip import COUNT, HELD_OUT, SIDE, SKIN, WALL, train_clip, write_clip

NAMES = ("clip", "head", "tracking", "dataset", "frames", "matte", "head_masks")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip"))


def draw(clip, folder, **changes):
    settings = AvatarSettings(deformation="mlp", texels=16, iterations=10, batch=1, preview_every=10_000, **changes)
    train_clip(clip, folder, settings)
    draw_test_video(**{name: clip[name] for name in NAMES}, avatar=folder / "avatar.pt", output=folder / "test.avi", threads=1)
    with av.open(str(folder / "test.avi")) as film:
        stream = film.streams.video[0]
        facts = film.format.name, stream.codec_context.name, stream.codec_context.codec_tag, stream.average_rate
        return facts, [frame.to_ndarray(format="rgb24") for frame in film.decode(stream)]


def test_it_shows_truth_and_render_of_the_held_out_frames_over_green(clip, tmp_path):
    facts, pictures = draw(clip, tmp_path, background="green")
    assert facts == ("avi", "mpeg4", "XVID", 25)
    assert [picture.shape for picture in pictures] == [(SIDE, 2 * SIDE, 3)] * HELD_OUT
    trained = read_avatar(tmp_path / "avatar.pt", load_views(**{name: clip[name] for name in NAMES[:3]}), "toy")
    views = load_views(**{name: clip[name] for name in NAMES[:3]}).views(list(range(COUNT - HELD_OUT, COUNT)), trained.binding)
    for picture, view in zip(pictures, views, strict=True):
        truth, render = picture[:, :SIDE].astype(int), picture[:, SIDE:].astype(int)
        assert np.abs(truth[2:5, :6] - [0, 255, 0]).max() < 40
        assert np.abs(truth[29:, 2:30] - [0, 255, 0]).max() < 40
        assert np.abs(truth[12:16, 13:17] - SKIN).max() < 40
        with torch.no_grad():
            wanted = shown(trained.avatar(view, torch.tensor([0.0, 1, 0]))[0]).astype(int)
        assert np.abs(render - wanted).mean() < 12


def test_it_is_drawn_over_the_plate_where_training_was(clip, tmp_path):
    _, pictures = draw(clip, tmp_path, background="plate")
    assert np.abs(pictures[0][2:5, :6].astype(int) - WALL).max() < 40
    assert np.abs(pictures[0][2:5, SIDE : SIDE + 6].astype(int) - WALL).max() < 40


def test_the_same_frames_give_the_same_bytes_and_odd_sizes_are_padded(tmp_path):
    chance = np.random.default_rng(1)
    frames = chance.integers(0, 255, (4, 15, 21, 3), np.uint8)
    for name in ("a.avi", "b.avi"):
        with XvidWriter(tmp_path / name, 25.0) as film:
            for frame in frames:
                film.add(frame)
    assert (tmp_path / "a.avi").read_bytes() == (tmp_path / "b.avi").read_bytes()
    with av.open(str(tmp_path / "a.avi")) as film:
        assert [(frame.width, frame.height) for frame in film.decode(video=0)] == [(22, 16)] * 4


def test_values_are_cut_off_as_the_published_code_does():
    values = torch.tensor([[[-0.1, 0.0, 0.5], [0.999, 1.0, 1.2]]])
    assert shown(values).tolist() == [[[0, 0, 127], [254, 255, 255]]]
