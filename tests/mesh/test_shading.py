import numpy as np
import pytest

from headsmith.mesh.shading import face_normals, vertex_normals

CORNER = np.array([[0.0, 0, 0], [3, 0, 0], [0, 2, 0], [0, 0, 1]])
FACES = np.array([[0, 1, 2], [0, 3, 1]])
"""Two triangles at a right angle, of areas 3 and 1.5, and no normal is like another."""


def test_a_normal_points_out_and_is_as_long_as_twice_the_area():
    np.testing.assert_array_equal(face_normals(CORNER, FACES), [[0, 0, 6], [0, 3, 0]])
    np.testing.assert_array_equal(face_normals(CORNER, FACES[:, [0, 2, 1]]), [[0, 0, -6], [0, -3, 0]])


def test_a_vertex_leans_to_the_larger_of_its_triangles():
    normals = vertex_normals(CORNER, FACES)
    both = np.array([0, 3, 6]) / np.sqrt(45)
    np.testing.assert_allclose(normals, [both, both, [0, 0, 1], [0, 1, 0]], atol=1e-15)


@pytest.mark.parametrize("faces", [np.zeros((0, 3), int), np.array([[0, 1, 1]])])
def test_a_vertex_without_area_has_no_normal(faces):
    np.testing.assert_array_equal(vertex_normals(CORNER, faces), np.zeros((4, 3)))
