"""The networks of the workflow, converted once from TF.js graphs to ONNX."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from onnx import ModelProto

from headsmith.contract.errors import UserError
from headsmith.contract.networks import PARSER, matting_shape
from headsmith.media.atomic import atomic_path
from headsmith.nets.bisenet import convert_bisenet
from headsmith.nets.rvm import convert_rvm
from headsmith.nets.tfjs import Graph, read_graph


def convert_network(*, network: str, graph: Path, shards: Sequence[Path], output: Path) -> None:
    """Convert a network, check it against a run of its graph in torch, and write it.

    Args:
        network: ``bisenetv2``, or a name that ``contract.networks.matting_network`` gives.
        graph: The TF.js graph model (JSON).
        shards: Its files of weights.
        output: The ONNX file to write.

    Raises:
        UserError: The name is unknown, a file is broken, or the graph cannot be converted faithfully.
    """
    files = [Path(graph), *(Path(shard) for shard in shards)]
    read = read_graph(files[0], files[1:])
    metadata = {"network": network, "source_sha256": hash_files(files)}
    try:
        model = convert(network, read, metadata)
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        remedy = "fetch the network again; if it stays, this graph is not the one that headsmith knows"
        raise UserError(f"the network {network} cannot be converted: {error}", file=graph, remedy=remedy) from error
    with atomic_path(output) as partial:
        partial.write_bytes(model.SerializeToString())


def convert(network: str, graph: Graph, metadata: dict[str, str]) -> ModelProto:
    """Return the converted network of that name.

    Raises:
        UserError: The name is unknown.
        ValueError: The graph cannot be converted.
    """
    if network == PARSER:
        return convert_bisenet(graph, metadata)
    size, scale = matting_shape(network)
    return convert_rvm(graph, size, scale, metadata)


def hash_files(files: Sequence[Path]) -> str:
    """Return the sha256 over the bytes of files, one after another."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()
