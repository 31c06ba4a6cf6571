"""A texture baked from a synthetic clip is the texture that the clip was made with, where it was seen."""

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
from exports.seamed import seamed_head, turn

from headsmith.exports.surface import Surface
from headsmith.exports.texture_bake import View, bake, facing, look, sample, shrink
from headsmith.exports.texture_layout import Texels, lay_out
from headsmith.mesh.rasterize import rasterize_mesh

SIDE = 384
FOCAL = 2.0 * SIDE
HEAD = seamed_head()
SURFACE = Surface.of(HEAD)
PERSON = HEAD.template.astype(np.float64)


def colour(uv: np.ndarray) -> np.ndarray:
    """The known texture: a smooth function of the texture coordinates, 0..255."""
    u, v = uv[..., 0], uv[..., 1]
    waves = (np.sin(9 * u + 2 * v), np.cos(7 * v - 3 * u), np.sin(5 * (u + v) + 1))
    return 127.5 + 100 * np.stack(waves, -1)


def seen(vertices: np.ndarray, rotation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    points = vertices @ rotation.T + [0, 0, 0.6]
    return points, FOCAL * points[:, :2] / points[:, 2:] + SIDE / 2


def draw(vertices: np.ndarray, rotation: np.ndarray) -> View:
    """A frame of the textured head before a blue wall, each pixel coloured by the surface's own texture coordinate there."""
    points, pixels = seen(vertices, rotation)
    screen = np.concatenate([pixels, points[:, 2:]], 1).astype(np.float32)
    faces, weights, _ = rasterize_mesh(screen, SURFACE.faces, SIDE, SIDE, cull=True)
    picture = np.tile(np.array([20, 40, 250], np.uint8), (SIDE, SIDE, 1))
    shown = faces >= 0
    uv = np.einsum("nc,ncd->nd", weights[shown], SURFACE.uv[SURFACE.uv_faces[faces[shown]]])
    picture[shown] = colour(uv).round()
    return View(picture, shown, points, pixels)


def turns(count: int) -> list[np.ndarray]:
    generator = np.random.default_rng(4)
    return [np.diag([1.0, -1, -1]) @ turn(generator.normal(size=3) * 0.25) for _ in range(count)]


def uv_of(texels: Texels) -> np.ndarray:
    corners = SURFACE.uv[SURFACE.uv_faces[texels.faces]]
    return np.einsum("nc,ncd->nd", texels.barycentrics, corners)


def test_the_texture_comes_back_where_it_was_seen() -> None:
    texels = lay_out(SURFACE, 160)
    views = [draw(PERSON, rotation) for rotation in turns(6)]
    colours, weights = bake(texels, SURFACE.faces, lambda: iter(views))
    clear = weights > 0.5
    assert clear.mean() > 0.6
    apart = np.abs(colours[clear] - colour(uv_of(texels))[clear])
    assert np.median(apart) < 1
    assert np.quantile(apart, 0.99) < 6


def test_texels_lie_where_the_texture_coordinates_say() -> None:
    size = 64
    texels = lay_out(SURFACE, size)
    rows, columns = np.nonzero(texels.covered)
    np.testing.assert_allclose(uv_of(texels)[:, 0], (columns + 0.5) / size, atol=1e-5)
    np.testing.assert_allclose(1 - uv_of(texels)[:, 1], (rows + 0.5) / size, atol=1e-5)


def test_what_one_frame_says_alone_hardly_counts() -> None:
    texels = lay_out(SURFACE, 96)
    views = [draw(PERSON, rotation) for rotation in turns(8)]
    cv2.circle(views[3].picture, (SIDE // 2, SIDE // 2), SIDE // 8, (0, 255, 0), -1)
    hidden, _, _ = look(texels, SURFACE.faces, views[3])
    covered = np.zeros(len(texels.faces), bool)
    covered[hidden] = (views[3].picture[tuple(sampled(texels, views[3], hidden))] == (0, 255, 0)).all(1)
    assert covered.sum() > 100
    colours, weights = bake(texels, SURFACE.faces, lambda: iter(views))
    apart = np.abs(colours - colour(uv_of(texels)))[covered & (weights > 0.5)].mean()
    assert apart < 4, "a mean of eight frames would be off by about 15"


def sampled(texels: Texels, view: View, rows: np.ndarray) -> np.ndarray:
    """Row and column of the pixels at which texels are seen."""
    found, xy, _ = look(texels, SURFACE.faces, view)
    assert np.array_equal(found, rows)
    return xy[:, ::-1].astype(int).T


def test_what_is_hidden_or_looks_away_is_not_seen() -> None:
    """A small plate stands before a large one: the middle of the large one is hidden; turned round, neither is seen."""
    large = np.array([[-1, -1, 2], [1, -1, 2], [1, 1, 2], [-1, 1, 2]], np.float64)
    small = large * [0.4, 0.4, 1] - [0, 0, 0.5]
    points = np.concatenate([large, small])
    faces = np.array([[0, 3, 2], [0, 2, 1], [4, 7, 6], [4, 6, 5]])
    uv = np.array([[0, 0], [0.45, 0], [0.45, 1], [0, 1], [0.55, 0], [1, 0], [1, 1], [0.55, 1]], np.float64)
    texels = lay_out(Surface(8, faces, uv, faces), 80)
    view = View(np.zeros((200, 200, 3), np.uint8), np.ones((200, 200), bool), points, 100 + 160 * points[:, :2] / points[:, 2:])
    seen_rows, xy, weight = look(texels, faces, view)
    shown = np.zeros(len(texels.faces), bool)
    shown[seen_rows] = True
    behind = texels.faces < 2
    place = texels.spread(points, faces)
    shadow = np.abs(place[:, :2]).max(1) * 160 / 2 < 0.4 * 160 / 1.5 - 2
    assert not shown[behind & shadow].any()
    assert shown[behind & ~shadow & (np.abs(place[:, :2]).max(1) * 80 > 0.4 * 160 / 1.5 + 2)].all()
    assert shown[~behind].all()
    np.testing.assert_allclose(xy, 100 + 160 * place[seen_rows, :2] / place[seen_rows, 2:], atol=1e-3)
    cosine = place[seen_rows, 2] / np.linalg.norm(place[seen_rows], axis=1)
    np.testing.assert_allclose(weight, cosine**3, rtol=1e-4)
    away, _, _ = look(texels, faces[:, ::-1], view)
    assert len(away) == 0


def test_nothing_outside_the_mask_is_taken() -> None:
    texels = lay_out(SURFACE, 64)
    view = draw(PERSON, turns(1)[0])
    half = view.mask.copy()
    half[:, SIDE // 2 :] = False
    _, xy, _ = look(texels, SURFACE.faces, replace(view, mask=half))
    assert 0 < xy[:, 0].max() < SIDE // 2 - 3
    assert shrink(np.ones((256, 256), bool)).all()


def test_sampling_is_linear_between_pixel_centres() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    places = np.random.default_rng(1).uniform((0.6, 0.6), (11.4, 8.4), (1500, 2)).astype(np.float32)
    found = sample(picture, places)
    for place, value in zip(places[::97], found[::97], strict=True):
        (x, y), (u, v) = np.floor(place - 0.5).astype(int), (place - 0.5) % 1
        corners = picture[y : y + 2, x : x + 2].astype(float)
        wanted = np.einsum("i,j,ijc->c", [1 - v, v], [1 - u, u], corners)
        np.testing.assert_allclose(value, wanted, atol=0.5)
    assert sample(picture, places[:0]).shape == (0, 3)


def test_facing_is_one_straight_ahead_and_minus_one_from_behind() -> None:
    points, normals = np.array([[0, 0, 2.0], [1, 0, 1], [0, 0, 3]]), np.array([[0, 0, -1.0], [-1, 0, 0], [0, 0, 1]])
    np.testing.assert_allclose(facing(points, normals), [1, np.sqrt(0.5), -1])


def test_views_are_started_anew_for_each_pass() -> None:
    started = []

    def views() -> Iterator[View]:
        started.append(1)
        yield draw(PERSON, turns(1)[0])

    bake(lay_out(SURFACE, 32), SURFACE.faces, views)
    assert len(started) == 3
