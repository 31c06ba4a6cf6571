"""Patch experts: what they are taught by, and that they learn it; the model of shapes as a stage."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from headsmith.contract.conventions import IBUG68
from headsmith.contract.errors import UserError
from headsmith.heads.container import save_head
from headsmith.heads.embedding_types import Embedding
from headsmith.heads.model import HeadModel
from headsmith.maths.point_distribution import landmarks_of
from headsmith.nets.patch_experts_file import read_experts
from headsmith.nets.point_distribution_file import read_point_distribution
from headsmith.stages import patch_experts, patch_experts_training, point_distribution
from headsmith.stages.patch_experts_offsets import move_labels, tell_offsets
from headsmith.stages.patch_experts_paint import BROW, Looks, RestMarks, draw_hair, hollows, paint_brows
from headsmith.stages.patch_experts_renders import SIZE, render_samples, seen_in
from headsmith.stages.patch_experts_training import (
    MIRRORED,
    SUPPORT,
    Sample,
    cut_patches,
    mirror,
    pose_of,
    taught_by,
    train_scale,
)
from headsmith.stages.patch_experts_variety import bend, put_hand, vary


@pytest.fixture(scope="module")
def marked(anny_container):
    """Anny's head with 68 points spread over the face: which places they have does not matter here."""
    face = np.isin(anny_container.faces, anny_container.regions["face"]).all(1).nonzero()[0]
    chosen = face[np.linspace(0, len(face) - 1, IBUG68.count).round().astype(int)].astype(np.int32)
    marks = Embedding(np.arange(IBUG68.count, dtype=np.int32), chosen, np.full((IBUG68.count, 3), 1 / 3, np.float32))
    return anny_container.with_embedding(IBUG68.name, marks)


@pytest.fixture(scope="module")
def files(marked, tmp_path_factory):
    folder = tmp_path_factory.mktemp("heads")
    save_head(marked, folder / "anny.npz")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(point_distribution, "SAMPLES", 300)
        point_distribution.build_point_distribution(head=folder / "anny.npz", output=folder / "PDM_68.txt")
    return {"head": folder / "anny.npz", "model": folder / "PDM_68.txt"}


@pytest.fixture(scope="module")
def samples(marked):
    return list(render_samples(HeadModel.from_container(marked), 10, seed=1))


def test_rendered_faces_have_their_landmarks_on_them(samples, marked):
    again = next(render_samples(HeadModel.from_container(marked), 1, seed=1))
    assert np.array_equal(samples[0].image, again.image)
    for sample in samples:
        assert sample.image.shape == (SIZE, SIZE)
        assert sample.image.std() > 5
        assert 10 < sample.visible.sum() <= 68
        assert np.isfinite(sample.points).all()


def test_what_lies_behind_something_is_not_seen():
    depth = np.full((SIZE, SIZE), np.inf, np.float32)
    depth[:, :100] = 1.0
    points = np.tile([[50.0, 60.0]], (68, 1))
    points[1], points[2] = (150, 60), (-3, 60)
    own = np.full(68, 1.001)
    own[3] = 1.1
    seen = seen_in(depth, points, own)
    assert seen.tolist() == [True, True, False, False] + [True] * 64


def test_a_mirror_image_has_mirrored_landmarks(samples):
    twice = mirror(mirror(samples[0]))
    assert np.array_equal(twice.image, samples[0].image)
    np.testing.assert_allclose(twice.points, samples[0].points)
    once = mirror(samples[0])
    assert sorted(MIRRORED) == list(range(68))
    np.testing.assert_allclose(once.points[36], (SIZE - samples[0].points[45, 0], samples[0].points[45, 1]))


def test_hair_is_behind_the_face():
    picture = np.full((SIZE, SIZE), 0.5)
    draw_hair(picture, np.array([[90, 80], [130, 150]], np.float32), 0.01, np.random.default_rng(0))
    assert picture[115, 110] < 0.1
    assert picture[5, 5] == 0.5


def test_patches_are_of_the_places_that_their_targets_tell(samples, files):
    shapes = read_point_distribution(files["model"])
    patches = cut_patches(shapes, samples, pose_of(shapes, samples), 0.35, seed=0)
    assert patches.values.shape[1:] == (68, patch_experts_training.PLACES, SUPPORT**2)
    assert patches.targets.max() > 0.9
    assert patches.targets.min() < 0.01
    assert np.array_equal(patches.known, np.stack([sample.visible for sample in samples]))


