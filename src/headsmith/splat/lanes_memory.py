"""Reading and writing lanes (`lanes`): neighbours, every n-th, triples; and sums over them.

All work on flat arrays of the lanes' own kind, without wrap-around or a check of bounds. numba caches a kernel by its own
source file alone: remove `__pycache__` after a change here.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from headsmith.splat.lanes import COUNT, LANES, WIDE_LANES, LanesType, integers, vector_of

BYTES = {types.float32: 4, types.float64: 8}


def place(context: Any, builder: ir.IRBuilder, array: types.Array, value: ir.Value, index: ir.Value) -> ir.Value:
    """The address of an element of a flat array."""
    data = context.make_array(array)(context, builder, value).data
    return builder.gep(data, [index], source_etype=context.get_data_type(array.dtype))


def triples_of(lanes: types.Type) -> ir.VectorType:
    """LLVM's type of eight triples."""
    return ir.VectorType(vector_of(lanes).element, 3 * COUNT)


def emit_ramp(kind: LanesType) -> ir.Constant:
    """The lanes' numbers, from 0 on."""
    return ir.Constant(vector_of(kind), [float(lane) for lane in range(kind.count)])


@intrinsic
def ramp(context: Any, like: types.Type) -> tuple:
    """The lanes' numbers 0 to 7, of the kind of a lone float."""
    return LANES[like](like), lambda context, builder, signature, arguments: emit_ramp(LANES[like])


@intrinsic
def wide_ramp(context: Any, like: types.Type) -> tuple:
    """The lanes' numbers 0 to 15, of the kind of a lone float."""
    return WIDE_LANES[like](like), lambda context, builder, signature, arguments: emit_ramp(WIDE_LANES[like])


def emit_load(context: Any, builder: ir.IRBuilder, array: types.Array, kind: LanesType, arguments: Any) -> ir.Value:
    """Reads as many neighbours as the kind has lanes."""
    address = place(context, builder, array, *arguments[:2])
    vector = vector_of(kind)
    return builder.load(builder.bitcast(address, vector.as_pointer()), align=BYTES[array.dtype], typ=vector)


@intrinsic
def load(context: Any, array: types.Array, index: types.Integer) -> tuple:
    """Eight neighbours, from `index` on."""
    kind = LANES[array.dtype]
    return kind(array, index), lambda context, builder, signature, arguments: emit_load(
        context, builder, array, kind, arguments
    )


@intrinsic
def load_like(context: Any, array: types.Array, index: types.Integer, like: types.Type) -> tuple:
    """As many neighbours as other lanes are, from `index` on."""
    return like(array, index, like), lambda context, builder, signature, arguments: emit_load(
        context, builder, array, like, arguments
    )


@intrinsic
def store(context: Any, array: types.Array, index: types.Integer, value: types.Type) -> tuple:
    """Writes neighbours, from `index` on."""
    assert array.dtype == value.dtype, f"{value} into an array of {array.dtype}"

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        address = place(context, builder, array, *arguments[:2])
        builder.store(arguments[2], builder.bitcast(address, vector_of(value).as_pointer()), align=BYTES[array.dtype])
        return context.get_constant_null(types.none)

    return types.none(array, index, value), generate


@intrinsic
def fetch(context: Any, array: types.Array, index: types.Integer) -> tuple:
    """Asks for an element to be brought near, because it is wanted soon."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        whole = ir.IntType(32)
        address = builder.bitcast(place(context, builder, array, *arguments), ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [address.type, whole, whole, whole])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [address, whole(0), whole(3), whole(1)])
        return context.get_constant_null(types.none)

    return types.none(array, index), generate


@intrinsic
def gather(context: Any, array: types.Array, index: types.Integer, stride: types.Integer) -> tuple:
    """Every `stride`-th, eight of them from `index` on."""
    kind = LANES[array.dtype]

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        value, position, step = arguments
        lanes = ir.Constant(vector_of(kind), ir.Undefined)
        for lane in range(COUNT):
            element = builder.load(place(context, builder, array, value, position), typ=vector_of(kind).element)
            lanes = builder.insert_element(lanes, element, ir.Constant(ir.IntType(32), lane))
            position = builder.add(position, step)
        return lanes

    return kind(array, index, stride), generate


@intrinsic
def scatter(context: Any, array: types.Array, index: types.Integer, stride: types.Integer, value: types.Type) -> tuple:
    """Writes every `stride`-th, eight from `index` on; into an array of 32-bit integers the fraction is dropped."""
    whole = isinstance(array.dtype, types.Integer)
    assert whole or LANES[array.dtype] == value, f"{value} into an array of {array.dtype}"

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        flat, position, step, lanes = arguments
        if whole:
            lanes = builder.fptosi(lanes, ir.VectorType(ir.IntType(32), COUNT))
        for lane in range(COUNT):
            element = builder.extract_element(lanes, ir.Constant(ir.IntType(32), lane))
            builder.store(element, place(context, builder, array, flat, position))
            position = builder.add(position, step)
        return context.get_constant_null(types.none)

    return types.none(array, index, stride, value), generate


@intrinsic
def load_thirds(context: Any, array: types.Array, index: types.Integer) -> tuple:
    """Eight neighbouring triples, from `index` on: all first, all second, all third members."""
    kind = LANES[array.dtype]

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        triples = triples_of(kind)
        address = place(context, builder, array, *arguments)
        whole = builder.load(builder.bitcast(address, triples.as_pointer()), align=BYTES[array.dtype], typ=triples)
        parts = [builder.shuffle_vector(whole, whole, integers(*range(member, 3 * COUNT, 3))) for member in range(3)]
        return context.make_tuple(builder, signature.return_type, parts)

    return types.UniTuple(kind, 3)(array, index), generate


@intrinsic
def store_thirds(context: Any, array: types.Array, index: types.Integer, triples: types.UniTuple) -> tuple:
    """Writes eight neighbouring triples, from `index` on: the converse of `load_thirds`."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        first, second, third = (builder.extract_value(arguments[2], member) for member in range(3))
        pair = builder.shuffle_vector(first, second, integers(*range(2 * COUNT)))
        rest = builder.shuffle_vector(third, third, integers(*range(2 * COUNT)))
        order = [COUNT * member + lane for lane in range(COUNT) for member in range(3)]
        whole = builder.shuffle_vector(pair, rest, integers(*order))
        address = place(context, builder, array, *arguments[:2])
        builder.store(whole, builder.bitcast(address, whole.type.as_pointer()), align=BYTES[array.dtype])
        return context.get_constant_null(types.none)

    return types.none(array, index, triples), generate


@intrinsic
def totals(context: Any, values: types.UniTuple) -> tuple:
    """The sums over the lanes of eight values, as eight lanes: pairs are folded into one until one is left."""
    kind = LANES[values.dtype.dtype]

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        parts = [builder.extract_value(arguments[0], lane) for lane in range(COUNT)]
        if values.dtype.count > COUNT:
            halves = integers(*range(COUNT)), integers(*range(COUNT, values.dtype.count))
            parts = [builder.fadd(*(builder.shuffle_vector(part, part, half) for half in halves)) for part in parts]
        for width in (4, 2, 1):  # each value of a pair keeps `width` partial sums in every group of 2 width lanes
            low = [lane for lane in range(2 * COUNT) if lane // width % 2 == 0]
            halves = integers(*low), integers(*(lane + width for lane in low))
            parts = [
                builder.fadd(*(builder.shuffle_vector(left, right, half) for half in halves))
                for left, right in zip(parts[::2], parts[1::2], strict=True)
            ]
        return parts[0]

    return kind(values), generate
