import numpy as np

from headsmith.show.curves import Plot, draw_plots
from headsmith.show.text import PAPER

BLUE = (0x1F, 0x6F, 0xEB)


def blue_pixels(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.nonzero((picture == BLUE).all(-1))


def test_a_rising_line_rises_and_nan_breaks_it():
    x = np.arange(50)
    whole = draw_plots([Plot("title", "frame", "", x, {"a": x.astype(float)})], 600)
    rows, columns = blue_pixels(whole)
    assert whole.shape == (300, 600, 3) and tuple(whole[0, 0]) == PAPER
    assert np.corrcoef(rows, columns)[0, 1] < -0.99
    broken = draw_plots([Plot("title", "frame", "", x, {"a": np.where((x > 20) & (x < 30), np.nan, x)})], 600)
    assert 0.7 < len(blue_pixels(broken)[0]) / len(rows) < 0.9


def test_plots_fill_a_grid_and_the_same_input_gives_the_same_picture():
    x = np.arange(9)
    plots = [Plot(f"{n}", "frame", "", x, {"a": x * n, "b": x - n}, marks=(3,)) for n in range(3)]
    first = draw_plots(plots, 900, height=200)
    assert first.shape == (400, 900, 3)
    np.testing.assert_array_equal(first, draw_plots(plots, 900, height=200))
    halves = [len(blue_pixels(first[top : top + 200, left : left + 450])[0]) for top in (0, 200) for left in (0, 450)]
    assert min(halves[:3]) > 100 and halves[3] == 0
