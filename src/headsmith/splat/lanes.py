"""Eight floats at once: a SIMD type for compiled (numba) kernels, spelt with ordinary operators.

Left to itself, LLVM turns the loop over a row of pixels into vectors but takes every sum apart at the end of each row. A
`Lanes` value is an LLVM vector of 8 float32 that stays in a register (in two where registers hold four), so a kernel says what
is kept where. In compiled code `+ - * /`, `< <= > >=` (giving a mask) and `&` work as usual, a float32 beside lanes being
repeated; the functions below do the rest. Products and sums may be fused (`contract`), nothing else is reordered.

numba caches a kernel by its own source file alone: remove `__pycache__` after a change here.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

COUNT = 8
FLOATS = ir.VectorType(ir.FloatType(), COUNT)
INTEGERS = ir.VectorType(ir.IntType(32), COUNT)
BITS = ir.VectorType(ir.IntType(1), COUNT)
FUSE = ("contract",)


class LanesType(types.Type):
    """Numba's type of 8 float32."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


class MaskType(types.Type):
    """Numba's type of 8 truth values."""

    def __init__(self) -> None:
        super().__init__(name="Mask")


LANES, MASK = LanesType(), MaskType()


@register_model(LanesType)
class LanesModel(models.PrimitiveModel):
    """Lanes are held as an LLVM vector of floats."""

    def __init__(self, manager: Any, kind: types.Type) -> None:
        super().__init__(manager, kind, FLOATS)


@register_model(MaskType)
class MaskModel(models.PrimitiveModel):
    """Masks are held as an LLVM vector of bits."""

    def __init__(self, manager: Any, kind: types.Type) -> None:
        super().__init__(manager, kind, BITS)


def integers(*values: int) -> ir.Constant:
    """A constant vector of integers: as many as given, or one repeated."""
    return ir.Constant(INTEGERS, list(values) if len(values) > 1 else list(values) * COUNT)


