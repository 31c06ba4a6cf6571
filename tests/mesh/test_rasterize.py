import threading

import numpy as np
import pytest

from headsmith.mesh.rasterize import rasterize_mesh


def slow(vertices, faces, width, height, cull):
    """The definition in float64, a pixel at a time: solve for affine weights, correct them by depth, keep the nearest."""
    ids = np.full((height, width), -1)
    weights = np.zeros((height, width, 3))
    depth = np.full((height, width), np.inf)
    for index, corners in enumerate(vertices.astype(np.float64)[faces]):
        if (corners[:, 2] <= 0).any():
            continue
        system = np.vstack([corners[:, :2].T, np.ones(3)])
        turn = np.linalg.det(system)
        if turn == 0 or (cull and turn > 0):
            continue
        for y in range(height):
            for x in range(width):
                affine = np.linalg.solve(system, [x + 0.5, y + 0.5, 1.0])
                if (affine < -1e-9).any():
                    continue
                over = affine / corners[:, 2]
                z = 1 / over.sum()
                if z < depth[y, x] - 1e-9:
                    ids[y, x], depth[y, x], weights[y, x] = index, z, over * z
    return ids, weights, depth


def random_mesh(seed, faces=12):
    random = np.random.default_rng(seed)
    vertices = np.column_stack([random.uniform(-6, 30, (18, 2)), random.uniform(0.5, 3, 18)]).astype(np.float32)
    return vertices, random.integers(0, 18, (faces, 3)).astype(np.int32)


