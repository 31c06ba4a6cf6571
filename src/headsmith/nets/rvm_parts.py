"""Cutting a recurrent network into what comes before its memory, the memory, and what comes after.

Only the middle part must see the frames one after another. The others know nothing of other frames, so that several frames
can be in work at once, and the result is the same whatever their number.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import onnx
from onnx import ModelProto, NodeProto, ValueInfoProto, helper, shape_inference


@dataclass(frozen=True)
class Parts:
    """A network in three.

    Attributes:
        before: From the frame to what the others need of it.
        memory: From that and the states to the next states.
        after: From what the other two give to the results.
    """

    before: ModelProto
    memory: ModelProto
    after: ModelProto


def cut_recurrent(model: ModelProto, states: Sequence[str], next_states: Sequence[str]) -> Parts:
    """Cut a network.

    ``memory`` is every node that depends on the states and on which the next states depend; ``before`` what these need and does
    not depend on the states; ``after`` is the rest.

    Args:
        model: The network; its nodes stand in order, all shapes are known.
        states: Inputs that are kept from frame to frame.
        next_states: The outputs that become them.
    """
    nodes = list(model.graph.node)
    changing, needed = set(states), set(next_states)
    for node in nodes:
        if changing.intersection(node.input):
            changing.update(node.output)
    for node in reversed(nodes):
        if needed.intersection(node.output):
            needed.update(node.input)
    wanted = [bool(needed.intersection(node.output)) for node in nodes]
    later = [bool(changing.intersection(node.output)) for node in nodes]
    known = values_of(model)
    groups = {
        "before": [node for node, want, late in zip(nodes, wanted, later, strict=True) if want and not late],
        "memory": [node for node, want, late in zip(nodes, wanted, later, strict=True) if want and late],
        "after": [node for node, want in zip(nodes, wanted, strict=True) if not want],
    }
    outputs = [entry.name for entry in model.graph.output]
    return Parts(**{name: part_of(model, known, group, taken_outside(group, nodes, outputs)) for name, group in groups.items()})


def values_of(model: ModelProto) -> dict[str, ValueInfoProto]:
    """Return the declarations of all values of a network, by name."""
    graph = shape_inference.infer_shapes(model).graph
    return {entry.name: entry for entry in [*graph.value_info, *graph.input, *graph.output]}


def taken_outside(group: Sequence[NodeProto], nodes: Iterable[NodeProto], outputs: Sequence[str]) -> list[str]:
    """Return which values of some nodes other nodes take, or the network gives."""
    own = {name for node in group for name in node.output}
    inside = {id(node) for node in group}
    taken = {name for node in nodes if id(node) not in inside for name in node.input}
    return sorted(own & (taken | set(outputs)))


def part_of(
    model: ModelProto, known: dict[str, ValueInfoProto], group: Sequence[NodeProto], outputs: Sequence[str]
) -> ModelProto:
    """Return a network of some nodes; what they need and do not make becomes an input."""
    made = {name for node in group for name in node.output}
    used = {name for node in group for name in node.input if name}
    constants = [entry for entry in model.graph.initializer if entry.name in used]
    inputs = sorted(used - made - {entry.name for entry in constants})
    graph = helper.make_graph(group, "part", [known[name] for name in inputs], [known[name] for name in outputs], constants)
    part = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    onnx.checker.check_model(part)
    return part
