"""Collecting the nodes and constants of an ONNX graph of pictures."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy import ndarray
from onnx import NodeProto, TensorProto, helper, numpy_helper

OPSET = 18


@dataclass(frozen=True)
class Picture:
    """A value that the network computes.

    Attributes:
        name: Its name in ONNX, where it lies as (batch, channels, height, width).
        shape: Its shape in TensorFlow's order: batch, height, width, channels.
        blocks: Where its rows and columns are to be taken apart, by how many each (``SpaceToBatchND``); (1, 1) where not.
        around: Padding above, below, left and right that ``SpaceToBatchND`` asked for.
        parts: The pictures of which this one is the concatenation along channels; empty where it is not one.
    """

    name: str
    shape: tuple[int, ...]
    blocks: tuple[int, int] = (1, 1)
    around: tuple[int, int, int, int] = (0, 0, 0, 0)
    parts: tuple["Picture", ...] = ()

    def __post_init__(self) -> None:
        if len(self.shape) != 4:
            raise ValueError(f"the value {self.name!r} of shape {self.shape} is not a batch of pictures")


Value = Picture | ndarray


@dataclass
class Builder:
    """The nodes and constants so far."""

    nodes: list[NodeProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)

    def constant(self, array: ndarray) -> str:
        """Keep a constant as it is; return its name."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def integers(self, numbers: Sequence[int]) -> str:
        """Keep a list of whole numbers; return its name."""
        return self.constant(np.array(numbers, np.int64))

    def operand(self, value: Value) -> str:
        """Return the name of a value; constants become (…, channels, height, width) so that they broadcast."""
        if isinstance(value, Picture):
            return value.name
        if value.ndim == 0:
            return self.constant(value)
        return self.constant(value.reshape((1,) * (4 - value.ndim) + value.shape).transpose(0, 3, 1, 2))

    def add(
        self, op: str, inputs: Sequence[Value | str], shape: tuple[int, ...], *, name: str | None = None, **attributes: Any
    ) -> Picture:
        """Add a node of one output and return that. Inputs given as names are taken as they are."""
        result = name or f"value_{len(self.nodes)}"
        names = [value if isinstance(value, str) else self.operand(value) for value in inputs]
        self.nodes.append(helper.make_node(op, names, [result], **attributes))
        return Picture(result, shape)

    def needed_nodes(self, outputs: Sequence[str]) -> list[NodeProto]:
        """Return the nodes that the outputs need, in order; the others computed what was then written another way."""
        wanted, kept = set(outputs), []
        for node in reversed(self.nodes):
            if wanted.intersection(node.output):
                wanted.update(node.input)
                kept.append(node)
        return kept[::-1]
