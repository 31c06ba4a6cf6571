import csv
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from synthetic_head import synthetic_head

from headsmith.bridges.blendshapes import read_blendshapes
from headsmith.bridges.canonical_face import canonical_points, fit_similarity, place_canonical_face
from headsmith.bridges.track import project_vertices
from headsmith.contract.errors import UserError
from headsmith.heads.anny import BLINKS, BY_JOINTS
from headsmith.heads.embedding_types import Embedding
from headsmith.heads.model import HeadModel

UNITS = ("browInnerUp", "jawLeft", "mouthFunnel", "tongueOut")
SCORED = (*UNITS[:-1], *BY_JOINTS, *BLINKS)
WIDTH, HEIGHT = 640, 360


def faced_model(seed=0):
    """A head on which MediaPipe's points for the pose lie about where the canonical face has them, in other axes."""
    chance = np.random.default_rng(seed)
    head = synthetic_head(expression=len(UNITS), correctives=True)
    known = canonical_points()
    turn = Rotation.from_rotvec([0.2, 0.05, -0.1]).as_matrix()
    firsts, rows = np.unique(head.faces[:, 0], return_index=True)
    template = head.template.copy()
    for vertex, (place, _) in zip(firsts, known.values(), strict=False):
        template[vertex] = (turn @ place) / 95 + [0, 0.02, 0.01] + 2e-3 * chance.normal(size=3)
    order = np.argsort(list(known))
    embedding = Embedding(
        np.array(list(known), np.int32)[order],
        rows[: len(known)].astype(np.int32)[order],
        np.tile(np.array([1, 0, 0], np.float32), (len(known), 1)),
    )
    embeddings = {"mediapipe478": embedding}
    head = replace(head, template=template, embeddings=embeddings, expression_names=UNITS)
    return HeadModel.from_container(head, torch.float64)


MODEL = faced_model()


def rows_of(seed=0, count=4, *, posed=True, first=2):
    """Rows of a table: scores, and a pose in front of MediaPipe's camera."""
    chance = np.random.default_rng(seed)
    rows = []
    for number in range(first, first + count):
        row = {"frame": number, "_neutral": 0.5} | {name: chance.uniform() for name in SCORED}
        if posed:
            matrix = np.eye(4)
            matrix[:3, :3] = chance.uniform(0.9, 1.1) * Rotation.from_rotvec(0.3 * chance.normal(size=3)).as_matrix()
            matrix[:3, 3] = 3 * chance.normal(size=3) + [0, 0, -40]
            row |= {"width": WIDTH, "height": HEIGHT} | {
                f"m{i}{j}": repr(float(matrix[i, j])) for i in range(4) for j in range(4)
            }
        rows.append(row)
    return rows


def write(path, rows):
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0].keys())
        table.writeheader()
        table.writerows(rows)
    return path


def nearest_similarity(head):
    """Scale, turn and shift from the head to the canonical face, by scipy's rotation and the normal equation of the scale."""
    known = canonical_points()
    embedding = head.embeddings["mediapipe478"]
    own = head.template.astype(float)[head.faces[embedding.faces, 0]]
    aim, weights = (np.array(part) for part in zip(*(known[point] for point in embedding.points.tolist()), strict=True))
    own_middle, aim_middle = (np.average(part, axis=0, weights=weights) for part in (own, aim))
    turn = Rotation.align_vectors(aim - aim_middle, own - own_middle, weights=weights)[0].as_matrix()
    turned = (own - own_middle) @ turn.T
    scale = (weights[:, None] * turned * (aim - aim_middle)).sum() / (weights[:, None] * turned**2).sum()
    return scale, turn, aim_middle - scale * turn @ own_middle


def seen_by_mediapipe(row, vertices):
    """Pixels: the canonical face's centimetres through the matrix and an OpenGL camera of 63 degrees."""
    scale, turn, shift = nearest_similarity(MODEL.container)
    matrix = np.array([float(row[f"m{i}{j}"]) for i in range(4) for j in range(4)]).reshape(4, 4)
    x, y, z = ((scale * vertices @ turn.T + shift) @ matrix[:3, :3].T + matrix[:3, 3]).T
    top = math.tan(math.radians(63.0) / 2)
    ndc = np.stack([x / -z / (top * WIDTH / HEIGHT), y / -z / top], 1)
    return (ndc * [1, -1] + 1) / 2 * [WIDTH, HEIGHT]


@pytest.mark.parametrize("seed", range(3))
def test_vertices_are_where_mediapipes_camera_sees_them(tmp_path, seed):
    rows = rows_of(seed)
    track = read_blendshapes(write(tmp_path / "scores.csv", rows), MODEL)
    vertices = MODEL(track.parameters()).numpy()
    theirs = [seen_by_mediapipe(row, frame) for row, frame in zip(rows, vertices, strict=True)]
    assert np.abs(project_vertices(track, MODEL) - theirs).max() < 1e-6
    assert track.ids.tolist() == [2, 3, 4, 5]
    assert track.size == (WIDTH, HEIGHT)


def test_scores_become_codes_turns_and_lids_by_name(tmp_path):
    rows = rows_of(1)
    track = read_blendshapes(write(tmp_path / "scores.csv", rows), MODEL)
    assert np.allclose(track.expression, [[row[name] for name in UNITS[:-1]] + [0] for row in rows])
    assert np.allclose(track.eyelids, [[row["eyeBlinkLeft"], row["eyeBlinkRight"]] for row in rows])
    assert np.allclose(track.jaw[:, 0], [0.4002 * row["jawOpen"] for row in rows])
    assert not track.identity.any()
    assert not track.jaw[:, 1:].any()


