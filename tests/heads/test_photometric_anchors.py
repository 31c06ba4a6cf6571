import numpy as np
import pytest
import torch
from synthetic_head import COLUMNS, ROWS, synthetic_head

from headsmith.contract.landmark_groups import CONVENTION
from headsmith.heads.landmark_model import LandmarkModel
from headsmith.heads.model import HeadModel
from headsmith.heads.photometric_anchors import choose_anchors, join_landmarks


def head_with(region):
    head = synthetic_head(correctives=True)
    head.regions["face"] = np.array(region, np.int32)
    return head


def test_every_vertex_of_the_region_belongs_to_its_nearest_anchor():
    head = head_with(range(COLUMNS * ROWS))
    anchors = choose_anchors(head, "face", 20)
    points, taken = head.template[: COLUMNS * ROWS].astype(np.float64), head.template[anchors.vertices].astype(np.float64)
    apart = np.linalg.norm(points[:, None] - taken, axis=-1)
    assert len(set(anchors.vertices.tolist())) == 20
    np.testing.assert_allclose(apart[np.arange(len(points)), anchors.nearest[: len(points)]], apart.min(1))
    assert (anchors.nearest[len(points) :] == -1).all()
    assert apart.min(1).max() < 0.05  # 20 anchors on a bulge of 16 x 20 cm


def test_anchors_lie_in_their_triangles():
    head = head_with(range(COLUMNS * ROWS))
    anchors = choose_anchors(head, "face", 15)
    corners = head.template[head.faces[anchors.faces]]
    np.testing.assert_allclose((corners * anchors.barycentrics[..., None]).sum(1), head.template[anchors.vertices])


def test_fewer_vertices_than_anchors_are_all_taken_and_no_region_is_refused():
    head = head_with([0, 1, COLUMNS, COLUMNS + 1])
    assert sorted(choose_anchors(head, "face", 50).vertices.tolist()) == [0, 1, COLUMNS, COLUMNS + 1]
    with pytest.raises(ValueError, match="no triangle in the region 'nose'"):
        choose_anchors(head, "nose", 5)


def test_joined_landmarks_are_both_one_after_the_other():
    head = head_with(range(COLUMNS * ROWS))
    model = HeadModel.from_container(head, torch.float64)
    anchors, embedding = choose_anchors(head, "face", 12), head.embeddings[CONVENTION]
    eyes = torch.from_numpy(embedding.points >= 468)
    parts = [
        LandmarkModel.from_head(
            model, torch.from_numpy(embedding.faces).long()[eyes], torch.from_numpy(embedding.barycentrics)[eyes]
        ),
        LandmarkModel.from_head(model, *map(torch.from_numpy, (anchors.faces, anchors.barycentrics))),
    ]
    joined = join_landmarks(*parts)
    identity = torch.tensor([0.5, -1, 0.2, 0.8], dtype=torch.float64)
    codes = torch.randn(3, joined.layout.count, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 0.2
    expected = torch.cat([part.points(identity, codes) for part in parts], 1)
    torch.testing.assert_close(joined.points(identity, codes), expected)
    one, other = (part.jacobian(identity, codes) for part in parts)
    both = joined.jacobian(identity, codes)
    torch.testing.assert_close(both.codes, torch.cat([one.codes, other.codes], 2))
    torch.testing.assert_close(both.identity, torch.cat([one.identity, other.identity], 2))