def test_experts_learn_where_landmarks_are(files, samples, monkeypatch):
    monkeypatch.setattr(patch_experts_training, "STEPS", 70)
    torch.manual_seed(0)
    shapes = read_point_distribution(files["model"])
    experts = train_scale(shapes, samples, 0.35, np.zeros((1, 3)), 0, "test")
    patches = cut_patches(shapes, samples, pose_of(shapes, samples), 0.35, seed=7)
    values = patches.values.astype(np.float32).transpose(1, 0, 2, 3).reshape(68, -1, SUPPORT, SUPPORT)
    told = np.stack([experts.respond(values[:, place], 0)[:, 0, 0] for place in range(0, values.shape[1], 5)], 1)
    wanted = patches.targets.transpose(1, 0, 2).reshape(68, -1)[:, ::5]
    near, far = told[wanted > 0.7].mean(), told[wanted < 0.05].mean()
    assert near > 2 * far
    assert (experts.trust > 0).all()
    monkeypatch.setattr(patch_experts_training, "STEPS", 3)
    twice = [train_scale(shapes, samples, 0.35, np.zeros((1, 3)), 0, "test").layers[0] for _ in range(2)]
    for ours, theirs in zip(*twice, strict=True):
        assert np.array_equal(ours.weights, theirs.weights)


def test_the_stage_writes_experts_that_can_be_read(files, asset, tmp_path, monkeypatch):
    for module, name, value in (
        (patch_experts, "RENDERS", 8),
        (patch_experts, "FRAMES", 4),
        (patch_experts, "JUDGED", 3),
        (patch_experts, "SCALES", (0.25, 0.5)),
        (patch_experts_training, "STEPS", 8),
    ):
        monkeypatch.setattr(module, name, value)
    output = tmp_path / "experts.npz"
    videos = [asset("single_face.mp4")]
    patch_experts.train_patch_experts(**files, detector=asset("face_landmarker.task"), videos=videos, output=output)
    found = read_experts(output)
    assert [experts.scale for experts in found.scales] == [0.25, 0.5]
    assert found.certainty[1] > 0


def test_a_head_without_the_points_is_refused(anny_container, tmp_path):
    save_head(anny_container, tmp_path / "bare.npz")
    with pytest.raises(UserError, match="68 points"):
        point_distribution.build_point_distribution(head=tmp_path / "bare.npz", output=tmp_path / "out.txt")
    assert not (tmp_path / "out.txt").exists()


def test_brows_are_painted_below_their_points():
    """On a sheet in the plane of a head whose brows are straight: what is dark lies below them, and between their ends."""
    places = np.zeros((68, 3))
    places[17:22, 0], places[22:27, 0] = np.linspace(-0.05, -0.02, 5), np.linspace(0.02, 0.05, 5)
    places[17:27, 1] = 0.03
    rest = RestMarks(places, np.zeros((68, 3), int), np.zeros((68, 3)), np.zeros(1))
    columns, rows = np.meshgrid(np.linspace(-0.08, 0.08, 321), np.linspace(0.08, -0.08, 321))
    place = np.stack([columns, rows, np.zeros_like(rows)], -1)
    colours = np.ones(rows.shape)
    paint_brows(colours, place, rest, Looks(0.5, 0.0, 0.1, 0.1, 0.0, False), np.random.default_rng(0))
    dark = colours < 0.7
    middle = dark & (np.abs(columns) > 0.028) & (np.abs(columns) < 0.042)
    assert rows[middle].max() < 0.03 + 0.0012
    assert rows[dark].max() < 0.03 + 0.0025
    assert rows[dark].min() > 0.03 - 4 * BROW
    assert np.abs(columns[dark]).min() > 0.018
    assert (dark & (columns < 0)).sum() > 200 < (dark & (columns > 0)).sum()


def test_hollows_lie_below_their_neighbours():
    """A roof, and the same as a gutter."""
    vertices = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]], float)
    faces = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 1]])
    assert hollows(vertices, faces)[0] < -0.5
    assert hollows(vertices * (1, 1, -1), faces)[0] > 0.5


