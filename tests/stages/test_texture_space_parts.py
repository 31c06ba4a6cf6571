"""Unwrapping, light, completion and the file of a texture space, against what is known of synthetic pictures."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from flame_files import LIGHT, write_flame
from stages.painted_portraits import HEAD, MODEL, RANK, SIDE, albedo_at, directions, draw_fit, mean_albedo, show
from synthetic_head import COLUMNS, ROWS

from headsmith.contract.errors import UserError
from headsmith.contract.labels import LABELS
from headsmith.contract.settings import TextureSpaceSettings
from headsmith.heads.flame_head import FlameFiles, read_flame_head
from headsmith.heads.model import HeadModel
from headsmith.heads.texture import read_texture
from headsmith.maths.harmonics import harmonics
from headsmith.maths.low_rank import LowRank
from headsmith.stages import texture_space_completion, texture_space_network
from headsmith.stages.texture_space_completion import METHODS, Textures, compare, keep_back
from headsmith.stages.texture_space_file import write_texture
from headsmith.stages.texture_space_learning import Seen, choose_light, spread
from headsmith.stages.texture_space_light import align_light
from headsmith.stages.texture_space_mirror import counterparts, extend, settle
from headsmith.stages.texture_space_network import complete_by_network, strokes
from headsmith.stages.texture_space_pictures import face_texels
from headsmith.stages.texture_space_unwrap import Sheet, unwrap

SHEET = Sheet.of(MODEL, 64)
UV = np.einsum("nc,ncd->nd", SHEET.texels.barycentrics, HEAD.uv[HEAD.uv_faces[SHEET.texels.faces]])


@pytest.mark.parametrize("camera", ["perspective", "weak"])
def test_the_albedo_comes_back_where_it_is_seen(camera):
    for seed in range(3):
        fit, codes = draw_fit("ada", seed)
        if camera == "weak":
            fit = replace(fit, camera="weak", focal=fit.focal / 0.4, translation=np.array([0, 0, 100.0]))
        found = unwrap(SHEET, show(fit, codes)[0], fit)
        clear = found.weights > 0.3
        assert clear.mean() > 0.3
        apart = np.abs(found.albedo - albedo_at(UV, codes))[clear]
        assert np.median(apart) < 0.004 and np.quantile(apart, 0.98) < 0.03


def test_hidden_texels_are_never_counted_as_seen():
    """Every texel that counts lies, in the picture, on a triangle that shows its own place in the unwrapping."""
    for seed in range(3):
        fit, codes = draw_fit("ada", seed, turn=1.1)
        prepared, faces = show(fit, codes)
        found = unwrap(SHEET, prepared, fit)
        rows = np.flatnonzero(found.weights > 0)
        with torch.no_grad():
            points = SHEET.texels.spread(fit.in_camera(MODEL(fit.parameters()).numpy()), HEAD.faces)[rows]
        column, row = np.floor(fit.seen_at(points.astype(np.float64))[:, :2]).astype(int).T
        shown = faces[row, column]
        assert (shown >= 0).all()
        assert np.linalg.norm(HEAD.uv[HEAD.uv_faces[shown]].mean(1) - UV[rows], axis=1).max() < 0.12
        assert (found.weights > 0).mean() < 0.9


def test_what_is_no_skin_is_hidden():
    fit, codes = draw_fit("ada", 0)
    prepared, _ = show(fit, codes)
    prepared.labels[:, : SIDE // 2] = LABELS.index("hair")
    found = unwrap(SHEET, prepared, fit)
    with torch.no_grad():
        points = SHEET.texels.spread(fit.in_camera(MODEL(fit.parameters()).numpy()), HEAD.faces).astype(np.float64)
    left = fit.seen_at(points)[:, 0] < SIDE / 2
    assert not (found.weights[left] > 0).any() and (found.weights[~left] > 0).any()


def test_clipped_and_dark_texels_are_hidden():
    fit, codes = draw_fit("ada", 0)
    prepared, _ = show(fit, codes)
    seen = unwrap(SHEET, prepared, fit).weights > 0
    prepared.picture[prepared.picture > np.median(prepared.picture[prepared.picture > 40])] = 255
    assert 0 < (unwrap(SHEET, prepared, fit).weights > 0).sum() < seen.sum()
    assert not (unwrap(SHEET, prepared, replace(fit, light=0.03 * fit.light)).weights > 0).any()


def planted(count=40, seed=0):
    """Textures of the family with the halves and spots hidden that turned heads hide."""
    random = np.random.default_rng(seed)
    codes = random.normal(0, 1, (count, RANK))
    albedo = np.stack([albedo_at(UV, one) for one in codes]).astype(np.float32) + 0.004 * random.normal(
        0, 1, (count, len(UV), 3)
    )
    turn = random.uniform(-0.25, 0.25, count)
    weights = np.clip(0.75 + np.sign(turn)[:, None] * (UV[:, 0] - 0.5) * 4 * (abs(turn)[:, None] > 0.1), 0, 1)
    return albedo.astype(np.float32), np.where(weights > 0.3, weights, 0).astype(np.float32), codes


def test_light_that_is_left_is_divided_out_and_tone_is_not():
    """People who differ in small things alone, under light that is wrong in its own way in each picture."""
    random = np.random.default_rng(1)
    weights, count = planted()[1], 40
    freckles = 1 + 0.1 * random.normal(0, 1, (count, 1)) * np.sin(70 * UV[:, 0] + 50 * UV[:, 1])
    albedo = (mean_albedo(UV) * freckles[..., None] * random.uniform(0.7, 1.3, (count, 1, 1))).astype(np.float32)
    basis = harmonics(torch.from_numpy(SHEET.normals().astype(np.float64))).numpy()[:, 1:]
    wrong = np.exp(random.normal(0, 0.08, (count, 8)) @ basis.T)[..., None].astype(np.float32)
    seen = weights > 0
    off = [
        np.mean([np.log(one / true)[mask].std() for one, true, mask in zip(values, albedo, seen, strict=True)])
        for values in (albedo * wrong, align_light(albedo * wrong, weights, SHEET.normals()))
    ]
    assert off[1] < 0.75 * off[0]
    whole = np.log(align_light(albedo, weights, SHEET.normals()) / albedo)
    assert np.abs([one[mask].mean() for one, mask in zip(whole, seen, strict=True)]).max() < 0.02


def textures(seed=0):
    albedo, weights, _ = planted(seed=seed)
    return Textures(SHEET, albedo, weights, np.arange(len(UV)), 6)


def test_completion_is_better_than_the_mean_and_the_best_is_measured(monkeypatch):
    monkeypatch.setattr(texture_space_completion, "SMALL", 24)
    errors = compare(textures(), ["mean", "mirror", "surface", "telea", "low_rank", "mirrored_low_rank", "biharmonic"])
    assert errors["low_rank"] < 0.15 * errors["mean"]
    assert max(errors["surface"], errors["telea"], errors["biharmonic"]) < errors["mean"]
    truth = np.stack([albedo_at(UV, codes) for codes in planted()[2]])
    hidden = textures().weights == 0
    apart = {name: np.sqrt(np.square(METHODS[name](textures()) - truth)[hidden].mean()) for name in ("mean", "low_rank")}
    assert apart["low_rank"] < 0.2 * apart["mean"]


def test_what_is_kept_back_was_seen_and_is_seen_elsewhere():
    given = textures()
    held = keep_back(given)
    assert 0.02 < held.mean() < 0.5
    assert not (held & (given.weights == 0)).any()
    assert (np.where(held, 0, given.weights) > 0).any(0)[held.any(0)].all()


def test_faces_alike_on_both_sides_are_completed_from_the_other():
    other = counterparts(SHEET)
    assert (other >= 0).mean() > 0.95
    given = textures()
    symmetric = (given.albedo + given.albedo[:, other]) / 2
    found = METHODS["mirror"](replace(given, albedo=symmetric))
    known = (given.weights[:, other] > 0) & (other >= 0)
    assert np.abs(found - symmetric)[known].mean() < 0.01


def test_values_are_extended_smoothly_over_the_surface():
    """What is seen stays; between, each free vertex is the mean of its neighbours; constants are extended as they are."""
    values = UV[:, :1].astype(np.float32)
    weights = (np.abs(UV[:, 0] - 0.5) > 0.2).astype(np.float32)
    found = extend(SHEET, values, weights)
    np.testing.assert_array_equal(found[weights > 0], values[weights > 0])
    face = SHEET.texels.faces < 2 * (COLUMNS - 1) * (ROWS - 1)
    assert values.min() - 1e-4 <= found[face].min() and found[face].max() <= values.max() + 1e-4
    np.testing.assert_allclose(extend(SHEET, np.full_like(values, 0.3), weights)[face], 0.3, atol=2e-3)
    assert (extend(SHEET, values, weights * face)[~face & (weights == 0)] == 0).all()
    random = np.random.default_rng(0)
    known, given = random.random(len(HEAD.template)) > 0.4, random.random((len(HEAD.template), 2))
    settled = settle(SHEET, given, known)
    edges = {(a, b) for face in HEAD.faces.tolist() for a in face for b in face if a != b}
    for vertex in np.flatnonzero(~known)[::7]:
        around = [b for a, b in edges if a == vertex]
        np.testing.assert_allclose(settled[vertex], settled[around].mean(0), atol=1e-6)


def test_a_network_learns_to_complete(monkeypatch):
    monkeypatch.setattr(texture_space_network, "SIDE", 32)
    given = textures()
    mean = given.mean()
    seen = np.stack([given.picture((weights > 0).astype(np.float32)[:, None]) for weights in given.weights])
    apart = np.stack([given.picture(albedo - mean) for albedo in given.albedo]) * seen
    found = complete_by_network(apart, seen, steps=80)
    truth = np.stack([albedo_at(UV, codes) for codes in planted()[2]]) - mean
    wrong = np.stack([given.texels(one) for one in found]) - truth
    hidden = given.weights == 0
    assert np.square(wrong[hidden]).mean() < 0.9 * np.square(truth[hidden]).mean()
    again = complete_by_network(apart[:5], seen[:5], steps=3)
    np.testing.assert_array_equal(again, complete_by_network(apart[:5], seen[:5], steps=3))
    assert 0.02 < strokes(np.random.default_rng(0), 64).mean() < 0.8


def test_the_file_is_read_by_others(tmp_path):
    """By NumPy alone, as FLAME's readers do: blue first, 0..255, the first row at v = 1, change of one deviation a code."""
    mean, change = 255 * mean_albedo(UV).astype(np.float32), 255 * directions(UV).astype(np.float32)
    write_texture(tmp_path / "texture.npz", mean, change, SHEET)
    with np.load(tmp_path / "texture.npz", allow_pickle=False) as content:
        assert {name: content[name].shape for name in content} == {
            **{"mean": (64, 64, 3), "tex_dir": (64, 64, 3, RANK)},
            **{"vt": HEAD.uv.shape, "ft": HEAD.uv_faces.shape},
        }
        codes = np.array([1.5, -1.0, 0.5])
        texture = (content["mean"] + content["tex_dir"] @ codes)[..., ::-1]
        corner = content["vt"][content["ft"][40]].mean(0)
    column, row = int(corner[0] * 64), int((1 - corner[1]) * 64)
    place = np.array([(column + 0.5) / 64, 1 - (row + 0.5) / 64])
    np.testing.assert_allclose(texture[row, column], 255 * albedo_at(place, codes), atol=0.1)
    model = read_texture(tmp_path / "texture.npz", HEAD, RANK)
    np.testing.assert_allclose(model.texture(codes), texture.clip(0, 255).round(), atol=1)


