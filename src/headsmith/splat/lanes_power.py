"""Powers of two and logarithms of lanes (`lanes`), by the bits of IEEE 754 numbers.

numba caches a kernel by its own source file alone: remove `__pycache__` after a change here.
"""

import math
from typing import NamedTuple

from llvmlite import ir

from headsmith.splat.lanes import FUSE, alike, function


class Layout(NamedTuple):
    """How floats of one kind are written in bits, and the series of their powers.

    Attributes:
        bits: Length.
        fraction: Length of the fraction; the exponent stands above it.
        bias: What is added to the exponent.
        series: 2^x on [-1/2, 1/2], from the constant term up.
    """

    bits: int
    fraction: int
    bias: int
    series: tuple[float, ...]


SINGLE = Layout(32, 23, 127, (1.0, 6.9314700e-1, 2.4022242e-1, 5.5507336e-2, 9.6715130e-3, 1.3264727e-3))
"""Binary32; the series is the polynomial of least relative error (9.1e-8) of degree 5 with a constant term of 1."""

DOUBLE = Layout(64, 52, 1023, tuple(math.log(2) ** n / math.factorial(n) for n in range(14)))
"""Binary64; the series is Taylor's, whose first term left out is below 5e-18."""


def layout_of(value: ir.Value) -> Layout:
    """The layout of lanes."""
    return SINGLE if value.type.element == ir.FloatType() else DOUBLE


def whole_of(value: ir.Value) -> ir.VectorType:
    """LLVM's type of integers as many and as long as the floats."""
    return ir.VectorType(ir.IntType(layout_of(value).bits), value.type.count)


def all_lanes(vector: ir.VectorType, value: float | int) -> ir.Constant:
    """A constant in all lanes."""
    return ir.Constant(vector, [value] * vector.count)


def emit_power(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """A series for what lies within 1/2 of a whole number, and that number added to the series' exponent.

    Numbers of the size of ``shift`` have no fraction, so a sum with it is rounded to a whole number, which stands in its last
    bits.
    """
    layout, whole = layout_of(value), whole_of(value)
    least, shift = all_lanes(value.type, -100.0), all_lanes(value.type, 1.5 * 2**layout.fraction)
    value = builder.select(builder.fcmp_ordered(">", value, least), value, least)
    shifted = builder.fadd(value, shift)
    part = builder.fsub(value, builder.fsub(shifted, shift))
    *rest, sum_ = (all_lanes(value.type, factor) for factor in layout.series)
    for factor in reversed(rest):
        sum_ = builder.fadd(builder.fmul(sum_, part, flags=FUSE), factor, flags=FUSE)
    doublings = builder.shl(builder.bitcast(shifted, whole), all_lanes(whole, layout.fraction))
    return builder.bitcast(builder.add(builder.bitcast(sum_, whole), doublings), value.type)


def emit_exponent(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """Reads the exponent field of positive numbers, less its bias."""
    layout, whole = layout_of(value), whole_of(value)
    field = builder.lshr(builder.bitcast(value, whole), all_lanes(whole, layout.fraction))
    return builder.sitofp(builder.sub(field, all_lanes(whole, layout.bias)), value.type)


def emit_mantissa(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """Reads the fraction of positive numbers, from 1 up to 2."""
    layout, whole = layout_of(value), whole_of(value)
    fraction = builder.and_(builder.bitcast(value, whole), all_lanes(whole, (1 << layout.fraction) - 1))
    one = all_lanes(whole, layout.bias << layout.fraction)
    return builder.bitcast(builder.or_(fraction, one), value.type)


power = function(alike, emit_power, 1)
"""2 to a power of at most 0; what lies below -126 counts as -126."""

exponent = function(alike, emit_exponent, 1)
mantissa = function(alike, emit_mantissa, 1)
