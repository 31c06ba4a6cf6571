"""Rendered portraits whose truth is known, fitted from landmarks that err."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates
from stages import known_portraits as known

from headsmith.contract.conventions import convention_of
from headsmith.contract.errors import UserError
from headsmith.contract.labels import LABELS
from headsmith.heads.texture import TextureModel
from headsmith.maths.irradiance import irradiance
from headsmith.stages.portraits_fitting import Priors, fit_portrait
from headsmith.stages.portraits_start import start_portraits
from headsmith.stages.portraits_surface import open_surface, turned_away

NOISE = 0.8


@pytest.fixture(scope="module")
def model():
    return known.known_model()


def shape_error(fitted, truth, model):
    """Mean distance of the face's vertices at rest after the best similarity, millimetres."""
    heads = []
    for part in (fitted, truth):
        neutral = model.to(torch.float64).neutral()
        rest = model.to(torch.float64)(replace(neutral, identity=torch.from_numpy(part.identity)))[:195].numpy()
        heads.append(rest - rest.mean(0))
    left, sizes, right = np.linalg.svd(heads[0].T @ heads[1])
    scale = sizes.sum() / (heads[0] ** 2).sum()
    return 1000 * np.linalg.norm(scale * heads[0] @ left @ right - heads[1], axis=1).mean()


def brightest(light):
    """The direction from which normals towards the camera get most light."""
    normals = torch.nn.functional.normalize(torch.randn(4000, 3, generator=torch.manual_seed(0), dtype=torch.float64), dim=-1)
    normals = normals[normals[:, 2] < -0.3]
    lit = irradiance(normals) @ torch.from_numpy(light.mean(1))
    return (normals * (lit - lit.mean())[:, None]).mean(0).numpy()[:2]


def turned_by(one, other):
    """Degrees between two directions."""
    return np.degrees(np.arccos(one @ other / np.linalg.norm(one) / np.linalg.norm(other)))


def test_pose_light_and_albedo_of_a_rendered_portrait_are_recovered(model):
    """Under lamps from two sides; a fit whose light had another sign, axis or order would be far off.

    One is from below, which is rare: some of it is taken for shades of the skin.
    """
    for direction in ((-0.6, -0.4, -0.7), (0.5, 0.5, -0.7)):
        truth = known.known_portrait(model, light=known.known_light(direction))
        part = known.prepared(truth, model, noise=NOISE / 4)
        (fitted,) = fit_portrait([part], model, replace(known.SETTINGS, offset=False))
        assert turned_by(brightest(fitted.light), brightest(truth.light)) < 20
        np.testing.assert_allclose(fitted.colour / fitted.colour.mean(), known.COLOUR / known.COLOUR.mean(), atol=0.02)
        assert known.angle(fitted.rotation, truth.rotation) < 7
        assert fitted.psnr > 33 and fitted.landmark_error < 2
        assert np.ptp(fitted.light, axis=1).max() == 0, "the three colours share their light"


def test_colours_help_the_shape_that_landmarks_alone_get_wrong(model):
    before, after = [], []
    for seed in (1, 2):
        codes = np.random.default_rng(seed).normal(size=4)
        truth = known.known_portrait(model, seed=seed, identity=codes, turn=(0.1, 0.3 - 0.15 * seed, 0))
        part = known.prepared(truth, model, noise=NOISE, seed=seed)
        before.append(shape_error(start_portraits([part], model, known.SETTINGS)[0], truth, model))
        (fitted,) = fit_portrait([part], model, known.SETTINGS)
        after.append(shape_error(fitted, truth, model))
    assert np.mean(after) < 0.85 * np.mean(before), (before, after)


