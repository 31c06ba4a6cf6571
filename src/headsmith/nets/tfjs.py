"""Reading TensorFlow.js graph models: a JSON topology and shards of raw weights. Data alone: nothing in a file is executed.

The format is that of the TensorFlow.js converter's ``model.json``: ``modelTopology`` is a TensorFlow GraphDef as JSON,
``weightsManifest`` lists groups of weights that lie end to end in the group's shards.
"""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from headsmith.contract.errors import UserError

STORED_TYPES = {"float32": "<f4", "int32": "<i4", "bool": "?"}
QUANTIZED_TYPES = {"uint8": "u1", "uint16": "<u2", "float16": "<f2"}

REMEDY = "fetch the network again (see config/assets.yaml), and give it all of its shards"


@dataclass(frozen=True)
class Ref:
    """One output of a node: its name and which of its outputs."""

    node: str
    output: int = 0


@dataclass(frozen=True)
class Node:
    """A node of a graph: its operation, the values it takes, the nodes it waits for, its attributes as plain values."""

    name: str
    op: str
    inputs: tuple[Ref, ...]
    controls: tuple[Ref, ...]
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Graph:
    """A TF.js graph model: nodes by name, and the arrays of its ``Const`` nodes (float32, int32 or bool)."""

    nodes: dict[str, Node]
    weights: dict[str, ndarray]

    def ordered(self, outputs: Sequence[Ref]) -> list[Node]:
        """Return the nodes that the outputs need, each after all that it needs itself.

        Raises:
            ValueError: A node is named that does not exist, or the nodes need each other in a circle.
        """
        order: dict[str, Node | None] = {}
        waiting = [(ref.node, False) for ref in reversed(outputs)]
        while waiting:
            name, needs_are_met = waiting.pop()
            if needs_are_met:
                order[name] = order.pop(name) or self.nodes[name]
            elif name not in order:
                if name not in self.nodes:
                    raise ValueError(f"the graph has no node {name!r}")
                order[name] = None
                node = self.nodes[name]
                waiting.append((name, True))
                waiting += [(ref.node, False) for ref in reversed(node.inputs + node.controls)]
            elif order[name] is None:
                raise ValueError(f"the graph's node {name!r} needs itself")
        return [node for node in order.values() if node is not None]


def read_graph(model: Path, shards: Sequence[Path]) -> Graph:
    """Read a TF.js graph model.

    Args:
        model: The JSON file.
        shards: The files of weights, found by the names that the JSON gives; names alone, their folders do not matter.

    Returns:
        The graph, its quantised weights widened to float32 (``value * scale + min``).

    Raises:
        UserError: A file is missing or of the wrong size, or the JSON is not a graph model.
    """
    try:
        content = json.loads(model.read_text())
        if content["format"] != "graph-model":
            raise ValueError(f"its format is {content['format']!r}, not 'graph-model'")
        nodes = {entry["name"]: read_node(entry) for entry in content["modelTopology"]["node"]}
        weights: dict[str, ndarray] = {}
        for group in content["weightsManifest"]:
            weights.update(read_group(group, shards))
        missing = sorted(name for name, node in nodes.items() if node.op == "Const" and name not in weights)
        if missing:
            raise ValueError(f"it has no weights for {missing[0]!r}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"not a usable TF.js graph model: {error}", file=model, remedy=REMEDY) from error
    return Graph(nodes, weights)


def read_node(entry: dict[str, Any]) -> Node:
    """Return a node from its JSON entry."""
    inputs = entry.get("input", [])
    return Node(
        name=entry["name"],
        op=entry["op"],
        inputs=tuple(read_ref(text) for text in inputs if not text.startswith("^")),
        controls=tuple(read_ref(text[1:]) for text in inputs if text.startswith("^")),
        attributes={key: read_attribute(value) for key, value in entry.get("attr", {}).items()},
    )


def read_ref(text: str) -> Ref:
    """Return what ``name`` or ``name:2`` refers to."""
    name, _, output = text.partition(":")
    return Ref(name, int(output or 0))


def read_attribute(value: dict[str, Any]) -> Any:
    """Return an attribute (GraphDef's ``AttrValue`` as JSON) as a number, a text, a flag, a type's name or a list of these."""
    if "list" in value:
        return [scalar(kind, item) for kind, items in value["list"].items() for item in items]
    kind, item = next(iter(value.items()), ("none", None))
    return scalar(kind, item)


def scalar(kind: str, item: Any) -> Any:
    """Return one value of an attribute: GraphDef writes whole numbers as texts, and texts in base 64."""
    match kind:
        case "i":
            return int(item)
        case "f":
            return float(item)
        case "s":
            return base64.b64decode(item).decode()
        case _:
            return item


def read_group(group: dict[str, Any], shards: Sequence[Path]) -> Iterator[tuple[str, ndarray]]:
    """Yield names and arrays of a group of weights.

    Raises:
        ValueError: A shard is missing, or the shards together have another size than the weights.
    """
    data = b"".join(find_shard(name, shards).read_bytes() for name in group["paths"])
    needed = sum(stored_bytes(entry) for entry in group["weights"])
    if needed != len(data):
        raise ValueError(f"the weights take {needed} bytes but {', '.join(group['paths'])} hold {len(data)}")
    start = 0
    for entry in group["weights"]:
        end = start + stored_bytes(entry)
        yield entry["name"], read_weight(entry, data[start:end])
        start = end


def find_shard(name: str, shards: Sequence[Path]) -> Path:
    """Return the given file of that name; names that lead to another folder are refused.

    Raises:
        ValueError: The name is not a plain file name, or no file of that name was given.
    """
    if name in ("", ".", "..") or any(mark in name for mark in "/\\:\0"):
        raise ValueError(f"the shard name {name!r} is not a plain file name")
    for shard in shards:
        if shard.name == name:
            return shard
    raise ValueError(f"the shard {name!r} was not given")


def stored_type(entry: dict[str, Any]) -> np.dtype:
    """Return the type in which a weight lies in its shard.

    Raises:
        ValueError: The type is not one of ``STORED_TYPES`` and ``QUANTIZED_TYPES``.
    """
    quantization = entry.get("quantization")
    known, name = (QUANTIZED_TYPES, quantization["dtype"]) if quantization else (STORED_TYPES, entry["dtype"])
    if name not in known or entry["dtype"] not in STORED_TYPES:
        raise ValueError(f"weights of type {name!r} are not supported")
    return np.dtype(known[name])


def stored_bytes(entry: dict[str, Any]) -> int:
    """Return how many bytes of its shard a weight takes.

    Raises:
        ValueError: A side of its shape is negative.
    """
    if any(side < 0 for side in entry["shape"]):
        raise ValueError(f"the weight {entry['name']!r} has the shape {entry['shape']}")
    return prod(entry["shape"]) * stored_type(entry).itemsize


def read_weight(entry: dict[str, Any], data: bytes) -> ndarray:
    """Return a weight from its bytes, widened where it is quantised (TF.js: ``value * scale + min``)."""
    array = np.frombuffer(data, stored_type(entry)).reshape(entry["shape"])
    quantization = entry.get("quantization")
    if quantization and quantization["dtype"] != "float16":
        array = array.astype(np.float32) * np.float32(quantization["scale"]) + np.float32(quantization["min"])
    return np.array(array, np.dtype(STORED_TYPES[entry["dtype"]]).newbyteorder("="))
