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
from headsmith.splat.lanes import any_lane, lanes_of, magnitude, select, smaller
from headsmith.splat.lanes_memory import load, ramp, store
from headsmith.splat.lanes_power import power

RECORD = 12
HALF, MOST, LEAST, OPAQUE = 0.5, 0.999, 1 / 255, 1e-4
PER_OCTAVE = -1.4426950408889634  # -1 / ln 2: e^-sigma is 2^(PER_OCTAVE sigma)
LOOK = 63  # every 64 Gaussians the tile is looked over: is any pixel left?


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
        ends: Filled in: how many of its tile's Gaussians each pixel takes in, counting those that it passes over.
    """
    across = (width + EDGE - 1) // EDGE
    single = records.dtype.type
    planes = np.empty(5 * PLANE, records.dtype)
    for tile in range(first, last):
        left, top = tile % across * EDGE, tile // across * EDGE
        right, bottom = min(left + EDGE, width), min(top + EDGE, height)
        open_tile(planes, right - left, bottom - top, starts[tile + 1] - starts[tile])
        for entry in range(starts[tile], starts[tile + 1]):
            if (entry - starts[tile]) & LOOK == LOOK and is_finished(planes):
                break
            at, box = members[entry] * RECORD, members[entry] * 4
            opacity, taken = records[at + 5], single(entry - starts[tile])
            aside, above = single(HALF) - records[at], single(HALF) - records[at + 1]
            a, lean = single(HALF * PER_OCTAVE) * records[at + 2], records[at + 3]
            c = single(HALF * PER_OCTAVE) * records[at + 4]
            red, green, blue = lanes_of(records[at + 6]), lanes_of(records[at + 7]), lanes_of(records[at + 8])
            begin, end = max(boxes[box], left), min(boxes[box + 1], right)
            upper, lower = max(boxes[box + 2], top), min(boxes[box + 3], bottom)
            for column in range(begin, end, 8):
                dx = ramp(aside) + (single(column) + aside)
                place = (upper - top) * ROW + column - left
                for row in range(upper, lower):
                    dy = single(row) + above
                    aslant = dx + lean * dy
                    alpha = smaller(opacity * power(aslant * aslant * a + c * dy * dy), MOST)
                    alpha = select(alpha >= LEAST, alpha, 0.0)
                    before = load(planes, place)
                    after = before - before * alpha
                    open_ = after > OPAQUE
                    weight = select(open_, alpha * before, 0.0)
                    store(planes, place, select(open_, after, 0.0 - magnitude(before)))
                    if any_lane((after <= OPAQUE) & (before > 0.0)):
                        end = load(planes, place + 4 * PLANE)
                        store(planes, place + 4 * PLANE, select((after <= OPAQUE) & (before > 0.0), taken, end))
                    store(planes, place + PLANE, load(planes, place + PLANE) + weight * red)
                    store(planes, place + 2 * PLANE, load(planes, place + 2 * PLANE) + weight * green)
                    store(planes, place + 3 * PLANE, load(planes, place + 3 * PLANE) + weight * blue)
                    place += ROW
        close_tile(planes, left, top, right, bottom, width, background, step, image, leftover, ends)
