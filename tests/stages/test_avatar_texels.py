"""FlashAvatar's binding against a rasteriser of its own: a loop over triangles and the texels in their boxes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from flame_files import LIGHT, write_flame

from headsmith.heads.flame_head import FlameFiles, read_flame_head
from headsmith.stages.avatar_texels import bind_all_texels
from tests.synthetic_head import synthetic_head


def slow_texels(head, side):
    """Row, column, triangle and weights of each covered texel, by the signs of three cross products."""
    found = {}
    places = np.stack([head.uv[:, 0] * side, (1 - head.uv[:, 1].astype(np.float64)) * side], 1)
    for face, corners in enumerate(head.uv_faces):
        a, b, c = places[corners]
        area = cross(b - a, c - a)
        low, high = np.floor(places[corners].min(0) - 1).astype(int), np.ceil(places[corners].max(0) + 1).astype(int)
        for row in range(max(low[1], 0), min(high[1], side)):
            for column in range(max(low[0], 0), min(high[0], side)):
                middle = np.array([column + 0.5, row + 0.5])
                parts = np.array([cross(b - middle, c - middle), cross(c - middle, a - middle), cross(a - middle, b - middle)])
                if area and (parts / area >= 0).all() and (row, column) not in found:
                    found[row, column] = face, parts / area
    return found


def cross(first, second):
    return first[0] * second[1] - first[1] * second[0]


def check(head, side):
    binding = bind_all_texels(head, side)
    boundary = set(head.regions.get("boundary", np.zeros(0, int)).tolist())
    covered = slow_texels(head, side)
    kept = {
        place: (face, weights) for place, (face, weights) in covered.items() if not boundary & set(head.faces[face].tolist())
    }
    order = sorted(kept)
    assert binding.faces.tolist() == [kept[place][0] for place in order]
    weights = np.array([kept[place][1] for place in order])
    assert np.allclose(binding.barycentrics.numpy(), weights, atol=1e-4)
    return len(covered), len(kept)


def test_each_covered_texel_has_a_gaussian_row_by_row_from_the_upper_left():
    head = synthetic_head()
    covered, kept = check(head, 48)
    assert covered == kept > 500


def test_triangles_at_the_boundary_have_none():
    head = synthetic_head()
    edge = np.flatnonzero(head.template[:, 1] < head.template[:, 1].min() + 1e-4).astype(np.int32)
    covered, kept = check(replace(head, regions={**head.regions, "boundary": edge}), 48)
    assert 0.7 * covered < kept < covered


def test_points_lie_on_the_surface_where_their_texels_say():
    head = synthetic_head()
    binding = bind_all_texels(head, 32)
    uv = binding.points(torch.from_numpy(np.pad(head.uv, ((0, 0), (0, 1)))), torch.from_numpy(head.uv_faces.astype(np.int64)))
    texels = uv[:, :2] * 32
    assert torch.allclose(texels % 1, torch.full_like(texels, 0.5), atol=1e-3)
    rows, columns = 31 - texels[:, 1].long(), texels[:, 0].long()
    places = rows * 32 + columns
    assert bool((places[1:] > places[:-1]).all())


def test_a_head_in_flames_format_with_flames_counts(tmp_path):
    model = write_flame(tmp_path / "generic_model.pkl", **LIGHT)
    head, _ = read_flame_head(FlameFiles(model, without_eyelids=True, closed_mouth=True))
    assert (len(head.template), len(head.faces)) == (5023, 9976 + 30)
    covered, kept = check(head, 128)
    assert kept < covered
    assert len(head.regions["boundary"]) > 0


def test_a_map_that_covers_nothing_is_refused():
    head = synthetic_head()
    with pytest.raises(ValueError, match="covers nothing"):
        bind_all_texels(replace(head, uv=np.zeros_like(head.uv)), 16)
