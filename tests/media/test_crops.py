"""The crop holds the face, lies in the picture, and is not moved by a wrong detection."""

import numpy as np
import pytest

from headsmith.media.crops import Crop, central_crop, cut_crop, place_crop, sticks_out


def still_face(left: float, top: float, side: float, count: int = 25) -> np.ndarray:
    return np.tile(np.array([[left, top, left + side, top + side]], float), (count, 1))


def test_a_still_face_fills_its_share() -> None:
    crop = place_crop(still_face(300, 200, 100), 2.0, (1000, 800))
    assert crop == Crop(250, 140, 200)


def test_a_moving_face_stays_inside() -> None:
    boxes = np.concatenate([still_face(300 + step, 200, 100, 1) for step in range(0, 200, 10)])
    crop = place_crop(boxes, 1.5, (1000, 800))
    assert crop.x < 310
    assert crop.x + crop.size > 480


def test_one_wrong_detection_in_forty_moves_nothing() -> None:
    boxes = still_face(300, 200, 100, 40)
    boxes[17] = [900, 700, 950, 750]
    assert place_crop(boxes, 2.0, (1000, 800)) == place_crop(still_face(300, 200, 100, 40), 2.0, (1000, 800))


@pytest.mark.parametrize(("left", "top"), [(0, 0), (300, 10), (250, 180), (5, 190)])
def test_the_crop_is_shifted_into_the_picture_and_shrunk_to_fit(left: float, top: float) -> None:
    picture = (360, 288)
    small, large = place_crop(still_face(left, top, 80), 2.0, picture), place_crop(still_face(left, top, 80), 9.0, picture)
    assert (small.size, large.size) == (160, 288)
    assert not sticks_out(small, picture)
    assert not sticks_out(large, picture)


def test_only_a_face_larger_than_the_picture_pads() -> None:
    crop = place_crop(still_face(10, 0, 100), 1.0, (300, 100))
    assert crop.size == 110
    assert crop.y == -5
    assert sticks_out(crop, (300, 100))


def test_a_cut_keeps_pixels_and_repeats_the_edge_outside() -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    assert np.array_equal(cut_crop(image, Crop(4, 3, 10), 10), image[3:13, 4:14])
    padded = cut_crop(image, Crop(-2, -1, 32), 32)
    assert np.array_equal(padded, np.pad(image, ((1, 11), (2, 0), (0, 0)), mode="edge"))


def test_halving_averages_and_enlarging_keeps_the_size() -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    halved = cut_crop(image, Crop(0, 0, 20), 10)
    means = image.reshape(10, 2, 10, 2, 3).mean((1, 3))
    assert np.abs(halved - means).max() <= 0.75
    assert cut_crop(image, Crop(0, 0, 20), 33).shape == (33, 33, 3)


def test_the_central_square() -> None:
    assert central_crop((360, 288)) == Crop(36, 0, 288)
    assert central_crop((100, 301)) == Crop(0, 100, 100)
