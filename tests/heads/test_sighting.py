import numpy as np
import pytest

from headsmith.heads.sighting import NOWHERE, Sight, locate, nearest_on_mesh

TRIANGLES = np.array([[0, 1, 2], [1, 3, 2], [4, 5, 6]])
PIXELS = np.array([[10, 10], [30, 10], [10, 30], [30, 30], [5, 5], [45, 5], [5, 45]], np.float64)


def paint(pixels, order):
    """Face ids of a 50 x 50 image, later faces in front."""
    ids = np.full((50, 50), -1)
    y, x = np.mgrid[:50, :50] + 0.5
    for face in order:
        (ax, ay), (bx, by), (cx, cy) = pixels[TRIANGLES[face]]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        first = ((bx - x) * (cy - y) - (by - y) * (cx - x)) / area
        second = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) / area
        ids[(first >= 0) & (second >= 0) & (first + second <= 1)] = face
    return ids


def sight(depth=None, order=(0, 1)):
    return Sight(PIXELS, np.ones(7) if depth is None else np.asarray(depth, np.float64), paint(PIXELS, order))


def test_continuous_points_are_found_exactly():
    points = np.array([[12.25, 13.75], [28.1, 27.3], [15.0, 15.0]])
    places = locate(points, sight(), TRIANGLES)
    assert places.faces.tolist() == [0, 1, 0]
    np.testing.assert_allclose(places.on(PIXELS, TRIANGLES), points, atol=1e-12)


def test_weights_are_those_in_space_not_in_the_image():
    depth = np.array([1.0, 2.0, 4.0, 1, 1, 1, 1])
    in_space = np.array([0.2, 0.3, 0.5])
    corners = PIXELS[TRIANGLES[0]] * depth[TRIANGLES[0], None]
    point = (in_space @ corners) / (in_space @ depth[TRIANGLES[0]])
    places = locate(point[None], sight(depth, order=(0,)), TRIANGLES)
    np.testing.assert_allclose(places.barycentrics[0], in_space, atol=1e-12)


def test_points_just_beside_the_surface_go_to_its_edge_and_far_ones_nowhere():
    places = locate(np.array([[8.0, 20.0], [2.0, 48.0]]), sight(), TRIANGLES)
    assert places.faces.tolist() == [0, NOWHERE]
    np.testing.assert_allclose(places.on(PIXELS, TRIANGLES)[0], [10, 20], atol=1e-12)
    assert np.isnan(places.on(PIXELS, TRIANGLES)[1]).all()
    assert places.found.tolist() == [True, False]


def test_of_overlapping_triangles_the_visible_one_in_front_is_taken():
    depth = np.array([1.0, 1, 1, 1, 2, 2, 2])
    both = sight(depth, order=(2, 0, 1))
    assert locate(np.array([[11.0, 11.0]]), both, TRIANGLES).faces.tolist() == [0]
    assert locate(np.array([[7.0, 7.0]]), both, TRIANGLES).faces.tolist() == [2]


def test_points_outside_the_picture_are_nowhere():
    points = np.array([[-40.0, 10.0], [10.0, 400.0]])
    assert locate(points, sight(), TRIANGLES).faces.tolist() == [NOWHERE, NOWHERE]


@pytest.mark.parametrize("count", [1, 200])
def test_nearest_on_mesh_agrees_with_searching_all(count):
    generator = np.random.default_rng(count)
    angle = generator.uniform(0, 2 * np.pi, (400, 2))
    sphere = np.stack(
        [np.cos(angle[:, 0]), np.sin(angle[:, 0]) * np.cos(angle[:, 1]), np.sin(angle[:, 0]) * np.sin(angle[:, 1])], 1
    )
    near = np.argsort(np.linalg.norm(sphere[:, None] - sphere, axis=-1), 1)[:, :3]
    points = 1.05 * sphere[generator.integers(0, 400, count)] + 0.01 * generator.normal(size=(count, 3))
    places = nearest_on_mesh(points, sphere, near, np.arange(400))
    grid = generator.dirichlet((1, 1, 1), 300)
    searched = np.einsum("gc,fcd->fgd", grid, sphere[near]).reshape(-1, 3)
    best = np.array([np.linalg.norm(searched - point, axis=1).min() for point in points])
    assert (np.linalg.norm(places.on(sphere, near) - points, axis=1) <= best + 1e-9).all()


def test_nearest_on_mesh_uses_the_chosen_triangles_alone_and_skips_nan():
    vertices = np.column_stack([PIXELS, np.zeros(7)])
    points = np.array([[12.0, 12.0, 1.0], [np.nan, 0, 0]])
    places = nearest_on_mesh(points, vertices, TRIANGLES, np.array([2]))
    assert places.faces.tolist() == [2, NOWHERE]
    np.testing.assert_allclose(places.on(vertices, TRIANGLES)[0], [12, 12, 0], atol=1e-12)
