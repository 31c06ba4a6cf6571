"""The compiled loops that sort Gaussians by depth and deal them out to tiles, those of `kernels_tile`.

numba caches a kernel by its own source file alone: remove `__pycache__` after a change of the tiles.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Int, Int32
from numba import njit

from headsmith.splat.kernels_tile import EDGE, EDGE_BITS

DIGIT = 11
BUCKETS = 1 << DIGIT


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def sort_by_depth(bits: Int[np.ndarray, " N"]) -> Int32[np.ndarray, " n"]:
    """The Gaussians with a depth above 0, near to far, equals in their own order.

    A radix sort of the bits, which order positive IEEE 754 numbers as their values do, less the smallest: in float32 a head at
    arm's length then takes two rounds of 11 bits, and a scene of any depth three.

    Args:
        bits: Depths, their bits read as integers of the same length.
    """
    order, ahead = np.empty(bits.size, np.int32), np.empty(bits.size, np.int32)
    count, least, most = 0, bits.dtype.type(0), bits.dtype.type(0)
    for i in range(bits.size):
        if bits[i] > 0:
            least, most = bits[i] if count == 0 else min(least, bits[i]), max(most, bits[i])
            order[count] = i
            count += 1
    shift = 0
    heads = np.empty(BUCKETS, np.int32)
    while count and (most - least) >> shift:
        heads[:] = 0
        for k in range(count):
            heads[((bits[order[k]] - least) >> shift) & (BUCKETS - 1)] += 1
        position = 0
        for bucket in range(BUCKETS):
            size = heads[bucket]
            heads[bucket] = position
            position += size
        for k in range(count):
            bucket = ((bits[order[k]] - least) >> shift) & (BUCKETS - 1)
            ahead[heads[bucket]] = order[k]
            heads[bucket] += 1
        order, ahead = ahead, order
        shift += DIGIT
    return order[:count]


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def deal_to_tiles(
    order: Int32[np.ndarray, " n"], boxes: Int32[np.ndarray, " B"], width: int, height: int
) -> tuple[Int32[np.ndarray, " S"], Int32[np.ndarray, " M"]]:
    """Lists the Gaussians that can reach each tile, near to far.

    Args:
        order: Gaussians near to far.
        boxes: 4 a Gaussian: left, right (excluded), top, bottom (excluded), in pixels, inside the image and not empty.
        width: Pixels in a row.
        height: Rows.

    Returns:
        Where each tile's part of the list begins (and the end of the last), and the list.
    """
    across, down = (width + EDGE - 1) // EDGE, (height + EDGE - 1) // EDGE
    starts = np.zeros(across * down + 1, np.int32)
    for i in order:
        for row in range(boxes[4 * i + 2] >> EDGE_BITS, ((boxes[4 * i + 3] - 1) >> EDGE_BITS) + 1):
            for column in range(boxes[4 * i] >> EDGE_BITS, ((boxes[4 * i + 1] - 1) >> EDGE_BITS) + 1):
                starts[row * across + column + 1] += 1
    for tile in range(across * down):
        starts[tile + 1] += starts[tile]
    ends = starts.copy()
    members = np.empty(starts[-1], np.int32)
    for i in order:
        for row in range(boxes[4 * i + 2] >> EDGE_BITS, ((boxes[4 * i + 3] - 1) >> EDGE_BITS) + 1):
            for column in range(boxes[4 * i] >> EDGE_BITS, ((boxes[4 * i + 1] - 1) >> EDGE_BITS) + 1):
                members[ends[row * across + column]] = i
                ends[row * across + column] += 1
    return starts, members
