"""Official embeddings, written by numpy and torch themselves, are read without running anything; others are refused."""

import io
import os
import pickle

import numpy as np
import pytest
import torch
from flame_files import Python2Pickler

from headsmith.contract.errors import UserError
from headsmith.heads.embedding_files import REACH, read_embeddings

BROWS, LIPS = (276, 46, 282), (13, 14, 0)


def places(*shape, seed=0):
    """Triangles of FLAME, and coordinates within them."""
    chance = np.random.default_rng(seed)
    return chance.integers(0, 9976, shape), chance.dirichlet((1, 1, 1), shape)


@pytest.fixture
def ibug():
    """What landmark_embedding.npy holds: numpy for what stays, torch for the rest."""
    full, static, dynamic = places(1, 68), places(51, seed=1), places(79, 17, seed=2)
    return {
        "static_lmk_faces_idx": static[0].astype(np.uint32),
        "static_lmk_bary_coords": static[1],
        "dynamic_lmk_faces_idx": torch.from_numpy(dynamic[0]),
        "dynamic_lmk_bary_coords": torch.from_numpy(dynamic[1]),
        "full_lmk_faces_idx": torch.from_numpy(full[0]),
        "full_lmk_bary_coords": torch.from_numpy(full[1]).float(),
    }


def save(path, values):
    np.save(path, np.array(values, dtype=object), allow_pickle=True)
    return path


def test_the_official_file_of_68_points(ibug, tmp_path):
    given = read_embeddings([save(tmp_path / "landmark_embedding.npy", ibug)])
    embedding, contour = given.embeddings["ibug68"], given.contours["ibug68"]
    assert embedding.points.tolist() == list(range(68))
    np.testing.assert_array_equal(embedding.faces, ibug["full_lmk_faces_idx"][0])
    np.testing.assert_allclose(embedding.barycentrics, ibug["full_lmk_bary_coords"][0], atol=1e-6)
    np.testing.assert_allclose(embedding.barycentrics.sum(1), 1, atol=1e-6)
    assert contour.points.tolist() == list(range(17))
    assert len(contour.yaws) == 79


def test_rows_of_the_dynamic_outline_go_to_their_yaws(ibug, tmp_path):
    """FLAME's rule: row = theta to the left, 39 - theta (theta negative) to the right, at most 39 degrees."""
    contour = read_embeddings([save(tmp_path / "landmark_embedding.npy", ibug)]).contours["ibug68"]
    for theta in (-60, -39, -17, -1, 0, 1, 20, 39, 50):
        held = max(-REACH, min(REACH, theta))
        row = held if held >= 0 else 39 - held
        np.testing.assert_array_equal(contour.at(np.deg2rad(theta)).faces, ibug["dynamic_lmk_faces_idx"][row])
        np.testing.assert_allclose(contour.at(np.deg2rad(theta)).barycentrics, ibug["dynamic_lmk_bary_coords"][row], atol=1e-6)


def test_pupils_of_the_variant_with_eyes_are_left_out(ibug, tmp_path):
    faces, weights = places(1, 70, seed=5)
    ibug |= {"full_lmk_faces_idx": faces, "full_lmk_bary_coords": torch.from_numpy(weights)}
    ibug |= dict(zip(("static_lmk_faces_idx", "static_lmk_bary_coords"), places(53), strict=True))
    embedding = read_embeddings([save(tmp_path / "landmark_embedding_with_eyes.npy", ibug)]).embeddings["ibug68"]
    np.testing.assert_array_equal(embedding.faces, faces[0, :68])


def test_static_and_dynamic_files_of_their_own(tmp_path):
    static, dynamic = places(51), places(79, 17)
    words = ("lmk_face_idx", "lmk_b_coords")
    buffer = io.BytesIO()
    Python2Pickler(buffer, 2).dump(dict(zip(words, (static[0].astype(np.uint32), static[1]), strict=True)))
    (tmp_path / "flame_static_embedding.pkl").write_bytes(buffer.getvalue())
    save(tmp_path / "flame_dynamic_embedding.npy", dict(zip(words, dynamic, strict=True)))
    given = read_embeddings([tmp_path / "flame_static_embedding.pkl", tmp_path / "flame_dynamic_embedding.npy"])
    assert given.embeddings["ibug68"].points.tolist() == list(range(17, 68))
    np.testing.assert_array_equal(given.embeddings["ibug68"].faces, static[0])
    np.testing.assert_array_equal(given.contours["ibug68"].at(0.0).faces, dynamic[0][0])


def test_mediapipes_points_are_put_in_order(tmp_path):
    faces, weights = places(6)
    np.savez(tmp_path / "m.npz", lmk_face_idx=faces, lmk_b_coords=weights, landmark_indices=np.array(BROWS + LIPS))
    embedding = read_embeddings([tmp_path / "m.npz"]).embeddings["mediapipe478"]
    assert embedding.points.tolist() == sorted(BROWS + LIPS)
    np.testing.assert_array_equal(embedding.take(BROWS + LIPS).faces, faces)
    assert embedding.barycentrics.dtype == np.float32


def test_nothing_is_nothing():
    assert read_embeddings([]).embeddings == read_embeddings([]).contours == {}


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


