"""What FLAME's file lacks: eyelids, texture coordinates, a closed mouth; from the user's files, or made here."""

import numpy as np
import pytest
from flame_files import BALL, SKIN, VERTICES, flame_arrays, write_flame, write_template

from headsmith.contract.errors import UserError
from headsmith.heads.flame_eyelids import FADE, lid_turn, make_eyelids
from headsmith.heads.flame_head import FlameFiles, find_eyelids, read_flame_head
from headsmith.heads.flame_mouth import CLOSING, close_mouth, free_square
from headsmith.heads.flame_opening import COUNT, STEP, Opening, cover, directions, find_opening, fit_sphere
from headsmith.heads.flame_source import read_flame
from headsmith.heads.flame_uv import read_uv, unwrap

TEMPLATE, TRIANGLES = flame_arrays()["v_template"], flame_arrays()["f"].astype(np.int64)
BALLS = {"left_eyeball": slice(SKIN, SKIN + BALL), "right_eyeball": slice(SKIN + BALL, VERTICES)}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_flame(tmp_path_factory.mktemp("flame") / "generic_model.pkl")


@pytest.fixture(scope="module")
def lids():
    return make_eyelids(TEMPLATE, TRIANGLES)


def meets(origin, ray, corners):
    """Whether a ray meets a triangle (Moeller and Trumbore 1997), one after the other."""
    first, second = corners[1] - corners[0], corners[2] - corners[0]
    across = np.cross(ray, second)
    scale = first @ across
    if abs(scale) < 1e-18:
        return False
    u = (origin - corners[0]) @ across / scale
    upright = np.cross(origin - corners[0], first)
    v = ray @ upright / scale
    return u >= 0 and v >= 0 and u + v <= 1 and second @ upright / scale > 0