def test_a_bent_picture_has_its_landmarks_with_it(samples):
    random = np.random.default_rng(0)
    points = np.stack(np.meshgrid(np.linspace(60, 160, 17), np.linspace(60, 160, 4)), -1).reshape(-1, 2)
    rows, columns = np.mgrid[:SIZE, :SIZE] + 0.5
    apart = [np.hypot(columns - x, rows - y) for x, y in points[::5]]
    image = (255 * np.exp(-np.square(np.min(apart, 0)) / 8)).astype(np.uint8)
    sample = Sample(image, points, np.ones(68, bool))
    bent = bend(sample, random)
    assert np.linalg.norm(bent.points - points, axis=1).mean() > 1
    for x, y in bent.points[::5]:
        near = np.hypot(columns - x, rows - y) < 5
        weights = bent.image * near.astype(float)
        where = np.array([(columns * weights).sum(), (rows * weights).sum()]) / weights.sum()
        assert np.hypot(*(where - (x, y))) < 0.7


def test_what_a_hand_covers_is_not_to_be_found(samples, files):
    random = np.random.default_rng(1)
    held = [put_hand(sample, random) for sample in samples]
    assert all(sample.covered.any() for sample in held)
    assert not any(sample.covered.all() for sample in held)
    assert np.array_equal(mirror(held[0]).covered, held[0].covered[list(MIRRORED)])
    shapes = read_point_distribution(files["model"])
    targets = cut_patches(shapes, held, pose_of(shapes, held), 0.35, seed=0).targets.max(2)
    covered = np.stack([sample.covered for sample in held])
    assert targets[covered].max() == 0
    assert targets[~covered].min() > 0.1


def test_variations_differ_and_are_those_of_the_seed(samples):
    first, again, other = (vary(samples[0], np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(first.image, again.image)
    assert not np.array_equal(first.image, other.image)
    assert first.image.dtype == np.uint8
    assert np.isfinite(first.points).all()


def test_offsets_are_what_labels_have_in_common(files):
    """Random faces whose labels lie some millimetres beside: found but for what poses and shapes explain as well."""
    shapes = read_point_distribution(files["model"])
    random = np.random.default_rng(0)
    true = np.zeros((68, 3))
    true[20, 0], true[40, 1] = 4.0, -3.0
    local = random.normal(size=(120, len(shapes.variances))) * shapes.deviations.numpy()
    turns = random.uniform(-0.3, 0.3, (120, 3))
    parameters = torch.from_numpy(np.concatenate([np.full((120, 1), 1.2), turns, np.full((120, 2), 100.0), local], 1))
    blank = np.zeros((4, 4), np.uint8)
    labelled = landmarks_of(shapes.moved(torch.from_numpy(true)), parameters).numpy()
    samples = [Sample(blank, points, np.ones(68, bool)) for points in labelled]
    told = tell_offsets(shapes, samples)
    assert told[20, 0] > 2.4
    assert told[40, 1] < -1.8
    assert np.abs(np.delete(told, (20, 40), 0)).mean() < 0.3
    assert not tell_offsets(shapes, []).any()
    plain = [
        replace(sample, points=points) for sample, points in zip(samples, landmarks_of(shapes, parameters).numpy(), strict=True)
    ]
    moved = np.stack([sample.points for sample in move_labels(shapes, plain, true)])
    np.testing.assert_allclose(moved, labelled, atol=0.05)


def test_views_share_the_faces_between_them():
    views = np.deg2rad([0.0, 50.0, -50.0])
    turns = np.deg2rad([0.0, 30.0, -30.0, 40.0, 60.0, -60.0, 10.0])
    assert taught_by(turns, views, 0).tolist() == [True, True, True, False, False, False, True]
    assert taught_by(turns, views, 1).tolist() == [False, True, False, True, True, False, False]
    assert taught_by(turns, views, 2).tolist() == [False, False, True, False, False, True, False]


def test_the_other_side_has_mirrored_experts(files, samples, monkeypatch):
    monkeypatch.setattr(patch_experts_training, "STEPS", 3)
    shapes = read_point_distribution(files["model"])
    both = [face for sample in samples for face in (sample, mirror(sample))]
    views = np.deg2rad([[0.0, 0.0, 0.0], [0.0, 30.0, 0.0], [0.0, -30.0, 0.0]])
    experts = train_scale(shapes, both, 0.35, views, 0, "test")
    areas = np.random.default_rng(0).integers(0, 256, (68, SUPPORT + 3, SUPPORT + 3)).astype(np.float32)
    there = experts.respond(areas, 1)
    mirrored = experts.respond(np.ascontiguousarray(areas[list(MIRRORED)][:, :, ::-1]), 2)
    np.testing.assert_allclose(mirrored[list(MIRRORED)][:, :, ::-1], there, atol=1e-5)
    assert np.array_equal(experts.visible[2][list(MIRRORED)], experts.visible[1])
    assert not np.array_equal(experts.respond(areas, 0), there)