def test_the_offset_finds_spots_where_they_are(model):
    truth = known.known_portrait(model)
    part = known.prepared(truth, model, albedo=known.spotted)
    (plain,), (spotted,) = (fit_portrait([part], model, replace(known.SETTINGS, offset=offset)) for offset in (False, True))
    assert plain.offset.shape == (0, 0, 3) and spotted.offset.shape == (64, 64, 3)
    assert spotted.psnr > plain.psnr + 4
    rows, columns = np.mgrid[0:64, 0:64]
    uv = np.stack([(columns + 0.5) / 64, 1 - (rows + 0.5) / 64], -1)
    true, seen = known.spotted(uv) - known.COLOUR, np.abs(spotted.offset).sum(-1) > 1e-4
    inner = seen & (np.abs(uv - 0.5) < 0.2).all(-1)
    assert inner.sum() > 300
    assert np.corrcoef(true[inner].ravel(), spotted.offset[inner].ravel())[0, 1] > 0.7


def test_pictures_fitted_together_tell_more_of_the_person_than_each_alone(model):
    truths = [known.known_portrait(model, f"{row}", seed=row, turn=(0.0, 0.6 * row - 0.3, 0)) for row in range(2)]
    parts = [known.prepared(truth, model, noise=NOISE, seed=row + 5) for row, truth in enumerate(truths)]
    together = fit_portrait(parts, model, known.SETTINGS)
    alone = [fit_portrait([part], model, known.SETTINGS)[0] for part in parts]
    assert all(np.array_equal(one.identity, together[0].identity) for one in together)
    assert all(np.array_equal(one.offset, together[0].offset) for one in together)
    assert not np.array_equal(together[0].light, together[1].light)
    errors = [np.mean([shape_error(one, truths[0], model) for one in fits]) for fits in (together, alone)]
    assert errors[0] < errors[1]


@pytest.mark.parametrize("camera", ["perspective", "weak"])
def test_both_cameras_fit_pictures_of_their_own(model, camera):
    truth = known.known_portrait(model, camera=camera)
    part = known.prepared(truth, model, noise=NOISE / 4)
    (fitted,) = fit_portrait([part], model, replace(known.SETTINGS, camera=camera, offset=False))
    apart = np.linalg.norm(known.landmarks(fitted, model) - known.landmarks(truth, model), axis=1).mean()
    assert fitted.camera == camera and apart < 0.8
    assert (fitted.translation[2] > 50) == (camera == "weak")


def test_what_lies_outside_of_the_skin_changes_nothing(model):
    part = known.prepared(known.known_portrait(model), model, albedo=known.spotted)
    hidden = part.labels.copy()
    hidden[40:60, 50:70] = LABELS.index("hair")
    other = part.picture.copy()
    other[hidden != LABELS.index("skin")] = (0, 255, 90)
    settings = replace(known.SETTINGS, iterations=dict.fromkeys(known.FEW, 4.0), sides=dict.fromkeys(known.FEW, 1.0))
    one, same = (
        fit_portrait([replace(part, picture=picture, labels=hidden)], model, settings)[0] for picture in (part.picture, other)
    )
    for name in ("identity", "rotation", "light", "colour", "offset"):
        np.testing.assert_array_equal(getattr(one, name), getattr(same, name), err_msg=name)
    (believed,) = fit_portrait([replace(part, picture=other)], model, settings)
    assert not np.array_equal(believed.light, one.light), "pixels that are labelled as skin count"


