import numpy as np
import pytest

from headsmith.contract.conventions import IBUG68, IBUG68_FROM_MEDIAPIPE
from headsmith.contract.detectors import MEDIAPIPE_MODEL
from headsmith.contract.errors import UserError
from headsmith.contract.landmark_groups import CONVENTION, COUNT, INNER_LIPS, LEFT_IRIS, LEFT_PUPIL, NOSE_TIP, OUTER_EYE_CORNERS
from headsmith.contract.settings import HeadsSettings
from headsmith.heads.container import load_head
from headsmith.stages.heads import build_head

FEW = HeadsSettings(identity_samples=100, identity_components=5)


@pytest.fixture(scope="module")
def head(asset, tmp_path_factory):
    output = tmp_path_factory.mktemp("heads") / "resources/heads/anny.npz"
    build_head(detectors={MEDIAPIPE_MODEL: asset(MEDIAPIPE_MODEL)}, output=output, settings=FEW)
    assert [path.name for path in output.parent.iterdir()] == ["anny.npz"]
    return load_head(output)


@pytest.fixture(scope="module")
def places(head):
    embedding = head.embeddings[CONVENTION]
    return np.einsum("mc,mcd->md", embedding.barycentrics, head.template[head.faces[embedding.faces]])


def test_every_point_is_embedded(head):
    assert head.embeddings[CONVENTION].points.tolist() == list(range(COUNT))
    assert len(head.identity) == FEW.identity_components


def test_the_68_points_lie_between_those_that_stand_for_them(head, places):
    embedding = head.embeddings[IBUG68.name]
    assert embedding.points.tolist() == list(range(68))
    found = np.einsum("mc,mcd->md", embedding.barycentrics, head.template[head.faces[embedding.faces]])
    middles = np.stack([places[list(sources)].mean(0) for sources in IBUG68_FROM_MEDIAPIPE])
    single = np.array([len(sources) == 1 for sources in IBUG68_FROM_MEDIAPIPE])
    np.testing.assert_array_equal(found[single], middles[single])
    assert np.linalg.norm(found - middles, axis=1).max() < 0.003
    assert np.isin(head.faces[embedding.faces], head.regions["skin"]).all()
    mirrored = found[[*range(16, -1, -1)]] * (-1, 1, 1)
    assert np.linalg.norm(found[:17] - mirrored, axis=1).max() < 0.01


def test_points_lie_where_their_names_say(head, places):
    nose = head.template[:, 2].argmax()
    assert np.linalg.norm(places[NOSE_TIP] - head.template[nose]) < 0.012
    right, left = places[list(OUTER_EYE_CORNERS)]
    assert left[0] > 0.035 > -0.035 > right[0]
    np.testing.assert_allclose(left, right * (-1, 1, 1), atol=0.004)


def test_irises_ring_the_front_of_the_eyeball(head, places):
    ball = head.template[head.regions["left_eyeball"]]
    pupil = places[LEFT_PUPIL]
    assert np.linalg.norm((pupil - ball.mean(0))[:2]) < 0.002
    ring = np.linalg.norm(places[list(LEFT_IRIS)] - pupil, axis=1)
    np.testing.assert_allclose(ring, 0.006, atol=0.0015)


def test_inner_points_of_the_lips_part_with_the_jaw(head):
    embedding = head.embeddings[CONVENTION].take(INNER_LIPS)
    jaw = np.einsum("mc,mc->m", embedding.barycentrics, head.weights[head.faces[embedding.faces], 2])
    lower, upper = jaw[1:10], jaw[11:20]
    assert lower[2:7].min() > 0.5 > 0.2 > upper[2:7].max()


def test_a_missing_detector_is_told_and_nothing_is_written(tmp_path):
    with pytest.raises(UserError, match="face landmarker cannot be read"):
        build_head(detectors={MEDIAPIPE_MODEL: tmp_path / "none.task"}, output=tmp_path / "head.npz", settings=FEW)
    assert list(tmp_path.iterdir()) == []
