"""Vertices doubled along seams, and the check of what was written."""

from dataclasses import replace

import numpy as np
import pytest
from exports.seamed import seamed_head

from headsmith.contract.errors import UserError
from headsmith.exports.surface import Surface, split_seams


def test_every_corner_keeps_its_place_and_its_texture_coordinate() -> None:
    surface = Surface.of(seamed_head())
    seams = surface.split()
    np.testing.assert_array_equal(seams.vertices[seams.faces], surface.faces)
    np.testing.assert_array_equal(seams.uv[seams.faces], surface.uv[surface.uv_faces])
    np.testing.assert_array_equal(seams.vertices[: surface.count], np.arange(surface.count))
    pairs = {(v, t) for face in zip(surface.faces, surface.uv_faces, strict=True) for v, t in zip(*face, strict=True)}
    assert len(seams.vertices) == len(pairs) > surface.count


def test_a_vertex_of_no_triangle_keeps_its_number() -> None:
    faces, uv_faces = np.array([[0, 2, 3], [0, 3, 4]]), np.array([[0, 1, 2], [4, 2, 3]])
    uv = np.linspace(0.1, 0.9, 10).reshape(5, 2)
    seams = split_seams(faces, uv, uv_faces, 6)
    np.testing.assert_array_equal(seams.vertices, [0, 1, 2, 3, 4, 5, 0])
    np.testing.assert_array_equal(seams.uv[seams.faces], uv[uv_faces])
    np.testing.assert_array_equal(seams.uv[[1, 5]], 0)


def test_normals_do_not_break_at_seams() -> None:
    surface = Surface.of(seamed_head())
    vertices = seamed_head().template.astype(np.float64)
    normals = surface.normals(vertices)
    for vertex in range(0, surface.count, 17):
        around = [face for face in surface.faces if vertex in face]
        total = sum(np.cross(vertices[b] - vertices[a], vertices[c] - vertices[a]) for a, b, c in around)
        np.testing.assert_allclose(normals[vertex], total / np.linalg.norm(total), atol=1e-12)


def test_texture_coordinates_of_another_mesh_are_refused() -> None:
    head = seamed_head()
    with pytest.raises(UserError, match="do not fit"):
        Surface.of(replace(head, uv=head.uv[:-1]))
