"""A square cut from a frame before it is converted is the square of the converted frame, whatever is stored and wherever."""

import itertools
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from headsmith.media.crops import Crop, cut_crop
from headsmith.media.cuts import open_cutter
from headsmith.media.sources import open_source
from headsmith.media.video_convert import FrameConverter
from headsmith.media.video_cuts import FrameCutter, aligned, turned, turned_back
from headsmith.media.video_orientation import Orientation

SIZE = (160, 120)
"""Multiples of four: swscale stretches chroma where a picture ends within a sample."""
TURNS = [Orientation(*flags) for flags in itertools.product((False, True), repeat=3)]


@pytest.fixture(scope="module")
def soft() -> np.ndarray:
    """A picture of soft colours, in which a shift by a pixel is seen."""
    noise = np.random.default_rng(0).integers(0, 256, (SIZE[1], SIZE[0], 3)).astype(np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)


def stored(image: np.ndarray, kind: str) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=kind)
    frame.time_base = Fraction(1, 25)
    return frame


@pytest.mark.parametrize(
    "kind", ["yuv420p", "nv12", "yuv422p10le", "yuv444p", "yuv411p", "yuv410p", "gray", "rgb24", "yuva420p", "rgba"]
)
def test_every_format_and_orientation(soft: np.ndarray, kind: str) -> None:
    frame = stored(soft, kind)
    for orientation in TURNS:
        whole = FrameConverter(orientation, orientation.size(SIZE))
        crops = (Crop(10, 8, 64), Crop(11, 9, 63), Crop(-10, 5, 70), Crop(60, 30, 100), Crop(0, 0, 120))
        for crop, size in itertools.product(crops, (32, 96)):
            found, truth = FrameCutter(whole, crop, size).cut(frame), cut_crop(whole.convert(frame), crop, size)
            difference = np.abs(found.astype(int) - truth)
            assert difference.mean() < 2, (orientation, crop, size)
            assert np.percentile(difference, 99) <= 12, (orientation, crop, size)


def test_a_shift_by_a_pixel_would_be_seen(soft: np.ndarray) -> None:
    whole = FrameConverter(Orientation(), SIZE)
    found = FrameCutter(whole, Crop(10, 8, 64), 96).cut(stored(soft, "yuv420p"))
    shifted = cut_crop(whole.convert(stored(soft, "yuv420p")), Crop(11, 8, 64), 96)
    assert np.abs(found.astype(int) - shifted).mean() > 3


def test_a_frame_of_another_size_is_brought_to_the_source_size_first(soft: np.ndarray) -> None:
    whole = FrameConverter(Orientation(), SIZE)
    large = stored(cv2.resize(soft, (320, 240), interpolation=cv2.INTER_CUBIC), "yuv444p")
    difference = FrameCutter(whole, Crop(10, 8, 64), 64).cut(large).astype(int) - soft[8:72, 10:74]
    assert np.abs(difference).mean() < 2


def test_spans_survive_turning_and_meet_the_grid() -> None:
    for orientation in TURNS:
        upright = orientation.size(SIZE)
        there = turned((3, 40), (7, 90), upright, orientation)
        assert turned_back(*there, upright, orientation) == ((3, 40), (7, 90))
    assert aligned((3, 41), 2, 41) == (2, 41)
    assert aligned((4, 40), 4, 41) == (4, 40)


def test_a_picture_is_cut_at_its_own_resolution(tmp_path: Path, soft: np.ndarray) -> None:
    Image.fromarray(soft).save(tmp_path / "one.png")
    source = open_source(tmp_path / "one.png", max_side=80)
    (frame,) = source
    assert frame.image.shape == (60, 80, 3)
    assert np.array_equal(open_cutter(source, Crop(10, 8, 64), 64)(frame), soft[8:72, 10:74])
