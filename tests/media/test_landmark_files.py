"""Landmark files of others: every format gives the same face, and what is none is told with its file."""

import json
import tracemalloc

import numpy as np
import pytest
from scipy.io import savemat

from headsmith.contract.errors import UserError
from headsmith.media.landmark_files import LARGEST_FILE, LARGEST_PLAIN_FILE
from headsmith.media.landmark_files_json import read_json
from headsmith.media.landmark_files_plain import read_plain

POINTS = np.random.default_rng(0).uniform(100, 300, (68, 2)).round(4)
"""Corner origin, as all code after this has it."""
AS_WRITTEN = POINTS - 0.5
SCORES = np.random.default_rng(1).uniform(0.3, 0.9, 68)


def instance(points=AS_WRITTEN, scores=SCORES, **more):
    return {
        "keypoints": np.asarray(points).tolist(),
        "keypoint_scores": np.asarray(scores).tolist(),
        "bbox": [[0, 0, 9, 9]],
        **more,
    }


def whole_body():
    points, scores = np.full((133, 2), 7.0), np.full(133, 0.1)
    points[23:91], scores[23:91] = AS_WRITTEN, SCORES
    return instance(points, scores, bbox_score=0.99)


def lines(points=AS_WRITTEN, between=" "):
    return "\n".join(f"{x:.4f}{between}{y:.4f}" for x, y in points) + "\n"


PTS = "version: 1\nn_points: 68\n{\n" + lines(AS_WRITTEN + 1) + "}\n"


def write(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", lines()),
        ("a.txt", "# x y\n" + lines(between=",  ") + "\n"),
        ("a.TXT", "\ufeff" + lines(between="\t").replace("\n", "\r\n")),
        ("a.pts", PTS),
    ],
)
def test_text(tmp_path, name, content):
    face = read_plain(write(tmp_path / name, content), "someone")
    np.testing.assert_allclose(face.points, POINTS, atol=1e-9)
    assert (face.point_confidence == 1).all() and face.confidence == 1


@pytest.mark.parametrize("arrays", [{"pt2d": AS_WRITTEN.T}, {"landmarks": AS_WRITTEN.astype(np.float32), "words": "a b"}])
@pytest.mark.parametrize("compressed", [False, True])
def test_matlab(tmp_path, arrays, compressed):
    savemat(tmp_path / "a.mat", arrays, do_compression=compressed)
    np.testing.assert_allclose(read_plain(tmp_path / "a.mat", None).points, POINTS, atol=1e-4)


@pytest.mark.parametrize(
    "content",
    [
        [instance()],
        {"instances": [instance()]},
        {"meta_info": {"dataset_name": "300w"}, "instance_info": [instance()]},
        [whole_body()],
        instance(),
    ],
)
def test_mmpose_of_a_picture(tmp_path, content):
    (face,) = read_json(write(tmp_path / "a.json", content), LARGEST_FILE, None)
    np.testing.assert_allclose(face.points, POINTS)
    np.testing.assert_allclose(face.point_confidence, SCORES)
    assert face.confidence == pytest.approx(SCORES.mean())


def test_mmpose_of_a_video(tmp_path):
    entries = [{"frame_id": 4, "instances": [instance(), whole_body()]}, {"frame_id": 5, "instances": []}]
    for content in (entries, {"meta_info": {}, "instance_info": entries}):
        frames = read_json(write(tmp_path / "a.json", content), LARGEST_FILE, None)
        assert {number: len(faces) for number, faces in frames.items()} == {4: 2, 5: 0}
        np.testing.assert_allclose(frames[4][1].points, POINTS)


def test_scores_beyond_one_are_cut_off_and_a_box_score_stands_in(tmp_path):
    (face,) = read_json(write(tmp_path / "a.json", [instance(scores=SCORES * 9)]), LARGEST_FILE, None)
    assert face.point_confidence.max() == 1 and face.confidence <= 1
    plain = {"keypoints": AS_WRITTEN.tolist(), "bbox_score": [0.7]}
    (face,) = read_json(write(tmp_path / "a.json", [plain]), LARGEST_FILE, None)
    assert face.confidence == 0.7 and (face.point_confidence == 1).all()


