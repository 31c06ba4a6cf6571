import cv2
import numpy as np
import pytest
import torch

from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import AvatarSettings, RendersSettings
from headsmith.media.frames import iterate_frames
from headsmith.stages.avatar_file import read_avatar
from headsmith.stages.avatar_views import load_views
from headsmith.stages.renders import render_avatar
from headsmith.stages.renders_cutouts import cut_out, frames_per_second, resized
from tests.stages.avatar_clip import COUNT, HELD_OUT, SIDE, train_clip, write_clip


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    clip = write_clip(folder)
    settings = AvatarSettings(gaussians=500, iterations=60, bases=2, hidden=8)
    train_clip(clip, folder, settings)
    return {name: clip[name] for name in ("clip", "head", "tracking", "dataset", "frames")} | {"avatar": folder / "avatar.pt"}


@pytest.fixture(scope="module")
def avatar(clip):
    views = load_views(clip=clip["clip"], tracking=clip["tracking"], head=clip["head"])
    trained = read_avatar(clip["avatar"], views, clip["clip"])
    return trained, next(views.views([8], trained.binding))


def render(clip, folder, **settings):
    paths = {"manifest": folder / "basis.json", "video": folder / "basis.mp4", "cutouts": folder / "cutouts.json"}
    render_avatar(**clip, **paths, settings=RendersSettings(**settings), threads=2)
    return paths


def test_a_transparent_picture_laid_over_the_plate_is_the_render(avatar):
    trained, view = avatar
    whole = cut_out(trained, view, "plate", 1.0).astype(float)
    clear = cut_out(trained, view, "transparent", 1.0)
    assert clear.shape == (SIDE, SIDE, 4) and 0 in clear[..., 3] and clear[..., 3].max() > 200
    alpha = clear[..., 3:] / 255.0
    assert np.abs(clear[..., :3] * alpha + trained.plate.numpy() * 255 * (1 - alpha) - whole).max() < 2.5
    green, white = (cut_out(trained, view, name, 1.0) for name in ("green", "white"))
    free = clear[..., 3] == 0
    assert (green[free] == (0, 255, 0)).all() and (white[free] == 255).all()


def test_a_larger_picture_shows_the_same_from_the_same_place(avatar):
    trained, view = avatar
    small, large = (cut_out(trained, view, "plate", scale) for scale in (1.0, 3.0))
    assert large.shape == (3 * SIDE, 3 * SIDE, 3)
    shrunk = cv2.resize(large, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(float)
    near, shifted = (np.abs(picture - small).mean() for picture in (shrunk, np.roll(shrunk, 2, 1)))
    assert near < 6 and near < 0.7 * shifted, (near, shifted)
    camera = resized(view.camera, 0.5)
    assert camera.size == (SIDE // 2, SIDE // 2) and torch.equal(camera.focal, view.camera.focal / 2)


def test_cutouts_lie_beside_the_renders_which_stay_as_they_are(clip, tmp_path):
    plain = render(clip, tmp_path, background="transparent", scale=2.0)
    renders = plain["manifest"].read_bytes()
    manifest = read_manifest(plain["cutouts"])
    assert manifest.ids == tuple(range(COUNT - HELD_OUT, COUNT)) and manifest.size == (2 * SIDE, 2 * SIDE)
    assert manifest.details == {"background": "transparent", "scale": 2.0}
    picture = cv2.imread(str(tmp_path / "cutouts/00008.png"), cv2.IMREAD_UNCHANGED)
    assert picture.shape == (2 * SIDE, 2 * SIDE, 4)
    assert render(clip, tmp_path, background="white")["manifest"].read_bytes() == renders
    assert all(image.shape == (SIDE, SIDE, 3) for _, image in iterate_frames(plain["cutouts"]))


def test_the_log_tells_how_fast_pictures_are_drawn(clip, tmp_path, avatar, capsys):
    render(clip, tmp_path)
    assert "toy: pictures a second on 2 threads: " in capsys.readouterr().err
    assert frames_per_second(*avatar, 64, 1) > 1
