"""The compiled loops that blend Gaussians into an image, and their derivative.

Blending rules are those of gsplat 1.5.3 (`RasterizeToPixels3DGSFwd.cu`): alpha = min(0.999, opacity exp(-sigma)); below 1/255,
or where sigma < 0, the Gaussian is passed over; a pixel is finished, that Gaussian excluded, when its transmittance would come
to 1e-4 or less. Tiles are described in `kernels_tile`.

The backward pass goes front to back as well. With f = gradient . colour and w = alpha T, it carries one number a pixel,
S = gradient . image - alpha_gradient T_final, less w f of the Gaussians passed; then dL/dalpha = T f - S / (1 - alpha).
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Int32
from numba import njit

from headsmith.splat.kernels_tile import EDGE, PLANE, ROW, close_tile, is_finished, open_tile, owe
from headsmith.splat.lanes import (
    LanesType,
    lanes_of,
    larger,
    load,
    magnitude,
    nearest,
    power_of_two,
    ramp,
    select,
    smaller,
    store,
    total,
    totals,
)

RECORD, PULL = 12, 12
HALF, ONE, ZERO = np.float32(0.5), np.float32(1), np.float32(0)
MOST, LEAST, OPAQUE = np.float32(0.999), np.float32(1 / 255), np.float32(1e-4)
PER_OCTAVE = np.float32(-1.4426950408889634)  # -1 / ln 2: e^-sigma is 2^(PER_OCTAVE sigma)
LOOK = 63  # every 64 Gaussians the tile is looked over: is any pixel left?


@njit(inline="always")
@no_type_check
def power(exponent: LanesType) -> LanesType:
    """2 to a power of at most 0: a polynomial of least relative error (9.1e-8) on [-1/2, 1/2], times a whole power."""
    bounded = larger(exponent, np.float32(-126))
    whole = nearest(bounded)
    part = bounded - whole
    series = part * np.float32(1.3264727e-3) + np.float32(9.6715130e-3)
    series = series * part + np.float32(5.5507336e-2)
    series = series * part + np.float32(2.4022242e-1)
    series = series * part + np.float32(6.9314700e-1)
    return (series * part + ONE) * power_of_two(whole)


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def blend(
    records: Float32[np.ndarray, " R"],
    boxes: Int32[np.ndarray, " B"],
    starts: Int32[np.ndarray, " S"],
    members: Int32[np.ndarray, " M"],
    width: int,
    height: int,
    first: int,
    last: int,
    background: Float32[np.ndarray, " G"],
    step: int,
    image: Float32[np.ndarray, " I"],
    leftover: Float32[np.ndarray, " L"],
) -> None:
    """Blends the Gaussians of tiles `first` to `last` (excluded) over the background.

    Args:
        records: 12 a Gaussian: centre x, y; conic A, B, C; opacity; red, green, blue; three unused.
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
    """
    across = (width + EDGE - 1) // EDGE
    planes = np.empty(4 * PLANE, np.float32)
    for tile in range(first, last):
        left, top = tile % across * EDGE, tile // across * EDGE
        right, bottom = min(left + EDGE, width), min(top + EDGE, height)
        open_tile(planes, right - left, bottom - top)
        for entry in range(starts[tile], starts[tile + 1]):
            if (entry - starts[tile]) & LOOK == LOOK and is_finished(planes):
                break
            at, box = members[entry] * RECORD, members[entry] * 4
            x, y, opacity = records[at], records[at + 1], records[at + 5]
            a, b, c = HALF * PER_OCTAVE * records[at + 2], PER_OCTAVE * records[at + 3], HALF * PER_OCTAVE * records[at + 4]
            red, green, blue = lanes_of(records[at + 6]), lanes_of(records[at + 7]), lanes_of(records[at + 8])
            begin, end = max(boxes[box], left), min(boxes[box + 1], right)
            upper, lower = max(boxes[box + 2], top), min(boxes[box + 3], bottom)
            for column in range(begin, end, 8):
                dx = ramp() + (np.float32(column) + HALF - x)
                square, mixed = dx * dx * a, dx * b
                place = (upper - top) * ROW + column - left
                for row in range(upper, lower):
                    dy = np.float32(row) + HALF - y
                    power_of = square + (mixed * dy + c * dy * dy)
                    alpha = smaller(opacity * power(power_of), MOST)
                    alpha = select((alpha >= LEAST) & (power_of <= ZERO), alpha, ZERO)
                    before = load(planes, place)
                    after = before - before * alpha
                    open_ = after > OPAQUE
                    weight = select(open_, alpha * before, ZERO)
                    store(planes, place, select(open_, after, ZERO - magnitude(before)))
                    store(planes, place + PLANE, load(planes, place + PLANE) + weight * red)
                    store(planes, place + 2 * PLANE, load(planes, place + 2 * PLANE) + weight * green)
                    store(planes, place + 3 * PLANE, load(planes, place + 3 * PLANE) + weight * blue)
                    place += ROW
        close_tile(planes, left, top, right, bottom, width, background, step, image, leftover)


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def blend_backward(
    records: Float32[np.ndarray, " R"],
    boxes: Int32[np.ndarray, " B"],
    starts: Int32[np.ndarray, " S"],
    members: Int32[np.ndarray, " M"],
    width: int,
    height: int,
    image: Float32[np.ndarray, " I"],
    leftover: Float32[np.ndarray, " L"],
    image_gradient: Float32[np.ndarray, " I"],
    alpha_gradient: Float32[np.ndarray, " L"],
    pulls: Float32[np.ndarray, " Q"],
) -> None:
    """Adds up what the image's and alpha's gradients ask of each Gaussian.

    Args:
        records: As in `blend`.
        boxes: As in `blend`.
        starts: As in `blend`.
        members: As in `blend`.
        width: Pixels in a row of the image.
        height: Rows of the image.
        image: What `blend` gave, background included.
        leftover: What `blend` gave.
        image_gradient: dL/d image.
        alpha_gradient: dL/d alpha, where alpha = 1 - leftover.
        pulls: 12 a Gaussian, 0 beforehand: with q = -dL/dsigma at a pixel and (dx, dy) from the centre to it, the sums of q,
            q dx, q dy, q dx dx, q dx dy, q dy dy; then dL/d red, green, blue; three unused.
    """
    across = (width + EDGE - 1) // EDGE
    planes = np.empty(5 * PLANE, np.float32)
    for tile in range(starts.shape[0] - 1):
        if starts[tile] == starts[tile + 1]:
            continue
        left, top = tile % across * EDGE, tile // across * EDGE
        right, bottom = min(left + EDGE, width), min(top + EDGE, height)
        open_tile(planes, right - left, bottom - top)
        owe(planes, left, top, right, bottom, width, image, leftover, image_gradient, alpha_gradient)
        for entry in range(starts[tile], starts[tile + 1]):
            if (entry - starts[tile]) & LOOK == LOOK and is_finished(planes):
                break
            at, box = members[entry] * RECORD, members[entry] * 4
            x, y, opacity = records[at], records[at + 1], records[at + 5]
            a, b, c = HALF * PER_OCTAVE * records[at + 2], PER_OCTAVE * records[at + 3], HALF * PER_OCTAVE * records[at + 4]
            red, green, blue = lanes_of(records[at + 6]), lanes_of(records[at + 7]), lanes_of(records[at + 8])
            begin, end = max(boxes[box], left), min(boxes[box + 1], right)
            upper, lower = max(boxes[box + 2], top), min(boxes[box + 3], bottom)
            of_red, of_green, of_blue = lanes_of(ZERO), lanes_of(ZERO), lanes_of(ZERO)
            sum_1, sum_x, sum_y = lanes_of(ZERO), lanes_of(ZERO), lanes_of(ZERO)
            sum_xx, sum_xy, sum_yy = lanes_of(ZERO), lanes_of(ZERO), lanes_of(ZERO)
            for column in range(begin, end, 8):
                dx = ramp() + (np.float32(column) + HALF - x)
                square, mixed = dx * dx * a, dx * b
                place = (upper - top) * ROW + column - left
                down_1, down_y = lanes_of(ZERO), lanes_of(ZERO)
                for row in range(upper, lower):
                    dy = np.float32(row) + HALF - y
                    power_of = square + (mixed * dy + c * dy * dy)
                    full = opacity * power(power_of)
                    alpha = smaller(full, MOST)
                    alpha = select((alpha >= LEAST) & (power_of <= ZERO), alpha, ZERO)
                    before = load(planes, place)
                    after = before - before * alpha
                    open_ = after > OPAQUE
                    weight = select(open_, alpha * before, ZERO)
                    store(planes, place, select(open_, after, ZERO - magnitude(before)))
                    on_red, on_green = load(planes, place + 2 * PLANE), load(planes, place + 3 * PLANE)
                    on_blue = load(planes, place + 4 * PLANE)
                    worth = on_red * red + on_green * green + on_blue * blue
                    owed = load(planes, place + PLANE) - weight * worth
                    store(planes, place + PLANE, owed)
                    on_alpha = before * worth - owed / (ONE - alpha)
                    bare = select(
                        open_ & (full <= MOST), alpha * on_alpha, ZERO
                    )  # its negative, really: signs are mended below
                    of_red, of_green, of_blue = (
                        of_red + weight * on_red,
                        of_green + weight * on_green,
                        of_blue + weight * on_blue,
                    )
                    along = bare * dy
                    down_1, down_y, sum_yy = down_1 + bare, down_y + along, sum_yy + along * dy
                    place += ROW
                sum_1, sum_x, sum_y = sum_1 + down_1, sum_x + down_1 * dx, sum_y + down_y
                sum_xx, sum_xy = sum_xx + down_1 * dx * dx, sum_xy + down_y * dx
            moments = totals((sum_1, sum_x, sum_y, sum_xx, sum_xy, sum_yy, of_red, of_green))
            to = members[entry] * PULL
            store(pulls, to, load(pulls, to) + moments)
            pulls[to + 8] += total(of_blue)