NAN = AS_WRITTEN.copy()
NAN[3, 1] = np.nan


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("a.txt", "", "0 points, not 68"),
        ("a.txt", lines(AS_WRITTEN[:51]), "51 points, not 68"),
        ("a.txt", lines(NAN), "not a finite number"),
        ("a.txt", lines(AS_WRITTEN / 400), "pixels of the picture"),
        ("a.txt", lines(np.zeros((68, 2))), "all points lie within 0 pixels"),
        ("a.txt", lines() + "1 2 3\n", "'1 2 3' is not a point"),
        ("a.txt", "\x00\x01", "is not a point"),
        ("a.pts", lines(), "braces"),
        ("a.pts", PTS.replace("68", "67"), "n_points"),
        ("a.pts", PTS.replace("}", ""), "braces"),
    ],
)
def test_faulty_text(tmp_path, name, content, fault):
    path = write(tmp_path / name, content)
    with pytest.raises(UserError, match=fault) as caught:
        read_plain(path, "someone")
    assert (caught.value.clip, caught.value.file) == ("someone", str(path)) and caught.value.remedy


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("", "not JSON"),
        ([instance(AS_WRITTEN[:17], SCORES[:17])], r"shape \(17, 2\); 68 or 133"),
        ([instance(np.ones((68, 3)))], r"shape \(68, 3\)"),
        ([instance(scores=SCORES[:5])], r"scores of shape \(5,\)"),
        ([{"bbox": [1, 2, 3, 4]}], "no `keypoints`"),
        ([{"keypoints": [[1, 2], [3]]}], "keypoints of shape"),
        ([{"keypoints": ["a", "b"]}], "keypoints of shape"),
        ("[NaN]", "NaN"),
        (
            [{"frame_id": 2, "instances": [instance()]}, {"frame_id": 3, "instances": [instance(AS_WRITTEN * 0)]}],
            "frame 3: all",
        ),
        ([{"frame_id": 2, "instances": []}, {"frame_id": 2, "instances": []}], "frame 2 stands twice"),
        ([{"frame_id": "2", "instances": []}], "entry 0 has no frame_id"),
        ([{"frame_id": 2}], "no list of instances"),
        ([1, 2], "no `keypoints`"),
        ("3", "no `keypoints`"),
        ("null", "no `keypoints`"),
    ],
)
def test_faulty_json(tmp_path, content, fault):
    path = write(tmp_path / "a.json", content)
    with pytest.raises(UserError, match=fault) as caught:
        read_json(path, LARGEST_FILE, "someone")
    assert (caught.value.clip, caught.value.file) == ("someone", str(path)) and caught.value.remedy


@pytest.mark.parametrize(
    ("arrays", "fault"),
    [
        ({"other": AS_WRITTEN}, "known name: other"),
        ({"pt2d": AS_WRITTEN[:21]}, r"\(21, 2\)"),
        ({"pt2d": {"a": 1}}, "known name: there is none"),
        ({"pt2d": AS_WRITTEN.astype(object)}, "known name: there is none"),
        ({"pt2d": AS_WRITTEN * 1j}, "known name: there is none"),
        ({"pt2d": "words"}, "known name: there is none"),
    ],
)
def test_faulty_matlab(tmp_path, arrays, fault):
    savemat(tmp_path / "a.mat", arrays)
    with pytest.raises(UserError, match=fault):
        read_plain(tmp_path / "a.mat", None)


def test_a_damaged_matlab_file_is_told_whatever_is_damaged(tmp_path):
    savemat(tmp_path / "good.mat", {"pt2d": AS_WRITTEN}, do_compression=True)
    good, generator = (tmp_path / "good.mat").read_bytes(), np.random.default_rng(2)
    path, told = tmp_path / "a.mat", 0
    for _ in range(60):
        content = bytearray(good[: generator.integers(1, len(good))] if generator.random() < 0.5 else good)
        content[generator.integers(0, len(content))] ^= 0xFF
        path.write_bytes(content)
        try:
            assert read_plain(path, None).points.shape == (68, 2)
        except UserError:
            told += 1
    assert told > 40


def test_a_small_file_that_unpacks_to_much_takes_bounded_memory(tmp_path):
    """A file of the largest size, all zeros, unpacks a thousandfold."""
    savemat(tmp_path / "a.mat", {"huge": np.zeros(7_000_000), "pt2d": AS_WRITTEN}, do_compression=True)
    assert 0.8 < (tmp_path / "a.mat").stat().st_size / LARGEST_PLAIN_FILE < 1
    tracemalloc.start()
    face = read_plain(tmp_path / "a.mat", None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_allclose(face.points, POINTS)
    assert peak < 200e6


def test_large_and_missing_files_are_told(tmp_path):
    (tmp_path / "a.txt").write_bytes(b" " * (LARGEST_PLAIN_FILE + 1))
    with pytest.raises(UserError, match="more than 64 kB"):
        read_plain(tmp_path / "a.txt", None)
    with pytest.raises(UserError, match="more than 1 kB"):
        read_json(write(tmp_path / "a.json", [instance()]), 1024, None)
    for name in ("b.txt", "b.json"):
        with pytest.raises(UserError, match="No such file"):
            read_plain(tmp_path / name, None) if name == "b.txt" else read_json(tmp_path / name, 1024, None)
