import numpy as np
import pytest

from headsmith.show.sheets import GAP, Panel, contact_sheet, enlarge
from headsmith.show.text import ALARM

COLOURS = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 200, 0), (0, 200, 200)]


def flat(colour):
    return np.full((80, 100, 3), colour, np.uint8)


def places(sheet, colour):
    """Top, left, height and width of the rectangle of a colour."""
    rows, columns = np.nonzero((sheet == colour).all(-1))
    return rows.min(), columns.min(), np.ptp(rows) + 1, np.ptp(columns) + 1


def test_panels_stand_in_rows_in_order_with_room_for_captions():
    sheet = contact_sheet([Panel(flat(c), "frame") for c in COLOURS], columns=3, title="title", note="note")
    found = [places(sheet, colour) for colour in COLOURS]
    assert all(place[2:] == (80, 100) for place in found)
    tops, lefts = [place[0] for place in found], [place[1] for place in found]
    assert tops[0] == tops[1] == tops[2] and tops[3] == tops[4] > tops[0] + 80 + 20
    assert lefts == [GAP, 2 * GAP + 100, 3 * GAP + 200, GAP, 2 * GAP + 100]


def test_an_alarm_is_red_and_others_are_not():
    calm = contact_sheet([Panel(flat((9, 9, 9)), "no face")], columns=1, title="t", note="n")
    loud = contact_sheet([Panel(flat((9, 9, 9)), "no face", alarm=True)], columns=1, title="t", note="n")
    assert not (calm == ALARM).all(-1).any() and (loud == ALARM).all(-1).any()


def test_the_footer_comes_last_and_widens_the_sheet():
    footer = np.full((30, 1500, 3), (1, 2, 3), np.uint8)
    sheet = contact_sheet([Panel(flat(COLOURS[0]), "a")], columns=1, title="t", note="n", footer=[footer])
    top, left, height, width = places(sheet, (1, 2, 3))
    assert (left, height, width) == (GAP, 30, 1500)
    assert top > places(sheet, COLOURS[0])[0] + 80
    assert sheet.shape[0] == top + 30 + GAP


def test_no_panel_is_an_error():
    with pytest.raises(ValueError, match="panel"):
        contact_sheet([], columns=3, title="t", note="n")


def test_labels_are_enlarged_without_new_values():
    labels = np.random.default_rng(0).integers(0, 19, (20, 30), dtype=np.uint8)
    large = enlarge(labels, 90, smooth=False)
    np.testing.assert_array_equal(large, labels.repeat(3, 0).repeat(3, 1))
