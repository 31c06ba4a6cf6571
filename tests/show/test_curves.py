import numpy as np

from headsmith.show.curves import Plot, Span, draw_plots, spans
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
    plots = [Plot(f"{n}", "frame", "", x, {"a": x * n, "b": x - n}, marks=(Span(3, 3, (200, 0, 0)),)) for n in range(3)]
    first = draw_plots(plots, 900, height=200)
    assert first.shape == (400, 900, 3)
    np.testing.assert_array_equal(first, draw_plots(plots, 900, height=200))
    halves = [len(blue_pixels(first[top : top + 200, left : left + 450])[0]) for top in (0, 200) for left in (0, 450)]
    assert min(halves[:3]) > 100 and halves[3] == 0


def test_bands_lie_around_their_lines_and_long_ones_keep_the_lines_in_view():
    x = np.arange(100)
    flat = {"a": np.where(x < 50, 1.0, -1.0)}
    wide = np.where(x == 50, 1e4, 0.5)
    plain = draw_plots([Plot("title", "frame", "", x, flat)], 600)
    banded = draw_plots([Plot("title", "frame", "", x, flat, {"a": wide})], 600)
    tall = [np.ptp(blue_pixels(picture)[0]) for picture in (plain, banded)]
    assert tall[0] / 2 < tall[1] < tall[0]
    light = (banded.astype(int)[..., 2] - banded.astype(int)[..., 0] > 20).mean()
    assert light > 1.5 * (plain.astype(int)[..., 2] - plain.astype(int)[..., 0] > 20).mean()


def test_spans_are_the_runs_of_a_kind():
    red, grey = (200, 0, 0), (90, 90, 90)
    kinds = ["ok", "bad", "bad", "gone", "ok", "bad", "odd"]
    found = spans(range(10, 17), kinds, {"bad": red, "gone": grey})
    assert found == (Span(11, 12, red), Span(13, 13, grey), Span(15, 15, red))
    assert spans([], [], {"bad": red}) == ()


def test_spans_are_marked_in_their_colour_where_they_are():
    x = np.arange(101)
    marked = draw_plots([Plot("", "", "", x, {"a": 0.0 * x}, marks=(Span(75, 100, (200, 0, 0)),))], 600).astype(int)
    reddish = (marked[..., 0] - marked[..., 1] > 20) & (marked[..., 1] == marked[..., 2])
    columns = np.nonzero(reddish.any(0))[0]
    blue = blue_pixels(marked.astype(np.uint8))[1]
    left = blue.min() + 0.75 * (blue.max() - blue.min())
    assert abs(columns.min() - left) < 8 and abs(columns.max() - blue.max()) < 8
