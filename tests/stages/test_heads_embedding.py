"""Which detector or file places which points: files first, then the detector that tracking uses, then MediaPipe."""

import logging

import numpy as np
import pytest
from flame_files import write_flame

from headsmith.contract.conventions import IBUG68, MEDIAPIPE478
from headsmith.contract.detectors import DLIB_MODEL, MEDIAPIPE_MODEL, detector_behind, head_detectors
from headsmith.contract.errors import UserError
from headsmith.contract.settings import HeadsSettings
from headsmith.heads import embedding, embedding_outline
from headsmith.heads.container import load_head, save_head
from headsmith.heads.embedding_types import Embedding
from headsmith.heads.flame_head import FlameFiles, read_flame_head
from headsmith.stages.heads_embedding import FROM_MEDIAPIPE, check_detectors, embed_head, merge


@pytest.fixture(autouse=True)
def few_views(monkeypatch):
    """Fewer views than the stage takes."""
    monkeypatch.setattr(embedding, "YAWS", (-20.0, 0.0, 20.0))
    monkeypatch.setattr(embedding, "PEOPLE", 1)
    monkeypatch.setattr(embedding_outline, "YAWS", (-15, 0, 15))
    monkeypatch.setattr(embedding_outline, "PEOPLE", 0)


@pytest.fixture
def detectors(asset):
    return {MEDIAPIPE_MODEL: asset(MEDIAPIPE_MODEL)}


@pytest.fixture(scope="module")
def flame(tmp_path_factory):
    """A head of FLAME's numbers, in which nobody sees a face."""
    path = write_flame(tmp_path_factory.mktemp("flame") / "generic_model.pkl", "old")
    return read_flame_head(FlameFiles(path, head="flame2020"))[0]


def places(*shape):
    chance = np.random.default_rng(len(shape))
    return chance.integers(0, 9976, shape), chance.dirichlet((1, 1, 1), shape)


@pytest.fixture
def official(tmp_path):
    """Files in the official formats."""
    indices = np.array([33, 263, 13, 14, 61, 291])
    faces, weights = places(6)
    np.savez(tmp_path / "mediapipe_landmark_embedding.npz", lmk_face_idx=faces, lmk_b_coords=weights, landmark_indices=indices)
    parts = {"full": places(1, 68), "static": places(51), "dynamic": places(79, 17)}
    words = {f"{name}_lmk_{word}": array for name, pair in parts.items() for word, array in zip(WORDS, pair, strict=True)}
    np.save(tmp_path / "landmark_embedding.npy", np.array(words, dtype=object), allow_pickle=True)
    return [str(tmp_path / "mediapipe_landmark_embedding.npz"), str(tmp_path / "landmark_embedding.npy")]


WORDS = ("faces_idx", "bary_coords")


def test_official_files_are_used_where_no_face_is_seen_and_what_lacks_is_told(flame, detectors, official, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    head = embed_head(flame, detectors, HeadsSettings(model="flame2020", embeddings=official))
    assert head.embeddings["mediapipe478"].points.tolist() == [13, 14, 33, 61, 263, 291]
    assert head.embeddings["ibug68"].points.tolist() == list(range(68))
    np.testing.assert_array_equal(head.contours["ibug68"].at(0.0).faces, places(79, 17)[0][0])
    assert "mediapipe478: 472 points have no place on this head" in caplog.text
    assert head.sha256 == flame.sha256
    save_head(head, tmp_path / "head.npz")
    again = load_head(tmp_path / "head.npz").contours["ibug68"]
    np.testing.assert_array_equal(again.barycentrics, head.contours["ibug68"].barycentrics)


def test_a_head_in_which_no_face_is_seen_needs_files(flame, detectors):
    with pytest.raises(UserError, match="sees no face") as caught:
        embed_head(flame, detectors, HeadsSettings(model="flame2020"))
    assert "heads.embeddings" in caught.value.remedy


def test_the_detector_of_tracking_places_its_points_and_slides(anny_container, detectors, asset, official):
    """FLAME's files are not for this head; brows and eyes, which a rendering lacks, are MediaPipe's."""
    settings = HeadsSettings(embeddings=official)
    plain = embed_head(anny_container, detectors, settings)
    head = embed_head(anny_container, {**detectors, DLIB_MODEL: asset(DLIB_MODEL)}, settings)
    assert head.sha256 == plain.sha256 == anny_container.sha256
    assert not plain.contours
    ours, mapped = head.embeddings["ibug68"], plain.embeddings["ibug68"]
    assert ours.points.tolist() == list(range(68))
    same = (ours.barycentrics == mapped.barycentrics).all(1) & (ours.faces == mapped.faces)
    kept = [point for part in FROM_MEDIAPIPE for point in IBUG68.parts[part]]
    assert same[kept].all()
    assert same.sum() < len(kept) + 5
    contour = head.contours["ibug68"]
    np.testing.assert_array_equal(ours.faces[:17], contour.at(0.0).faces)
    assert len(contour.yaws) >= 2
    found = np.einsum("mc,mcd->md", ours.barycentrics, head.template[head.faces[ours.faces]])
    middles = np.einsum("mc,mcd->md", mapped.barycentrics, head.template[head.faces[mapped.faces]])
    assert np.median(np.linalg.norm(found - middles, axis=1)) < 0.01
    assert found[0, 0] < -0.06 < 0.06 < found[16, 0]


def test_what_a_file_lacks_is_taken_from_the_detector():
    def some(points, face):
        return Embedding(
            np.array(points, np.int32), np.full(len(points), face, np.int32), np.full((len(points), 3), 1 / 3, np.float32)
        )

    both = merge(some((3, 470), 1), some((2, 3, 468, 472), 2), MEDIAPIPE478.irises)
    assert both.points.tolist() == [3, 468, 470, 472]
    assert both.faces.tolist() == [1, 2, 1, 2]
    assert merge(None, both, ()) is both
    assert merge(both, None, range(478)) is both


@pytest.mark.parametrize(("detector", "faces"), [("dlib", "mediapipe"), ("dlib", "mtcnn"), ("fan", "mediapipe")])
def test_the_detector_is_told_by_its_files(detector, faces):
    names = head_detectors(detector, faces)
    assert names[0] == MEDIAPIPE_MODEL
    assert detector_behind(names) == (detector, faces)


@pytest.mark.parametrize("detector", ["mediapipe", "mediapipe68", "file"])
def test_mediapipe_alone_is_no_other_detector(detector):
    assert head_detectors(detector) == (MEDIAPIPE_MODEL,)
    assert detector_behind(head_detectors(detector)) is None


def test_absent_files_of_a_detector_are_told_before_anything_is_made(detectors, tmp_path):
    with pytest.raises(UserError, match="not there"):
        check_detectors({**detectors, DLIB_MODEL: tmp_path / "none.dat"})
