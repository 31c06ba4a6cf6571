import numpy as np
import pytest

from headsmith.contract.labels import LABELS
from headsmith.show.colours import LABEL_COLOURS, LARGEST_DIFFERENCE, colour_differences, colour_labels, legend, scale_legend


def test_every_label_has_a_colour_of_its_own_in_order():
    assert tuple(LABEL_COLOURS) == LABELS
    assert len(set(LABEL_COLOURS.values())) == len(LABELS)
    labels = np.arange(19, dtype=np.uint8).reshape(1, 19)
    assert [tuple(map(int, colour)) for colour in colour_labels(labels)[0]] == [LABEL_COLOURS[name] for name in LABELS]


def test_an_unknown_label_is_refused():
    with pytest.raises(ValueError, match="19"):
        colour_labels(np.full((2, 2), 19, np.uint8))


def test_differences_are_black_at_zero_brighter_with_size_and_saturate():
    truth = np.full((1, 5, 3), 100, np.uint8)
    steps = np.array([0, 10, 30, 64, 150], np.uint8)
    shown = colour_differences(truth, truth + steps[None, :, None])[0].astype(int).sum(1)
    assert shown[0] < 10 and (np.diff(shown[:4]) > 0).all()
    assert LARGEST_DIFFERENCE < 64 / 255 and shown[3] == shown[4]


def test_differences_do_not_wrap_around():
    dark, bright = np.zeros((1, 1, 3), np.uint8), np.full((1, 1, 3), 255, np.uint8)
    np.testing.assert_array_equal(colour_differences(dark, bright), colour_differences(bright, dark))


def test_legends_show_their_colours_and_wrap():
    entries = [("head", (0, 230, 118)), ("mouth", (255, 64, 129))]
    wide, narrow = legend(entries, 800), legend(entries, 150)
    for strip in (wide, narrow):
        for _, colour in entries:
            assert (strip == colour).all(-1).sum() > 300
    assert narrow.shape[0] > wide.shape[0] and narrow.shape[1] == 150


def test_the_scale_runs_from_the_smallest_to_the_largest_colour():
    bar = scale_legend(900)[10].astype(int)
    ends = [
        colour_differences(np.zeros((1, 1, 3), np.uint8), np.full((1, 1, 3), v, np.uint8))[0, 0].astype(int) for v in (0, 200)
    ]
    distances = [np.abs(bar - end).sum(1).min() for end in ends]
    assert distances == [0, 0]
