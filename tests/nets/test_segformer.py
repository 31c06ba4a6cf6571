"""A user's SegFormer export: what is taken, in which order its labels are, what is refused."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from headsmith.contract.errors import UserError
from headsmith.contract.labels import LABELS
from headsmith.nets.parsers import Parser
from headsmith.nets.segformer import declare_segformer, order_named

PUBLISHED = {
    **{
        0: "background",
        1: "skin",
        2: "nose",
        3: "eye_g",
        4: "l_eye",
        5: "r_eye",
        6: "l_brow",
        7: "r_brow",
        8: "l_ear",
        9: "r_ear",
    },
    **{10: "mouth", 11: "u_lip", 12: "l_lip", 13: "hair", 14: "hat", 15: "ear_r", 16: "neck_l", 17: "neck", 18: "cloth"},
}
"""The ``id2label`` of jonathandinu/face-parsing."""


def export(path, *, given: str = "pixel_values", classes: int = 19, stride: int = 4, winner: int = 10, side: int | None = None):
    """Write a network of SegFormer's inputs and outputs that finds one class everywhere."""
    bias = np.zeros(classes, np.float32)
    bias[winner] = 1
    constants = [numpy_helper.from_array(np.zeros((classes, 3, 1, 1), np.float32), "w"), numpy_helper.from_array(bias, "b")]
    nodes = [
        helper.make_node("AveragePool", [given], ["small"], kernel_shape=[stride, stride], strides=[stride, stride]),
        helper.make_node("Conv", ["small", "w", "b"], ["logits"]),
    ]
    sides = (side, side) if side else ("height", "width")
    inputs = [helper.make_tensor_value_info(given, TensorProto.FLOAT, ("batch", 3, *sides))]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ("batch", classes, None, None))]
    body = helper.make_graph(nodes, "toy", inputs, outputs, constants)
    onnx.save(helper.make_model(body, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    return path


def config(path, labels: dict[int, str]):
    path.write_text(json.dumps({"id2label": {str(index): name for index, name in labels.items()}}))
    return path


@pytest.mark.parametrize("with_config", [True, False])
def test_ten_of_the_export_is_the_mouth(tmp_path, with_config):
    beside = config(tmp_path / "config.json", PUBLISHED) if with_config else None
    model = declare_segformer(export(tmp_path / "model.onnx"), beside, {"network": "segformer"})
    onnx.save(model, tmp_path / "segformer.onnx")
    parser = Parser(tmp_path / "segformer.onnx")
    labels = parser.parse(np.zeros((96, 96, 3), np.uint8))
    assert parser.order == "celebamask_hq"
    assert labels.shape == (96, 96)
    assert {LABELS[label] for label in np.unique(labels)} == {"mouth"}


def test_pixels_come_in_by_imagenets_mean(tmp_path):
    onnx.save(declare_segformer(export(tmp_path / "model.onnx"), None, {}), tmp_path / "segformer.onnx")
    mean = np.full((64, 64, 3), np.round(255 * np.array([0.485, 0.456, 0.406])), np.uint8)
    picture = Parser(tmp_path / "segformer.onnx").prepare(mean)
    assert picture.shape == (1, 3, 512, 512)
    assert np.abs(picture).max() < 0.01


def test_config_may_name_another_known_order(tmp_path):
    ours = config(tmp_path / "config.json", dict(enumerate(LABELS)))
    assert order_named(ours) == "face_parsing"
    model = declare_segformer(export(tmp_path / "model.onnx"), ours, {})
    onnx.save(model, tmp_path / "segformer.onnx")
    assert {
        LABELS[label] for label in np.unique(Parser(tmp_path / "segformer.onnx").parse(np.zeros((64, 64, 3), np.uint8)))
    } == {"nose"}


def test_config_of_no_known_order_is_refused(tmp_path):
    swapped = PUBLISHED | {10: "nose", 2: "mouth"}
    for content in (swapped, {0: "road", 1: "car"}):
        with pytest.raises(UserError, match="no known order") as caught:
            order_named(config(tmp_path / "config.json", content))
        assert caught.value.file.endswith("config.json")
    for text in ("", "[]", "{}", '{"id2label": 3}', '{"id2label": {"1": "skin"}}'):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(UserError, match="names no labels"):
            order_named(tmp_path / "config.json")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"given": "input"}, "it takes input and gives logits, not pixel_values"),
        ({"classes": 11}, r"gives \(1, 11, 128, 128\), not \(1, 19, 128, 128\)"),
        ({"stride": 8}, r"gives \(1, 19, 64, 64\)"),
        ({"side": 224}, "does not run on a picture of 512 pixels"),
    ],
)
def test_another_network_is_refused(tmp_path, changes, message):
    with pytest.raises(UserError, match=message) as caught:
        declare_segformer(export(tmp_path / "model.onnx", **changes), None, {})
    assert caught.value.file.endswith("model.onnx")


def test_what_is_no_network_is_refused(tmp_path):
    for name, content in (("none.onnx", None), ("text.onnx", b"not a network"), ("zero.onnx", b"")):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=r"cannot be read|is no SegFormer"):
            declare_segformer(tmp_path / name, None, {})
