"""Running a TF.js graph in torch, one node after another: slow, plain, and the measure of the converted network.

Tensors keep TensorFlow's layout (batch, height, width, channels). Each operation follows TensorFlow's own definition of the
same name (``tf.raw_ops``). Data-dependent branches (``Switch``, ``Merge``) run as in TensorFlow 1: what hangs on a branch
not taken is dead, and ``Merge`` gives the input that is not.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from headsmith.nets.tfjs import Graph, Node, Ref
from headsmith.nets.tfjs_torch_ops import OPERATIONS

Observer = Callable[[Node, tuple[Tensor | None, ...]], None]
"""Called with each node and its outputs (``None`` where dead), before what is no longer needed is freed."""


@torch.no_grad()
def run_graph(
    graph: Graph, feeds: Mapping[str, Tensor], outputs: Sequence[Ref], observe: Observer | None = None
) -> list[Tensor]:
    """Run a graph.

    Args:
        graph: The graph.
        feeds: A tensor for each placeholder that the outputs need.
        outputs: Which values to return.
        observe: Called with every node's outputs as they come.

    Returns:
        The values of ``outputs``, in their order.

    Raises:
        ValueError: An operation is unknown, a placeholder is not fed, or an output is dead.
    """
    with one_thread():
        return run_ordered(graph, feeds, outputs, observe)


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch to one thread: its waiting threads spin, which made small graphs up to fifteen times slower on busy cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def run_ordered(graph: Graph, feeds: Mapping[str, Tensor], outputs: Sequence[Ref], observe: Observer | None) -> list[Tensor]:
    """Run a graph's nodes in order, freeing what is no longer needed."""
    order = graph.ordered(outputs)
    uses = Counter(ref.node for node in order for ref in node.inputs + node.controls)
    uses.update(ref.node for ref in outputs)
    values: dict[str, tuple[Tensor | None, ...]] = {}
    for node in order:
        values[node.name] = run_node(graph, node, feeds, values)
        if observe is not None:
            observe(node, values[node.name])
        for ref in node.inputs + node.controls:
            uses[ref.node] -= 1
            if not uses[ref.node]:
                del values[ref.node]
    return [alive(values, ref) for ref in outputs]


def alive(values: Mapping[str, tuple[Tensor | None, ...]], ref: Ref) -> Tensor:
    """Return a value.

    Raises:
        ValueError: It hangs on a branch that was not taken.
    """
    value = values[ref.node][ref.output]
    if value is None:
        raise ValueError(f"the output {ref.node!r} hangs on a branch that was not taken")
    return value


def run_node(
    graph: Graph, node: Node, feeds: Mapping[str, Tensor], values: Mapping[str, tuple[Tensor | None, ...]]
) -> tuple[Tensor | None, ...]:
    """Return the outputs of a node, all dead where an input is (but for ``Merge``).

    Raises:
        ValueError: The operation is unknown, or the placeholder is not fed.
    """
    if node.op == "Const":
        return (torch.from_numpy(graph.weights[node.name]),)
    if node.op == "Placeholder":
        if node.name not in feeds:
            raise ValueError(f"nothing is fed to the placeholder {node.name!r}")
        return (feeds[node.name],)
    inputs = [take(values, ref) for ref in node.inputs]
    if node.op == "Merge":
        return (next((value for value in inputs if value is not None), None),)
    present = [value for value in inputs if value is not None]
    if len(present) < len(inputs) or any(take(values, ref) is None for ref in node.controls):
        return (None,)
    if node.op == "Switch":
        return (None, present[0]) if bool(present[1]) else (present[0], None)
    if node.op not in OPERATIONS:
        raise ValueError(f"the operation {node.op!r} of node {node.name!r} is not supported")
    result = OPERATIONS[node.op](node, *present)
    return result if isinstance(result, tuple) else (result,)


def take(values: Mapping[str, tuple[Tensor | None, ...]], ref: Ref) -> Tensor | None:
    """Return a value; a dead node's outputs are all ``None``, however many it has."""
    outputs = values[ref.node]
    return None if all(value is None for value in outputs) else outputs[ref.output]
