"""FAN: the published names, peaks that are known, and the way of a synthetic peak back to the picture.

The published weights are out of reach here. Where a user has them, the last test runs on a real face.
"""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from headsmith.contract.conventions import IBUG68
from headsmith.contract.detectors import FAN_WEIGHTS
from headsmith.contract.errors import UserError
from headsmith.nets import fan_landmarker
from headsmith.nets.detectors import open_detector
from headsmith.nets.faces import FaceBox
from headsmith.nets.fan_landmarker import MIRRORED, FanLandmarker, average_with_mirror, fan_square, peaks
from headsmith.nets.fan_network import Fan

BOX = (300.0, 200.0, 460.0, 400.0)


class OneFace:
    """A finder that always shows the same face."""

    def __init__(self, box):
        self.found = FaceBox(box, 0.75, np.zeros((5, 2), np.float32))

    def __enter__(self):
        return self

    def detect(self, image):
        return [self.found]

    def __exit__(self, *_):
        pass


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("fan") / "2DFAN4.pth.tar"
    torch.save({name: tensor for name, tensor in Fan().state_dict().items() if "num_batches" not in name}, path)
    return path


def block(name, before, after):
    """Return the published names and shapes of a block."""
    shapes, widths = {}, (before, after // 2, after // 4, after // 4)
    for index, (inside, outside) in enumerate(pairwise(widths), start=1):
        shapes |= norm(f"{name}.bn{index}", inside) | {f"{name}.conv{index}.weight": (outside, inside, 3, 3)}
    if before != after:
        shapes |= norm(f"{name}.downsample.0", before) | {f"{name}.downsample.2.weight": (after, before, 1, 1)}
    return shapes


def norm(name, channels):
    parts = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{part}": (channels,) for part in parts} | {f"{name}.num_batches_tracked": ()}


def dense(name, before, after, side=1):
    return {f"{name}.weight": (after, before, side, side), f"{name}.bias": (after,)}


def test_names_and_shapes_are_the_published_ones():
    shapes = dense("conv1", 3, 64, 7) | norm("bn1", 64)
    shapes |= block("conv2", 64, 128) | block("conv3", 128, 128) | block("conv4", 128, 256)
    for stack in range(4):
        for level in range(1, 5):
            for branch in (1, 2, 3):
                shapes |= block(f"m{stack}.b{branch}_{level}", 256, 256)
        shapes |= block(f"m{stack}.b2_plus_1", 256, 256) | block(f"top_m_{stack}", 256, 256)
        shapes |= dense(f"conv_last{stack}", 256, 256) | norm(f"bn_end{stack}", 256) | dense(f"l{stack}", 256, 68)
        if stack < 3:
            shapes |= dense(f"bl{stack}", 256, 256) | dense(f"al{stack}", 68, 256)
    assert {name: tuple(tensor.shape) for name, tensor in Fan().state_dict().items()} == shapes
    assert len(shapes) == 1129


def test_random_weights_give_heat_maps_and_68_points(weights):
    landmarker = FanLandmarker(weights, OneFace(BOX))
    image = np.random.default_rng(0).integers(0, 256, (600, 700, 3)).astype(np.uint8)
    (face,) = landmarker.detect(image)
    square = fan_square(BOX)
    assert landmarker.convention == IBUG68.name
    assert face.points.shape == (68, 3)
    assert np.abs(face.points[:, :2] - (square.x, square.y)).max() <= square.side / 2
    assert np.isnan(face.points[:, 2]).all()
    assert face.confidence == 0.75
    assert ((face.point_confidence >= 0) & (face.point_confidence <= 1)).all()


def test_the_square_is_face_alignments():
    square = fan_square(BOX)
    assert (square.x, square.y) == (380, 300 - 0.12 * 200)
    assert square.side == pytest.approx((160 + 200) / 195 * 200)


class Spot(nn.Module):
    """Answers with heat maps of how bright each cell's part of the picture is."""

    def forward(self, pictures):
        maps = nn.functional.avg_pool2d(pictures[:, :1], 4)
        return maps.expand(-1, 68, -1, -1)


@pytest.mark.parametrize("spot", [(350, 220), (401, 333), (287, 300)])
def test_a_spot_in_the_picture_comes_back_where_it_is(weights, monkeypatch, spot):
    monkeypatch.setattr(fan_landmarker, "load_weights", lambda *_, **__: Spot())
    rows, columns = np.mgrid[0:600, 0:700] + 0.5
    bright = 255 * np.exp(-((columns - spot[0]) ** 2 + (rows - spot[1]) ** 2) / 2 / 12**2)
    image = np.repeat(bright.astype(np.uint8)[..., None], 3, 2)
    (face,) = FanLandmarker(weights, OneFace(BOX)).detect(image)
    cell = fan_square(BOX).side / 64
    assert np.abs(face.points[:, :2] - spot).max() <= 0.3 * cell


def test_peaks_lean_towards_the_higher_neighbour_but_not_at_the_border():
    maps = np.zeros((4, 8, 8), np.float32)
    maps[:, 5, 2] = 1
    maps[0, 5, 3] = maps[0, 4, 2] = 0.5
    maps[1, 5, 1] = maps[1, 6, 2] = 0.5
    maps[3] = 0
    maps[3, 0, 7], maps[3, 0, 6], maps[3, 1, 7] = 0.7, 0.6, 0.6
    places, heights = peaks(maps)
    assert places.tolist() == [[2.75, 5.25], [2.25, 5.75], [2.5, 5.5], [7.5, 0.5]]
    assert heights == pytest.approx([1, 1, 1, 0.7])


def test_the_mirror_swaps_right_and_left():
    assert tuple(MIRRORED[index] for index in MIRRORED) == tuple(range(68))
    for right, left in (IBUG68.outer_eye_corners, IBUG68.inner_eye_corners, (48, 54), (31, 35), (0, 16), (17, 26), (60, 64)):
        assert MIRRORED[right] == left
    assert all(MIRRORED[middle] == middle for middle in (8, 27, 30, 33, 51, 57, 62, 66))


def test_a_mirrored_picture_gives_mirrored_heat_maps():
    torch.manual_seed(1)
    network = nn.Sequential(nn.Conv2d(3, 68, 5, padding=2), nn.AvgPool2d(4))
    picture = torch.rand(1, 3, 32, 32)
    seen = average_with_mirror(network, picture)
    mirrored = average_with_mirror(network, picture.flip(3))
    assert torch.allclose(seen, mirrored.flip(3)[:, list(MIRRORED)], atol=1e-6)


def test_other_weights_are_refused(tmp_path):
    torch.save(Fan(stacks=2).state_dict(), tmp_path / "2DFAN2.pth.tar")
    with pytest.raises(UserError, match=r"this is not FAN \(2DFAN4\): m2.b1_4.bn1.weight is missing"):
        FanLandmarker(tmp_path / "2DFAN2.pth.tar", OneFace(BOX))


def test_the_published_weights_agree_with_the_map_from_mediapipe(asset, portraits):
    files = {name: asset(name) for name in (FAN_WEIGHTS, "face_landmarker.task")}
    with open_detector("fan", files) as fan, open_detector("mediapipe68", files) as mapped:
        (face,), (other,) = fan.detect(portraits[0]), mapped.detect(portraits[0])
    distance = np.linalg.norm(other.points[36, :2] - other.points[45, :2])
    errors = np.linalg.norm(face.points[:, :2] - other.points[:, :2], axis=1) / distance
    assert errors[list(IBUG68.parts["eyes"])].mean() < 0.04
    assert errors[list(IBUG68.parts["lips"])].mean() < 0.06