class EvilStorage(Evil):
    """The same, inside the stream of a tensor's numbers."""

    def __reduce__(self):
        stream = io.BytesIO()
        torch.save({"x": Evil(self.path)}, stream)
        return torch.storage._load_from_bytes, (stream.getvalue(),)


def tensor_of(storage, *rest):
    class Tensor:
        def __reduce__(self):
            return torch._utils._rebuild_tensor_v2, (storage, *rest, False, {})

    return Tensor()


def numbers(count):
    return torch.storage.TypedStorage(wrap_storage=torch.rand(count).untyped_storage(), dtype=torch.float32, _internal=True)


HOSTILE = {
    "asks for `posix.mkdir`": lambda folder: {"full_lmk_faces_idx": Evil(folder / "made")},
    "numbers of a tensor cannot be read": lambda folder: {
        "full_lmk_faces_idx": tensor_of(EvilStorage(folder / "made"), 0, (68,), (1,)),
        "full_lmk_bary_coords": places(68)[1],
    },
    "claims the shape": lambda folder: {
        "full_lmk_faces_idx": tensor_of(numbers(10), 0, (68,), (1,)),
        "full_lmk_bary_coords": places(68)[1],
    },
    "claims the shape (68,)": lambda folder: {
        "full_lmk_faces_idx": tensor_of(numbers(68), 1, (68,), (1,)),
        "full_lmk_bary_coords": places(68)[1],
    },
    "not one of whole numbers": lambda folder: {
        "full_lmk_faces_idx": tensor_of(numbers(68), -1, (68,), (1,)),
        "full_lmk_bary_coords": places(68)[1],
    },
    "it is a str, not an array": lambda folder: {"full_lmk_faces_idx": "all", "full_lmk_bary_coords": 1.0},
    "but no full_lmk_bary_coords": lambda folder: {"full_lmk_faces_idx": places(68)[0]},
    "67 triangles": lambda folder: dict(zip(("full_lmk_faces_idx", "full_lmk_bary_coords"), places(67), strict=True)),
    "names triangles": lambda folder: {"full_lmk_faces_idx": places(68)[0] + 9976, "full_lmk_bary_coords": places(68)[1]},
    "leave their triangles": lambda folder: {"full_lmk_faces_idx": places(68)[0], "full_lmk_bary_coords": -places(68)[1]},
    "triangles are float64": lambda folder: {"full_lmk_faces_idx": places(68)[0] * 1.0, "full_lmk_bary_coords": places(68)[1]},
    "not (79, 17)": lambda folder: {
        "dynamic_lmk_faces_idx": places(78, 17)[0],
        "dynamic_lmk_bary_coords": torch.from_numpy(places(78, 17)[1]),
    },
    "none of the keys": lambda folder: {"other": 1},
    "holds a list": lambda folder: [1, 2],
}


@pytest.mark.parametrize("reason", HOSTILE)
def test_files_that_are_none_are_refused_and_nothing_runs(reason, tmp_path):
    path = save(tmp_path / "landmark_embedding.npy", {})
    held = np.empty((), object)
    held[()] = HOSTILE[reason](tmp_path)
    np.save(path, held, allow_pickle=True)
    with pytest.raises(UserError) as caught:
        read_embeddings([path])
    assert reason in caught.value.what
    assert caught.value.file == str(path)
    assert not (tmp_path / "made").exists()


def test_broken_files_are_refused(ibug, tmp_path):
    whole = save(tmp_path / "landmark_embedding.npy", ibug).read_bytes()
    for content in (b"", whole[:60], whole[:5000], pickle.dumps(ibug), whole.replace(b"'shape': ()", b"'shape': 3,")):
        (tmp_path / "broken.npy").write_bytes(content)
        with pytest.raises(UserError, match="refused"):
            read_embeddings([tmp_path / "broken.npy"])
    np.save(tmp_path / "numbers.npy", np.zeros(5))
    with pytest.raises(UserError, match="not one object"):
        read_embeddings([tmp_path / "numbers.npy"])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"landmark_indices": np.array([1, 1, 2])}, "not points"),
        ({"landmark_indices": np.array([1, 478, 2])}, "not points"),
        ({"landmark_indices": np.array([{}, 1, 2], dtype=object)}, "cannot be read"),
        ({"lmk_face_idx": np.array([1, 2])}, "has triangles"),
        ({"lmk_b_coords": np.full((3, 3), np.nan)}, "leave their triangles"),
    ],
)
def test_other_archives_are_refused(changes, reason, tmp_path):
    faces, weights = places(3)
    np.savez(
        tmp_path / "m.npz", **{"lmk_face_idx": faces, "lmk_b_coords": weights, "landmark_indices": np.arange(3), **changes}
    )
    with pytest.raises(UserError, match=reason):
        read_embeddings([tmp_path / "m.npz"])


@pytest.mark.parametrize("name", ["landmark_embedding.npy", "m.npz", "flame_static_embedding.pkl"])
def test_missing_files_are_told(name, tmp_path):
    with pytest.raises(UserError, match="not there"):
        read_embeddings([tmp_path / name])
