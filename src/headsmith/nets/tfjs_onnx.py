"""Turning a TF.js graph into ONNX, for inputs of fixed shape.

The graph is run once in torch (``tfjs_torch``) on examples. What does not depend on the inputs' values (shapes, sizes,
paddings, branches taken) is a constant from then on; only the rest becomes ONNX nodes. Pictures change from TensorFlow's
layout (batch, height, width, channels) to ONNX's (batch, channels, height, width) throughout, inputs and outputs too, so the
converted network transposes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy import ndarray
from onnx import ModelProto, TensorProto, helper
from torch import Tensor

from headsmith.nets.onnx_builder import OPSET, Builder, Picture, Value
from headsmith.nets.tfjs import Graph, Node, Ref
from headsmith.nets.tfjs_onnx_ops import EMITTERS
from headsmith.nets.tfjs_torch import run_graph

CONTROL = ("Switch", "Merge")


@dataclass
class Facts:
    """What one run tells of each value: its shape, its constant value where it has one, whether it is alive."""

    shapes: dict[Ref, tuple[int, ...]] = field(default_factory=dict)
    constants: dict[Ref, ndarray] = field(default_factory=dict)

    def observe(self, node: Node, values: tuple[Tensor | None, ...], variable: bool) -> None:
        """Note the outputs of a node; ``variable`` where they depend on the values of the inputs."""
        for index, value in enumerate(values):
            if value is not None:
                self.shapes[Ref(node.name, index)] = tuple(value.shape)
                if not variable:
                    self.constants[Ref(node.name, index)] = value.numpy()

    def varies(self, ref: Ref) -> bool:
        """Whether a value is alive and depends on the values of the inputs."""
        return ref in self.shapes and ref not in self.constants


def convert_graph(
    graph: Graph,
    inputs: Mapping[str, Tensor],
    constants: Mapping[str, Tensor],
    outputs: Mapping[str, Ref],
    metadata: Mapping[str, str],
) -> ModelProto:
    """Convert a graph.

    Args:
        graph: The graph.
        inputs: An example for each input, by placeholder; pictures (batch, height, width, channels). The shapes are kept.
        constants: Placeholders that keep their value for good.
        outputs: What to give, by the name it shall have; all of them pictures.
        metadata: Kept in the file as its metadata.

    Returns:
        The checked model; its inputs bear the placeholders' names. All pictures are (batch, channels, height, width) float32.

    Raises:
        ValueError: The graph has an operation that is not supported.
    """
    order = graph.ordered(list(outputs.values()))
    facts = gather_facts(graph, inputs, constants, list(outputs.values()))
    builder = Builder()
    values: dict[Ref, Value] = {Ref(name): Picture(name, tuple(example.shape)) for name, example in inputs.items()}
    for node in order:
        if any(facts.varies(ref) for ref in facts.shapes.keys() & outputs_of(node)) and node.op != "Placeholder":
            values.update(convert_node(builder, node, values, facts))
    declared = [declare(name, tuple(example.shape)) for name, example in inputs.items()]
    for name, ref in outputs.items():
        builder.add("Identity", [values[ref]], values[ref].shape, name=name)
    given = [declare(name, facts.shapes[ref]) for name, ref in outputs.items()]
    nodes = builder.needed_nodes(list(outputs))
    used = {name for node in nodes for name in node.input}
    kept = [constant for constant in builder.constants if constant.name in used]
    body = helper.make_graph(nodes, "headsmith", declared, given, kept)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10, producer_name="headsmith")
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    return model


def gather_facts(graph: Graph, inputs: Mapping[str, Tensor], constants: Mapping[str, Tensor], outputs: Sequence[Ref]) -> Facts:
    """Run the graph once and note what every value is."""
    facts = Facts()

    def observe(node: Node, values: tuple[Tensor | None, ...]) -> None:
        fed = any(facts.varies(ref) for ref in node.inputs)
        facts.observe(node, values, node.name in inputs or (fed and node.op not in ("Shape", "NoOp")))

    run_graph(graph, {**inputs, **constants}, outputs, observe)
    return facts


def outputs_of(node: Node) -> set[Ref]:
    """Return references to the outputs that a node may have (no operation known here has more than its parts)."""
    return {Ref(node.name, index) for index in range(max(2, int(node.attributes.get("num_split", 1))))}


def convert_node(builder: Builder, node: Node, values: Mapping[Ref, Value], facts: Facts) -> dict[Ref, Value]:
    """Return the values that a node gives, having built what computes them.

    Raises:
        ValueError: The operation is not supported, or a branch depends on the inputs' values.
    """
    alive = [ref for ref in node.inputs if ref in facts.shapes]
    if node.op in CONTROL:
        if node.op == "Switch" and facts.varies(node.inputs[1]):
            raise ValueError(f"the branch {node.name!r} depends on the values of the inputs")
        return {ref: values[alive[0]] for ref in outputs_of(node) if ref in facts.shapes}
    if node.op not in EMITTERS:
        raise ValueError(f"the operation {node.op!r} of node {node.name!r} cannot be converted")
    taken = [facts.constants[ref] if ref in facts.constants else values[ref] for ref in alive]
    shapes = [facts.shapes[ref] for ref in sorted(outputs_of(node), key=lambda ref: ref.output) if ref in facts.shapes]
    results = EMITTERS[node.op](builder, node, shapes, *taken)
    return {Ref(node.name, index): result for index, result in enumerate(results)}


def declare(name: str, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
    """Return the declaration of an input or output of that shape (TensorFlow's order), channels first."""
    batch, height, width, channels = shape
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, (batch, channels, height, width))


def channels_first(picture: ndarray) -> ndarray:
    """Return (batch, height, width, channels) as contiguous (batch, channels, height, width)."""
    return np.ascontiguousarray(picture.transpose(0, 3, 1, 2))
