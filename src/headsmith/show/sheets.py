"""Contact sheets: labelled panels in rows under a heading, over a note that says how to read them."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from headsmith.show.text import ALARM, FAINT, INK, PAPER, text_block

GAP = 12
TITLE_SIZE = 34
NOTE_SIZE = 22
CAPTION_SIZE = 20
NARROWEST_SHEET = 900
"""Headings need this many pixels, even over a single panel."""

Picture = UInt8[ndarray, "_H _W 3"]


@dataclass(frozen=True)
class Panel:
    """A picture and the words under it; ``alarm`` sets them in red."""

    picture: Picture
    caption: str
    alarm: bool = False


def enlarge(picture: UInt8[ndarray, "h w *C"], width: int, *, smooth: bool = True) -> UInt8[ndarray, "H W *C"]:
    """Return a picture of another width and the same shape; ``smooth=False`` repeats pixels, for labels and masks."""
    height = max(1, round(picture.shape[0] * width / picture.shape[1]))
    how = cv2.INTER_NEAREST if not smooth else cv2.INTER_AREA if width < picture.shape[1] else cv2.INTER_CUBIC
    return cv2.resize(picture, (width, height), interpolation=how)


def contact_sheet(panels: Sequence[Panel], *, columns: int, title: str, note: str, footer: Sequence[Picture] = ()) -> Picture:
    """Lay panels out in rows.

    Args:
        panels: What to show; pictures of one size.
        columns: Panels in a row.
        title: The heading.
        note: How to read the panels, printed under the heading.
        footer: Pictures to put under the panels, each on its own row (a legend, curves).

    Returns:
        The sheet, at least ``NARROWEST_SHEET`` wide.

    Raises:
        ValueError: There is no panel.
    """
    if not panels:
        raise ValueError("a contact sheet needs a panel")
    return headed_sheet([*panel_rows(panels, columns), *footer], title=title, note=note)


def panel_rows(panels: Sequence[Panel], columns: int) -> list[Picture]:
    """Return panels with their captions, so many beside each other."""
    cards = [_card(panel) for panel in panels]
    return [_row(cards[start : start + columns]) for start in range(0, len(cards), columns)]


def headed_sheet(strips: Sequence[Picture], *, title: str, note: str) -> Picture:
    """Put strips under a heading and a note that says how to read them; at least ``NARROWEST_SHEET`` wide."""
    width = max(NARROWEST_SHEET, *(strip.shape[1] for strip in strips))
    heading = text_block(title, width, TITLE_SIZE, bold=True)
    return stack([heading, text_block(note, width, NOTE_SIZE, colour=FAINT), *strips], width)


def stack(strips: Sequence[Picture], width: int) -> Picture:
    """Put pictures under each other on paper ``width`` pixels wide, with gaps between and around."""
    height = sum(strip.shape[0] + GAP for strip in strips) + GAP
    sheet = np.full((height, width + 2 * GAP, 3), PAPER, np.uint8)
    top = GAP
    for strip in strips:
        sheet[top : top + strip.shape[0], GAP : GAP + strip.shape[1]] = strip
        top += strip.shape[0] + GAP
    return sheet


def _card(panel: Panel) -> Picture:
    words = text_block(panel.caption, panel.picture.shape[1], CAPTION_SIZE, colour=ALARM if panel.alarm else INK)
    return np.concatenate([panel.picture, words])


def _row(cards: Sequence[Picture]) -> Picture:
    width = sum(card.shape[1] + GAP for card in cards) - GAP
    row = np.full((max(card.shape[0] for card in cards), width, 3), PAPER, np.uint8)
    left = 0
    for card in cards:
        row[: card.shape[0], left : left + card.shape[1]] = card
        left += card.shape[1] + GAP
    return row
