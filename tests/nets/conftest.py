"""Frames of a real clip and the graphs of both networks."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from headsmith.contract.networks import matting_network
from headsmith.nets.rvm import convert_rvm
from headsmith.nets.tfjs import Graph, read_graph

Assets = Callable[[str], Path]


@pytest.fixture(scope="session")
def portraits(asset: Assets) -> list[np.ndarray]:
    """Six frames of franck, 12 apart, 256x256 RGB, the head filling most of them."""
    video = cv2.VideoCapture(str(asset("franck.mp4")))
    frames = []
    for index in range(61):
        read, frame = video.read()
        assert read
        if index % 12 == 0:
            square = cv2.resize(frame[24:284, 70:330], (256, 256), interpolation=cv2.INTER_AREA)
            frames.append(cv2.cvtColor(square, cv2.COLOR_BGR2RGB))
    return frames


@pytest.fixture(scope="session")
def bisenet_graph(asset: Assets) -> Graph:
    shards = [asset(f"bisenetv2/group1-shard{index}of3.bin") for index in (1, 2, 3)]
    return read_graph(asset("bisenetv2/model.json"), shards)


@pytest.fixture(scope="session")
def rvm_graph(asset: Assets) -> Graph:
    return read_graph(asset("rvm/rvm.json"), [asset("rvm/rvm.bin")])


@pytest.fixture(scope="session")
def rvm_file(rvm_graph: Graph, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function from a size and a scale to RVM converted for them, once each."""
    folder = tmp_path_factory.mktemp("rvm")

    def converted(size: int, scale: float = 1.0) -> Path:
        path = folder / f"{matting_network(size, scale)}.onnx"
        if not path.exists():
            path.write_bytes(convert_rvm(rvm_graph, size, scale, {}).SerializeToString())
        return path

    return converted
