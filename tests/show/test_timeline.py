import numpy as np
import pytest

from headsmith.show.colours import STATUS_COLOURS
from headsmith.show.timeline import CHALK, HEIGHT, LINE, NIGHT, Timeline, draw_words

FRAMES, WIDTH = 50, 500
OK = ("ok",) * FRAMES


def test_the_curve_rises_with_the_values_and_breaks_where_there_are_none():
    values = np.linspace(0, 2, FRAMES)
    values[20:30] = np.nan
    picture = Timeline.of(values, OK, WIDTH).picture
    assert picture.shape == (HEIGHT, WIDTH, 3)
    below = picture[HEIGHT // 3 :]
    drawn = np.abs(below.astype(int) - LINE).max(-1) < 90
    assert drawn[:, :190].any() and drawn[:, 310:].any() and not drawn[:, 205:295].any()
    rows, columns = np.nonzero(drawn)
    assert np.corrcoef(rows, columns)[0, 1] < -0.9


@pytest.mark.parametrize("place", [0, 17, FRAMES - 1])
def test_the_cursor_stands_at_its_frame(place):
    timeline = Timeline.of(np.ones(FRAMES), OK, WIDTH)
    changed = np.nonzero((timeline.at(place) != timeline.picture).any((0, 2)))[0]
    assert abs(changed.mean() - (place + 0.5) * WIDTH / FRAMES) < 2 and len(changed) <= 2
    assert (timeline.at(place)[-1, changed] == CHALK).all()


def test_bad_frames_are_marked_by_their_colour_and_stay_visible_in_long_clips():
    status = ["ok"] * 5000
    status[2500] = "outlier"
    picture = Timeline.of(np.zeros(5000), status, WIDTH).picture
    red = np.nonzero((picture[HEIGHT // 2] == np.multiply(STATUS_COLOURS["outlier"], 0.6).astype(np.uint8)).all(-1))[0]
    assert 2 <= len(red) <= 3 and abs(red.mean() - 250) < 2


def test_a_clip_without_values_has_an_empty_curve():
    picture = Timeline.of(np.full(FRAMES, np.nan), OK, WIDTH).picture
    assert (picture[HEIGHT // 2 :] == NIGHT).all()


def test_words_stand_in_the_corner_on_dark_ground():
    bright = np.full((200, 300, 3), 250, np.uint8)
    drawn = draw_words(bright, ["frame 3", "error 1.00 %"], "uncertain")
    changed = (drawn != bright).any(-1)
    rows, columns = np.nonzero(changed)
    assert rows.min() == columns.min() == 0 and rows.max() < 100 and columns.max() < 200
    assert tuple(drawn[10, 1]) == STATUS_COLOURS["uncertain"]
    inside = drawn[: rows.max() + 1, 4 : columns.max() + 1].astype(int)
    assert np.median(inside) < 100 and inside.max() > 200
    narrow = draw_words(bright[:, :40], ["a line that is far too long for the picture"], "ok")
    assert narrow.shape == (200, 40, 3)
