import numpy as np
import pytest

from headsmith.show.text import INK, PAPER, text_block, text_width, wrapped

WORDS = "No squares inside the face, no wall outside the line; the rest is hair."


@pytest.mark.parametrize("width", [120, 200, 333, 2000])
def test_wrapped_lines_fit_and_lose_no_word(width):
    lines = wrapped(WORDS, width, 20)
    assert " ".join(lines) == WORDS
    assert all(text_width(line, 20) <= width for line in lines)
    assert (len(lines) == 1) == (text_width(WORDS, 20) <= width)


def test_a_word_that_is_too_wide_stands_alone():
    assert wrapped("a incomprehensibilities b", 40, 20) == ["a", "incomprehensibilities", "b"]


def test_a_block_has_ink_on_paper_and_grows_with_its_lines():
    block, narrow = text_block(WORDS, 2000, 20), text_block(WORDS, 300, 20)
    assert block.shape[1] == 2000 and narrow.shape[1] == 300
    assert narrow.shape[0] > 2 * block.shape[0]
    assert (block == PAPER).all(-1).mean() > 0.5
    assert (block == INK).all(-1).any()
    assert (block[-3:] == PAPER).all()


def test_letters_are_legible():
    rows = np.flatnonzero((text_block("H", 200, 20) != PAPER).any((1, 2)))
    assert len(rows) >= 14
