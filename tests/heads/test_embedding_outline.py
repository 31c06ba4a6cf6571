"""The sliding outline, measured with a detector that marks the silhouette of a head which it sees as it is."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from headsmith.contract.conventions import IBUG68
from headsmith.heads import embedding_outline
from headsmith.heads.embedding import UnseenError, View, head_vertices, turn
from headsmith.heads.embedding_outline import discerning, measure_contour, outline_triangles
from headsmith.heads.embedding_types import Embedding
from headsmith.heads.sighting import Places, Sight
from headsmith.maths.cameras import Camera, project
from headsmith.mesh.rasterize import rasterize_mesh

SIZE = 512
OUTLINE = list(IBUG68.outline)
HEIGHTS = np.linspace(0.0, -0.1, 8)
"""Metres in the head's frame, at which the detector marks the edge of the face; the chin is the ninth point."""


def camera_for(turned):
    double = torch.float64
    rotation = torch.as_tensor(np.diag([1.0, -1.0, -1.0]) @ turned)
    pair = (torch.full((2,), 1100.0, dtype=double), torch.full((2,), SIZE / 2, dtype=double))
    return Camera(rotation, torch.tensor([0, 0, 0.8], dtype=double), *pair, (SIZE, SIZE))


@pytest.fixture(scope="module")
def known(anny_model):
    """Where another detector put the points: on the front of the face, the chin lowest."""
    head = anny_model.container
    triangles = np.flatnonzero(np.isin(head.faces, head.regions["face"]).all(1))
    middles = head.template[head.faces[triangles]].mean(1)
    wanted = np.zeros((68, 2))
    wanted[:17, 0] = 0.06 * np.linspace(-1, 1, 17)
    wanted[:17, 1] = [*HEIGHTS, -0.11, *HEIGHTS[::-1]]
    wanted[17:] = np.random.default_rng(0).uniform(-0.03, 0.03, (51, 2))
    wanted[36], wanted[45] = (-0.045, 0.0), (0.045, 0.0)
    front = np.where(middles[:, 2] > -0.03, 0, 1)
    faces = [triangles[(np.linalg.norm(middles[:, :2] - place, axis=1) + front).argmin()] for place in wanted]
    return Embedding(np.arange(68, dtype=np.int32), np.array(faces, np.int32), np.full((68, 3), 1 / 3, np.float32))


@pytest.fixture(scope="module")
def triangles(anny_model, known):
    head = anny_model.container
    skin = np.flatnonzero(np.isin(head.faces, head.regions["skin"]).all(1))
    return outline_triangles(head, skin, known, IBUG68)


def edges(ids, triangles):
    """The points of either side, and of each row of pixels the face's edge there: column, row, and triangle."""
    rows = np.flatnonzero((ids >= 0).any(1))
    first = (ids[rows] >= 0).argmax(1)
    last = SIZE - 1 - (ids[rows, ::-1] >= 0).argmax(1)
    yield slice(0, 8), first, rows, triangles[ids[rows, first]]
    yield slice(16, 8, -1), last + 1, rows, triangles[ids[rows, last]]


def edge_detector(head, known, triangles, lost=()):
    """A watch whose detector marks the leftmost and the rightmost pixel of the face at some heights of the head."""

    def watch(vertices, turned):
        camera = camera_for(turned)
        pixels, depth = (part.numpy() for part in project(torch.as_tensor(vertices), camera))
        screen = np.concatenate([pixels, depth[:, None]], 1).astype(np.float32)
        ids, _, _ = rasterize_mesh(screen, head.faces[triangles], SIZE, SIZE, cull=True)
        sight = Sight(pixels, depth, np.where(ids >= 0, triangles[ids], -1))
        inner = Places(known.faces, known.barycentrics.astype(np.float64)).on(vertices, head.faces)
        points = project(torch.as_tensor(inner), camera)[0].numpy()
        for places, column, row, carrier in edges(ids, triangles):
            heights = vertices[head.faces[carrier]].mean(1)[:, 1]
            best = np.abs(heights - HEIGHTS[:, None]).argmin(1)
            points[places] = np.stack([column[best], row[best] + 0.5], 1)
        yaw = np.rad2deg(np.arcsin(turned[0, 2]))
        if any(abs(yaw - angle) < 3 for angle in lost):
            points += 80
        return View(camera, {"skin": sight, "eyes": sight, "outline": sight}, points)

    return watch


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(embedding_outline, "YAWS", (-20, 0, 20))
    monkeypatch.setattr(embedding_outline, "PEOPLE", 1)