def repeated(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """The value as lanes, a lone float repeated."""
    if value.type in (FLOATS, BITS):
        return value
    nothing = ir.Constant(FLOATS, ir.Undefined)
    single = builder.insert_element(nothing, value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(single, nothing, integers(0))


def function(result: types.Type, emit: Callable[..., ir.Value], inputs: int) -> Callable:
    """Makes a function of one, two or three lanes (or masks, or floats to repeat) for compiled code."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        return emit(builder, *(repeated(builder, argument) for argument in arguments))

    def one(context: Any, first: types.Type) -> tuple:
        return result(first), generate

    def two(context: Any, first: types.Type, second: types.Type) -> tuple:
        return result(first, second), generate

    def three(context: Any, first: types.Type, second: types.Type, third: types.Type) -> tuple:
        return result(first, second, third), generate

    return intrinsic((one, two, three)[inputs - 1])


def add_operator(symbol: Callable, result: types.Type, emit: Callable[..., ir.Value]) -> None:
    """Teaches numba a binary operator, for lanes with lanes and for lanes with a float32 on either side."""
    pairs = [(LANES, LANES), (LANES, types.float32), (types.float32, LANES)] if symbol is not operator.and_ else [(MASK, MASK)]

    @type_callable(symbol)
    def type_operator(context: Any) -> Callable:
        return lambda left, right: result if (left, right) in pairs else None

    def lower(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        return emit(builder, repeated(builder, arguments[0]), repeated(builder, arguments[1]))

    for left, right in pairs:
        lower_builtin(symbol, left, right)(lower)


add_operator(operator.add, LANES, lambda builder, a, b: builder.fadd(a, b, flags=FUSE))
add_operator(operator.sub, LANES, lambda builder, a, b: builder.fsub(a, b, flags=FUSE))
add_operator(operator.mul, LANES, lambda builder, a, b: builder.fmul(a, b, flags=FUSE))
add_operator(operator.truediv, LANES, lambda builder, a, b: builder.fdiv(a, b))
add_operator(operator.lt, MASK, lambda builder, a, b: builder.fcmp_ordered("<", a, b))
add_operator(operator.le, MASK, lambda builder, a, b: builder.fcmp_ordered("<=", a, b))
add_operator(operator.gt, MASK, lambda builder, a, b: builder.fcmp_ordered(">", a, b))
add_operator(operator.ge, MASK, lambda builder, a, b: builder.fcmp_ordered(">=", a, b))
add_operator(operator.and_, MASK, lambda builder, a, b: builder.and_(a, b))


def emit_named(name: str) -> Callable[..., ir.Value]:
    """Calls an LLVM intrinsic on a vector of floats."""
    kind = ir.FunctionType(FLOATS, [FLOATS])
    return lambda builder, value: builder.call(
        cgutils.get_or_insert_function(builder.module, kind, f"{name}.v{COUNT}f32"), [value]
    )


def emit_power(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """Puts whole numbers into the exponent field of IEEE 754 binary32."""
    biased = builder.add(builder.fptosi(value, INTEGERS), integers(127))
    return builder.bitcast(builder.shl(biased, integers(23)), FLOATS)


def emit_exponent(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """Reads the exponent field of positive binary32 numbers, less its bias."""
    field = builder.lshr(builder.bitcast(value, INTEGERS), integers(23))
    return builder.sitofp(builder.sub(field, integers(127)), FLOATS)


def emit_mantissa(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """Reads the fraction of positive binary32 numbers, from 1 up to 2."""
    fraction = builder.and_(builder.bitcast(value, INTEGERS), integers(0x007FFFFF))
    return builder.bitcast(builder.or_(fraction, integers(0x3F800000)), FLOATS)


def emit_total(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """Adds the lanes in a fixed order: the vector is folded three times."""
    for width in (4, 2, 1):
        folded = builder.shuffle_vector(value, value, integers(*((lane + width) % COUNT for lane in range(COUNT))))
        value = builder.fadd(value, folded)
    return builder.extract_element(value, ir.Constant(ir.IntType(32), 0))


def emit_any(builder: ir.IRBuilder, mask: ir.Value) -> ir.Value:
    """True where a lane is."""
    return builder.icmp_unsigned("!=", builder.bitcast(mask, ir.IntType(COUNT)), ir.Constant(ir.IntType(COUNT), 0))


lanes_of = function(LANES, lambda builder, value: value, 1)
magnitude = function(LANES, emit_named("llvm.fabs"), 1)
root = function(LANES, emit_named("llvm.sqrt"), 1)
floor = function(LANES, emit_named("llvm.floor"), 1)
ceiling = function(LANES, emit_named("llvm.ceil"), 1)
nearest = function(LANES, emit_named("llvm.rint"), 1)
smaller = function(LANES, lambda builder, a, b: builder.select(builder.fcmp_ordered("<", a, b), a, b), 2)
larger = function(LANES, lambda builder, a, b: builder.select(builder.fcmp_ordered(">", a, b), a, b), 2)
select = function(LANES, lambda builder, mask, a, b: builder.select(mask, a, b), 3)
power_of_two = function(LANES, emit_power, 1)
exponent = function(LANES, emit_exponent, 1)
mantissa = function(LANES, emit_mantissa, 1)
total = function(types.float32, emit_total, 1)
any_lane = function(types.boolean, emit_any, 1)


def place(context: Any, builder: ir.IRBuilder, array: types.Array, value: ir.Value, index: ir.Value) -> ir.Value:
    """The address of an element of a flat array; no wrap-around, no bounds check."""
    data = context.make_array(array)(context, builder, value).data
    return builder.gep(data, [index], source_etype=context.get_data_type(array.dtype))


@intrinsic
def ramp(context: Any) -> tuple:
    """The lanes' numbers 0 to 7."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        return ir.Constant(FLOATS, [float(lane) for lane in range(COUNT)])

    return LANES(), generate


@intrinsic
def load(context: Any, array: types.Array, index: types.Integer) -> tuple:
    """Eight neighbours of a flat float32 array, from `index` on."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        address = place(context, builder, array, *arguments)
        return builder.load(builder.bitcast(address, FLOATS.as_pointer()), align=4, typ=FLOATS)

    return LANES(array, index), generate


@intrinsic
def store(context: Any, array: types.Array, index: types.Integer, value: types.Type) -> tuple:
    """Writes eight neighbours of a flat float32 array, from `index` on."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        address = place(context, builder, array, *arguments[:2])
        builder.store(arguments[2], builder.bitcast(address, FLOATS.as_pointer()), align=4)
        return context.get_constant_null(types.none)

    return types.none(array, index, value), generate


@intrinsic
def gather(context: Any, array: types.Array, index: types.Integer, stride: types.Integer) -> tuple:
    """Every `stride`-th of a flat float32 array, eight of them from `index` on."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        value, position, step = arguments
        lanes = ir.Constant(FLOATS, ir.Undefined)
        for lane in range(COUNT):
            element = builder.load(place(context, builder, array, value, position), typ=ir.FloatType())
            lanes = builder.insert_element(lanes, element, ir.Constant(ir.IntType(32), lane))
            position = builder.add(position, step)
        return lanes

    return LANES(array, index, stride), generate


@intrinsic
def scatter(context: Any, array: types.Array, index: types.Integer, stride: types.Integer, value: types.Type) -> tuple:
    """Writes every `stride`-th of a flat array, eight from `index` on; into an integer array the fraction is dropped."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        flat, position, step, lanes = arguments
        if array.dtype != types.float32:
            lanes = builder.fptosi(lanes, INTEGERS)
        for lane in range(COUNT):
            element = builder.extract_element(lanes, ir.Constant(ir.IntType(32), lane))
            builder.store(element, place(context, builder, array, flat, position))
            position = builder.add(position, step)
        return context.get_constant_null(types.none)

    return types.none(array, index, stride, value), generate


@intrinsic
def load_thirds(context: Any, array: types.Array, index: types.Integer) -> tuple:
    """Eight neighbouring triples of a flat float32 array, from `index` on: all first, all second, all third members."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        triples = ir.VectorType(ir.FloatType(), 3 * COUNT)
        address = place(context, builder, array, *arguments)
        whole = builder.load(builder.bitcast(address, triples.as_pointer()), align=4, typ=triples)
        parts = [builder.shuffle_vector(whole, whole, integers(*range(member, 3 * COUNT, 3))) for member in range(3)]
        return context.make_tuple(builder, signature.return_type, parts)

    return types.UniTuple(LANES, 3)(array, index), generate


@intrinsic
def store_thirds(context: Any, array: types.Array, index: types.Integer, triples: types.UniTuple) -> tuple:
    """Writes eight neighbouring triples of a flat float32 array: the converse of `load_thirds`."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        first, second, third = (builder.extract_value(arguments[2], member) for member in range(3))
        wide = ir.VectorType(ir.IntType(32), 2 * COUNT)
        pair = builder.shuffle_vector(first, second, ir.Constant(wide, list(range(2 * COUNT))))
        rest = builder.shuffle_vector(third, third, ir.Constant(wide, list(range(2 * COUNT))))
        order = [COUNT * member + lane for lane in range(COUNT) for member in range(3)]
        triple = ir.VectorType(ir.FloatType(), 3 * COUNT)
        whole = builder.shuffle_vector(pair, rest, ir.Constant(ir.VectorType(ir.IntType(32), 3 * COUNT), order))
        address = place(context, builder, array, *arguments[:2])
        builder.store(whole, builder.bitcast(address, triple.as_pointer()), align=4)
        return context.get_constant_null(types.none)

    return types.none(array, index, triples), generate


@intrinsic
def totals(context: Any, values: types.UniTuple) -> tuple:
    """The sums over the lanes of eight values, as lanes: pairs are folded into one until one is left."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        parts = [builder.extract_value(arguments[0], lane) for lane in range(COUNT)]
        for width in (4, 2, 1):  # each value of a pair keeps `width` partial sums in every group of 2 width lanes
            low = [lane for lane in range(2 * COUNT) if lane // width % 2 == 0]
            halves = integers(*low), integers(*(lane + width for lane in low))
            parts = [
                builder.fadd(*(builder.shuffle_vector(left, right, half) for half in halves))
                for left, right in zip(parts[::2], parts[1::2], strict=True)
            ]
        return parts[0]

    return LANES(values), generate
