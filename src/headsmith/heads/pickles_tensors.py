"""What numpy and torch add to pickles: tensors, and the one object of a file that ``numpy.save`` wrote."""

import io
import pickle
import tokenize
from typing import Any

import numpy as np
import torch
from jaxtyping import Shaped
from numpy import ndarray

from headsmith.heads.pickles_arrays import as_array
from headsmith.heads.pickles_machine import Machine
from headsmith.heads.pickles_values import Record, Refusal

MOST_NUMBERS = 10_000_000
"""Numbers of a tensor; FLAME's embeddings of landmarks have some thousands."""


def read_saved_object(data: bytes) -> Any:
    """Return the object that ``numpy.save`` wrote as an array without axes, as plain data and records; nothing of it is run.

    Args:
        data: The whole ``.npy`` file.

    Raises:
        Refusal: It is no such file, or its pickle asks for something that is not allowed, or is broken.
    """
    stream = io.BytesIO(data)
    try:
        readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, _, kind = readers[np.lib.format.read_magic(stream)](stream)
    except (ValueError, KeyError, SyntaxError, tokenize.TokenError) as error:
        raise Refusal(f"it is no file of numpy's: {error}") from error
    if shape != () or kind != np.dtype(object):
        raise Refusal(f"it holds an array of {kind} {shape}, not one object")
    value = Machine(data[stream.tell() :]).run()
    state = value.state if isinstance(value, Record) and value.name.kind == "array" else None
    held = state[-1] if isinstance(state, tuple) and state else None
    if not isinstance(held, list) or len(held) != 1:
        raise Refusal("its pickle does not hold one object")
    return held[0]


def as_numbers(value: Any) -> Shaped[ndarray, "..."]:
    """Return the numbers of an array (see ``pickles_arrays``) or of a torch tensor.

    Raises:
        Refusal: It is something else, or its parts do not fit.
    """
    is_tensor = isinstance(value, Record) and value.name.kind == "tensor"
    return _tensor(value).numpy() if is_tensor else as_array(value)


def _tensor(record: Record) -> torch.Tensor:
    """Return the tensor of ``_rebuild_tensor_v2(storage, offset, size, stride, ...)``."""
    if len(record.args) < 4:
        raise Refusal("a tensor has no parts")
    storage, offset, sizes, steps = record.args[:4]
    plain = isinstance(sizes, tuple) and isinstance(steps, tuple) and len(sizes) == len(steps) <= 8
    if not plain or not all(type(number) is int and number >= 0 for number in (offset, *sizes, *steps)):
        raise Refusal("a tensor's shape is not one of whole numbers")
    flat = _flat(storage)
    last = offset + sum((size - 1) * step for size, step in zip(sizes, steps, strict=True))
    if 0 in sizes or last >= len(flat) or int(np.prod(sizes, dtype=object)) > MOST_NUMBERS:
        raise Refusal(f"a tensor claims the shape {str(sizes)[:60]} of {len(flat)} numbers")
    return flat.as_strided(sizes, steps, offset).clone()


def _flat(record: Any) -> torch.Tensor:
    """Return the numbers of ``_load_from_bytes(stream)``, whose stream ``torch.load`` reads as weights alone."""
    content = record.args[0] if isinstance(record, Record) and record.name.kind == "storage" and record.args else None
    if not isinstance(content, bytes):
        raise Refusal("a tensor has no numbers")
    try:
        storage = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    except (pickle.UnpicklingError, RuntimeError, ValueError, TypeError, LookupError, EOFError, AttributeError) as error:
        raise Refusal(f"the numbers of a tensor cannot be read: {str(error).splitlines()[0][:120]}") from error
    if not isinstance(storage, torch.storage.TypedStorage) or storage.dtype.is_complex:
        raise Refusal(f"the numbers of a tensor are a {type(storage).__name__}")
    whole = storage._untyped_storage  # its public name warns of a class that this file's format needs
    return torch.empty(0, dtype=storage.dtype).set_(whole)
