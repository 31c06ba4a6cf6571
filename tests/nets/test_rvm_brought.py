"""A user's own RVM: files with the published signature give what they should, all others are told."""

import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from headsmith.contract.errors import UserError
from headsmith.contract.networks import brought_matting
from headsmith.nets import rvm
from headsmith.nets.matting import open_own_rvm, open_rvm, picture_of
from headsmith.nets.rvm import Rvm
from headsmith.nets.rvm_brought import INPUTS, OnnxRvm, TorchRvm, open_brought_rvm


class Fading(torch.nn.Module):
    """Called as RVM is. Its matte is ``ratio`` of the red channel and the rest of the matte before; r1 holds the latter."""

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1, dtype=dtype))

    def forward(
        self,
        src: Tensor,
        r1: Tensor | None = None,
        r2: Tensor | None = None,
        r3: Tensor | None = None,
        r4: Tensor | None = None,
        downsample_ratio: float = 1.0,
        segmentation_pass: bool = False,
    ) -> list[Tensor]:
        red = src[:, :1] * self.weight
        before = torch.zeros_like(red) if r1 is None else r1
        matte = before + (red - before) * downsample_ratio
        one = torch.ones(1, 1, 1, 1)
        return [src, matte, matte, one, one, one]


class Elsewhere(torch.nn.Module):
    """Called in another way."""

    def forward(self, image: Tensor, scale: float) -> Tensor:
        return image * scale


def save(model: torch.nn.Module, file: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(model).save(str(file))
    return file


@pytest.fixture(scope="module")
def published(rvm_file, tmp_path_factory) -> Path:
    """The converted network under the published names: states of open shape that grow from a single zero, an unused ratio."""
    model = onnx.load_model(rvm_file(128))
    graph = model.graph
    renamed = {"alpha": "pha", **{name: f"{name}_whole" for name in rvm.STATES_IN}}
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
    nodes, inputs = [], [entry for entry in graph.input if entry.name == "src"]
    for entry in graph.input:
        if entry.name in rvm.STATES_IN:
            shape = np.array([length.dim_value for length in entry.type.tensor_type.shape.dim])
            graph.initializer.append(numpy_helper.from_array(shape, f"{entry.name}_shape"))
            nodes.append(helper.make_node("Expand", [entry.name, f"{entry.name}_shape"], [renamed[entry.name]]))
            inputs.append(helper.make_tensor_value_info(entry.name, TensorProto.FLOAT, [None] * 4))
    inputs.append(helper.make_tensor_value_info("downsample_ratio", TensorProto.FLOAT, [1]))
    graph.node.append(helper.make_node("Identity", ["src"], ["fgr"]))
    names = ("fgr", "pha", *rvm.STATES_OUT)
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * 4) for name in names]
    whole = helper.make_graph([*nodes, *graph.node], "rvm", inputs, outputs, graph.initializer)
    file = tmp_path_factory.mktemp("published") / "rvm_mobilenetv3_fp32.onnx"
    file.write_bytes(helper.make_model(whole, opset_imports=model.opset_import, ir_version=10).SerializeToString())
    return file


def test_onnx_file_gives_what_the_converted_network_gives(published, rvm_file, portraits):
    pictures = [picture_of(portrait, 128) for portrait in portraits[:4]]
    own = open_brought_rvm(published, 1.0, 2)
    assert isinstance(own, OnnxRvm)
    for _ in range(2):
        np.testing.assert_allclose(list(own.run(pictures)), list(Rvm(rvm_file(128)).run(pictures)), atol=1e-4)
    mattes = list(open_own_rvm(published, 128, 1.0).mattes(portraits[:2]))
    for one, other in zip(mattes, open_rvm(rvm_file(128), 128, 1.0).mattes(portraits[:2]), strict=True):
        assert one.shape == (256, 256)
        assert np.abs(one.astype(int) - other).max() <= 1


