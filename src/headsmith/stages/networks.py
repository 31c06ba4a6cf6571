"""The networks of the workflow, converted once to ONNX: from TF.js graphs that are fetched, or from weights of the user's."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from onnx import ModelProto

from headsmith.contract.errors import UserError
from headsmith.contract.networks import BROUGHT_PARSERS, FAST, PARSER, SELFIE, matting_shape
from headsmith.media.atomic import atomic_path
from headsmith.media.progress import note
from headsmith.nets.bisenet_resnet_onnx import convert_bisenet_resnet
from headsmith.nets.bisenetv2 import convert_bisenetv2, shrink_bisenetv2
from headsmith.nets.rvm import convert_rvm
from headsmith.nets.rvm_fast import shrink_rvm
from headsmith.nets.segformer import declare_segformer
from headsmith.nets.selfie import convert_selfie
from headsmith.nets.tfjs import Graph, read_graph


def convert_network(
    *,
    network: str,
    output: Path,
    graph: Path | None = None,
    shards: Sequence[Path] = (),
    weights: Path | None = None,
    config: Path | None = None,
) -> None:
    """Convert a network, check it against a run in torch, and write it.

    Args:
        network: A name that ``contract.networks`` gives.
        output: The ONNX file to write.
        graph: The TF.js graph model (JSON), for networks that are fetched.
        shards: Its files of weights.
        weights: The user's file, for networks that the user brings.
        config: What lies beside it and names its labels, where there is such a file.

    Raises:
        UserError: The name is unknown, a file is broken or is another network's, or it cannot be converted faithfully.
    """
    files = [Path(file) for file in (graph, *shards, weights, config) if file is not None]
    metadata = {"network": network, "source_sha256": hash_files(files)}
    if network in BROUGHT_PARSERS:
        tell_if_unknown(network, files[0])
        model = convert_brought(network, files, metadata)
    else:
        model = convert_fetched(network, files, metadata)
    with atomic_path(output) as partial:
        partial.write_bytes(model.SerializeToString())


def convert_brought(network: str, files: Sequence[Path], metadata: dict[str, str]) -> ModelProto:
    """Return a parser made from the user's file.

    Raises:
        UserError: The file is broken or is another network's.
    """
    if network == "segformer":
        return declare_segformer(files[0], files[1] if len(files) > 1 else None, metadata)
    return convert_bisenet_resnet(files[0], network, metadata)


def convert_fetched(network: str, files: Sequence[Path], metadata: dict[str, str]) -> ModelProto:
    """Return a network made from a TF.js graph and its shards.

    Raises:
        UserError: The name is unknown, a file is broken, or the graph cannot be converted faithfully.
    """
    read = read_graph(files[0], files[1:])
    try:
        return convert(network, read, metadata)
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        remedy = "fetch the network again; if it stays, this graph is not the one that headsmith knows"
        raise UserError(f"the network {network} cannot be converted: {error}", file=files[0], remedy=remedy) from error


def convert(network: str, graph: Graph, metadata: dict[str, str]) -> ModelProto:
    """Return the converted network of that name.

    Raises:
        UserError: The name is unknown.
        ValueError: The graph cannot be converted.
    """
    if network == PARSER:
        return convert_bisenetv2(graph, metadata)
    if network == PARSER + FAST:
        return shrink_bisenetv2(convert_bisenetv2(graph, metadata))
    if network == SELFIE:
        return convert_selfie(graph, metadata)
    model = convert_rvm(graph, *matting_shape(network), metadata)
    return shrink_rvm(model) if network.endswith(FAST) else model


def tell_if_unknown(network: str, weights: Path) -> None:
    """Tell where a user's file bears the name of one that is known and is another; it may still be a good one."""
    known = BROUGHT_PARSERS[network].sha256.get(weights.name)
    if known is not None and hash_files([weights]) != known:
        note(f"{weights} is not {weights.name} as published (its sha256 differs); it is taken where names and shapes fit")


def hash_files(files: Sequence[Path]) -> str:
    """Return the sha256 over the bytes of files, one after another."""
    digest = hashlib.sha256()
    for file in files:
        try:
            with file.open("rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
        except OSError as error:
            remedy = "check the name and the place of the file"
            raise UserError(f"a network's file cannot be read: {error.strerror}", file=file, remedy=remedy) from error
    return digest.hexdigest()