def test_threads_change_no_bit(model):
    parts = [known.prepared(known.known_portrait(model, f"{row}", seed=row), model, albedo=known.spotted) for row in (0, 1)]
    settings = replace(known.SETTINGS, iterations=dict.fromkeys(known.FEW, 4.0))
    runs = [fit_portrait(parts, model, settings, threads=threads) for threads in (1, 3)]
    for one, other in zip(*runs, strict=True):
        for name in ("identity", "expression", "translation", "light", "offset", "psnr"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name


def test_codes_of_a_texture_space_are_recovered(model):
    """A space of the colour and two patterns: codes of 1.5 and -1 deviations."""
    rows, columns = np.mgrid[0:64, 0:64] / 64
    patterns = [np.sin(9 * columns)[..., None] * np.ones(3), np.sin(7 * rows + 1)[..., None] * np.array([1.0, -0.5, -0.5])]
    directions = 20 * np.stack(patterns, -1)
    space = TextureModel(np.broadcast_to(255 * known.COLOUR, (64, 64, 3)).astype(np.float32), directions.astype(np.float32))
    codes = np.array([1.5, -1.0])

    def painted(uv):
        texels = (space.mean + space.directions @ codes) / 255
        places = np.stack([(1 - uv[..., 1]) * 64 - 0.5, uv[..., 0] * 64 - 0.5])
        return np.stack([map_coordinates(texels[..., c], places, order=1, mode="nearest") for c in range(3)], -1)

    part = known.prepared(known.known_portrait(model), model, albedo=painted)
    (fitted,) = fit_portrait([part], model, replace(known.SETTINGS, offset=False), texture=space)
    np.testing.assert_allclose(fitted.texture, codes, atol=0.35)
    assert fitted.texture_sha256 and (fitted.colour == 1).all() and fitted.offset.size == 0


def test_priors_of_others_take_the_place_of_the_heads_own(model):
    """A belief that all codes are 2, held with all weight; its time goes from the first to the last."""
    times = []

    def belief(x, t):
        times.append((t, x.shape))
        return 1e5 * (x - 2).square().sum(-1).mean()

    part = known.prepared(known.known_portrait(model), model)
    (fitted,) = fit_portrait([part], model, known.SETTINGS, Priors(identity=belief))
    assert np.abs(fitted.identity - 2).max() < np.abs(start_portraits([part], model, known.SETTINGS)[0].identity - 2).max()
    assert times[0] == (0.12, (1, 4)) and times[-1][0] == pytest.approx(0.08)
    assert all(later[0] < earlier[0] for earlier, later in pairwise(times))


def test_a_picture_without_skin_is_refused(model):
    part = known.prepared(known.known_portrait(model), model)
    bare = replace(part, labels=np.full_like(part.labels, LABELS.index("hair")))
    with pytest.raises(UserError, match="0 pixels of the picture are labelled as skin"):
        fit_portrait([bare], model, known.SETTINGS)
    corner = np.full_like(part.labels, LABELS.index("background"))
    corner[:12, :12] = LABELS.index("skin")
    with pytest.raises(UserError, match="covers no pixel"):
        fit_portrait([replace(part, labels=corner)], model, known.SETTINGS)
    (fitted,) = fit_portrait([bare], model, replace(known.SETTINGS, photometric=False))
    assert np.isnan(fitted.psnr)


def test_light_by_colour_meets_a_coloured_lamp_better(model):
    light = known.known_light()
    light[1] *= [1.5, 0.5, -0.5]
    part = known.prepared(known.known_portrait(model, light=light), model)
    shared, own = (
        fit_portrait([part], model, replace(known.SETTINGS, light=kind, offset=False))[0] for kind in ("shared", "per_channel")
    )
    assert own.psnr > shared.psnr + 3
    gains = own.light[1] * own.colour
    assert gains[0] < gains[1] < gains[2]


def test_landmarks_of_the_side_that_is_turned_away_do_not_count(model):
    """A head turned by 63 degrees, whose far side is detected 12 pixels away from where it is."""
    truth = known.known_portrait(model, turn=(0.0, 1.1, 0.0))
    surface = open_surface(model, convention_of(truth.convention), 4, 6, 64)
    rotation = torch.from_numpy(truth.rotation)[None].float()
    far = turned_away(surface, rotation, 57.0)[0]
    depth = known.landmarks_in_camera(truth, model)[surface.points][:, 2]
    assert 0.3 < far.double().mean() < 0.5 and depth[far].min() > np.median(depth[~far]), "they lie behind"
    assert not turned_away(surface, rotation, 70.0).any()
    part = known.prepared(truth, model)
    moved = part.landmarks.copy()
    moved[surface.points[far]] += [12, 0]
    fits = [
        fit_portrait([replace(part, landmarks=points)], model, replace(known.SETTINGS, far_side=degrees, offset=False))[0]
        for points, degrees in ((moved, 57.0), (moved, 90.0))
    ]
    near = np.setdiff1d(np.arange(len(moved)), surface.points[far])
    true = known.landmarks(truth, model)[near]
    errors = [np.linalg.norm(known.landmarks(fit, model)[near] - true, axis=1).mean() for fit in fits]
    assert errors[0] < 0.8 * errors[1], errors