@pytest.fixture(scope="module")
def flame_container(tmp_path_factory):
    path = write_flame(tmp_path_factory.mktemp("flame") / "generic_model.pkl", **LIGHT)
    return read_flame_head(FlameFiles(path, closed_mouth=True))[0]


@pytest.mark.parametrize("name", ["flame_container", "anny_container"])
def test_spaces_of_flame_and_of_anny(name, request, tmp_path):
    """What was learned of a part of the face is spread over the head, written, and read back for that head and no other."""
    head = request.getfixturevalue(name)
    sheet = Sheet.of(HeadModel.from_container(head, torch.float64), 128)
    face = face_texels(sheet)
    rows = np.flatnonzero(face)[::2]
    random = np.random.default_rng(0)
    mean, change = random.uniform(0.2, 0.8, (len(rows), 3)), random.normal(0, 0.05, (len(rows), 3, 2))
    space = LowRank(mean.astype(np.float32), change.astype(np.float32), 0.1, np.zeros((4, 2), np.float32))
    whole, components = spread(space, sheet, rows)
    np.testing.assert_allclose(whole[rows], mean, atol=1e-6)
    assert whole.min() >= 0 and whole.max() <= 1 and np.isfinite(components).all()
    assert np.abs(components[~face]).max(initial=0) < 0.3, "what no picture shows follows what is beside it"
    write_texture(tmp_path / "texture.npz", 255 * whole, 255 * components, sheet)
    read = read_texture(tmp_path / "texture.npz", head, 50)
    codes = np.array([1.0, -2.0])
    expected = 255 * (whole + components @ codes)
    np.testing.assert_allclose(read.texture(codes)[sheet.texels.covered], expected.clip(0, 255), atol=0.51)
    with pytest.raises(UserError, match=r"another unwrapping|triangles"):
        read_texture(tmp_path / "texture.npz", HEAD)


def test_light_that_a_fit_took_from_the_skin_is_left_in():
    """Pictures under even light, whose fits tell of light from a side: the less of it is divided out the better."""
    albedo, weights, _ = planted()
    random = np.random.default_rng(2)
    basis = harmonics(torch.from_numpy(SHEET.normals().astype(np.float64))).numpy()[:, 1:]
    wrong = np.exp(random.normal(0, 0.4, (len(albedo), 8)) @ basis.T)[..., None].repeat(3, -1).astype(np.float32)
    settings, rows = TextureSpaceSettings(components=4), np.arange(len(UV))
    right = Seen((albedo * wrong).astype(np.float32), wrong, weights)
    assert choose_light(Seen(albedo, wrong, weights), SHEET, settings, rows)[0] == "none"
    chosen, errors = choose_light(right, SHEET, settings, rows)
    assert chosen == "whole" and errors["whole"] < errors["half"] < errors["none"]
    assert choose_light(right, SHEET, replace(settings, light="half"), rows) == ("half", {})
