"""Eight or sixteen numbers at once: a SIMD type for compiled (numba) kernels, spelt with ordinary operators.

Left to itself, LLVM turns the loop over a row of pixels into vectors but takes every sum apart at the end of each row. A
`Lanes` value is an LLVM vector of 8 or 16 float32, or float64, that stays in registers (in two or more where registers hold
less), so a kernel says what is kept where. In compiled code `+ - * /`, `< <= > >=` (giving a mask) and `&` work as usual; a
lone float beside lanes is rounded to their kind and repeated, so a constant written as a Python float serves both. The
functions below do the rest, and `lanes_memory` reads and writes. Products and sums may be fused (`contract`), nothing else is
reordered.

numba caches a kernel by its own source file alone: remove `__pycache__` after a change here.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

COUNT = 8
WIDE = 2 * COUNT
FUSE = ("contract",)
ELEMENTS = {types.float32: ir.FloatType(), types.float64: ir.DoubleType()}


class LanesType(types.Type):
    """Numba's type of 8 or 16 floats of one kind."""

    def __init__(self, dtype: types.Float, count: int) -> None:
        self.dtype, self.count = dtype, count
        super().__init__(name=f"Lanes({dtype}, {count})")


class MaskType(types.Type):
    """Numba's type of 8 or 16 truth values."""

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(name=f"Mask({count})")


LANES, WIDE_LANES = ({dtype: LanesType(dtype, count) for dtype in ELEMENTS} for count in (COUNT, WIDE))
MASKS = {count: MaskType(count) for count in (COUNT, WIDE)}


def vector_of(lanes: LanesType) -> ir.VectorType:
    """LLVM's type of lanes."""
    return ir.VectorType(ELEMENTS[lanes.dtype], lanes.count)


@register_model(LanesType)
class LanesModel(models.PrimitiveModel):
    """Lanes are held as an LLVM vector of floats."""

    def __init__(self, manager: Any, kind: types.Type) -> None:
        super().__init__(manager, kind, vector_of(kind))


@register_model(MaskType)
class MaskModel(models.PrimitiveModel):
    """Masks are held as an LLVM vector of bits."""

    def __init__(self, manager: Any, kind: types.Type) -> None:
        super().__init__(manager, kind, ir.VectorType(ir.IntType(1), kind.count))


def integers(*values: int) -> ir.Constant:
    """A constant vector of 32-bit integers."""
    return ir.Constant(ir.VectorType(ir.IntType(32), len(values)), list(values))


