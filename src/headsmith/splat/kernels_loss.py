"""The compiled loop of a weighted Huber loss and its gradient, in one pass over the pictures."""

from typing import no_type_check

import numpy as np
from jaxtyping import Float
from numba import njit

from headsmith.splat.lanes import larger, magnitude, smaller, total
from headsmith.splat.lanes_memory import load, load_thirds, ramp, store_thirds

HALF, ZERO = 0.5, 0.0
BLOCK = 512  # pixels after which sums go on in double precision


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def huber(
    picture: Float[np.ndarray, " 3P"],
    goal: Float[np.ndarray, " 3P"],
    weight: Float[np.ndarray, " P"],
    delta: float,
    gradient: Float[np.ndarray, " 3P"],
) -> float:
    """Gives the sum of the losses, each d^2 / 2 up to delta and linear beyond, times its pixel's weight.

    Args:
        picture: Three channels a pixel.
        goal: The same.
        weight: Of each pixel.
        delta: Where the loss turns from squared to linear.
        gradient: Filled in: the sum's derivative by the picture.
    """
    whole, none = 0.0, ramp(delta) * ZERO
    count = weight.size // 8 * 8
    for begin in range(0, count, BLOCK):
        sum_ = none
        for pixel in range(begin, min(begin + BLOCK, count), 8):
            seen, true, counts = load_thirds(picture, 3 * pixel), load_thirds(goal, 3 * pixel), load(weight, pixel)
            red, green, blue = seen[0] - true[0], seen[1] - true[1], seen[2] - true[2]
            slope_0 = larger(smaller(red, delta), -delta)
            slope_1 = larger(smaller(green, delta), -delta)
            slope_2 = larger(smaller(blue, delta), -delta)
            # |d| s - s^2 / 2 with s, the slope, without its sign.
            lost = magnitude(slope_0) * (magnitude(red) - HALF * magnitude(slope_0))
            lost = lost + magnitude(slope_1) * (magnitude(green) - HALF * magnitude(slope_1))
            lost = lost + magnitude(slope_2) * (magnitude(blue) - HALF * magnitude(slope_2))
            sum_ = sum_ + counts * lost
            store_thirds(gradient, 3 * pixel, (counts * slope_0, counts * slope_1, counts * slope_2))
        whole += total(sum_)
    for place in range(3 * count, picture.size):
        apart, counts = picture[place] - goal[place], weight[place // 3]
        slope = max(min(apart, delta), -delta)
        gradient[place] = counts * slope
        whole += counts * abs(slope) * (abs(apart) - HALF * abs(slope))
    return whole
