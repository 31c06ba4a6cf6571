import zipfile
from dataclasses import replace

import numpy as np
import pytest
from synthetic_head import synthetic_head

from headsmith.contract.errors import UserError
from headsmith.heads.container import load_head, save_head, to_arrays
from headsmith.heads.embedding_types import Contour


@pytest.fixture
def head():
    contour = Contour(
        np.arange(17, dtype=np.int32),
        np.array([-0.5, 0.0, 0.5]),
        np.arange(51, dtype=np.int32).reshape(3, 17),
        np.full((3, 17, 3), 1 / 3, np.float32),
    )
    head = replace(synthetic_head(correctives=True), regions={"face": np.arange(9, dtype=np.int32)})
    first = head.embeddings["mediapipe478"].take(tuple(range(17)))
    return head.with_embedding("ibug68", first).with_contour("ibug68", contour)


def test_round_trip_keeps_every_array_and_the_hash(head, tmp_path):
    save_head(head, tmp_path / "head.npz")
    again = load_head(tmp_path / "head.npz")
    assert again.sha256 == head.sha256
    first, second = to_arrays(head), to_arrays(again)
    assert first.keys() == second.keys()
    for key, array in first.items():
        np.testing.assert_array_equal(array, second[key], err_msg=key)
        assert array.dtype == second[key].dtype, key


def test_the_same_content_gives_the_same_bytes(head, tmp_path):
    save_head(head, tmp_path / "a.npz")
    save_head(load_head(tmp_path / "a.npz"), tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "b.npz"]


def test_the_hash_feels_every_array(head):
    template = head.template.copy()
    template[0, 0] += 1e-4
    changed = [
        replace(head, template=template),
        replace(head, licence="other"),
        replace(head, regions={}),
    ]
    assert len({head.sha256, *(other.sha256 for other in changed)}) == 4


def test_the_hash_is_of_the_model_whatever_its_landmarks(head):
    bare = replace(head, embeddings={}, contours={})
    assert bare.sha256 == head.sha256 == bare.with_embedding("ibug68", head.embeddings["ibug68"]).sha256
    assert "ibug68" in head.contours


def spoiled(arrays, key, change):
    array = arrays[key].copy()
    return {**arrays, key: change(array)}


def put(place, value):
    def change(array):
        array[place] = value
        return array

    return change


FAULTS = {
    "identity holds 1 numbers that are not finite": ("identity", put((0, 0, 0), np.nan)),
    "rows of weights sum to": ("weights", put(3, 0.1)),
    "skinning weights go down to": ("weights", put((3, slice(0, 2)), (1.5, -0.5))),
    "rows of joint_regressor sum to": ("joint_regressor", put(0, 0.0)),
    "^the head is not sound: faces names ids": ("faces", put((0, 0), 10_000)),
    "expression has shape": ("expression", lambda array: array[:, :-1]),
    "eyelids has shape": ("eyelids", lambda array: array[:1]),
    "correctives have 5 rows": ("correctives", lambda array: array[:5]),
    "expression_names has shape": ("expression_names", lambda array: array[1:]),
    "parents are": ("parents", put(1, 2)),
    "region_face names ids": ("region_face", put(0, -1)),
    "region_face holds float": ("region_face", lambda array: array.astype(np.float32)),
    "mediapipe478_faces names ids": ("embedding_mediapipe478_faces", put(0, 10_000)),
    "mediapipe478_barycentrics has shape": ("embedding_mediapipe478_barycentrics", lambda array: array[1:]),
    "mediapipe478 has 477 points": ("embedding_mediapipe478_points", lambda array: array[1:]),
    "mediapipe478_barycentrics leave": ("embedding_mediapipe478_barycentrics", put(0, (2, -1, 0))),
    "mediapipe478_points do not ascend": ("embedding_mediapipe478_points", put(3, 2)),
    "contour_ibug68 has points that are not embedded": ("contour_ibug68_points", put(16, 20)),
    "contour_ibug68_faces names ids": ("contour_ibug68_faces", put((1, 0), -1)),
    "contour_ibug68_barycentrics has shape": ("contour_ibug68_barycentrics", lambda array: array[:2]),
    "contour_ibug68 has 16 points": ("contour_ibug68_points", lambda array: array[1:]),
    "contour_ibug68_barycentrics leave": ("contour_ibug68_barycentrics", put((2, 3), (1, 1, 0))),
    "contour_ibug68_yaws has shape": ("contour_ibug68_yaws", lambda array: array[:2]),
    "contour_ibug68_yaws do not ascend": ("contour_ibug68_yaws", put(1, 0.6)),
    "cannot be read": ("faces", lambda array: array.astype(np.float64)),
}


@pytest.mark.parametrize("message", FAULTS)
def test_unsound_files_are_refused_with_the_reason(message, head, tmp_path):
    path = tmp_path / "head.npz"
    np.savez(path, **spoiled(to_arrays(head), *FAULTS[message]))
    pattern = message if message != "cannot be read" else "cannot be read|whole numbers"
    with pytest.raises(UserError, match=pattern) as caught:
        load_head(path)
    assert caught.value.file == str(path)


def test_an_unsound_container_is_not_written(head, tmp_path):
    template = head.template.copy()
    template[5] = np.inf
    with pytest.raises(UserError, match="template holds 3 numbers that are not finite"):
        save_head(replace(head, template=template), tmp_path / "head.npz")
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_no_container_are_refused_by_name(head, tmp_path):
    path = tmp_path / "head.npz"
    with pytest.raises(UserError, match="not there") as caught:
        load_head(path)
    assert caught.value.file == str(path)
    save_head(head, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="cannot be read"):
        load_head(path)
    path.write_text("no zip")
    with pytest.raises(UserError, match="cannot be read"):
        load_head(path)
    np.savez(path, template=np.zeros((3, 3)))
    with pytest.raises(UserError, match="cannot be read"):
        load_head(path)


def test_a_flipped_byte_is_noticed(head, tmp_path):
    path = tmp_path / "head.npz"
    save_head(head, path)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        offset = archive.getinfo("identity.npy").header_offset
    content[offset + 2000] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(UserError, match="cannot be read"):
        load_head(path)


def test_pickles_are_refused(head, tmp_path):
    path = tmp_path / "head.npz"
    arrays = to_arrays(head)
    arrays["name"] = np.array({"a": 1}, dtype=object)
    np.savez(path, **arrays)
    with pytest.raises(UserError, match="cannot be read"):
        load_head(path)


def test_take_follows_the_order_asked_for(head):
    embedding = head.embeddings["mediapipe478"]
    taken = embedding.take((33, 4))
    assert taken.points.tolist() == [33, 4]
    np.testing.assert_array_equal(taken.faces, embedding.faces[[33, 4]])
    with pytest.raises(KeyError):
        replace(embedding, points=embedding.points + 1000).take((33,))
