import numpy as np
import pytest

from headsmith.maths.metrics import LARGEST_PSNR, landmark_error, mean_over, psnr, ssim_map


@pytest.fixture
def pictures() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    truth, picture = rng.random((2, 24, 21, 3))
    return truth, picture, rng.random((24, 21)) < 0.3


@pytest.mark.parametrize("offset", [0.1, 0.01, 0.25])
def test_psnr_of_a_constant_offset_has_a_closed_form(pictures, offset):
    truth, _, mask = pictures
    assert psnr(truth, truth + offset, mask) == pytest.approx(-20 * np.log10(offset), abs=1e-9)


def test_psnr_equals_a_slow_loop_over_the_mask(pictures):
    truth, picture, mask = pictures
    squares = [(truth[y, x, c] - picture[y, x, c]) ** 2 for y in range(24) for x in range(21) for c in range(3) if mask[y, x]]
    assert psnr(truth, picture, mask) == pytest.approx(10 * np.log10(1 / (sum(squares) / len(squares))), abs=1e-9)


def test_pixels_outside_the_mask_do_not_count(pictures):
    truth, picture, mask = pictures
    spoiled = np.where(mask[..., None], picture, 1 - picture)
    assert psnr(truth, spoiled, mask) == psnr(truth, picture, mask)
    assert psnr(truth, spoiled, ~mask) != psnr(truth, picture, ~mask)


def test_equal_pictures_stay_finite(pictures):
    truth, _, mask = pictures
    assert psnr(truth, truth, mask) == LARGEST_PSNR


def test_an_empty_mask_has_no_score(pictures):
    truth, picture, mask = pictures
    with pytest.raises(ValueError, match="empty"):
        psnr(truth, picture, np.zeros_like(mask))
    with pytest.raises(ValueError, match="empty"):
        mean_over(truth[..., 0], np.zeros_like(mask))


def slow_ssim(truth: np.ndarray, picture: np.ndarray, y: int, x: int) -> float:
    """Equation 13 of Wang et al. 2004 at one pixel, term by term."""
    offsets = np.arange(-5, 6)
    weights = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    values = []
    for channel in range(3):
        a = truth[y - 5 : y + 6, x - 5 : x + 6, channel]
        b = picture[y - 5 : y + 6, x - 5 : x + 6, channel]
        mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
        var_a, var_b = (weights * (a - mean_a) ** 2).sum(), (weights * (b - mean_b) ** 2).sum()
        both = (weights * (a - mean_a) * (b - mean_b)).sum()
        luminance = (2 * mean_a * mean_b + 0.01**2) / (mean_a**2 + mean_b**2 + 0.01**2)
        values.append(luminance * (2 * both + 0.03**2) / (var_a + var_b + 0.03**2))
    return float(np.mean(values))


@pytest.mark.parametrize(("y", "x"), [(5, 5), (12, 10), (18, 15), (9, 14)])
def test_ssim_equals_the_formula_term_by_term(pictures, y, x):
    truth, picture, _ = pictures
    mixed = 0.7 * truth + 0.3 * picture
    assert ssim_map(truth, mixed)[y, x] == pytest.approx(slow_ssim(truth, mixed, y, x), abs=1e-9)


def test_ssim_of_flat_pictures_is_the_luminance_term():
    truth, picture = np.full((2, 20, 20, 3), 0.5)
    picture = picture * 0 + 0.75
    expected = (2 * 0.5 * 0.75 + 1e-4) / (0.5**2 + 0.75**2 + 1e-4)
    np.testing.assert_allclose(ssim_map(truth, picture), expected, atol=1e-9)


def test_mean_over_takes_the_mask_alone():
    values = np.arange(12.0).reshape(3, 4)
    assert mean_over(values, values > 9) == 10.5


def test_landmark_error_is_in_percent_of_the_eye_distance():
    truth = np.array([[0.0, 0.0], [40.0, 30.0], [7.0, 9.0], [1.0, 2.0]])
    found = truth + np.array([[3.0, 4.0], [0.0, 0.0], [0.0, 5.0], [0.0, 0.0]])
    assert landmark_error(truth, found, (0, 1)) == pytest.approx(100 * (5 + 5) / 4 / 50)