def test_what_triangles_cover_is_what_rays_meet():
    chance = np.random.default_rng(2)
    triangles = chance.normal(size=(40, 3, 3))
    triangles[3] = 0
    covered = cover(triangles[:4])
    for _ in range(300):
        row, column = chance.integers(COUNT, size=2)
        across, up = (np.array([row, column]) - COUNT // 2) * STEP
        ray = np.array([np.sin(across), np.cos(across) * np.sin(up), np.cos(across) * np.cos(up)])
        assert np.allclose(directions(ray), [across, up])
        assert covered[row, column] == any(meets(np.zeros(3), ray, corners) for corners in triangles[:4])


def test_spheres_are_found_from_their_points():
    chance = np.random.default_rng(4)
    points = chance.normal(size=(50, 3))
    points[:, 2] = np.abs(points[:, 2])
    centre, radius = fit_sphere(0.012 * points / np.linalg.norm(points, axis=1, keepdims=True) + [0.03, 0.02, 0.07])
    assert np.allclose(centre, [0.03, 0.02, 0.07])
    assert np.isclose(radius, 0.012)


@pytest.mark.parametrize("row", [0, 1])
def test_made_eyelids_close_their_eye_and_no_other(lids, row):
    eye, other = (list(BALLS)[row], list(BALLS)[1 - row])
    opened = find_opening(TEMPLATE, TRIANGLES, eye)
    closed = TEMPLATE + lids[row]
    centre, _ = fit_sphere(TEMPLATE[BALLS[eye]])
    skin = TRIANGLES[(TRIANGLES < SKIN).all(1)]
    near = skin[(np.linalg.norm(TEMPLATE[skin] - centre, axis=2) < 0.05).all(1)]
    across = np.round(opened.columns / STEP).astype(int) + COUNT // 2
    covered = cover(closed[near] - centre)[across]
    up = (np.arange(COUNT) - COUNT // 2) * STEP
    inside = (up >= opened.low[:, None]) & (up <= opened.high[:, None])
    assert opened.area > 0.5
    assert (inside & ~covered).sum() < 0.05 * inside.sum()
    assert np.isclose(find_opening(closed, TRIANGLES, other).area, find_opening(TEMPLATE, TRIANGLES, other).area)


def test_made_eyelids_move_skin_by_what_lids_move_and_mirror(lids):
    assert not lids[:, SKIN:].any()
    assert (np.linalg.norm(lids, axis=2).max(1) < 0.015).all()
    left = np.flatnonzero(np.linalg.norm(lids[0], axis=1) > 1e-4)
    assert (TEMPLATE[left, 0] > 0).all()
    partner = [np.linalg.norm(TEMPLATE[:SKIN] * [-1, 1, 1] - TEMPLATE[vertex], axis=1).argmin() for vertex in left]
    assert np.allclose(lids[0, left] * [-1, 1, 1], lids[1, partner], atol=1e-6)


def test_closing_lids_do_not_fold_the_skin():
    opening = Opening(np.linspace(-0.8, 0.8, 9), -0.3 * np.ones(9), 0.5 * np.ones(9))
    up = np.linspace(-2, 2, 4001)
    up = up[(up < -0.3) | (up > 0.5)]
    turned = up + lid_turn(opening, np.stack([np.zeros_like(up), up], 1))
    lower, upper = turned[up < 0], turned[up > 0]
    assert (np.diff(lower) > 0).all()
    assert (np.diff(upper) > 0).all()
    assert np.allclose(turned[up > 0.5 + FADE * 0.8], up[up > 0.5 + FADE * 0.8])
    assert -0.1 < upper[0] - lower[-1] < 0


def test_eyes_that_cannot_be_closed_are_told():
    unbound = TRIANGLES[(TRIANGLES >= SKIN).any(1)]
    with pytest.raises(ValueError, match="no lids bound the left_eyeball"):
        make_eyelids(TEMPLATE, unbound)
    lower = TEMPLATE - 0.05 * np.array([0, 1, 0]) * (np.arange(VERTICES) >= SKIN)[:, None]
    with pytest.raises(ValueError, match="skin straight before it"):
        make_eyelids(lower, TRIANGLES)


def save_lids(folder, left, right):
    np.save(folder / "l_eyelid.npy", left)
    np.save(folder / "r_eyelid.npy", right)
    return {"left_eyelid": folder / "l_eyelid.npy", "right_eyelid": folder / "r_eyelid.npy"}


def test_the_users_eyelids_are_kept_as_they_are(model, lids, tmp_path):
    head, report = read_flame_head(FlameFiles(model, **save_lids(tmp_path, *lids)))
    assert (head.eyelids == lids.astype(np.float32)).all()
    assert set(report.sha256) == {"model", "left_eyelid", "right_eyelid"}
    assert not any("eyelid" in note for note in report.notes[:1])


def test_eyelids_that_do_not_fit_are_refused(model, lids, tmp_path):
    spoiled = np.array(lids[0])
    spoiled[0, 0] = np.nan
    ball = np.array(lids[0])
    ball[SKIN] = 0.001
    cases = {
        "are the files swapped": lids[::-1],
        "moves by up to nan": (spoiled, lids[1]),
        "moves by up to 0 m": (0 * lids[0], lids[1]),
        "moves by up to": (lids[0], 1000 * lids[1]),
        "moves the eyeball": (ball, lids[1]),
        r"is float64 \(5022, 3\)": (lids[0][:-1], lids[1]),
        "cannot be read": (lids[0], np.array([{}], object)),
    }
    source = read_flame(model)
    for reason, pair in cases.items():
        with pytest.raises(UserError, match=reason):
            find_eyelids(source, FlameFiles(model, **save_lids(tmp_path, *pair)))
    with pytest.raises(UserError, match="the other is not"):
        find_eyelids(source, FlameFiles(model, right_eyelid=tmp_path / "r_eyelid.npy"))
    with pytest.raises(UserError, match="the eyelid is not there"):
        find_eyelids(source, FlameFiles(model, tmp_path / "none.npy", tmp_path / "r_eyelid.npy"))


def areas(uv, uv_faces):
    """Signed areas of triangles in the texture."""
    first, second = uv[uv_faces[:, 1]] - uv[uv_faces[:, 0]], uv[uv_faces[:, 2]] - uv[uv_faces[:, 0]]
    return 0.5 * (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])


def test_our_own_unwrapping_overlaps_nowhere_on_a_head_without_folds():
    uv, uv_faces = unwrap(TEMPLATE, TRIANGLES)
    signed = areas(uv, uv_faces)
    assert uv.min() >= 0
    assert uv.max() <= 1
    assert (signed[np.abs(signed) > 1e-9] > 0).mean() > 0.99
    assert 0.6 < signed.sum() < 1
    poles = [0, *(ball + end for ball in (SKIN, SKIN + BALL) for end in (0, BALL - 1))]
    assert np.ptp(uv[uv_faces][~np.isin(TRIANGLES, poles).any(1), :, 0], axis=1).max() < 0.1
    own = np.concatenate([np.arange(VERTICES), np.full(len(uv) - VERTICES, -1)])[uv_faces]
    assert ((own == TRIANGLES) | (own == -1)).all()


def test_templates_give_their_coordinates_to_our_triangles(model, tmp_path):
    chance = np.random.default_rng(8)
    uv = chance.random((5118, 2))
    uv_faces = chance.integers(5118, size=TRIANGLES.shape)
    order, turn = chance.permutation(len(TRIANGLES)), np.arange(3)
    turn = (turn + chance.integers(3, size=(len(TRIANGLES), 1))) % 3
    shuffled = [np.take_along_axis(faces, turn, 1)[order] for faces in (TRIANGLES, uv_faces)]
    path = write_template(tmp_path / "head.obj", shuffled[0], uv, shuffled[1])
    found, found_faces = read_uv(path, TRIANGLES)
    assert (found == uv).all()
    assert (found_faces == uv_faces).all()
    head, report = read_flame_head(FlameFiles(model, template=path, without_eyelids=True))
    assert head.uv.shape == (5118, 2)
    assert (head.uv_faces == uv_faces).all()
    assert not any("unwrapping" in note for note in report.notes)


def test_templates_that_do_not_fit_are_refused(tmp_path):
    uv, uv_faces = unwrap(TEMPLATE, TRIANGLES)
    path = tmp_path / "head.obj"
    cases = {
        "lacks 1 of FLAME's triangles": (TRIANGLES[1:], uv, uv_faces[1:]),
        "lacks 9976": (TRIANGLES[:, ::-1], uv, uv_faces),
        "triangles name others": (TRIANGLES, uv[:-1], uv_faces),
        "leave 0..1": (TRIANGLES, 2 * uv, uv_faces),
    }
    for reason, parts in cases.items():
        with pytest.raises(UserError, match=reason):
            read_uv(write_template(path, *parts), TRIANGLES)
    texts = {
        "has 1 vertices": "v 0 0 0\nvt 0 0\nf 1/1 1/1 1/1",
        "no OBJ of triangles with texture": "v 0 0 0\nf 1 1 1",
        "no OBJ of triangles": "v 0 0 0\nvt 0 0\nf 1/1 1/1 1/1 1/1",
        "no OBJ": "f 1//2 1//2 1//2",
        "has other polygons": "",
    }
    for reason, text in texts.items():
        path.write_text(text)
        with pytest.raises(UserError, match=reason):
            read_uv(path, TRIANGLES)
    with pytest.raises(UserError, match="template is not there"):
        read_uv(tmp_path / "none.obj", TRIANGLES)


def test_the_mouth_is_closed_by_thirty_triangles_with_a_place_of_their_own(model):
    uv, uv_faces = unwrap(TEMPLATE, TRIANGLES)
    faces, longer, longer_faces = close_mouth(TEMPLATE, TRIANGLES, uv, uv_faces)
    assert len(CLOSING) == 30
    assert len(np.unique(CLOSING)) == 32
    assert (faces[:9976] == TRIANGLES).all()
    assert [tuple(face) for face in faces[9976:].tolist()] == list(CLOSING)
    assert (longer[: len(uv)] == uv).all()
    assert (longer_faces[:9976] == uv_faces).all()
    low, high = longer[len(uv) :].min(0), longer[len(uv) :].max(0)
    corners = uv[uv_faces]
    apart = (corners.max(1) < low) | (corners.min(1) > high)
    assert apart.any(1).all()
    head, report = read_flame_head(FlameFiles(model, closed_mouth=True, without_eyelids=True))
    assert len(head.faces) == len(head.uv_faces) == 10006
    assert any("30 triangles" in note for note in report.notes)


def test_a_template_that_has_the_closing_triangles_says_where_they_lie_in_the_texture(model, tmp_path):
    uv, uv_faces = unwrap(TEMPLATE, TRIANGLES)
    used, places = np.unique(CLOSING, return_inverse=True)
    longer = np.concatenate([uv, np.random.default_rng(3).random((len(used), 2))])
    more = len(uv) + places.reshape(-1, 3)
    turned = np.roll(np.array(CLOSING), 1, axis=1)[::-1], np.roll(more, 1, axis=1)[::-1]
    faces, corners = np.concatenate([TRIANGLES, turned[0]]), np.concatenate([uv_faces, turned[1]])
    path = write_template(tmp_path / "closed.obj", faces, longer, corners)
    head, report = read_flame_head(FlameFiles(model, template=path, closed_mouth=True, without_eyelids=True))
    assert (head.faces[9976:] == np.array(CLOSING)).all()
    assert (head.uv == longer.astype(np.float32)).all()
    assert (head.uv_faces[9976:] == more).all()
    assert any("template's 30 triangles" in note for note in report.notes)
    assert len(read_flame_head(FlameFiles(model, template=path, without_eyelids=True))[0].faces) == 9976


def test_the_closing_triangles_form_one_disc():
    edges = np.concatenate([np.array(CLOSING)[:, [0, 1]], np.array(CLOSING)[:, [1, 2]], np.array(CLOSING)[:, [2, 0]]])
    directed, counts = np.unique(edges, axis=0, return_counts=True)
    assert counts.max() == 1
    undirected = np.unique(np.sort(directed, axis=1), axis=0)
    assert 32 - len(undirected) + 30 == 1


def test_a_full_texture_has_no_place_for_the_mouth():
    with pytest.raises(ValueError, match="no place"):
        free_square(np.array([[0, 0], [1, 0], [1, 1.0]]), np.array([[0, 1, 2]]))