def test_the_outline_is_the_edge_that_the_camera_sees(anny_model, known, triangles, few):
    head = anny_model.container
    contour, figures = measure_contour(anny_model, edge_detector(head, known, triangles), IBUG68, triangles)
    assert np.rad2deg(contour.yaws).round().tolist() == [-20, 0, 20]
    assert figures["contour_yaws"] == 3
    mean = head_vertices(anny_model)
    for yaw in (-20, 0, 20):
        view = edge_detector(head, known, triangles)(mean, turn(float(yaw), 0.0))
        row = contour.at(np.deg2rad(yaw))
        places = Places(row.faces, row.barycentrics.astype(np.float64)).on(mean, head.faces)
        seen = project(torch.as_tensor(places), view.camera)[0].numpy()
        miss = np.linalg.norm(seen - view.points[OUTLINE], axis=1)
        assert np.median(miss) < 4
        assert np.quantile(miss, 0.75) < 7


def test_the_near_cheek_slides_back_and_the_far_one_forward(anny_model, known, triangles, few):
    contour, _ = measure_contour(anny_model, edge_detector(anny_model.container, known, triangles), IBUG68, triangles)
    mean, faces = head_vertices(anny_model), anny_model.container.faces
    depth = np.stack(
        [Places(row, w.astype(float)).on(mean, faces)[:, 2] for row, w in zip(contour.faces, contour.barycentrics, strict=True)]
    )
    right, left = depth[:, 2:6].mean(1), depth[:, 11:15].mean(1)
    assert right[0] > right[1] > right[2]
    assert left[0] < left[1] < left[2]


def test_views_in_which_the_detector_lost_the_face_do_not_count(anny_model, known, triangles, few):
    watch = edge_detector(anny_model.container, known, triangles, lost=(20,))
    careful = discerning(watch, known, anny_model.container.faces, IBUG68)
    mean = head_vertices(anny_model)
    assert watch(mean, turn(20.0, 0.0)).points is not None
    assert careful(mean, turn(20.0, 0.0)).points is None
    assert careful(mean, turn(-20.0, 0.0)).points is not None
    contour, _ = measure_contour(anny_model, careful, IBUG68, triangles)
    assert np.rad2deg(contour.yaws).round().tolist() == [-20, 0]


def test_a_face_that_is_not_found_from_the_front_has_no_outline(anny_model, known, triangles, few):
    blind = edge_detector(anny_model.container, known, triangles)
    with pytest.raises(UnseenError, match="from the front"):
        measure_contour(anny_model, lambda *shown: replace(blind(*shown), points=None), IBUG68, triangles)


def test_neither_ears_nor_neck_carry_the_outline(anny_model, known, triangles):
    head = anny_model.container
    assert not np.isin(head.faces[triangles], head.regions["ears"]).any()
    middles = head.template[head.faces[triangles]].mean(1)
    chin = Places(known.faces, known.barycentrics.astype(float)).on(head.template.astype(float), head.faces)[8, 1]
    assert middles[:, 1].min() > chin - 0.004
    assert len(triangles) > 2000


def test_a_leap_of_one_yaw_goes_to_the_middle_of_its_neighbours(anny_model, known):
    faces, mean = anny_model.container.faces, head_vertices(anny_model)
    outline = known.take(tuple(OUTLINE))
    rows = {yaw: Places(outline.faces.astype(np.int64), outline.barycentrics.astype(float)) for yaw in (-5, 0, 5)}
    leaping = outline.faces.astype(np.int64)
    leaping[3] = known.faces[40]
    rows[0] = Places(leaping, rows[0].barycentrics)
    contour = embedding_outline.smooth_rows(rows, mean, faces, np.array(OUTLINE))
    found = Places(contour.faces[1], contour.barycentrics[1].astype(float)).on(mean, faces)
    np.testing.assert_allclose(found, rows[5].on(mean, faces), atol=1e-6)
