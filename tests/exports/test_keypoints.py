"""DECA's keypoint files: the head's own 68 points as the tracked camera sees them."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from exports.seamed import moving_clip, seamed_head, turn

from headsmith.contract.errors import UserError
from headsmith.exports.keypoints import KeypointFinder, write_keypoints
from headsmith.heads.embedding_types import Contour, Embedding
from headsmith.heads.model import HeadModel, HeadParameters


def head_with_points(faces: np.ndarray):
    head = seamed_head()
    weights = np.random.default_rng(0).dirichlet((2, 2, 2), 68).astype(np.float32)
    return head.with_embedding("ibug68", Embedding(np.arange(68, dtype=np.int32), faces.astype(np.int32), weights))


HEAD = head_with_points(np.random.default_rng(1).integers(0, 336, 68))
MODEL = HeadModel.from_container(HEAD, torch.float64)
CLIP = moving_clip(HEAD, count=3)


def frame(place: int) -> tuple[HeadParameters, object]:
    own = CLIP.take([place])
    parameters = own.parameters()
    return HeadParameters(*(getattr(parameters, item.name)[0] for item in fields(parameters))), own.cameras()[0]


def expected(place: int, faces: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """x, y, z point by point, from the convention as the docs tell it."""
    vertices = MODEL(CLIP.take([place]).parameters())[0].numpy()
    found = []
    for face, weight in zip(faces, weights, strict=True):
        x, y, z = CLIP.rotation[place] @ (weight.astype(float) @ vertices[HEAD.faces[face]]) + CLIP.translation[place]
        away = CLIP.translation[place][2]
        scale = CLIP.focal / 48
        found.append([scale * x / z, scale * y / z, (z - away) * scale / away])
    return np.array(found)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_points_are_those_of_the_tracked_camera(place: int) -> None:
    embedding = HEAD.embeddings["ibug68"]
    points = KeypointFinder(MODEL).find(*frame(place))
    wanted = expected(place, embedding.faces, embedding.barycentrics)
    np.testing.assert_allclose(points.solid, wanted, atol=1e-12)
    np.testing.assert_allclose(points.flat, wanted[:, :2], atol=1e-12)


def test_the_outline_slides_in_2d_alone() -> None:
    generator = np.random.default_rng(3)
    faces, weights = generator.integers(0, 336, (2, 17)), generator.dirichlet((2, 2, 2), (2, 17)).astype(np.float32)
    contour = Contour(np.arange(17, dtype=np.int32), np.array([-3.0, 3.0]), faces.astype(np.int32), weights)
    model = HeadModel.from_container(HEAD.with_contour("ibug68", contour), torch.float64)
    parameters, camera = frame(0)
    fixed, sliding = KeypointFinder(MODEL).find(parameters, camera), KeypointFinder(model).find(parameters, camera)
    np.testing.assert_array_equal(sliding.solid, fixed.solid)
    np.testing.assert_array_equal(sliding.flat[17:], fixed.flat[17:])
    towards = -CLIP.rotation[0].T @ (CLIP.translation[0] / np.linalg.norm(CLIP.translation[0]))
    row = int(-np.arcsin(towards[0]) > 0)
    np.testing.assert_allclose(sliding.flat[:17], expected(0, faces[row], weights[row])[:, :2], atol=1e-12)


def nearest_hit(vertices: np.ndarray, way: np.ndarray) -> float:
    """Depth at which a ray from the camera first meets a triangle that faces it (Moeller and Trumbore 1997)."""
    a, b, c = vertices[HEAD.faces].transpose(1, 0, 2)
    across, turned = np.cross(way, c - a), np.cross(-a, b - a)
    area = ((b - a) * across).sum(1)
    u, v, t = -(a * across).sum(1) / area, turned @ way / area, ((c - a) * turned).sum(1) / area
    met = (area > 0) & (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0)
    return t[met].min(initial=np.inf) * way[2]


def test_visible_points_are_those_that_a_ray_reaches_first() -> None:
    clip = moving_clip(HEAD, count=1, seed=5, size=(768, 768))
    clip = replace(clip, rotation=(np.diag([1.0, -1, -1]) @ turn(np.array([0, 1.2, 0])))[None])
    faces = np.linspace(0, 399, 68).astype(int)
    head = head_with_points(faces)
    model = HeadModel.from_container(head, torch.float64)
    parameters, camera = clip.parameters(), clip.cameras()[0]
    one = HeadParameters(*(getattr(parameters, item.name)[0] for item in fields(parameters)))
    found = KeypointFinder(model).find(one, camera)
    vertices = model(one).numpy() @ clip.rotation[0].T + clip.translation[0]
    weights, checked = head.embeddings["ibug68"].barycentrics.astype(float), []
    for point, (face, weight) in enumerate(zip(faces, weights, strict=True)):
        place = weight @ vertices[head.faces[face]]
        short = place[2] - nearest_hit(vertices, place / np.linalg.norm(place))
        if abs(short) < 1e-6 or short > 0.008 or short < -1e-6:
            assert found.visible[point] == (abs(short) < 1e-6)
            checked.append(bool(found.visible[point]))
    assert min(sum(checked), len(checked) - sum(checked)) > 5, "both are tried"


def test_nothing_is_seen_from_behind_or_outside_the_picture() -> None:
    parameters, camera = frame(0)
    back = replace(camera, rotation=torch.diag(torch.tensor([-1.0, -1, 1])).double())
    assert not KeypointFinder(MODEL).find(MODEL.neutral(), back).visible.any()
    aside = replace(camera, translation=torch.tensor([1.0, 0, 0.8]).double())
    assert not KeypointFinder(MODEL).find(parameters, aside).visible.any()


def test_the_files_are_decas(tmp_path: Path) -> None:
    points = KeypointFinder(MODEL).find(*frame(0))
    write_keypoints(tmp_path, "00000", points)
    flat, solid = (np.loadtxt(tmp_path / f"00000_{kind}.txt") for kind in ("kpt2d", "kpt3d"))
    np.testing.assert_allclose(flat, points.flat, atol=1e-7)
    np.testing.assert_allclose(solid[:, :3], points.solid, atol=1e-7)
    assert solid.shape == (68, 4) and set(solid[:, 3]) <= {0, 1}


def test_a_head_without_the_68_points_is_refused() -> None:
    with pytest.raises(UserError, match="has not all 68 points"):
        KeypointFinder(HeadModel.from_container(seamed_head(), torch.float64))
