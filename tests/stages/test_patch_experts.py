"""Patch experts: what they are taught by, and that they learn it; the model of shapes as a stage."""

import numpy as np
import pytest
import torch

from headsmith.contract.conventions import IBUG68
from headsmith.contract.errors import UserError
from headsmith.heads.container import save_head
from headsmith.heads.embedding_types import Embedding
from headsmith.heads.model import HeadModel
from headsmith.nets.patch_experts_file import read_experts
from headsmith.nets.point_distribution_file import read_point_distribution
from headsmith.stages import patch_experts, patch_experts_training, point_distribution
from headsmith.stages.patch_experts_renders import SIZE, draw_hair, render_samples, seen_in
from headsmith.stages.patch_experts_training import MIRRORED, SUPPORT, cut_patches, mirror, pose_of, train_scale


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
