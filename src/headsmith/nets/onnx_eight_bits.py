"""Putting chosen convolutions of an ONNX network into 8 bits: whole numbers in, whole numbers multiplied, 32-bit sums.

Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", section 2:
a real ``r`` is kept as ``q`` with ``r = s (q - z)``. Pictures are unsigned, with one ``s`` and ``z`` each, set by the smallest
and largest value that examples reach; weights are signed and symmetric, with an ``s`` for each output channel. Between the
chosen convolutions pictures stay in 8 bits; ONNX runtime joins each with the pairs of (de)quantisations around it.

Weights use 7 of their 8 bits. Processors without 8-bit dot products (before AVX-512 VNNI) add two products in 16 bits, which
``2 * 255 * 64`` fits and ``2 * 255 * 127`` does not: so every processor gives the same sums.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from numpy import ndarray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from headsmith.nets.onnx_session import open_session

LARGEST_WEIGHT = 64
LARGEST_BYTE = 255
LARGEST_BIAS = 2**30
"""Biases are kept in 32 bits, in units of picture times weight; weights that are next to nothing get a unit that allows it."""

Feeds = Sequence[Mapping[str, ndarray]]
Unit = tuple[np.float32, np.uint8]
"""Scale ``s`` and zero ``z`` of a picture."""


def put_in_eight_bits(model: ModelProto, chosen: Sequence[str], feeds: Feeds) -> ModelProto:
    """Return the network with the chosen convolutions in 8 bits.

    Args:
        model: The network in 32 bits. An input of a chosen convolution may come in bytes already (``DequantizeLinear``).
        chosen: Convolutions, each by the name of its output; their weights and biases are constants.
        feeds: Examples of the network's inputs; the values that they reach set the ranges.
    """
    result = ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    constants = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    known = {node.output[0]: unit_of(node, constants) for node in graph.node if node.op_type == "DequantizeLinear"}
    convolutions = [node for node in graph.node if node.op_type == "Conv" and node.output[0] in chosen]
    pictures = [name for name in pictures_around(graph, convolutions) if name not in known]
    units = {name: unit_between(*limits) for name, limits in reached(model, pictures, feeds).items()}
    before = [
        part for node in convolutions for part in eight_bit_weights(graph, node, constants, (known | units)[node.input[0]])
    ]
    after = with_units(graph, units)
    graph.ClearField("node")
    graph.node.extend([*before, *after])
    used = {name for node in graph.node for name in node.input}
    kept = [entry for entry in graph.initializer if entry.name in used]
    graph.ClearField("initializer")
    graph.initializer.extend(kept)
    graph.ClearField("value_info")
    onnx.checker.check_model(result, full_check=True)
    return result


def multiplications(model: ModelProto) -> dict[str, int]:
    """Return how many multiplications each convolution makes, by the name of its output."""
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    sides = {entry.name: [side.dim_value for side in entry.type.tensor_type.shape.dim] for entry in inferred.value_info}
    sides |= {entry.name: [side.dim_value for side in entry.type.tensor_type.shape.dim] for entry in inferred.output}
    weights = {entry.name: tuple(entry.dims) for entry in model.graph.initializer}
    return {
        node.output[0]: int(np.prod(sides[node.output[0]]) * np.prod(weights[node.input[1]][1:]))
        for node in model.graph.node
        if node.op_type == "Conv"
    }


def pictures_around(graph: GraphProto, convolutions: Sequence[NodeProto]) -> list[str]:
    """Return what the convolutions read and write, once each; of one that a rectifier follows, what that writes."""
    rectified = {node.input[0]: node.output[0] for node in graph.node if node.op_type == "Relu"}
    names = [name for node in convolutions for name in (node.input[0], rectified.get(node.output[0], node.output[0]))]
    return list(dict.fromkeys(names))


def reached(model: ModelProto, names: Sequence[str], feeds: Feeds) -> dict[str, tuple[float, float]]:
    """Return the smallest and the largest value of pictures over the examples."""
    watched = ModelProto()
    watched.CopyFrom(model)
    given = {entry.name for entry in watched.graph.output}
    watched.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names if name not in given
    )
    session = open_session(watched.SerializeToString(), 1)
    limits = dict.fromkeys(names, (np.inf, -np.inf))
    for feed in feeds:
        for name, value in zip(names, session.run(list(names), dict(feed)), strict=True):
            low, high = limits[name]
            limits[name] = min(low, float(value.min())), max(high, float(value.max()))
    return limits


def unit_between(low: float, high: float) -> Unit:
    """Return the unit of 8 bits from ``low`` to ``high``; zero is always kept exactly, because padding is zero."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = np.float32(max(high - low, 1e-12) / LARGEST_BYTE)
    return scale, np.uint8(round(-low / float(scale)))


def unit_of(node: NodeProto, constants: Mapping[str, ndarray]) -> Unit:
    """Return the unit that a ``DequantizeLinear`` reads."""
    return constants[node.input[1]][()], constants[node.input[2]][()]


def eight_bit_weights(graph: GraphProto, node: NodeProto, constants: Mapping[str, ndarray], unit: Unit) -> list[NodeProto]:
    """Give a convolution its weights in 8 bits and its bias in 32; return the nodes that read them."""
    weights = constants[node.input[1]]
    bias = constants[node.input[2]] if len(node.input) > 2 else np.zeros(len(weights), np.float32)
    smallest = np.maximum(np.abs(bias) / (unit[0] * LARGEST_BIAS), 1e-12)
    scales = np.maximum(np.abs(weights).max((1, 2, 3)) / LARGEST_WEIGHT, smallest).astype(np.float32)
    whole = np.round(weights / scales[:, None, None, None]).astype(np.int8)
    parts = {"weights": (whole, scales), "bias": (np.round(bias / (unit[0] * scales)).astype(np.int32), unit[0] * scales)}
    readers = []
    for part, (numbers, steps) in parts.items():
        name = f"{node.output[0]}_{part}"
        names = [f"{name}_{word}" for word in ("whole", "scale", "zero")]
        arrays = (numbers, steps.astype(np.float32), np.zeros(len(steps), numbers.dtype))
        graph.initializer.extend(numpy_helper.from_array(array, key) for array, key in zip(arrays, names, strict=True))
        readers.append(helper.make_node("DequantizeLinear", names, [name], axis=0))
    node.input[:] = [node.input[0], *(reader.output[0] for reader in readers)]
    return readers


def with_units(graph: GraphProto, units: Mapping[str, Unit]) -> list[NodeProto]:
    """Return the graph's nodes, each named picture put in 8 bits where it is made; all read it from there."""
    nodes = [
        part for entry in graph.input if entry.name in units for part in through_bytes(graph, entry.name, units[entry.name])
    ]
    for node in graph.node:
        node.input[:] = [f"{name}_read" if name in units else name for name in node.input]
        nodes.append(node)
        for name in node.output:
            nodes += through_bytes(graph, name, units[name]) if name in units else []
    return nodes


def through_bytes(graph: GraphProto, name: str, unit: Unit) -> list[NodeProto]:
    """Return the nodes that put a picture in 8 bits and read it back."""
    constants = [f"{name}_{word}" for word in ("scale", "zero")]
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value), key) for key, value in zip(constants, unit, strict=True)
    )
    writer = helper.make_node("QuantizeLinear", [name, *constants], [f"{name}_bytes"])
    return [writer, helper.make_node("DequantizeLinear", [f"{name}_bytes", *constants], [f"{name}_read"])]
