"""The compiled loops that blend Gaussians into an image.

Blending rules are those of gsplat 1.5.3 (`RasterizeToPixels3DGSFwd.cu`): alpha = min(0.999, opacity exp(-sigma)); below 1/255,
or where sigma < 0, the Gaussian is passed over; a pixel is finished, that Gaussian excluded, when its transmittance would come
to 1e-4 or less. Tiles are described in `kernels_tile`; `kernels_blend_backward` has the derivative.

sigma is half the squared distance (dx, dy) under the inverse covariance, as a sum of squares, (A (dx + m dy)^2 + C dy^2) / 2,
which loses no digits where a Gaussian is a needle and is never below 0: A is the variance of y over the determinant, m is minus
the covariance over the variance of y, and C one over that variance.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int32
from numba import njit

from headsmith.splat.kernels_tile import EDGE, PLANE, ROW, close_tile, is_finished, open_tile
from headsmith.splat.lanes import LanesType, alike_lanes, magnitude, select, smaller
from headsmith.splat.lanes_memory import fetch, load_like, ramp, store, wide_ramp
from headsmith.splat.lanes_power import power

RECORD = 12
HALF, MOST, LEAST, OPAQUE = 0.5, 0.999, 1 / 255, 1e-4
PER_OCTAVE = -1.4426950408889634  # -1 / ln 2: e^-sigma is 2^(PER_OCTAVE sigma)
LOOK = 63  # every 64 Gaussians the tile is looked over: is any pixel left?


@njit(inline="always")
@no_type_check
def shine(
    glow: Float[np.ndarray, " 1024"], rows: int, dx: LanesType, dy: float, a: float, lean: float, c: float, opacity: float
) -> None:
    """Writes opacity exp(-sigma) of some rows; a and c are halved and in octaves.

    It stands apart from what is done with it because the processor looks only so far ahead: a short loop has more rows in work.
    """
    dy = alike_lanes(dy, dx)
    for row in range(rows):
        aslant, fall = dx + lean * dy, c * dy
        store(glow, 16 * row, opacity * power(a * aslant * aslant + fall * dy))
        dy = dy + 1.0


@njit(inline="always")
@no_type_check
def lay(
    planes: Float[np.ndarray, " P"],
    place: int,
    glow: Float[np.ndarray, " 1024"],
    rows: int,
    like: LanesType,
    red: float,
    green: float,
    blue: float,
    taken: float,
) -> None:
    """Lays a Gaussian over as many neighbours as there are lanes, in some rows from a place on."""
    for row in range(rows):
        alpha = smaller(load_like(glow, 16 * row, like), MOST)
        before = load_like(planes, place, like)
        taken_away = alpha * before
        after = before - taken_away
        seen, open_ = alpha >= LEAST, after > OPAQUE
        in_ = seen & open_
        weight = select(in_, taken_away, 0.0)
        store(planes, place, select(seen, select(open_, after, 0.0 - magnitude(before)), before))
        store(planes, place + 4 * PLANE, select(in_, taken, load_like(planes, place + 4 * PLANE, like)))
        store(planes, place + PLANE, load_like(planes, place + PLANE, like) + weight * red)
        store(planes, place + 2 * PLANE, load_like(planes, place + 2 * PLANE, like) + weight * green)
        store(planes, place + 3 * PLANE, load_like(planes, place + 3 * PLANE, like) + weight * blue)
        place += ROW


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def blend(
    records: Float[np.ndarray, " R"],
    boxes: Int32[np.ndarray, " B"],
    starts: Int32[np.ndarray, " S"],
    members: Int32[np.ndarray, " M"],
    width: int,
    height: int,
    first: int,
    last: int,
    background: Float[np.ndarray, " G"],
    step: int,
    image: Float[np.ndarray, " I"],
    leftover: Float[np.ndarray, " L"],
    ends: Float[np.ndarray, " L"],
) -> None:
    """Blends the Gaussians of tiles `first` to `last` (excluded) over the background.

    Args:
        records: 12 a Gaussian: centre x, y; A, m, C; opacity; red, green, blue; three unused.
        boxes: 4 a Gaussian: pixels that it can reach, left, right (excluded), top, bottom (excluded).
        starts: Where each tile's part of `members` begins.
        members: Gaussians of each tile, near to far.
        width: Pixels in a row of the image.
        height: Rows of the image.
        first: First tile.
        last: One past the last tile.
        background: One colour, or one a pixel.
        step: 0 for one colour, 3 for one a pixel.
        image: Filled in, 3 a pixel.
        leftover: Filled in: the transmittance behind the last Gaussian.
        ends: Filled in: how many of its tile's Gaussians there are up to the last that each pixel takes in.
    """
    across = (width + EDGE - 1) // EDGE
    single = records.dtype.type
    planes, glow = np.empty(5 * PLANE, records.dtype), np.empty(16 * EDGE, records.dtype)
    for tile in range(first, last):
        left, top = tile % across * EDGE, tile // across * EDGE
        right, bottom = min(left + EDGE, width), min(top + EDGE, height)
        open_tile(planes, right - left, bottom - top)
        for entry in range(starts[tile], starts[tile + 1]):
            if (entry - starts[tile]) & LOOK == LOOK and is_finished(planes):
                break
            soon = members[min(entry + 4, starts[tile + 1] - 1)]
            fetch(records, soon * RECORD)
            fetch(boxes, soon * 4)
            at, box = members[entry] * RECORD, members[entry] * 4
            opacity, taken = records[at + 5], single(entry - starts[tile] + 1)
            aside, above = single(HALF) - records[at], single(HALF) - records[at + 1]
            a, lean = single(HALF * PER_OCTAVE) * records[at + 2], records[at + 3]
            c = single(HALF * PER_OCTAVE) * records[at + 4]
            red, green, blue = records[at + 6], records[at + 7], records[at + 8]
            begin, end = max(boxes[box], left), min(boxes[box + 1], right)
            upper, lower = max(boxes[box + 2], top), min(boxes[box + 3], bottom)
            place, rows = (upper - top) * ROW - left, lower - upper
            dy = single(upper) + above
            column = begin
            while end - column > 8:
                dx = wide_ramp(aside) + (single(column) + aside)
                shine(glow, rows, dx, dy, a, lean, c, opacity)
                lay(planes, place + column, glow, rows, dx, red, green, blue, taken)
                column += 16
            if column < end:
                dx = ramp(aside) + (single(column) + aside)
                shine(glow, rows, dx, dy, a, lean, c, opacity)
                lay(planes, place + column, glow, rows, dx, red, green, blue, taken)
        close_tile(planes, left, top, right, bottom, width, background, step, image, leftover, ends)
