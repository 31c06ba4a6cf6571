"""Squares cut at any place: against coordinates painted into pictures, and there and back."""

import numpy as np
import pytest

from headsmith.nets.squares import Square


def ramp(height: int, width: int) -> np.ndarray:
    """A picture whose red tells x and whose green tells y of each pixel's centre, doubled."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = 2 * np.arange(width)
    image[..., 1] = 2 * np.arange(height)[:, None]
    return image


@pytest.mark.parametrize("square", [Square(50.0, 40.0, 32.0), Square(51.3, 44.75, 21.5), Square(60.0, 50.0, 100.0)])
@pytest.mark.parametrize("size", [16, 33, 64])
def test_what_is_cut_lies_where_the_way_back_says(square, size):
    cut = square.cut(ramp(120, 120), size)
    rows, columns = np.mgrid[0:size, 0:size] + 0.5
    places = square.to_picture(np.stack((columns, rows), -1), size)
    inside = ((places > 1) & (places < 119)).all(-1)
    assert inside.any()
    assert np.abs(cut[..., :2] / 2 + 0.5 - places)[inside].max() < 0.3


def test_the_whole_picture_comes_back_as_it_is():
    image = np.random.default_rng(1).integers(0, 256, (24, 24, 3)).astype(np.uint8)
    assert np.array_equal(Square(12.0, 12.0, 24.0).cut(image, 24), image)


def test_beyond_the_picture_it_is_black():
    cut = Square(0.0, 0.0, 20.0).cut(np.full((30, 30, 3), 200, np.uint8), 20)
    assert (cut[:9] == 0).all()
    assert (cut[:, :9] == 0).all()
    assert (cut[11:, 11:] == 200).all()


def test_corners_and_centre():
    corners = np.array([(0, 0), (64, 64), (32, 32)], float)
    assert Square(100.0, 50.0, 40.0).to_picture(corners, 64).tolist() == [[80, 30], [120, 70], [100, 50]]
