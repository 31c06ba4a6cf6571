import math

import numpy as np
import pytest
from bridges.encoded import CODES, EXPRESSIONS, small_model, write_frames
from bridges.slow_flame import pose_flame, turn

from headsmith.bridges.one_camera import Cameras, miss, turn_onto, unite
from headsmith.bridges.sheap import read_sheap
from headsmith.bridges.track import project_vertices
from headsmith.contract.errors import UserError

WIDTH, HEIGHT = 960, 540
MODEL = small_model()


def frame(chance, box=(200, 100, 420, 320), **changes):
    """What SHeaP returns for one frame, and the crop."""
    values = {
        "shape_from_facenet": chance.normal(size=CODES),
        "expr": chance.normal(size=EXPRESSIONS),
        "eyelids": chance.uniform(size=2),
        "cam_trans": 0.03 * chance.normal(size=3),
        "bbox": np.array(box),
        "width": WIDTH,
        "height": HEIGHT,
    }
    poses = ("torso_pose", "neck_pose", "jaw_pose", "eye_l_pose", "eye_r_pose")
    return values | {name: 0.2 * chance.normal(size=3) for name in poses} | changes


def clip(seed, boxes, **changes):
    """Frames of one person."""
    chance = np.random.default_rng(seed)
    person = chance.normal(size=CODES)
    return [frame(chance, box, shape_from_facenet=person, **changes) for box in boxes]


def seen_by_sheap(values):
    """Pixels of the whole image: FLAME before a camera at (0, 0, 1) with a vertical angle of view, over the box."""
    pose = [values[f"{name}_pose"] for name in ("torso", "neck", "jaw", "eye_l", "eye_r")]
    codes = np.pad(values["shape_from_facenet"], (0, 1)), np.pad(values["expr"], (0, 2))
    x, y, z = pose_flame(MODEL.container, *codes, pose, values["cam_trans"], lids=values["eyelids"]).T
    reach = math.tan(math.radians(14.2539 / 2))
    right, down = x / (1 - z) / reach, -y / (1 - z) / reach
    box = values.get("bbox", (0, 0, 224, 224))
    corner, far = np.array(box[:2], float), np.array(box[2:], float)
    return (corner + far) / 2 + (far - corner) / 2 * np.stack([right, down], 1)


def misses(folder, frames):
    """Pixels between our projection and SHeaP's, by frame and vertex."""
    seen = project_vertices(read_sheap(write_frames(folder, frames), MODEL), MODEL)
    return np.linalg.norm(seen - [seen_by_sheap(values) for values in frames], axis=-1)


@pytest.mark.parametrize("seed", range(4))
def test_vertices_are_where_sheap_sees_them_in_a_crop_that_stands_still(tmp_path, seed):
    left, top, side = np.random.default_rng(seed).integers((-40, -40, 150), (500, 300, 500))
    frames = clip(seed, [(left, top, left + side, top + side)] * 4)
    assert misses(tmp_path, frames).max() < 1e-6


def test_without_a_crop_the_image_is_the_crop(tmp_path):
    frames = [
        {k: v for k, v in values.items() if k not in ("bbox", "width", "height")} for values in clip(0, [(0, 0, 1, 1)] * 3)
    ]
    assert misses(tmp_path, frames).max() < 1e-6
    assert read_sheap(tmp_path, MODEL).size == (224, 224)


def test_the_focal_length_is_that_of_the_field_guide(tmp_path):
    track = read_sheap(write_frames(tmp_path, clip(0, [(0, 0, 512, 512)])), MODEL)
    assert track.focal == pytest.approx(2048, abs=1)


def test_a_crop_that_moves_is_followed_to_second_order(tmp_path, capsys):
    """Half the movement leaves half the miss; the anchor's own neighbourhood is nearly exact."""
    results = []
    for share in (1, 0.5, 0.25):
        moves = share * np.random.default_rng(1).normal(size=(6, 3)) * (60, 40, 12)
        corners = np.array([300, 150, 220]) + moves
        boxes = [(x, y, x + side, y + side) for x, y, side in corners]
        results.append(np.sqrt(np.square(misses(tmp_path, clip(2, boxes))).mean()))
    assert results[0] < 1.5
    assert results[0] / results[1] == pytest.approx(2, rel=0.25)
    assert results[1] / results[2] == pytest.approx(2, rel=0.25)
    told = capsys.readouterr()
    assert "the crop moves" in told.err + told.out


def test_seeing_the_head_from_the_same_side_is_worth_its_turn():
    """A head that is only shifted to the right pixels, and so seen from another side, is farther off."""
    chance = np.random.default_rng(3)
    points = 0.08 * chance.normal(size=(5, 40, 3))
    turns = np.array([turn(0.3 * chance.normal(size=3)) for _ in points])
    principal = np.array([480, 270]) + 40 * chance.normal(size=(5, 2))
    given = Cameras(turns, np.tile([0.0, 0, 1], (5, 1)), np.full(5, 1200.0), principal)
    middle = points.mean(1)
    seen = unite(given, middle)
    shifted = seen.place(middle) - np.einsum("tij,tj->ti", turns, middle)
    unturned = Cameras(turns, shifted, seen.focal, seen.principal)
    assert np.allclose(seen.see(middle), given.see(middle), atol=1e-9)
    assert np.allclose(unturned.see(middle), given.see(middle), atol=1e-9)
    assert miss(given, unturned, points) > 5 * miss(given, seen, points)


def test_the_smallest_turn():
    chance = np.random.default_rng(0)
    before, after = chance.normal(size=(2, 50, 3))
    after += 2 * before
    turns = turn_onto(before, after)
    aligned = np.einsum("tij,tj->ti", turns, before / np.linalg.norm(before, axis=1, keepdims=True))
    assert np.allclose(aligned, after / np.linalg.norm(after, axis=1, keepdims=True))
    assert np.allclose(turns @ turns.transpose(0, 2, 1), np.eye(3))
    assert np.allclose(np.linalg.det(turns), 1)
    axis = np.cross(before, after)
    assert np.allclose(np.einsum("tij,tj->ti", turns, axis), axis)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bbox": np.array([0, 0, 100, 120])}, "squeezed to a square"),
        ({"bbox": np.array([100, 0, 0, 100])}, "a box is empty"),
        ({"bbox": np.array([0, 0, 100])}, "'bbox' is (3,)"),
        ({"width": 0}, "images of 0"),
        ({"neck_pose": np.array([np.nan, 0, 0])}, "NaN"),
        ({"torso_pose": np.array([None])}, "cannot be read"),
        ({"expr": np.ones(50)}, "50 expression codes"),
    ],
)
def test_spoilt_files_are_refused_by_name(tmp_path, changes, message):
    write_frames(tmp_path, [frame(np.random.default_rng(0)) | changes])
    with pytest.raises(UserError) as refused:
        read_sheap(tmp_path, MODEL)
    assert message in refused.value.message
    assert str(tmp_path) in refused.value.message


def test_a_crop_without_the_images_size_is_refused(tmp_path):
    values = frame(np.random.default_rng(0))
    del values["width"]
    with pytest.raises(UserError, match="size of the whole image"):
        read_sheap(write_frames(tmp_path, [values]), MODEL)