def repeated(builder: ir.IRBuilder, value: ir.Value, vector: ir.VectorType) -> ir.Value:
    """The value as lanes, a lone float rounded to their kind and repeated."""
    if isinstance(value.type, ir.VectorType):
        return value
    if value.type != vector.element:
        value = (builder.fptrunc if vector.element == ir.FloatType() else builder.fpext)(value, vector.element)
    nothing = ir.Constant(vector, ir.Undefined)
    single = builder.insert_element(nothing, value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(single, nothing, integers(*[0] * vector.count))


def kind_of(arguments: tuple[types.Type, ...]) -> LanesType:
    """The kind of lanes among a function's arguments; of a lone float's kind where there are none."""
    lanes = [argument for argument in arguments if isinstance(argument, LanesType)]
    return lanes[0] if lanes else LANES.get(arguments[0], LANES[types.float32])


def function(result: Callable[[LanesType], types.Type], emit: Callable[..., ir.Value], inputs: int) -> Callable:
    """Makes a function of one, two or three lanes (or masks, or floats to repeat) for compiled code."""

    def typed(*arguments: types.Type) -> tuple:
        kind = kind_of(arguments)

        def generate(context: Any, builder: ir.IRBuilder, signature: Any, values: Any) -> ir.Value:
            return emit(builder, *(repeated(builder, value, vector_of(kind)) for value in values))

        return result(kind)(*arguments), generate

    def one(context: Any, first: types.Type) -> tuple:
        return typed(first)

    def two(context: Any, first: types.Type, second: types.Type) -> tuple:
        return typed(first, second)

    def three(context: Any, first: types.Type, second: types.Type, third: types.Type) -> tuple:
        return typed(first, second, third)

    return intrinsic((one, two, three)[inputs - 1])


def add_operator(symbol: Callable, emit: Callable[..., ir.Value], compares: bool = False) -> None:
    """Teaches numba a binary operator, for lanes with lanes and for lanes with a float on either side."""
    pairs = {}
    for lanes in (*LANES.values(), *WIDE_LANES.values()):
        result = MASKS[lanes.count] if compares else lanes
        pairs |= {pair: (result, lanes) for single in ELEMENTS for pair in ((lanes, single), (single, lanes))}
        pairs[lanes, lanes] = result, lanes

    @type_callable(symbol)
    def type_operator(context: Any) -> Callable:
        return lambda left, right: pairs[left, right][0] if (left, right) in pairs else None

    def lower(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        vector = vector_of(pairs[signature.args][1])
        return emit(builder, *(repeated(builder, argument, vector) for argument in arguments))

    for left, right in pairs:
        lower_builtin(symbol, left, right)(lower)


@type_callable(operator.and_)
def type_and(context: Any) -> Callable:
    """Masks are joined by `&`."""
    return lambda left, right: left if left == right and left in MASKS.values() else None


for mask in MASKS.values():
    lower_builtin(operator.and_, mask, mask)(lambda context, builder, signature, arguments: builder.and_(*arguments))
add_operator(operator.add, lambda builder, a, b: builder.fadd(a, b, flags=FUSE))
add_operator(operator.sub, lambda builder, a, b: builder.fsub(a, b, flags=FUSE))
add_operator(operator.mul, lambda builder, a, b: builder.fmul(a, b, flags=FUSE))
add_operator(operator.truediv, lambda builder, a, b: builder.fdiv(a, b))
add_operator(operator.lt, lambda builder, a, b: builder.fcmp_ordered("<", a, b), compares=True)
add_operator(operator.le, lambda builder, a, b: builder.fcmp_ordered("<=", a, b), compares=True)
add_operator(operator.gt, lambda builder, a, b: builder.fcmp_ordered(">", a, b), compares=True)
add_operator(operator.ge, lambda builder, a, b: builder.fcmp_ordered(">=", a, b), compares=True)


def emit_named(name: str) -> Callable[..., ir.Value]:
    """Calls an LLVM intrinsic on a vector of floats."""

    def emit(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
        kind = ir.FunctionType(value.type, [value.type])
        suffix = f"v{value.type.count}f{32 if value.type.element == ir.FloatType() else 64}"
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"{name}.{suffix}"), [value])

    return emit


def emit_total(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """Adds the lanes in a fixed order: the vector is folded until one is left."""
    width = count = value.type.count
    while width := width // 2:
        folded = builder.shuffle_vector(value, value, integers(*((lane + width) % count for lane in range(count))))
        value = builder.fadd(value, folded)
    return builder.extract_element(value, ir.Constant(ir.IntType(32), 0))


def emit_any(builder: ir.IRBuilder, mask: ir.Value) -> ir.Value:
    """True where a lane is."""
    bits = ir.IntType(mask.type.count)
    return builder.icmp_unsigned("!=", builder.bitcast(mask, bits), ir.Constant(bits, 0))


def alike(kind: LanesType) -> types.Type:
    """The type of what has the kind of its arguments."""
    return kind


lanes_of = function(alike, lambda builder, value: value, 1)
alike_lanes = function(alike, lambda builder, value, like: value, 2)
magnitude = function(alike, emit_named("llvm.fabs"), 1)
root = function(alike, emit_named("llvm.sqrt"), 1)
floor = function(alike, emit_named("llvm.floor"), 1)
ceiling = function(alike, emit_named("llvm.ceil"), 1)
smaller = function(alike, lambda builder, a, b: builder.select(builder.fcmp_ordered("<", a, b), a, b), 2)
larger = function(alike, lambda builder, a, b: builder.select(builder.fcmp_ordered(">", a, b), a, b), 2)
select = function(alike, lambda builder, mask, a, b: builder.select(mask, a, b), 3)
total = function(lambda kind: kind.dtype, emit_total, 1)
any_lane = function(lambda kind: types.boolean, emit_any, 1)