@pytest.mark.parametrize(
    ("unit", "eye", "axis", "sign"),
    [
        ("eyeLookDownLeft", 0, 0, 1),
        ("eyeLookUpRight", 1, 0, -1),
        ("eyeLookOutLeft", 0, 1, 1),
        ("eyeLookInLeft", 0, 1, -1),
        ("eyeLookOutRight", 1, 1, -1),
        ("eyeLookInRight", 1, 1, 1),
    ],
)
def test_gaze_turns_the_right_way(tmp_path, unit, eye, axis, sign):
    row = rows_of(0, 1)[0] | dict.fromkeys(SCORED, 0.0)
    eyes = read_blendshapes(write(tmp_path / "scores.csv", [row | {unit: 1.0}]), MODEL).eyes[0]
    assert eyes[eye, axis] * sign > 0.15
    assert np.count_nonzero(eyes) == 1


def test_without_a_pose_the_head_is_seen_from_the_front(tmp_path):
    track = read_blendshapes(write(tmp_path / "scores.csv", rows_of(posed=False)), MODEL)
    assert track.size == (512, 512)
    origin = track.rotation[0] @ np.zeros(3) + track.translation[0]
    assert np.allclose(track.focal * origin[:2] / origin[2] + track.principal, 256)
    assert np.allclose(track.rotation[0] @ [0, 0, 1], [0, 0, -1])
    assert (track.rotation[0] @ [0, 1, 0])[1] < 0
    assert (track.translation == track.translation[0]).all()


def test_frames_without_a_face_are_left_out_and_others_ordered(tmp_path):
    rows = rows_of(0)
    rows[1] |= dict.fromkeys(set(rows[1]) - {"frame"}, "")
    track = read_blendshapes(write(tmp_path / "scores.csv", [rows[3], rows[1], rows[0], rows[2]]), MODEL)
    assert track.ids.tolist() == [2, 4, 5]


def test_the_canonical_face_is_found_in_itself():
    chance = np.random.default_rng(0)
    turn, points = Rotation.from_rotvec(chance.normal(size=3)).as_matrix(), chance.normal(size=(20, 3))
    placed = fit_similarity(points, 7 * points @ turn.T + [1, 2, 3], chance.uniform(size=20))
    assert placed.scale == pytest.approx(7)
    assert np.allclose(placed.turn, turn)
    assert np.allclose(placed.shift, [1, 2, 3])


def test_a_mirrored_face_is_still_turned_and_not_mirrored():
    points = np.random.default_rng(0).normal(size=(20, 3))
    targets = points * [-1, 1, 1]
    placed = fit_similarity(points, targets, np.ones(20))
    assert np.linalg.det(placed.turn) == pytest.approx(1)
    misses = [
        ((share * placed.scale * points @ placed.turn.T + placed.shift - targets) ** 2).sum() for share in (0.95, 1, 1.05)
    ]
    assert misses[1] < min(misses[0], misses[2])


def test_heads_without_landmarks_or_with_other_codes_are_refused(tmp_path):
    path = write(tmp_path / "scores.csv", rows_of())
    with pytest.raises(UserError, match="0 of MediaPipe's 33 points"):
        place_canonical_face(replace(MODEL.container, embeddings={}))
    other = HeadModel.from_container(replace(MODEL.container, expression_names=("a", "b", "c", "d")), torch.float64)
    with pytest.raises(UserError, match="lacks a and 3 other") as refused:
        read_blendshapes(path, other)
    assert "heads.model must be anny" in refused.value.message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"jawOpen": "wide"}, "jawOpen in line 3 is 'wide'"),
        ({"jawOpen": ""}, "jawOpen of frame 3 is blank"),
        ({"jawOpen": "inf"}, "jawOpen of frame 3"),
        ({"jawOpen": "55"}, "scores are 0..1"),
        ({"frame": "2"}, "frame 2 is there twice"),
        ({"frame": "2.5"}, "whole numbers"),
        ({"frame": ""}, "whole numbers"),
        ({"m30": "4", "m03": "0"}, "transposed"),
        ({"m00": "9"}, "squeezes"),
        ({"m22": ""}, "m22 of frame 3"),
        ({"width": "9"}, "changes between frames"),
    ],
)
def test_spoilt_tables_are_refused_by_name(tmp_path, changes, message):
    rows = rows_of()
    rows[1] |= changes
    path = write(tmp_path / "scores.csv", rows)
    with pytest.raises(UserError) as refused:
        read_blendshapes(path, MODEL)
    assert message in refused.value.message
    assert path.name in refused.value.message


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        (("frame",), "lacks frame"),
        (("eyeLookInLeft", "jawLeft"), "lacks jawLeft and 1 other"),
        (("m00", "m13"), "lacks m00, m13"),
        (("height",), "size of the whole image"),
    ],
)
def test_missing_columns_are_named(tmp_path, missing, message):
    rows = [{name: value for name, value in row.items() if name not in missing} for row in rows_of()]
    with pytest.raises(UserError) as refused:
        read_blendshapes(write(tmp_path / "scores.csv", rows), MODEL)
    assert message in refused.value.message


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00bad", b"frame,jawOpen\n"])
def test_what_is_no_table_is_refused(tmp_path, content):
    (tmp_path / "scores.csv").write_bytes(content)
    with pytest.raises(UserError, match="table"):
        read_blendshapes(tmp_path / "scores.csv", MODEL)
    with pytest.raises(UserError, match="cannot be read"):
        read_blendshapes(tmp_path / "absent.csv", MODEL)
