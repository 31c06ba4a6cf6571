from dataclasses import replace

import numpy as np
import pytest
import torch
from bridges.tracks import random_track
from synthetic_head import synthetic_head

from headsmith.bridges.placing import Framing, centred_crop, match_frames, place_track, recentre
from headsmith.bridges.track import project_embedded, project_vertices
from headsmith.contract.errors import UserError
from headsmith.heads.model import HeadModel

CONTAINER = synthetic_head(identity=30, expression=20, correctives=True)
MODEL = HeadModel.from_container(CONTAINER, torch.float64)


@pytest.mark.parametrize("seed", range(5))
def test_points_move_as_the_pixels_of_the_crop_do(seed, tmp_path):
    """A pixel of what the tracker saw, scaled to the source, shifted by the crop, scaled to the frame."""
    chance, track = np.random.default_rng(seed), random_track(MODEL, seed)
    enlarged = int(chance.integers(1, 4))
    source = (track.size[0] * enlarged, track.size[1] * enlarged)
    x, y, side, size = (int(value) for value in chance.integers((-20, 0, 100, 64), (200, 150, 500, 600)))
    placed = place_track(track, Framing(source, (x, y, side), size), tmp_path)
    expected = (project_vertices(track, MODEL) * enlarged - (x, y)) * size / side
    assert np.abs(project_vertices(placed, MODEL) - expected).max() < 1e-6
    assert placed.size == (size, size)


def test_a_rounded_copy_is_the_same_picture(tmp_path):
    track = replace(random_track(MODEL), size=(853, 480), principal=np.array([426.5, 240.0]))
    placed = place_track(track, Framing((1280, 720), (0, 0, 720), 720), tmp_path)
    assert placed.focal == pytest.approx(track.focal * 1280 / 853)


def test_another_shape_is_refused_and_the_trap_named(tmp_path):
    track = replace(random_track(MODEL), size=(512, 512))
    with pytest.raises(UserError, match=r"512 x 512.*1280 x 720") as caught:
        place_track(track, Framing((1280, 720), (0, 0, 720), 512), tmp_path)
    assert "crops" in caught.value.remedy


def test_frames_without_parameters_hold_their_neighbours_and_are_marked(tmp_path):
    track = replace(random_track(MODEL), ids=np.array([2, 3, 6, 7, 20]), residual=np.arange(5.0))
    placed = match_frames(track, list(range(9)), list(range(1, 10)), tmp_path)
    assert placed.ids.tolist() == list(range(9))
    assert placed.status == ("missing", "ok", "ok", "missing", "missing", "ok", "ok", "missing", "missing")
    held = [0, 0, 1, 1, 2, 2, 3, 3, 3]
    assert np.array_equal(placed.translation, track.translation[held])
    unknown = np.nan
    np.testing.assert_array_equal(placed.residual, [unknown, 0, 1, unknown, unknown, 2, 3, unknown, unknown])


def test_a_clip_that_was_not_tracked_is_refused(tmp_path):
    with pytest.raises(UserError, match="0 to 4; the clip's are 10 to 12"):
        match_frames(random_track(MODEL), [0, 1, 2], [10, 11, 12], tmp_path)


@pytest.mark.parametrize("seed", range(5))
def test_the_advised_crop_has_the_principal_point_in_its_middle_and_holds_the_old_one(seed, tmp_path):
    chance = np.random.default_rng(seed)
    track = random_track(MODEL, seed)
    track = replace(track, principal=np.array(track.size) / 2)
    x, y, side = (int(value) for value in chance.integers((0, 0, 60), (80, 60, 120)))
    old = Framing(track.size, (x, y, side), 128)
    crop = centred_crop(place_track(track, old, tmp_path).principal, old)
    again = place_track(track, Framing(track.size, crop, 256), tmp_path)
    assert np.abs(again.principal - 128).max() <= 0.5 * 256 / crop[2] + 1e-9
    assert crop[0] <= x and crop[1] <= y and crop[0] + crop[2] >= x + side and crop[1] + crop[2] >= y + side


def test_recentring_by_half_a_pixel_is_exact_at_the_point(tmp_path):
    track = random_track(MODEL, 3)
    track = replace(track, principal=np.array(track.size) / 2 + [0.5, -0.3])
    middle = CONTAINER.template.mean(0).astype(np.float64)
    moved, error = recentre(track, middle)
    apart = np.abs(project_vertices(moved, MODEL) - project_vertices(track, MODEL)).max()
    assert moved.principal.tolist() == [side / 2 for side in track.size]
    assert apart < 0.15 and error == pytest.approx(0.05)


def test_embedded_points_are_the_meshs_own(monkeypatch):
    monkeypatch.setattr("headsmith.bridges.track.BATCH", 2)
    track, embedding = random_track(MODEL), CONTAINER.embeddings["mediapipe478"]
    points = project_embedded(track, MODEL, embedding)
    vertices = MODEL(track.parameters()).numpy()
    corners = vertices[:, CONTAINER.faces[embedding.faces]]
    seen = np.einsum("tmkc,mk->tmc", corners, embedding.barycentrics.astype(float))
    seen = seen @ np.swapaxes(track.rotation, 1, 2) + track.translation[:, None]
    assert np.abs(points - (track.focal * seen[..., :2] / seen[..., 2:] + track.principal)).max() < 1e-6