@pytest.mark.parametrize("cull", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_random_triangles_equal_the_slow_definition(seed, cull):
    vertices, faces = random_mesh(seed)
    vertices[3, 2] = -0.5
    expected = slow(vertices, faces, 23, 17, cull)
    ids, weights, depth = rasterize_mesh(vertices, faces, 23, 17, cull)
    np.testing.assert_array_equal(ids, expected[0])
    assert (ids >= 0).any() and (ids < 0).any()
    np.testing.assert_allclose(weights, expected[1], atol=2e-5)
    np.testing.assert_allclose(depth, expected[2], rtol=2e-5)
    assert (ids.dtype, weights.dtype, depth.dtype) == (np.int32, np.float32, np.float32)


def test_right_triangle_covers_the_centres_below_its_diagonal():
    vertices = np.array([[0, 0, 1], [0, 4, 1], [4, 4, 1]], np.float32)
    ids, weights, _ = rasterize_mesh(vertices, np.array([[0, 1, 2]], np.int32), 4, 4, True)
    np.testing.assert_array_equal(ids == 0, np.tril(np.ones((4, 4), bool)))
    np.testing.assert_allclose(weights[3, 0], [0.125, 0.75, 0.125])


def test_weights_reproduce_the_point_on_the_plane_in_space():
    """A plane seen in perspective: interpolating the corners' camera-space points must give points on each pixel's ray."""
    points = np.array([[-0.2, -0.2, 0.5], [-0.6, 0.7, 2.0], [0.9, 0.1, 1.2]])
    pixels = 40 * points[:, :2] / points[:, 2:] + 16
    vertices = np.column_stack([pixels, points[:, 2]]).astype(np.float32)
    ids, weights, depth = rasterize_mesh(vertices, np.array([[0, 1, 2]], np.int32), 32, 32, False)
    row, column = np.nonzero(ids == 0)
    assert len(row) > 50
    hit = weights[row, column] @ points
    np.testing.assert_allclose(40 * hit[:, 0] / hit[:, 2] + 16, column + 0.5, atol=1e-4)
    np.testing.assert_allclose(40 * hit[:, 1] / hit[:, 2] + 16, row + 0.5, atol=1e-4)
    np.testing.assert_allclose(depth[row, column], hit[:, 2], rtol=1e-5)


def test_nearer_face_wins_whatever_the_order():
    square = np.array([[0, 0], [0, 8], [8, 8], [8, 0]], np.float32)
    vertices = np.vstack([np.column_stack([square, np.full(4, z, np.float32)]) for z in (2, 1)])
    near, far = [[4, 5, 6], [4, 6, 7]], [[0, 1, 2], [0, 2, 3]]
    for faces, front in ((near + far, {0, 1}), (far + near, {2, 3})):
        ids, _, depth = rasterize_mesh(vertices, np.array(faces, np.int32), 8, 8, False)
        assert set(np.unique(ids)) == front
        assert (depth == 1).all()


def test_culling_drops_the_faces_that_run_clockwise():
    vertices = np.array([[0, 0, 1], [0, 8, 1], [8, 8, 1], [8, 0, 1]], np.float32)
    faces = np.array([[0, 1, 2], [0, 3, 2]], np.int32)
    assert set(np.unique(rasterize_mesh(vertices, faces, 8, 8, True)[0])) == {-1, 0}
    assert set(np.unique(rasterize_mesh(vertices, faces, 8, 8, False)[0])) == {0, 1}


def test_a_fan_with_corners_on_pixel_centres_has_no_cracks():
    """Edges through many pixel centres, at angles where float32 rounds: every centre inside the disc must be covered."""
    angle = np.linspace(0, 2 * np.pi, 62)[:-1]
    rim = np.column_stack([31.5 + 30 * np.cos(angle), 31.5 + 30 * np.sin(angle), 1 + 0.3 * np.sin(3 * angle)])
    vertices = np.vstack([[31.5, 31.5, 1], rim]).astype(np.float32)
    ring = np.arange(61)
    faces = np.column_stack([np.zeros(61), 1 + ring, 1 + (ring + 1) % 61]).astype(np.int32)
    ids, weights, _ = rasterize_mesh(vertices, faces, 64, 64, False)
    y, x = np.mgrid[:64, :64] + 0.5
    assert (ids[np.hypot(x - 31.5, y - 31.5) < 29.9] >= 0).all()
    np.testing.assert_allclose(weights.sum(-1), ids >= 0, atol=1e-6)


def test_uv_space_with_depth_one_gives_affine_weights():
    uv = np.array([[0.1, 0.1], [0.9, 0.2], [0.3, 0.8]])
    vertices = np.column_stack([uv * 32, np.ones(3)]).astype(np.float32)
    ids, weights, depth = rasterize_mesh(vertices, np.array([[0, 1, 2]], np.int32), 32, 32, False)
    row, column = np.nonzero(ids == 0)
    np.testing.assert_allclose(weights[row, column] @ uv * 32, np.column_stack([column, row]) + 0.5, atol=1e-4)
    np.testing.assert_allclose(depth[row, column], 1, atol=1e-6)


def test_far_away_corners_and_no_faces_are_no_trouble():
    huge = np.array([[-1e30, -1e30, 1], [1e30, 0, 1], [0, 1e30, 1]], np.float32)
    rasterize_mesh(huge, np.array([[0, 1, 2]], np.int32), 8, 8, False)
    ids, weights, depth = rasterize_mesh(huge, np.zeros((0, 3), np.int32), 5, 3, False)
    assert ids.shape == (3, 5) and (ids == -1).all() and (weights == 0).all() and np.isinf(depth).all()


def test_bad_input_is_refused():
    vertices, faces = random_mesh(0)
    with pytest.raises(ValueError, match="no pixels"):
        rasterize_mesh(vertices, faces, 0, 4, False)
    with pytest.raises(ValueError, match="18 vertices"):
        rasterize_mesh(vertices, faces + 10, 4, 4, False)
    vertices[2, 1] = np.nan
    with pytest.raises(ValueError, match="1 of 18 vertices are not finite"):
        rasterize_mesh(vertices, faces, 4, 4, False)


def test_two_threads_at_once_give_the_same_bits():
    meshes = [random_mesh(seed, faces=200) for seed in (5, 6)]
    alone = [rasterize_mesh(*mesh, 256, 256, False) for mesh in meshes]
    together = [None, None]

    def work(index):
        for _ in range(5):
            together[index] = rasterize_mesh(*meshes[index], 256, 256, False)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(alone, together, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
