import pytest
import torch

from headsmith.splat.avatar import Splats
from headsmith.splat.soundness import (
    FAINT,
    NEEDLE_RATIO,
    Soundness,
    count_faults,
    find_floaters,
    find_holes,
    find_needles,
    find_spikes,
)


def surface():
    """Points of a plate, 2 mm apart."""
    x, y = torch.meshgrid(torch.arange(20.0), torch.arange(20.0), indexing="ij")
    return torch.stack([x, y, torch.zeros_like(x)], -1).reshape(-1, 3) * 0.002


def splats(points):
    count = len(points)
    quats = torch.tensor([1.0, 0, 0, 0]).repeat(count, 1)
    return Splats(points.clone(), torch.full((count, 3), 0.002), quats, torch.full((count,), 0.9), torch.zeros(count, 3))


def test_what_lies_on_the_surface_is_sound():
    points = surface()
    nothing = torch.zeros(4, 4, dtype=torch.bool)
    assert count_faults(splats(points), points, torch.ones(4, 4), ~nothing, nothing) == Soundness(0, 0, 0, 0)


def test_floaters_are_those_far_from_all_of_the_surface_that_can_be_seen():
    points = surface()
    moved = splats(points)
    moved.means[3, 2] = 0.031
    moved.means[4, 2] = 0.029
    moved.means[5] = torch.tensor([0.0, 0.036, 0.001])
    moved.means[6, 2] = -0.5
    moved.means[7, 2] = 0.5
    moved.opacities[7] = FAINT / 2
    assert (points[5] - moved.means[5]).norm() < 0.036 and (points[0] - moved.means[5]).norm() > 0.03
    assert find_floaters(moved, points).nonzero()[:, 0].tolist() == [3, 6]


def test_many_floaters_are_all_found():
    points = surface().repeat(8, 1)
    moved = splats(points)
    moved.means[:, 2] += 0.04
    assert find_floaters(moved, points).all()


@pytest.mark.parametrize(
    ("scales", "opacity", "needle"),
    [
        ((0.02, 0.0019, 0.0001), 0.9, True),
        ((0.0001, 0.0019, 0.02), 0.9, True),
        ((0.02, 0.0019, 0.0019), FAINT / 2, False),
        ((0.02, 0.02 / NEEDLE_RATIO * 1.1, 0.0001), 0.9, False),
        ((0.008, 0.0001, 0.0001), 0.9, False),
        ((0.02, 0.02, 0.0001), 0.9, False),
    ],
)
def test_needles_are_long_and_thin_and_seen(scales, opacity, needle):
    drawn = splats(surface()[:1])
    drawn.scales[0] = torch.tensor(scales)
    drawn.opacities[0] = opacity
    assert find_needles(drawn).tolist() == [needle]


def test_holes_are_thin_pixels_inside_and_spikes_thick_ones_outside():
    alpha = torch.tensor([[0.95, 0.5, 0.5], [0.05, 0.05, 0.3]])
    inside = torch.tensor([[True, True, False], [False, False, False]])
    outside = torch.tensor([[False, False, False], [True, False, True]])
    assert find_holes(alpha, inside).nonzero().tolist() == [[0, 1]]
    assert find_spikes(alpha, outside).nonzero().tolist() == [[1, 2]]
