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
    not depend on the states; ``after`` is the rest. What depends on no input at all (weights kept in 8 bits, widened by a node)
    goes along with what uses it.

    Args:
        model: The network; its nodes stand in order, all shapes are known.
        states: Inputs that are kept from frame to frame.
        next_states: The outputs that become them.
    """
    alive = reached({entry.name for entry in model.graph.input}, model.graph.node)
    nodes = [node for node in model.graph.node if alive.intersection(node.output)]
    fixed = [node for node in model.graph.node if not alive.intersection(node.output)]
    changing, needed = reached(set(states), nodes), set(next_states)
    for node in reversed(nodes):
        if needed.intersection(node.output):
            needed.update(node.input)
    groups: dict[str, list[NodeProto]] = {"before": [], "memory": [], "after": []}
    for node in nodes:
        wanted, late = needed.intersection(node.output), changing.intersection(node.output)
        groups[("memory" if late else "before") if wanted else "after"].append(node)
    known = values_of(model)
    outputs = [entry.name for entry in model.graph.output]
    return Parts(
        **{name: part_of(model, known, fixed, group, taken_outside(group, nodes, outputs)) for name, group in groups.items()}
    )


def reached(names: set[str], nodes: Iterable[NodeProto]) -> set[str]:
    """Return all values that depend on the named ones, and these."""
    found = set(names)
    for node in nodes:
        if found.intersection(node.input):
            found.update(node.output)
    return found


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
    model: ModelProto,
    known: dict[str, ValueInfoProto],
    fixed: Sequence[NodeProto],
    group: Sequence[NodeProto],
    outputs: Sequence[str],
) -> ModelProto:
    """Return a network of some nodes and of those fixed ones that they use; what they need and do not make becomes an input."""
    used = {name for node in group for name in node.input if name}
    kept: list[NodeProto] = []
    for node in reversed(fixed):
        if used.intersection(node.output):
            used.update(node.input)
            kept.insert(0, node)
    nodes = [*kept, *group]
    made = {name for node in nodes for name in node.output}
    constants = [entry for entry in model.graph.initializer if entry.name in used]
    inputs = sorted(used - made - {entry.name for entry in constants})
    graph = helper.make_graph(nodes, "part", [known[name] for name in inputs], [known[name] for name in outputs], constants)
    part = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    onnx.checker.check_model(part)
    return part
