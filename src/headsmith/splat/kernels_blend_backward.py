"""The compiled derivative of `kernels_blend`.

It goes back to front, beginning with the transmittance T behind the last Gaussian and B = T (gradient . background -
alpha_gradient). Before a Gaussian T was T / (1 - alpha); with f = gradient . colour, dL/dalpha = T f - B / (1 - alpha), and
then B grows by alpha T f. So what is deep down, where little light comes, keeps its digits.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int32
from numba import njit

from headsmith.splat.kernels_blend import HALF, LEAST, MOST, PER_OCTAVE, RECORD, shine
from headsmith.splat.kernels_tile import EDGE, PLANE, ROW, open_backward
from headsmith.splat.lanes import LanesType, alike_lanes, select, smaller, total
from headsmith.splat.lanes_memory import fetch, load, load_like, ramp, store, totals, wide_ramp

PULL = 12


@njit(inline="always")
@no_type_check
def peel(
    planes: Float[np.ndarray, " P"],
    place: int,
    glow: Float[np.ndarray, " 1024"],
    rows: int,
    dx: LanesType,
    dy: float,
    lean: float,
    red: float,
    green: float,
    blue: float,
    taken: float,
) -> tuple:
    """Takes a Gaussian off again where `lay` laid it; gives the sums of `blend_backward`, eight as lanes and the ninth."""
    dy, none = alike_lanes(dy, dx), alike_lanes(0.0, dx)
    of_red, of_green, of_blue, sum_1, sum_u, sum_y = none, none, none, none, none, none
    sum_uu, sum_uy, sum_yy = none, none, none
    for row in range(rows):
        aslant, full = dx + lean * dy, load_like(glow, 16 * row, dx)
        alpha = smaller(full, MOST)
        alpha = select((alpha >= LEAST) & (taken < load_like(planes, place + 5 * PLANE, dx)), alpha, 0.0)
        rest = 1.0 / (1.0 - alpha)
        before = load_like(planes, place, dx) * rest
        weight = alpha * before
        store(planes, place, before)
        on_red, on_green = load_like(planes, place + 2 * PLANE, dx), load_like(planes, place + 3 * PLANE, dx)
        on_blue = load_like(planes, place + 4 * PLANE, dx)
        gain = weight * (on_red * red + on_green * green + on_blue * blue)
        behind = load_like(planes, place + PLANE, dx)
        store(planes, place + PLANE, behind + gain)
        bare = select(full <= MOST, gain - alpha * rest * behind, 0.0)
        of_red, of_green = of_red + weight * on_red, of_green + weight * on_green
        of_blue = of_blue + weight * on_blue
        on_aslant, on_y = bare * aslant, bare * dy
        sum_1, sum_u, sum_y = sum_1 + bare, sum_u + on_aslant, sum_y + on_y
        sum_uu, sum_uy, sum_yy = sum_uu + on_aslant * aslant, sum_uy + on_aslant * dy, sum_yy + on_y * dy
        dy = dy + 1.0
        place += ROW
    return totals((sum_1, sum_u, sum_y, sum_uu, sum_uy, sum_yy, of_red, of_green)), total(of_blue)


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def blend_backward(
    records: Float[np.ndarray, " R"],
    boxes: Int32[np.ndarray, " B"],
    starts: Int32[np.ndarray, " S"],
    members: Int32[np.ndarray, " M"],
    width: int,
    first: int,
    last: int,
    background: Float[np.ndarray, " G"],
    step: int,
    leftover: Float[np.ndarray, " L"],
    ends: Float[np.ndarray, " L"],
    image_gradient: Float[np.ndarray, " I"],
    alpha_gradient: Float[np.ndarray, " L"],
    slots: Int32[np.ndarray, " M"],
    pulls: Float[np.ndarray, " Q"],
) -> None:
    """Adds up what the image's and alpha's gradients ask of each Gaussian in tiles `first` to `last` (excluded).

    Args:
        records: As in `blend`.
        boxes: As in `blend`.
        starts: As in `blend`.
        members: As in `blend`.
        width: Pixels in a row of the image.
        first: First tile.
        last: One past the last tile.
        background: As in `blend`.
        step: As in `blend`.
        leftover: What `blend` gave.
        ends: What `blend` gave.
        image_gradient: dL/d image.
        alpha_gradient: dL/d alpha, where alpha = 1 - leftover.
        slots: Where in `pulls` each member's sums are added: at its Gaussian, or, when threads share the tiles, at a place of
            its own, for `collect`.
        pulls: 12 a slot, 0 beforehand: with q = -dL/dsigma at a pixel, (dx, dy) from the centre to it and u = dx + m dy, the
            sums of q, q u, q dy, q u u, q u dy, q dy dy; then dL/d red, green, blue; three unused.
    """
    across, height = (width + EDGE - 1) // EDGE, leftover.size // width
    single = records.dtype.type
    planes, glow, zeros = np.empty(6 * PLANE, records.dtype), np.empty(16 * EDGE, records.dtype), np.zeros(8, records.dtype)
    for tile in range(first, last):
        if starts[tile] == starts[tile + 1]:
            continue
        left, top = tile % across * EDGE, tile // across * EDGE
        right, bottom = min(left + EDGE, width), min(top + EDGE, height)
        given = leftover, ends, image_gradient, alpha_gradient
        most = open_backward(planes, left, top, right, bottom, width, background, step, *given)
        for entry in range(starts[tile] + most - 1, starts[tile] - 1, -1):
            soon = members[max(entry - 4, starts[tile])]
            fetch(records, soon * RECORD)
            fetch(boxes, soon * 4)
            fetch(pulls, slots[max(entry - 4, starts[tile])] * PULL)
            at, box = members[entry] * RECORD, members[entry] * 4
            taken = single(entry - starts[tile])
            opacity = records[at + 5]
            aside, above = single(HALF) - records[at], single(HALF) - records[at + 1]
            a, lean = single(HALF * PER_OCTAVE) * records[at + 2], records[at + 3]
            c = single(HALF * PER_OCTAVE) * records[at + 4]
            red, green, blue = records[at + 6], records[at + 7], records[at + 8]
            begin, end = max(boxes[box], left), min(boxes[box + 1], right)
            upper, lower = max(boxes[box + 2], top), min(boxes[box + 3], bottom)
            place, rows = (upper - top) * ROW - left, lower - upper
            dy = single(upper) + above
            column, to = begin, slots[entry] * PULL
            moments, of_blue = load(zeros, 0), single(0.0)
            while end - column > 8:
                dx = wide_ramp(aside) + (single(column) + aside)
                shine(glow, rows, dx, dy, a, lean, c, opacity)
                more, more_blue = peel(planes, place + column, glow, rows, dx, dy, lean, red, green, blue, taken)
                moments, of_blue = moments + more, of_blue + more_blue
                column += 16
            if column < end:
                dx = ramp(aside) + (single(column) + aside)
                shine(glow, rows, dx, dy, a, lean, c, opacity)
                more, more_blue = peel(planes, place + column, glow, rows, dx, dy, lean, red, green, blue, taken)
                moments, of_blue = moments + more, of_blue + more_blue
            store(pulls, to, load(pulls, to) + moments)
            pulls[to + 8] += of_blue


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def collect(members: Int32[np.ndarray, " M"], parts: Float[np.ndarray, " M12"], pulls: Float[np.ndarray, " Q"]) -> None:
    """Adds each member's part to its Gaussian's, in the order in which one thread adds them: the sums have the same bits."""
    for entry in range(members.size):
        to = members[entry] * PULL
        store(pulls, to, load(pulls, to) + load(parts, entry * PULL))
        pulls[to + 8] += parts[entry * PULL + 8]
