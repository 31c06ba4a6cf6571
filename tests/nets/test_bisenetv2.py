"""The demo's parser on real frames: the same as its graph in torch, right about where parts are; its fast form close to it."""

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from headsmith.contract.labels import LABELS, MASKS, label_ids
from headsmith.contract.landmark_groups import LEFT_PUPIL, LIPS, NOSE_TIP, RIGHT_PUPIL
from headsmith.media.parallel import map_in_order
from headsmith.nets import bisenetv2
from headsmith.nets.bisenetv2 import convert_bisenetv2, shrink_bisenetv2
from headsmith.nets.face_landmarker import FaceLandmarker
from headsmith.nets.parsers import Parser
from headsmith.nets.tfjs import Ref
from headsmith.nets.tfjs_torch import run_graph


@pytest.fixture(scope="module")
def whole(bisenet_graph):
    return convert_bisenetv2(bisenet_graph, {})


@pytest.fixture(scope="module")
def parser(whole, tmp_path_factory):
    path = tmp_path_factory.mktemp("networks") / "bisenetv2.onnx"
    path.write_bytes(whole.SerializeToString())
    return Parser(path)


@pytest.fixture(scope="module")
def fast_network(whole, tmp_path_factory):
    path = tmp_path_factory.mktemp("networks") / "bisenetv2-fast.onnx"
    path.write_bytes(shrink_bisenetv2(whole).SerializeToString())
    return path


def as_tensorflow(parser, frame):
    return torch.from_numpy(parser.prepare(frame).transpose(0, 2, 3, 1).copy())


def test_label_map_is_that_of_the_whole_graph_in_torch(parser, bisenet_graph, portraits):
    x = as_tensorflow(parser, portraits[0])
    (truth,) = run_graph(bisenet_graph, {"input_tensor": x}, [Ref("BiseNetV2/prob")])
    blocks = truth[0].numpy().reshape(256, 2, 256, 2, 19)
    parsed = parser.parse(portraits[0])
    assert (parsed == blocks.mean((1, 3)).argmax(-1)).mean() > 0.9995
    inner = blocks.argmax(-1).transpose(0, 2, 1, 3).reshape(256, 256, 4)
    clear = (inner == inner[..., :1]).all(-1)
    assert clear.mean() > 0.9
    assert (parsed == inner[..., 0])[clear].mean() > 0.9999


def test_logits_are_those_of_torch(parser, bisenet_graph, portraits):
    x = as_tensorflow(parser, portraits[1])
    np.testing.assert_allclose(x.numpy().min(), portraits[1].min() / 127.5 - 1, atol=0.05)
    (truth,) = run_graph(bisenet_graph, {"input_tensor": x}, [bisenetv2.RESULT])
    assert np.abs(parser.logits(portraits[1]) - truth[0].numpy().transpose(2, 0, 1)).max() < 1e-3


def test_parts_of_the_face_are_where_the_landmarks_are(parser, portraits, asset):
    lips_inside = []
    with FaceLandmarker(asset("face_landmarker.task")) as landmarker:
        for frame in portraits:
            (face,) = landmarker.detect(frame)
            columns, rows = np.floor(face.points[:, :2]).astype(int).T
            labels = parser.parse(frame)
            assert LABELS[labels[rows[NOSE_TIP], columns[NOSE_TIP]]] == "nose"
            if frame is not portraits[-1]:  # laughing, the eyes all but shut
                eyes = {LABELS[labels[rows[point], columns[point]]] for point in (LEFT_PUPIL, RIGHT_PUPIL)}
                assert eyes <= {"left_eye", "right_eye"}
            mouth = np.isin(labels, label_ids(("mouth", "upper_lip", "lower_lip")))
            lips_inside.append(mouth[rows[list(LIPS)], columns[list(LIPS)]].mean())
            assert mouth[: rows[NOSE_TIP]].sum() == 0
            assert LABELS[labels[4, 4]] == "background"
            for name in ("hair", "neck", "cloth", "skin"):
                assert (labels == LABELS.index(name)).mean() > 0.01, name
    assert np.mean(lips_inside) > 0.55


def test_fast_form_cuts_the_same_masks(parser, fast_network, portraits):
    fast = Parser(fast_network)
    pairs = [(parser.parse(frame), fast.parse(frame)) for frame in portraits]
    whole, quick = (np.stack(part) for part in zip(*pairs, strict=True))
    assert (whole == quick).mean() > 0.995
    assert (whole != quick).any()
    for name, labels in MASKS.items():
        first, second = (np.isin(maps, label_ids(labels)) for maps in (whole, quick))
        assert (first & second).sum() / (first | second).sum() > 0.98, name


def test_fast_form_has_nine_tenths_of_the_work_in_eight_bits(whole, fast_network):
    work = bisenetv2.multiplications(bisenetv2.take_bytes(whole))
    model = onnx.load(fast_network)
    constants = {entry.name: numpy_helper.to_array(entry) for entry in model.graph.initializer}
    readers = {
        node.output[0]: constants[node.input[0]]
        for node in model.graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] in constants
    }
    small = [node.output[0] for node in model.graph.node if node.op_type == "Conv" and node.input[1] in readers]
    assert 0.9 < sum(work[name] for name in small) / sum(work.values()) < 1
    assert max(np.abs(readers[node.input[1]]).max() for node in model.graph.node if node.output[0] in small) == 64


@pytest.mark.parametrize("form", ["whole", "fast"])
def test_threads_and_frames_side_by_side_change_nothing(form, parser, fast_network, portraits):
    one = parser if form == "whole" else Parser(fast_network)
    alone = [one.parse(frame) for frame in portraits[:4]]
    together = [labels for _, labels in map_in_order(one.parse, portraits[:4], 2)]
    np.testing.assert_array_equal(alone, together)
    if form == "fast":
        np.testing.assert_array_equal(Parser(fast_network, 2).logits(portraits[0]), one.logits(portraits[0]))


def test_conversion_twice_gives_the_same_bytes(whole, fast_network):
    assert shrink_bisenetv2(whole).SerializeToString() == fast_network.read_bytes()
