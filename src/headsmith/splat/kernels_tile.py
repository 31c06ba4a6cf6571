"""The compiled loops that open and close a tile: 32 x 32 pixels in flat planes that fit the first-level cache.

The first plane is the transmittance; with its sign set it marks a pixel as finished. The other planes are the channels, or what
the backward pass carries. In a row eight pixels are one vector; eight pixels right of the tile's 32, finished from the start,
take what a vector spills.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float32
from numba import njit

from headsmith.splat.lanes import any_lane, lanes_of, larger, load, load_thirds, magnitude, store, store_thirds

EDGE_BITS = 5
EDGE = 1 << EDGE_BITS
ROW = EDGE + 8
PLANE = EDGE * ROW
FINISHED, ZERO, ONE = np.float32(-1e-30), np.float32(0), np.float32(1)


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def open_tile(planes: Float32[np.ndarray, " P"], columns: int, rows: int) -> None:
    """Sets the first plane to a transmittance of 1 on the image, finished beside it, and the other planes to 0."""
    planes[PLANE:] = ZERO
    for row in range(EDGE):
        for column in range(ROW):
            planes[row * ROW + column] = ONE if row < rows and column < columns else FINISHED


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def is_finished(planes: Float32[np.ndarray, " P"]) -> bool:
    """Whether no pixel of the tile takes more light."""
    most = load(planes, 0)
    for place in range(8, PLANE, 8):
        most = larger(most, load(planes, place))
    return not any_lane(most > ZERO)


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def close_tile(
    planes: Float32[np.ndarray, " P"],
    left: int,
    top: int,
    right: int,
    bottom: int,
    width: int,
    background: Float32[np.ndarray, " G"],
    step: int,
    image: Float32[np.ndarray, " I"],
    leftover: Float32[np.ndarray, " L"],
) -> None:
    """Lays a finished tile over the background and writes it to the image: eight pixels at a time, then those that are left."""
    plain = lanes_of(background[0]), lanes_of(background[1]), lanes_of(background[2])
    for row in range(top, bottom):
        place, pixel, end = (row - top) * ROW, row * width + left, row * width + right
        while pixel + 8 <= end:
            through = magnitude(load(planes, place))
            behind = plain if step == 0 else load_thirds(background, 3 * pixel)
            red = load(planes, place + PLANE) + through * behind[0]
            green = load(planes, place + 2 * PLANE) + through * behind[1]
            blue = load(planes, place + 3 * PLANE) + through * behind[2]
            store(leftover, pixel, through)
            store_thirds(image, 3 * pixel, (red, green, blue))
            place, pixel = place + 8, pixel + 8
        while pixel < end:
            left_over = abs(planes[place])
            leftover[pixel] = left_over
            for channel in range(3):
                behind_it = left_over * background[pixel * step + channel]
                image[3 * pixel + channel] = planes[place + (channel + 1) * PLANE] + behind_it
            place, pixel = place + 1, pixel + 1


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def owe(
    planes: Float32[np.ndarray, " P"],
    left: int,
    top: int,
    right: int,
    bottom: int,
    width: int,
    image: Float32[np.ndarray, " I"],
    leftover: Float32[np.ndarray, " L"],
    image_gradient: Float32[np.ndarray, " I"],
    alpha_gradient: Float32[np.ndarray, " L"],
) -> None:
    """Fills a tile's planes for the backward pass: the number S of the module's head, then the gradient's three channels."""
    for row in range(top, bottom):
        place, pixel, end = (row - top) * ROW, row * width + left, row * width + right
        while pixel + 8 <= end:
            colour, gradient = load_thirds(image, 3 * pixel), load_thirds(image_gradient, 3 * pixel)
            owed = gradient[0] * colour[0] + gradient[1] * colour[1] + gradient[2] * colour[2]
            store(planes, place + PLANE, owed - load(alpha_gradient, pixel) * load(leftover, pixel))
            for channel in range(3):
                store(planes, place + (2 + channel) * PLANE, gradient[channel])
            place, pixel = place + 8, pixel + 8
        while pixel < end:
            debt = -alpha_gradient[pixel] * leftover[pixel]
            for channel in range(3):
                planes[place + (2 + channel) * PLANE] = image_gradient[3 * pixel + channel]
                debt += image_gradient[3 * pixel + channel] * image[3 * pixel + channel]
            planes[place + PLANE] = debt
            place, pixel = place + 1, pixel + 1
