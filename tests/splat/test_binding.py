import numpy as np
import pytest
import torch

from headsmith.splat.binding import Binding, bind_texels, morton_codes, systematic_sample


def test_points_lie_at_their_weights():
    vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    triangles = torch.tensor([[0, 1, 2], [0, 2, 3]])
    binding = Binding(torch.tensor([0, 1]), torch.tensor([[0.25, 0.5, 0.25], [0.0, 0.5, 0.5]]))
    assert torch.allclose(binding.points(vertices, triangles), torch.tensor([[0.5, 0.25, 0], [0, 0.5, 0.5]]))


def test_points_follow_a_batch_of_rigid_motions():
    torch.manual_seed(0)
    vertices, triangles = torch.rand(5, 3), torch.tensor([[0, 1, 2], [2, 3, 4]])
    binding = Binding(torch.tensor([0, 1, 1]), torch.rand(3, 3).softmax(-1))
    shifts = torch.rand(4, 1, 3)
    moved = binding.points(vertices + shifts, triangles)
    assert torch.allclose(moved, binding.points(vertices, triangles) + shifts, atol=1e-6)


@pytest.mark.parametrize(("column", "row", "code"), [(0, 0, 0), (1, 0, 1), (0, 1, 2), (3, 3, 15), (5, 9, 0b10010011)])
def test_morton_codes_interleave_bits(column, row, code):
    assert morton_codes(np.array([column]), np.array([row]))[0] == code


def test_systematic_sample_takes_each_index_as_often_as_its_weight():
    weights = np.random.default_rng(0).uniform(0.5, 1, 10_000)
    chosen = systematic_sample(weights, 1000)
    assert len(chosen) == 1000
    assert np.abs(np.cumsum(weights[: chosen[500]])[-1] / weights.sum() - 0.5) < 2e-3


def test_density_in_space_follows_the_wish_and_not_the_uv_map():
    faces = np.zeros((64, 64), np.int32)
    faces[:, 48:] = 1
    faces[:4] = -1
    binding = bind_texels(faces, np.full((64, 64, 3), 1 / 3, np.float32), np.array([1.0, 3.0]), 400)
    assert len(binding.faces) == pytest.approx(400, abs=2)
    assert (binding.faces == 1).sum() == pytest.approx(300, abs=3)


def test_a_map_without_density_is_refused():
    with pytest.raises(ValueError, match="positive density"):
        bind_texels(np.zeros((4, 4), np.int32), np.ones((4, 4, 3), np.float32), np.array([0.0]), 10)
