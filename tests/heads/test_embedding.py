"""The whole measurement with a detector that is a camera: it sees known points of the head, exactly or with faults."""

import numpy as np
import pytest
import torch

from headsmith.contract.conventions import MEDIAPIPE478
from headsmith.contract.landmark_groups import COUNT, LIPS
from headsmith.heads.embedding import View, measure_embedding
from headsmith.heads.sighting import NOWHERE, Places, Sight, nearest_on_mesh
from headsmith.maths.cameras import Camera, project

IRISES = MEDIAPIPE478.irises
SIZE = 256


def camera_for(turn):
    double = torch.float64
    rotation = torch.as_tensor(np.diag([1.0, -1.0, -1.0]) @ turn)
    pair = (torch.full((2,), 500.0, dtype=double), torch.full((2,), SIZE / 2, dtype=double))
    return Camera(rotation, torch.tensor([0, 0, 0.8], dtype=double), *pair, (SIZE, SIZE))


def splatted(pixels, depth, triangles, chosen):
    """A coarse rendering: the nearest triangle centre within reach of each pixel's cell."""
    ids = np.full((SIZE, SIZE), -1)
    centres = pixels[triangles[chosen]].mean(1).round().astype(int)
    for place in np.argsort(-depth[triangles[chosen]].mean(1)):
        x, y = centres[place]
        ids[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2] = chosen[place]
    return ids


@pytest.fixture(scope="module")
def setting(anny_model):
    """The head's surfaces, and true places of all points on them."""
    head = anny_model.container
    inside = {name: np.isin(head.faces, head.regions[name]).all(1) for name in ("left_eyeball", "right_eyeball", "face")}
    surfaces = {
        "eyes": np.flatnonzero(inside["left_eyeball"] | inside["right_eyeball"]),
        "skin": np.flatnonzero(inside["face"]),
    }
    generator = np.random.default_rng(0)
    faces = generator.choice(surfaces["skin"], COUNT)
    faces[list(IRISES)] = generator.choice(surfaces["eyes"], len(IRISES))
    front = head.template[head.faces[faces]].mean(1)
    return surfaces, Places(faces, generator.dirichlet((3, 3, 3), COUNT)), front


def watcher(head, truth, surfaces, noise=0.0, blind=()):
    generator = np.random.default_rng(1)
    shown = []

    def watch(vertices, turn):
        shown.append(turn)
        camera = camera_for(turn)
        pixels, depth = (part.numpy() for part in project(torch.as_tensor(vertices), camera))
        points = project(torch.as_tensor(truth.on(vertices, head.faces)), camera)[0].numpy()
        sights = {name: Sight(pixels, depth, splatted(pixels, depth, head.faces, chosen)) for name, chosen in surfaces.items()}
        seen = points + noise * generator.normal(size=points.shape)
        return View(camera, sights, None if len(shown) in blind else seen)

    return watch


def error(model, embedding, truth):
    """Distances between embedded and true points on the mean head, metres."""
    head = model.container
    corners = head.template[head.faces[embedding.faces]]
    found = np.einsum("lc,lcd->ld", embedding.barycentrics, corners)
    return np.linalg.norm(found - truth.on(head.template.astype(np.float64), head.faces)[embedding.points], axis=1)


def test_a_true_detector_gives_the_true_places(anny_model, setting):
    surfaces, truth, _ = setting
    embedding, figures = measure_embedding(anny_model, watcher(anny_model.container, truth, surfaces), surfaces)
    assert embedding.points.tolist() == list(range(COUNT))
    assert figures["points"] == COUNT
    miss = error(anny_model, embedding, truth)
    others = ~np.isin(embedding.points, LIPS)
    assert np.median(miss) < 1e-4
    assert np.quantile(miss[others], 0.95) < 1e-3


def test_noise_is_averaged_and_blind_views_are_left_out(anny_model, setting):
    surfaces, truth, _ = setting
    watch = watcher(anny_model.container, truth, surfaces, noise=0.5, blind=(1, 4, 20))
    embedding, figures = measure_embedding(anny_model, watch, surfaces)
    assert figures["views"] == 35
    assert np.median(error(anny_model, embedding, truth)) < 1e-3


def test_irises_lie_on_eyeballs_and_all_else_on_the_skin(anny_model, setting):
    surfaces, truth, _ = setting
    embedding, _ = measure_embedding(anny_model, watcher(anny_model.container, truth, surfaces), surfaces)
    on_eyes = np.isin(embedding.faces, surfaces["eyes"])
    np.testing.assert_array_equal(on_eyes, np.isin(embedding.points, IRISES))


def test_a_blind_detector_is_an_error(anny_model, setting):
    surfaces, truth, _ = setting
    with pytest.raises(RuntimeError, match="fewer than two"):
        measure_embedding(anny_model, watcher(anny_model.container, truth, surfaces, blind=range(99)), surfaces)


def test_places_of_nothing_are_nowhere():
    places = nearest_on_mesh(np.full((2, 3), np.nan), np.eye(3), np.array([[0, 1, 2]]), np.array([0]))
    assert places.faces.tolist() == [NOWHERE, NOWHERE]
