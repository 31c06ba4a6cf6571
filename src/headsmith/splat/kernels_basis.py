"""The compiled loops of the ``basis`` avatar: weighted bases, and what raw numbers stand for, in one pass over memory.

Bases are by far the largest thing in a training step, so each pass reads them once. `basis` has the same in plain torch.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float
from numba import njit

from headsmith.splat.lanes import LanesType, larger, magnitude, root, select, smaller, total
from headsmith.splat.lanes_memory import gather, load_like, scatter, store, wide_ramp
from headsmith.splat.lanes_power import power

KINDS = 10
"""Numbers of a Gaussian that bases change: three of offset, three of log scale, one of opacity, three of colour."""

BLOCK = 4096
"""Numbers whose pulls stay in the first-level cache while the bases pass by."""

OCTAVES = 1.4426950408889634  # 1 / ln 2
ONE, ZERO = 1.0, 0.0


@njit(inline="always")
@no_type_check
def sigmoid(value: LanesType) -> LanesType:
    """1 / (1 + e^-x), by a power that is never large."""
    small = power(magnitude(value) * -OCTAVES)
    return select(value < ZERO, small, small * ZERO + ONE) / (ONE + small)


@njit(inline="always")
@no_type_check
def moved(
    raw: Float[np.ndarray, " n"], i: int, member: int, members: int, change: Float[np.ndarray, " 10N"], kind: int, unit: float
) -> LanesType:
    """A raw number of eight Gaussians from `i` on, and what the bases add."""
    return gather(raw, members * i + member, members) + unit * gather(change, KINDS * i + kind, KINDS)


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def blend_bases(weights: Float[np.ndarray, " K"], bases: Float[np.ndarray, " K10N"], change: Float[np.ndarray, " 10N"]) -> None:
    """Fills in the sum of all bases, each times its weight; at least 16 numbers, of which the last are done anew."""
    size = change.size
    none = wide_ramp(weights[0]) * ZERO
    for start in range(0, size, 16):
        place = min(start, size - 16)
        sum_ = none
        for basis in range(weights.size):
            sum_ = sum_ + weights[basis] * load_like(bases, basis * size + place, none)
        store(change, place, sum_)


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def deform(
    points: Float[np.ndarray, " 3N"],
    offset: Float[np.ndarray, " 3N"],
    log_scale: Float[np.ndarray, " 3N"],
    opacity: Float[np.ndarray, " N"],
    colour: Float[np.ndarray, " 3N"],
    change: Float[np.ndarray, " 10N"],
    units: Float[np.ndarray, " 10"],
    farthest: float,
    largest: float,
    offsets: Float[np.ndarray, " 3N"],
    means: Float[np.ndarray, " 3N"],
    scales: Float[np.ndarray, " 3N"],
    opacities: Float[np.ndarray, " N"],
    colours: Float[np.ndarray, " 3N"],
) -> None:
    """Turns raw numbers, changed, into at least 8 Gaussians: some of the next, or the last 8 anew.

    Args:
        points: Surface points, metres.
        offset: Learned, metres.
        log_scale: Learned.
        opacity: Learned, logit.
        colour: Learned, logit.
        change: What the bases add, in units.
        units: Of the ten kinds.
        farthest: Metres from the surface, at most.
        largest: Standard deviation, metres, at most.
        offsets: Filled in: changed offsets, before they are held near.
        means: Filled in.
        scales: Filled in.
        opacities: Filled in.
        colours: Filled in.
    """
    for start in range(0, opacity.size, 8):
        i = min(start, opacity.size - 8)
        x, y = moved(offset, i, 0, 3, change, 0, units[0]), moved(offset, i, 1, 3, change, 1, units[1])
        z = moved(offset, i, 2, 3, change, 2, units[2])
        near = farthest / larger(root(x * x + y * y + z * z), farthest)
        scatter(offsets, 3 * i, 3, x)
        scatter(offsets, 3 * i + 1, 3, y)
        scatter(offsets, 3 * i + 2, 3, z)
        scatter(means, 3 * i, 3, gather(points, 3 * i, 3) + near * x)
        scatter(means, 3 * i + 1, 3, gather(points, 3 * i + 1, 3) + near * y)
        scatter(means, 3 * i + 2, 3, gather(points, 3 * i + 2, 3) + near * z)
        for axis in range(3):
            log = smaller(moved(log_scale, i, axis, 3, change, 3 + axis, units[3 + axis]), ZERO)
            scatter(scales, 3 * i + axis, 3, smaller(power(OCTAVES * log), largest))
            shade = moved(colour, i, axis, 3, change, 7 + axis, units[7 + axis])
            scatter(colours, 3 * i + axis, 3, sigmoid(shade))
        scatter(opacities, i, 1, sigmoid(moved(opacity, i, 0, 1, change, 6, units[6])))


@njit(inline="always")
@no_type_check
def put_pull(
    pull: LanesType,
    raw: Float[np.ndarray, " n"],
    place: int,
    members: int,
    change: Float[np.ndarray, " 10N"],
    changed: int,
    unit: float,
) -> None:
    """Writes the gradient of what `moved` gave: that of the raw number, and that of what the bases add."""
    scatter(raw, place, members, pull)
    scatter(change, changed, KINDS, unit * pull)


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def deform_backward(
    offsets: Float[np.ndarray, " 3N"],
    scales: Float[np.ndarray, " 3N"],
    opacities: Float[np.ndarray, " N"],
    colours: Float[np.ndarray, " 3N"],
    units: Float[np.ndarray, " 10"],
    farthest: float,
    largest: float,
    of_means: Float[np.ndarray, " 3N"],
    of_scales: Float[np.ndarray, " 3N"],
    of_opacities: Float[np.ndarray, " N"],
    of_colours: Float[np.ndarray, " 3N"],
    of_offset: Float[np.ndarray, " 3N"],
    of_log_scale: Float[np.ndarray, " 3N"],
    of_opacity: Float[np.ndarray, " N"],
    of_colour: Float[np.ndarray, " 3N"],
    of_change: Float[np.ndarray, " 10N"],
) -> None:
    """Carries gradients of Gaussians back to their raw numbers, and to what the bases add.

    Args:
        offsets: Result of `deform`, like the next three.
        scales: See above.
        opacities: See above.
        colours: See above.
        units: As in `deform`.
        farthest: As in `deform`.
        largest: As in `deform`.
        of_means: dL/d means.
        of_scales: dL/d scales.
        of_opacities: dL/d opacities.
        of_colours: dL/d colours.
        of_offset: Filled in: dL/d offset.
        of_log_scale: Filled in: dL/d log scale.
        of_opacity: Filled in: dL/d opacity's logit.
        of_colour: Filled in: dL/d colour's logit.
        of_change: Filled in: dL/d change.
    """
    for start in range(0, opacities.size, 8):
        i = min(start, opacities.size - 8)
        x, y, z = gather(offsets, 3 * i, 3), gather(offsets, 3 * i + 1, 3), gather(offsets, 3 * i + 2, 3)
        of_x, of_y = gather(of_means, 3 * i, 3), gather(of_means, 3 * i + 1, 3)
        of_z = gather(of_means, 3 * i + 2, 3)
        square = x * x + y * y + z * z
        distance = root(square)
        near = farthest / larger(distance, farthest)
        # Held at a distance, an offset moves along the sphere alone: (1 - o o^T / |o|^2) of the pull.
        along = select(distance > farthest, (of_x * x + of_y * y + of_z * z) / square, ZERO)
        put_pull(near * (of_x - along * x), of_offset, 3 * i, 3, of_change, KINDS * i, units[0])
        put_pull(near * (of_y - along * y), of_offset, 3 * i + 1, 3, of_change, KINDS * i + 1, units[1])
        put_pull(near * (of_z - along * z), of_offset, 3 * i + 2, 3, of_change, KINDS * i + 2, units[2])
        for axis in range(3):
            place, kind = 3 * i + axis, 3 + axis
            scale = gather(scales, place, 3)
            pull = select(scale < largest, scale * gather(of_scales, place, 3), ZERO)
            put_pull(pull, of_log_scale, place, 3, of_change, KINDS * i + kind, units[kind])
            shade, kind = gather(colours, place, 3), 7 + axis
            pull = shade * (ONE - shade) * gather(of_colours, place, 3)
            put_pull(pull, of_colour, place, 3, of_change, KINDS * i + kind, units[kind])
        solid = gather(opacities, i, 1)
        pull = solid * (ONE - solid) * gather(of_opacities, i, 1)
        put_pull(pull, of_opacity, i, 1, of_change, KINDS * i + 6, units[6])


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def blend_bases_backward(
    weights: Float[np.ndarray, " K"],
    bases: Float[np.ndarray, " K10N"],
    of_change: Float[np.ndarray, " 10N"],
    of_weights: Float[np.ndarray, " K"],
    of_bases: Float[np.ndarray, " K10N"],
) -> None:
    """Fills in dL/d weights and dL/d bases, from dL/d change; at least 16 numbers."""
    size = of_change.size
    none, lanes = wide_ramp(weights[0]) * ZERO, wide_ramp(weights[0])
    of_weights[:] = ZERO
    for begin in range(0, size, BLOCK):
        end = min(begin + BLOCK, size)
        for basis in range(weights.size):
            sum_ = none
            for start in range(begin, end, 16):
                place = min(start, size - 16)
                pull = load_like(of_change, place, none)
                store(of_bases, basis * size + place, weights[basis] * pull)
                fresh = select(lanes >= float(start - place), pull, ZERO)
                sum_ = sum_ + fresh * load_like(bases, basis * size + place, none)
            of_weights[basis] += total(sum_)