def test_torchscript_file_remembers_as_it_should(tmp_path, portraits):
    own = open_brought_rvm(save(Fading(), tmp_path / "rvm_mobilenetv3_fp32.torchscript"), 0.25)
    assert isinstance(own, TorchRvm)
    pictures = [picture_of(portrait, 64) for portrait in portraits[:3]]
    for _ in range(2):
        expected = np.zeros((64, 64), np.float32)
        for picture, alpha in zip(pictures, own.run(iter(pictures)), strict=True):
            expected = 0.75 * expected + 0.25 * picture[0, 0]
            np.testing.assert_allclose(alpha, expected, atol=1e-6)


def test_views_of_a_torchscript_file(tmp_path, portraits):
    file = save(Fading(), tmp_path / "rvm.torchscript")
    (whole,) = open_own_rvm(file, 256, 1.0).mattes(portraits[:1])
    np.testing.assert_array_equal(whole, portraits[0][..., 0])
    (small,) = open_own_rvm(file, 128, 1.0).mattes(portraits[:1])
    assert small.shape == (256, 256)
    assert 0 < np.abs(small.astype(int) - whole).mean() < 4


def refused(file: Path, match: str) -> None:
    with pytest.raises(UserError, match=match) as caught:
        list(open_brought_rvm(file, 1.0).run([np.zeros((1, 3, 64, 64), np.float32)]))
    assert caught.value.file == str(file)
    assert "RobustVideoMatting (releases)" in caught.value.remedy
    assert "matte.weights" in caught.value.remedy


def test_other_torchscript_files_are_refused(tmp_path):
    refused(save(Elsewhere(), tmp_path / "other.torchscript"), "it takes image, scale; an RVM takes src, r1")
    refused(save(Fading(torch.float16), tmp_path / "half.torchscript"), r"weights are torch\.float16, not in 32 bits")
    broken = tmp_path / "broken.torchscript"
    whole = save(Fading(), tmp_path / "whole").read_bytes()
    for content in (b"", b"no network at all", whole[: len(whole) // 2]):
        broken.write_bytes(content)
        refused(broken, "not a TorchScript file")
    torch.save({"weight": torch.ones(1)}, tmp_path / "rvm_mobilenetv3.pth")
    refused(tmp_path / "rvm_mobilenetv3.pth", "not a TorchScript file")


def test_other_onnx_files_are_refused(tmp_path, rvm_file, published):
    refused(rvm_file(128), "not an RVM in ONNX: its inputs are src, r1i")
    refused(published, "fails on pictures of 64 pixels")
    (tmp_path / "broken.onnx").write_bytes(b"no network at all")
    refused(tmp_path / "broken.onnx", "cannot be opened")
    refused(tmp_path / "nowhere.onnx", "no such file")
    names = ("pha", *rvm.STATES_OUT)
    for kind, match in (
        (TensorProto.FLOAT16, r"src is tensor\(float16\), not in 32 bits"),
        (TensorProto.FLOAT, "has the shape"),
    ):
        declared = [helper.make_tensor_value_info(name, kind, [None] * 4) for name in INPUTS[:-1]]
        declared.append(helper.make_tensor_value_info(INPUTS[-1], TensorProto.FLOAT, [1]))
        nodes = [helper.make_node("Identity", [old], [new]) for old, new in zip(INPUTS[:-1], names, strict=True)]
        outputs = [helper.make_tensor_value_info(name, kind, [None] * 4) for name in names]
        graph = helper.make_graph(nodes, "echo", declared, outputs)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
        (tmp_path / "echo.onnx").write_bytes(model.SerializeToString())
        refused(tmp_path / "echo.onnx", match)


def test_settings_that_name_no_file_are_told(tmp_path):
    assert brought_matting("rvm", "") is None
    assert brought_matting("selfie", "") is None
    file = tmp_path / "rvm.onnx"
    with pytest.raises(UserError, match="not there") as caught:
        brought_matting("rvm", str(file))
    assert "RobustVideoMatting (releases)" in caught.value.remedy
    file.touch()
    assert brought_matting("rvm", str(file)) == file
    with pytest.raises(UserError, match="selfie is fetched"):
        brought_matting("selfie", str(file))
