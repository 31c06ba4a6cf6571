"""Graph models that are whole, broken, or out to do harm."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from headsmith.contract.errors import UserError
from headsmith.nets.tfjs import Graph, Node, Ref, read_graph
from headsmith.nets.tfjs_torch import run_graph

TYPE = {"type": "DT_FLOAT"}


def write_model(folder: Path, **changes) -> tuple[Path, Path]:
    """Write a graph that gives ``x * scale + offset``: offset float32, scale stored in 8 bits."""
    offset = np.array([1.5, -2.0], np.float32)
    shard = folder / "weights.bin"
    shard.write_bytes(offset.tobytes() + bytes([0, 4]))
    quantization = {"dtype": "uint8", "scale": 0.5, "min": -1.0}
    content = {
        "format": "graph-model",
        "modelTopology": {
            "node": [
                {"name": "x", "op": "Placeholder", "attr": {"dtype": TYPE}},
                {"name": "scale", "op": "Const"},
                {"name": "offset", "op": "Const"},
                {"name": "product", "op": "Mul", "input": ["x", "scale"], "attr": {"T": TYPE}},
                {"name": "sum", "op": "AddV2", "input": ["product:0", "offset", "^product"]},
            ]
        },
        "weightsManifest": [
            {
                "paths": ["weights.bin"],
                "weights": [
                    {"name": "offset", "shape": [2], "dtype": "float32"},
                    {"name": "scale", "shape": [2], "dtype": "float32", "quantization": quantization},
                ],
            }
        ],
    }
    group = content["weightsManifest"][0]
    content["format"] = changes.get("format", content["format"])
    group["paths"] = changes.get("paths", group["paths"])
    group["weights"][0].update(changes.get("offset", {}))
    content["modelTopology"]["node"][3]["op"] = changes.get("op", "Mul")
    content["modelTopology"]["node"][3]["input"] = changes.get("input", ["x", "scale"])
    model = folder / "model.json"
    model.write_text(json.dumps(content))
    return model, shard


def test_reads_and_widens_weights(tmp_path):
    model, shard = write_model(tmp_path)
    graph = read_graph(model, [shard])
    np.testing.assert_array_equal(graph.weights["scale"], np.array([-1.0, 1.0], np.float32))
    (result,) = run_graph(graph, {"x": torch.tensor([3.0, 3.0])}, [Ref("sum")])
    np.testing.assert_array_equal(result.numpy(), [-1.5, 1.0])


@pytest.mark.parametrize("change", [b"", b"123456789", b"12345678901"])
def test_shard_of_another_size_is_refused(tmp_path, change):
    model, shard = write_model(tmp_path)
    shard.write_bytes(change)
    with pytest.raises(UserError, match="the weights take 10 bytes but"):
        read_graph(model, [shard])


@pytest.mark.parametrize(
    "name", ["../weights.bin", "/etc/passwd", "a/weights.bin", "..", "", "c:weights.bin", "a\\weights.bin"]
)
def test_shard_names_that_lead_elsewhere_are_refused(tmp_path, name):
    model, shard = write_model(tmp_path, paths=[name])
    with pytest.raises(UserError, match="not a plain file name"):
        read_graph(model, [shard])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "layers-model"}, "not 'graph-model'"),
        ({"paths": ["other.bin"]}, "'other.bin' was not given"),
        ({"offset": {"dtype": "string"}}, "type 'string' are not supported"),
        ({"offset": {"shape": [-2]}}, "the shape"),
        ({"offset": {"name": "another"}}, "no weights for 'offset'"),
    ],
)
def test_broken_models_are_refused(tmp_path, changes, message):
    model, shard = write_model(tmp_path, **changes)
    with pytest.raises(UserError, match=message) as caught:
        read_graph(model, [shard])
    assert caught.value.file == str(model)
    assert caught.value.remedy


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": "graph-model"}', "3"])
def test_what_is_no_model_is_refused(tmp_path, text):
    model = tmp_path / "model.json"
    model.write_text(text)
    with pytest.raises(UserError, match="not a usable"):
        read_graph(model, [])


def test_unknown_operation_is_refused(tmp_path):
    model, shard = write_model(tmp_path, op="PyFunc")
    graph = read_graph(model, [shard])
    with pytest.raises(ValueError, match="'PyFunc' of node 'product' is not supported"):
        run_graph(graph, {"x": torch.zeros(2)}, [Ref("sum")])


def test_circle_is_refused(tmp_path):
    model, shard = write_model(tmp_path, input=["x", "sum"])
    with pytest.raises(ValueError, match="needs itself"):
        read_graph(model, [shard]).ordered([Ref("sum")])


def test_texts_and_lists_of_attributes(tmp_path):
    entry = {
        "name": "convolution",
        "op": "Conv2D",
        "attr": {
            "padding": {"s": base64.b64encode(b"SAME").decode()},
            "strides": {"list": {"i": ["1", "2", "2", "1"]}},
            "explicit_paddings": {"list": {}},
            "keep": {"b": True},
            "share": {"f": 0.25},
        },
    }
    model = tmp_path / "model.json"
    model.write_text(json.dumps({"format": "graph-model", "modelTopology": {"node": [entry]}, "weightsManifest": []}))
    attributes = read_graph(model, []).nodes["convolution"].attributes
    expected = {"padding": "SAME", "strides": [1, 2, 2, 1], "explicit_paddings": [], "keep": True, "share": 0.25}
    assert attributes == expected


@pytest.mark.parametrize(("choice", "expected"), [(True, 6.0), (False, 9.0)])
def test_only_the_branch_taken_runs(choice, expected):
    nodes = [
        Node("x", "Placeholder", (), (), {}),
        Node("choice", "Const", (), (), {}),
        Node("two", "Const", (), (), {}),
        Node("switch", "Switch", (Ref("x"), Ref("choice")), (), {}),
        Node("twice", "Mul", (Ref("switch", 1), Ref("two")), (), {}),
        Node("square", "Square", (Ref("switch", 0),), (), {}),
        Node("merge", "Merge", (Ref("square"), Ref("twice")), (), {}),
    ]
    weights = {"choice": np.array(choice), "two": np.array(2.0, np.float32)}
    graph = Graph({node.name: node for node in nodes}, weights)
    (result,) = run_graph(graph, {"x": torch.tensor(3.0)}, [Ref("merge")])
    assert result == expected
    with pytest.raises(ValueError, match="branch that was not taken"):
        run_graph(graph, {"x": torch.tensor(3.0)}, [Ref("square" if choice else "twice")])
