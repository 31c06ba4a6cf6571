"""Arrays out of the records of a pickle: numpy's, scipy's sparse matrices, and chumpy's, by numpy's own public constructors.

``ndarray.__setstate__`` and ``dtype.__setstate__`` are never reached: a crafted state of theirs can make numpy take bytes for
object pointers. An array is only what its bytes are worth: shape and type must account for every byte in the file.
"""

import math
from typing import Any, Final

import numpy as np
from jaxtyping import Float, Shaped
from numpy import ndarray

from headsmith.heads.pickles_values import Record, Refusal, to_bytes

NUMBERS: Final = frozenset(
    f"{kind}{size}" for kind, sizes in {"i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8)}.items() for size in sizes
)
"""Types of entries that are read."""

ORDERS: Final[dict[object, str]] = {"<": "<", ">": ">", "|": "|", "=": "<"}
"""Byte orders; numpy writes ``<`` or ``>``, never ``=``, for more than one byte."""

MAX_AXES: Final = 8
MAX_DEPTH: Final = 4
"""Arrays within arrays: chumpy's ``Ch`` of an array is 1."""


def as_array(value: object) -> Shaped[ndarray, "..."]:
    """Return the numbers of an array, or of chumpy's ``Ch``, whose array is its attribute ``x``; native byte order.

    Raises:
        Refusal: It is something else, or its parts do not fit.
    """
    for _ in range(MAX_DEPTH):
        if not isinstance(value, Record) or value.name.kind != "chumpy":
            break
        value = _unwrap(value)
    if not isinstance(value, Record) or value.name.kind not in ("array", "buffer", "scalar"):
        raise Refusal(f"it is {_what(value)}, not an array")
    if value.name.kind == "buffer":
        return _from_buffer(value)
    return _compose(*(_array_parts if value.name.kind == "array" else _scalar_parts)(value))


def as_matrix(value: object, shape: tuple[int, int]) -> Float[ndarray, "r c"]:
    """Return a matrix of known shape, from scipy's sparse columns or rows, or from a plain array.

    Entries that stand twice are added, as scipy does.

    Raises:
        Refusal: It is something else, has another shape, or names places outside it.
    """
    sparse = isinstance(value, Record) and value.name.kind == "sparse"
    matrix = _dense(value, shape) if sparse else as_array(value)
    if matrix.shape != shape:
        raise Refusal(f"it has shape {matrix.shape}, not {shape}")
    return matrix.astype(np.float64)


def check_record(record: Record) -> None:
    """Refuse an object that numpy or scipy could not make, or use, without harm.

    Raises:
        Refusal: A type of entries is crafted; or an array's, a number's or a sparse matrix's parts do not fit.
    """
    kind = record.name.kind
    if kind == "dtype":
        _as_dtype(record)
    elif kind in ("array", "buffer", "scalar"):
        as_array(record)
    elif kind == "sparse":
        _sparse_parts(record, _shape_of(record))
    if kind == "array" and record.args[1:] not in (((0,), "b"), ((0,), b"b")):
        raise Refusal("an array is made in another way than numpy's")
    if kind in ("sparse", "chumpy") and record.args:
        raise Refusal(f"it makes an object of `{record.name}` with arguments")


def _dense(record: Record, shape: tuple[int, int]) -> Float[ndarray, "r c"]:
    claimed = _shape_of(record)
    if claimed != shape:
        raise Refusal(f"it has shape {claimed}, not {shape}")
    entries, places, starts = _sparse_parts(record, shape)
    by_rows = record.name.name.startswith("csr")
    dense = np.zeros(shape if by_rows else shape[::-1])
    np.add.at(dense, (np.repeat(np.arange(len(dense)), np.diff(starts)), places), entries)
    return dense if by_rows else dense.T


def _shape_of(record: Record) -> tuple[int, ...]:
    state = _state(record)
    return _numbers_in(state.get("_shape", state.get("shape")))


def _sparse_parts(record: Record, shape: tuple[int, ...]) -> tuple[ndarray, ndarray, ndarray]:
    if len(shape) != 2 or min(shape) < 0:
        raise Refusal(f"its sparse matrix claims the shape {_told(shape)}")
    lines, across = shape if record.name.name.startswith("csr") else shape[::-1]
    entries, places, starts = (as_array(_state(record).get(key)) for key in ("data", "indices", "indptr"))
    _refuse_loose(entries, places, starts, lines, across)
    return entries, places, starts


def _refuse_loose(entries: ndarray, places: ndarray, starts: ndarray, lines: int, across: int) -> None:
    if places.dtype.kind not in "iu" or starts.dtype.kind not in "iu" or starts.shape != (lines + 1,):
        raise Refusal(f"its sparse matrix has {starts.shape} starts of {lines} lines")
    ends = starts.astype(np.int64)
    sound = ends[0] == 0 and (np.diff(ends) >= 0).all() and ends[-1] == len(entries)
    if entries.ndim != 1 or entries.shape != places.shape or not sound:
        raise Refusal("the parts of its sparse matrix do not fit together")
    if places.size and not (places.min() >= 0 and places.max() < across):
        raise Refusal(f"its sparse matrix has entries at {places.min()}..{places.max()} of {across}")


def _unwrap(record: Record) -> Any:
    if record.name.name != "Ch":
        raise Refusal(f"it is a `{record.name}`, which chumpy itself would have to compute (`heads.reader: chumpy`)")
    state = _state(record)
    if "x" not in state:
        raise Refusal(f"it is a `{record.name}` without its array `x`")
    return state["x"]


def _state(record: Record) -> dict[Any, Any]:
    if not isinstance(record.state, dict):
        raise Refusal(f"the state of its `{record.name}` is {_what(record.state)}")
    return record.state


def _array_parts(record: Record) -> tuple[object, object, str, object]:
    state = record.state
    if not isinstance(state, tuple) or len(state) not in (4, 5):
        raise Refusal("an array has no state")
    shape, kind, by_columns, content = state[-4:]
    return shape, kind, "F" if by_columns is True or by_columns == 1 else "C", content


def _from_buffer(record: Record) -> Shaped[ndarray, "..."]:
    """Return the array of ``_frombuffer(content, dtype, shape, order, axes)``; order ``K`` came with numpy 2.3."""
    if len(record.args) not in (4, 5):
        raise Refusal("an array of protocol 5 has no parts")
    content, kind, shape, order = record.args[:4]
    if order in ("C", "F"):
        return _compose(shape, kind, order, content)
    axes = _numbers_in(record.args[-1])
    array = _compose(shape, kind, "C", content)
    if order != "K" or sorted(axes) != list(range(array.ndim)):
        raise Refusal("an array is laid out in an order that is not read")
    return array.transpose(axes)


def _scalar_parts(record: Record) -> tuple[object, object, str, object]:
    if len(record.args) != 2:
        raise Refusal("a number has no value")
    return (), record.args[0], "C", record.args[1]


def _compose(shape: object, kind: object, order: str, content: object) -> Shaped[ndarray, "..."]:
    sizes, entry = _numbers_in(shape), _as_dtype(kind)
    if len(sizes) > MAX_AXES or min(sizes, default=0) < 0:
        raise Refusal(f"an array claims the shape {sizes}")
    content = to_bytes(content) if isinstance(content, str) else content
    if not isinstance(content, bytes):
        raise Refusal(f"an array holds {_what(content)}, not bytes: arrays of Python objects are not read")
    if math.prod(sizes) * entry.itemsize != len(content):
        raise Refusal(f"an array claims {_told(sizes)} entries of {entry.itemsize} bytes, the file holds {len(content)} bytes")
    return np.frombuffer(content, entry).reshape(sizes, order=order).astype(entry.newbyteorder("="), copy=False)


def _told(sizes: tuple[int, ...]) -> str:
    return " x ".join(str(size) if abs(size) < 10**12 else "over 10^12" for size in sizes) or "1"


def _as_dtype(kind: object) -> np.dtype[Any]:
    if not isinstance(kind, Record) or kind.name.kind != "dtype":
        raise Refusal(f"the type of an array is {_what(kind)}")
    name = kind.args[0] if kind.args else None
    if not isinstance(name, str) or name not in NUMBERS:
        told = ascii(name)[:40] if isinstance(name, str) else _what(name)
        raise Refusal(f"an array has entries of type {told}, not plain numbers")
    state = ("", "|") if kind.state is None else kind.state
    if not isinstance(state, tuple) or len(state) < 2 or any(part is not None for part in state[2:5]):
        raise Refusal("the type of an array has fields")
    if not isinstance(state[1], str) or state[1] not in ORDERS:
        raise Refusal("the type of an array has no byte order")
    return np.dtype(ORDERS[state[1]] + name)


def _numbers_in(shape: object) -> tuple[int, ...]:
    if not isinstance(shape, tuple) or not all(isinstance(size, int) for size in shape):
        raise Refusal(f"a shape is {_what(shape)}")
    return shape


def _what(value: object) -> str:
    return f"a `{value.name}`" if isinstance(value, Record) else f"a {type(value).__name__}"
