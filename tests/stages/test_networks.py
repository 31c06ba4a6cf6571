"""From TF.js packages to networks and label maps of a real clip; the same bytes again; what does not fit."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from headsmith.contract.errors import UserError
from headsmith.contract.labels import LABELS
from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import ParsingSettings
from headsmith.media.frames import FrameFolderWriter, iterate_frames
from headsmith.nets.onnx_session import open_session
from headsmith.stages.networks import convert_network
from headsmith.stages.parsing import parse_faces


@pytest.fixture(scope="module")
def clip(tmp_path_factory, asset) -> Path:
    """A folder with five frames of franck of 128 pixels under ``frames``."""
    folder = tmp_path_factory.mktemp("clip")
    video = cv2.VideoCapture(str(asset("franck.mp4")))
    with FrameFolderWriter(folder / "frames.json") as writer:
        for frame_id in range(5):
            read, frame = video.read()
            assert read
            square = cv2.resize(frame[24:284, 70:330], (128, 128), interpolation=cv2.INTER_AREA)
            writer.add(frame_id, cv2.cvtColor(square, cv2.COLOR_BGR2RGB))
    return folder


@pytest.fixture(scope="module")
def parts(asset):
    """Return a function from a network's name to its graph and shards."""

    def of(network: str) -> dict:
        if network.startswith("bisenetv2"):
            shards = [asset(f"bisenetv2/group1-shard{index}of3.bin") for index in (3, 1, 2)]
            return {"graph": asset("bisenetv2/model.json"), "shards": shards}
        return {"graph": asset("rvm/rvm.json"), "shards": [asset("rvm/rvm.bin")]}

    return of


@pytest.fixture(scope="module")
def converted(tmp_path_factory, parts):
    """Return a function from a network's name to its ONNX file, made once."""
    folder = tmp_path_factory.mktemp("networks")

    def of(network: str) -> Path:
        output = folder / f"{network}.onnx"
        if not output.exists():
            convert_network(network=network, output=output, **parts(network))
        return output

    return of


def test_conversion_is_repeatable_and_says_where_it_comes_from(converted, parts, tmp_path):
    again = tmp_path / "again.onnx"
    convert_network(network="rvm-128", output=again, **parts("rvm-128"))
    assert again.read_bytes() == converted("rvm-128").read_bytes()
    known = open_session(again, 1).get_modelmeta().custom_metadata_map
    assert known["network"] == "rvm-128"
    assert len(known["source_sha256"]) == 64
    assert [path.name for path in tmp_path.iterdir()] == ["again.onnx"]


@pytest.mark.parametrize("network", ["rvm", "rvm-0", "resnet"])
def test_unknown_network_is_refused(parts, tmp_path, network):
    with pytest.raises(UserError, match="unknown network"):
        convert_network(network=network, output=tmp_path / "network.onnx", **parts("rvm-128"))
    assert not list(tmp_path.iterdir())


def test_graph_of_another_network_is_refused(parts, tmp_path):
    with pytest.raises(UserError, match="bisenetv2 cannot be converted") as caught:
        convert_network(network="bisenetv2", output=tmp_path / "network.onnx", **parts("rvm-128"))
    assert caught.value.file.endswith("rvm.json")
    assert not list(tmp_path.iterdir())


def test_graph_with_an_unknown_operation_is_refused(parts, tmp_path):
    given = parts("bisenetv2")
    content = json.loads(given["graph"].read_text())
    node = next(node for node in content["modelTopology"]["node"] if node["op"] == "MaxPool")
    node["op"] = "LoadLibrary"
    graph = tmp_path / "model.json"
    graph.write_text(json.dumps(content))
    with pytest.raises(UserError, match="'LoadLibrary' of node"):
        convert_network(network="bisenetv2", graph=graph, shards=given["shards"], output=tmp_path / "network.onnx")
    assert not (tmp_path / "network.onnx").exists()


@pytest.mark.parametrize("network", ["bisenetv2", "bisenetv2-fast"])
def test_label_maps_of_a_clip(clip, converted, network):
    options = {"clip": "franck", "frames": clip / "frames.json", "network": converted(network)}
    parse_faces(**options, manifest=clip / "parsing.json", settings=ParsingSettings(), threads=2)
    first = (clip / "parsing.json").read_bytes()
    for _, labels in iterate_frames(clip / "parsing.json", grey=True):
        found = {LABELS[index] for index in np.unique(labels)}
        assert found >= {"background", "skin", "nose", "upper_lip", "lower_lip", "hair", "neck", "cloth"}
        assert LABELS[labels[3, 3]] == "background"
        rows = {name: np.nonzero(labels == LABELS.index(name))[0].mean() for name in found}
        assert rows["hair"] < rows["nose"] < rows["upper_lip"] < rows["lower_lip"] < rows["neck"] < rows["cloth"]
    parse_faces(**options, manifest=clip / "parsing.json", settings=ParsingSettings(), threads=1)
    assert (clip / "parsing.json").read_bytes() == first
    assert read_manifest(clip / "parsing.json").size == (128, 128)
