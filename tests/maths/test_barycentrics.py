import numpy as np
import torch

from headsmith.maths.barycentrics import closest_barycentrics, foot_barycentrics, interpolate_on_faces, perspective_barycentrics


def test_interpolation_reproduces_a_linear_function():
    torch.manual_seed(0)
    points = torch.randn(2, 6, 3, dtype=torch.float64)
    slope = torch.randn(3, 4, dtype=torch.float64)
    corners = torch.tensor([[0, 1, 2], [5, 3, 1]])
    weights = torch.tensor([[0.2, 0.3, 0.5], [0.0, 0.9, 0.1]], dtype=torch.float64)
    places = interpolate_on_faces(points, corners, weights)
    assert torch.allclose(interpolate_on_faces(points @ slope, corners, weights), places @ slope)


def test_the_foot_of_a_point_in_the_plane_is_the_point():
    torch.manual_seed(1)
    triangles = torch.randn(50, 3, 3, dtype=torch.float64)
    weights = torch.distributions.Dirichlet(torch.ones(3, dtype=torch.float64)).sample((50,))
    points = torch.einsum("nc,ncd->nd", weights, triangles)
    assert torch.allclose(foot_barycentrics(points, triangles), weights, atol=1e-7)
    assert torch.allclose(closest_barycentrics(points, triangles), weights, atol=1e-7)


def test_the_closest_point_beats_a_dense_search():
    torch.manual_seed(2)
    triangles = torch.randn(30, 3, 3, dtype=torch.float64)
    points = 2 * torch.randn(30, 3, dtype=torch.float64)
    weights = closest_barycentrics(points, triangles)
    assert (weights >= 0).all()
    assert torch.allclose(weights.sum(1), torch.ones(30, dtype=torch.float64))
    found = (torch.einsum("nc,ncd->nd", weights, triangles) - points).norm(dim=1)
    first, second = np.meshgrid(np.linspace(0, 1, 101), np.linspace(0, 1, 101))
    inside = first + second <= 1
    grid = np.stack([1 - first - second, first, second], -1)[inside]
    searched = np.linalg.norm(np.einsum("gc,ncd->ngd", grid, triangles.numpy()) - points.numpy()[:, None], axis=-1).min(1)
    assert (found.numpy() <= searched + 1e-12).all()
    assert (found.numpy() >= searched - 0.05).all()


def test_triangles_without_area_are_served_by_their_edges():
    triangle = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]]])
    weights = closest_barycentrics(torch.tensor([[1.5, 3.0]]), triangle)
    place = torch.einsum("nc,ncd->nd", weights, triangle)
    assert torch.allclose(place, torch.tensor([[1.5, 0.0]]))


def test_perspective_weights_give_the_point_in_space():
    torch.manual_seed(3)
    corners = torch.randn(20, 3, 3, dtype=torch.float64)
    corners[..., 2] = corners[..., 2].abs() + 0.5
    weights = torch.distributions.Dirichlet(torch.ones(3, dtype=torch.float64)).sample((20,))
    point = torch.einsum("nc,ncd->nd", weights, corners)
    in_image = foot_barycentrics(point[:, :2] / point[:, 2:], corners[..., :2] / corners[..., 2:])
    assert torch.allclose(perspective_barycentrics(in_image, corners[..., 2]), weights, atol=1e-8)
