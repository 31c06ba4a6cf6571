"""The compiled loops that open and close a tile: 64 x 64 pixels in flat planes that fit the second-level cache.

Planes are, forward: transmittance, with its sign set where a pixel is finished; three channels; the end, which is how many of
the tile's Gaussians there are up to the last that a pixel takes in. Backward: transmittance, what lies behind, three channels
of the gradient, and the end. In a row eight or sixteen pixels are one vector; eight pixels right of the tile's own, finished
from the start, take what a vector spills. Smaller tiles fit the first-level cache, but part more Gaussians.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float
from numba import njit

from headsmith.splat.lanes import any_lane, lanes_of, larger, magnitude
from headsmith.splat.lanes_memory import load, load_thirds, store, store_thirds

EDGE_BITS = 6
EDGE = 1 << EDGE_BITS
ROW = EDGE + 8
PLANE = EDGE * ROW
FINISHED, ZERO, ONE = -1e-30, 0.0, 1.0


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def open_tile(planes: Float[np.ndarray, " P"], columns: int, rows: int) -> None:
    """Sets transmittance to 1 on the image, finished beside it, and the channels and ends to 0."""
    planes[PLANE:] = ZERO
    for row in range(EDGE):
        for column in range(ROW):
            planes[row * ROW + column] = ONE if row < rows and column < columns else FINISHED


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def is_finished(planes: Float[np.ndarray, " P"]) -> bool:
    """Whether no pixel of the tile takes more light."""
    most = load(planes, 0)
    for place in range(8, PLANE, 8):
        most = larger(most, load(planes, place))
    return not any_lane(most > ZERO)


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def close_tile(
    planes: Float[np.ndarray, " P"],
    left: int,
    top: int,
    right: int,
    bottom: int,
    width: int,
    background: Float[np.ndarray, " G"],
    step: int,
    image: Float[np.ndarray, " I"],
    leftover: Float[np.ndarray, " L"],
    ends: Float[np.ndarray, " L"],
) -> None:
    """Lays a finished tile over the background and writes it to the image: eight pixels at a time, then those that are left."""
    plain = lanes_of(background[0]), lanes_of(background[1]), lanes_of(background[2])
    for row in range(top, bottom):
        place, pixel, stop = (row - top) * ROW, row * width + left, row * width + right
        while pixel + 8 <= stop:
            through = magnitude(load(planes, place))
            behind = plain if step == 0 else load_thirds(background, 3 * pixel)
            red = load(planes, place + PLANE) + through * behind[0]
            green = load(planes, place + 2 * PLANE) + through * behind[1]
            blue = load(planes, place + 3 * PLANE) + through * behind[2]
            store(leftover, pixel, through)
            store(ends, pixel, load(planes, place + 4 * PLANE))
            store_thirds(image, 3 * pixel, (red, green, blue))
            place, pixel = place + 8, pixel + 8
        while pixel < stop:
            left_over = abs(planes[place])
            leftover[pixel], ends[pixel] = left_over, planes[place + 4 * PLANE]
            for channel in range(3):
                behind_it = left_over * background[pixel * step + channel]
                image[3 * pixel + channel] = planes[place + (channel + 1) * PLANE] + behind_it
            place, pixel = place + 1, pixel + 1


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def open_backward(
    planes: Float[np.ndarray, " P"],
    left: int,
    top: int,
    right: int,
    bottom: int,
    width: int,
    background: Float[np.ndarray, " G"],
    step: int,
    leftover: Float[np.ndarray, " L"],
    ends: Float[np.ndarray, " L"],
    image_gradient: Float[np.ndarray, " I"],
    alpha_gradient: Float[np.ndarray, " L"],
) -> int:
    """Fills a tile's planes for the backward pass; gives the largest end."""
    planes[:] = ZERO
    plain = lanes_of(background[0]), lanes_of(background[1]), lanes_of(background[2])
    most = 0
    for row in range(top, bottom):
        place, pixel, stop = (row - top) * ROW, row * width + left, row * width + right
        while pixel + 8 <= stop:
            behind = plain if step == 0 else load_thirds(background, 3 * pixel)
            gradient, through = load_thirds(image_gradient, 3 * pixel), load(leftover, pixel)
            worth = gradient[0] * behind[0] + gradient[1] * behind[1] + gradient[2] * behind[2]
            store(planes, place, through)
            store(planes, place + PLANE, through * (worth - load(alpha_gradient, pixel)))
            for channel in range(3):
                store(planes, place + (2 + channel) * PLANE, gradient[channel])
            place, pixel = place + 8, pixel + 8
        while pixel < stop:
            worth = -alpha_gradient[pixel]
            for channel in range(3):
                gradient_of = image_gradient[3 * pixel + channel]
                planes[place + (2 + channel) * PLANE] = gradient_of
                worth += gradient_of * background[pixel * step + channel]
            planes[place], planes[place + PLANE] = leftover[pixel], leftover[pixel] * worth
            place, pixel = place + 1, pixel + 1
        for column in range(right - left):
            end = ends[row * width + left + column]
            planes[(row - top) * ROW + column + 5 * PLANE] = end
            most = max(most, int(end))
    return most
