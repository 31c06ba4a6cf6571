"""The square around a face: closed forms of the rule, and a turned picture that comes out upright."""

import numpy as np
import pytest

from headsmith.media.crops_aligned import cut_square, face_square, leaves_picture


def face(right, left, mouth):
    """68 points of which those lie where told that the rule looks at: eyes spread about their centres, corners of the mouth."""
    points = np.random.default_rng(0).uniform(-500, 500, (68, 2))
    ring = 3 * np.stack([np.cos(np.arange(6) * np.pi / 3), np.sin(np.arange(6) * np.pi / 3)], 1)
    points[36:42], points[42:48] = ring + right, ring + left
    points[48], points[54] = np.add(mouth, (-11, 0)), np.add(mouth, (11, 0))
    return points


def test_an_upright_face_whose_eyes_are_far_apart() -> None:
    """Eyes 40 apart, the mouth 30 below: half a side is 1.3 x 80, the centre 3 below the eyes, half a pixel aside."""
    quad = face_square(face((80, 100), (120, 100), (100, 130)))
    middle, half = np.array([100.5, 103.5]), 1.3 * 80
    assert np.allclose(quad, middle + half * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]))


def test_an_upright_face_whose_mouth_is_far_below() -> None:
    """Eyes 40 apart, the mouth 60 below: half a side is 1.3 x 1.8 x 60."""
    quad = face_square(face((80, 100), (120, 100), (100, 160)))
    assert np.allclose(quad[1] - quad[0], [2 * 1.3 * 108, 0]) and np.allclose(quad.mean(0), [100.5, 106.5])


def test_the_square_leans_as_far_as_eyes_and_mouth_do_on_the_whole() -> None:
    """The mouth of a level face lies aside: the upper edge is parallel to (40, 0) + (50, -10)."""
    quad = face_square(face((80, 100), (120, 100), (110, 150)))
    across = quad[1] - quad[0]
    assert across[0] > 0 and across[1] / across[0] == pytest.approx(-10 / 90)
    assert np.linalg.norm(across) == pytest.approx(2 * 1.3 * 1.8 * np.hypot(10, 50))


@pytest.mark.parametrize("degrees", [-170, -90, -12, 33, 90])
def test_the_square_turns_and_grows_with_the_face(degrees: float) -> None:
    angle = np.radians(degrees)
    turn = 1.7 * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    points = face((80, 100), (123, 95), (110, 150))
    assert np.allclose(face_square(points @ turn + (30, -20)), (face_square(points) - 0.5) @ turn + (30, -20) + 0.5)


def picture(x, y):
    """A smooth picture as a function of the place, RGB, well inside 0..255."""
    return 128 + 50 * np.stack([np.sin(x / 9), np.cos(y / 7), np.sin((x + 2 * y) / 13)], -1)


def pixels(places):
    return picture(places[..., 0], places[..., 1])


def centres(width, height):
    return np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), -1)


@pytest.mark.parametrize(("side", "size"), [(60.0, 60), (60.0, 150), (130.0, 40)])
@pytest.mark.parametrize("degrees", [0.0, 25.0, -100.0])
def test_a_turned_picture_comes_out_upright(degrees: float, side: float, size: int) -> None:
    """What a pixel of the square shows is the mean of the picture over its place there, told by the function that made it."""
    image = pixels(centres(260, 240)).round().astype(np.uint8)
    angle = np.radians(degrees)
    edge = side * np.array([np.cos(angle), np.sin(angle)])
    other = edge[::-1] * [-1, 1]
    first = np.array([131.3, 118.8]) - (edge + other) / 2
    quad = first + np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) @ np.stack([edge, other])
    fine = 8
    places = centres(size * fine, size * fine) / (size * fine)
    truth = pixels(first + places @ np.stack([edge, other])).reshape(size, fine, size, fine, 3).mean((1, 3))
    error = np.abs(cut_square(image, quad, size) - truth)
    assert error.mean() < 0.6 and error.max() < 2.5
    assert not leaves_picture(quad, (260, 240))


def test_fine_stripes_are_averaged_and_not_skipped() -> None:
    """Stripes one pixel wide, shrunk three times, are grey wherever the square lies."""
    image = np.zeros((200, 200, 3), np.uint8)
    image[:, ::2] = 200
    for shift in (0.0, 0.4, 0.9):
        quad = np.array([(10, 10), (160, 10), (160, 160), (10, 160)]) + shift
        assert np.abs(cut_square(image, quad, 50).astype(int) - 100).max() < 40


def test_what_lies_outside_is_white_and_the_rest_is_kept() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    quad = np.array([(-10.0, -5.0), (50, -5), (50, 55), (-10, 55)])
    square = cut_square(image, quad, 60)
    assert np.array_equal(square[5:45, 10:60], image)
    assert (square[:5] == 255).all() and (square[45:] == 255).all() and (square[:, :10] == 255).all()
    assert leaves_picture(quad, (50, 40))


def test_a_square_beside_the_picture_is_white() -> None:
    image = np.zeros((40, 50, 3), np.uint8)
    assert (cut_square(image, np.array([(90.0, 90), (120, 90), (120, 120), (90, 120)]), 30) == 255).all()
