"""Planes that are averaged before their colours are converted give what averaging the converted picture gives."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorRange

from headsmith.media.crops import Crop
from headsmith.media.video_convert import FrameConverter
from headsmith.media.video_cuts import FrameCutter
from headsmith.media.video_orientation import Orientation
from headsmith.media.video_shrink import PLANAR, averaged, can_shrink, rgb_from_ycbcr, shrink

SIDE, SIZE = 480, 96


@pytest.fixture(scope="module")
def soft() -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 6), None, 20, 235, cv2.NORM_MINMAX)


def stored(image: np.ndarray, kind: str, matrix: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=kind, dst_colorspace=matrix)
    frame.time_base, frame.colorspace = Fraction(1, 25), matrix
    return frame


@pytest.mark.parametrize("kind", sorted(PLANAR))
@pytest.mark.parametrize("matrix", [1, 5])
def test_formats_ranges_and_matrices(soft: np.ndarray, kind: str, matrix: int) -> None:
    frame = stored(soft, kind, matrix)
    assert can_shrink(frame, matrix, SIZE)
    whole = FrameConverter(Orientation(), (SIDE, SIDE)).convert(frame)
    truth = cv2.resize(whole.astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    difference = shrink(frame, matrix, SIZE) - truth
    assert np.abs(difference.mean((0, 1))).max() < 0.5
    assert np.sqrt(np.mean(difference**2)) < 1.2


def test_the_other_matrix_or_range_would_be_seen(soft: np.ndarray) -> None:
    frame = stored(soft, "yuv444p", 1)
    right, wrong = shrink(frame, 1, SIZE), shrink(frame, 5, SIZE)
    assert np.abs(right.astype(int) - wrong).mean() > 2
    frame.color_range = ColorRange.JPEG
    assert np.abs(right.astype(int) - shrink(frame, 1, SIZE)).mean() > 1.5


def test_black_white_and_grey_are_exact() -> None:
    for full, levels in ((False, ((16, 0), (235, 255), (126, 128))), (True, ((0, 0), (255, 255), (128, 128)))):
        for luma, level in levels:
            pixel = np.array([[[luma, 128, 128]]], np.uint8)
            assert (cv2.transform(pixel, rgb_from_ycbcr(0.299, 0.114, full=full)) == level).all()


def test_areas_are_averaged_whatever_the_scale() -> None:
    plane = np.random.default_rng(0).integers(0, 256, (640, 640), dtype=np.uint8)
    for size in (64, 160, 320):
        means = plane.reshape(size, 640 // size, size, 640 // size).mean((1, 3))
        assert np.abs(averaged(plane, size) - means).max() <= 1.0
    assert averaged(plane, 700).shape == (700, 700)


def test_the_cutter_takes_the_quick_way_only_where_it_is_one(soft: np.ndarray) -> None:
    for kind, size in (("yuv420p", 300), ("nv12", SIZE), ("yuv420p10le", SIZE)):
        assert not can_shrink(stored(soft, kind, 1), 1, size)
    assert not can_shrink(stored(soft, "yuv420p", 9), 9, SIZE)
    cutter = FrameCutter(FrameConverter(Orientation(transposed=True), (SIDE, SIDE)), Crop(40, 80, 400), 100)
    found = cutter.cut(stored(soft, "yuv420p", 1))
    truth = cv2.resize(soft.transpose(1, 0, 2)[80:480, 40:440].astype(np.float32), (100, 100), interpolation=cv2.INTER_AREA)
    assert np.sqrt(np.mean((found - truth) ** 2)) < 2
