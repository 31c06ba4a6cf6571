"""What all parsers share: pixels in, the strongest class out, orders of labels joined by name, what is refused."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch.nn.functional import conv2d, interpolate, pad

from headsmith.contract.errors import UserError
from headsmith.contract.labels import LABEL_ORDERS, LABELS, order_of
from headsmith.nets.bisenet_resnet_onnx import FACTS as RESNET
from headsmith.nets.bisenetv2 import FACTS as BISENETV2
from headsmith.nets.onnx_session import open_session
from headsmith.nets.parsers import (
    Parser,
    ParserFacts,
    in_quarters,
    own_to_contract,
    prepare_floats,
    quarter_weights,
    read_facts,
)
from headsmith.nets.parsers_grid import strongest
from headsmith.nets.segformer import FACTS as SEGFORMER

SIDE = 64


def toy_facts(order: str = "celebamask_hq", **changes) -> ParserFacts:
    return ParserFacts(
        **({"order": order, "side": SIDE, "mean": (0.0,) * 3, "deviation": (1.0,) * 3, "step": 1.0, "start": 0.0} | changes)
    )


def toy_parser(path, facts: ParserFacts | None):
    """Write a network whose class is the red value of each pixel, in tens."""
    weights = np.zeros((19, 3, 1, 1), np.float32)
    centres = 10.0 * np.arange(19, dtype=np.float32)
    weights[:, 0, 0, 0] = 2 * centres
    nodes = [helper.make_node("Conv", ["picture", "weights", "bias"], ["logits"])]
    given = helper.make_tensor_value_info("picture", TensorProto.FLOAT, (1, 3, SIDE, SIDE))
    result = helper.make_tensor_value_info("logits", TensorProto.FLOAT, (1, 19, SIDE, SIDE))
    constants = [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(-(centres**2), "bias")]
    model = helper.make_model(
        helper.make_graph(nodes, "toy", [given], [result], constants),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )
    helper.set_model_props(model, {} if facts is None else facts.metadata())
    onnx.save(model, path)
    return path


def picture_of(classes: np.ndarray) -> np.ndarray:
    return np.stack([10 * classes, 0 * classes, 0 * classes], -1).astype(np.uint8)


@pytest.mark.parametrize("order", list(LABEL_ORDERS))
def test_labels_come_out_in_one_order_whatever_the_parsers_own(tmp_path, order):
    classes = np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 19
    labels = Parser(toy_parser(tmp_path / "toy.onnx", toy_facts(order))).parse(picture_of(classes))
    own = order_of(order)
    assert [LABELS[label] for label in labels.ravel()] == [own[number] for number in classes.ravel()]


def test_ten_is_the_mouth_there_and_the_nose_here(tmp_path):
    tens = np.full((SIDE, SIDE), 10)
    network = toy_parser(tmp_path / "toy.onnx", toy_facts("celebamask_hq"))
    assert {LABELS[label] for label in np.unique(Parser(network).parse(picture_of(tens)))} == {"mouth"}
    told = Parser(network, order="face_parsing")
    assert told.order == "face_parsing"
    assert {LABELS[label] for label in np.unique(told.parse(picture_of(tens)))} == {"nose"}


def test_parser_of_unknown_order_is_refused(tmp_path):
    network = toy_parser(tmp_path / "toy.onnx", toy_facts(""))
    with pytest.raises(UserError, match="does not say in which order") as caught:
        Parser(network)
    assert "parsing.label_order" in caught.value.remedy
    assert Parser(network, order="celebamask_hq").order == "celebamask_hq"
    with pytest.raises(UserError, match="'atlantis' is not known"):
        Parser(toy_parser(tmp_path / "toy.onnx", toy_facts("atlantis")))


def test_network_that_says_nothing_of_itself_is_refused(tmp_path):
    with pytest.raises(UserError, match="no parser of this version") as caught:
        Parser(toy_parser(tmp_path / "toy.onnx", None))
    assert caught.value.file.endswith("toy.onnx")


@pytest.mark.parametrize("facts", [BISENETV2, RESNET, SEGFORMER])
def test_facts_survive_the_file(facts):
    assert read_facts(facts.metadata()) == facts
    with pytest.raises(ValueError, match="three numbers"):
        read_facts(facts.metadata() | {"mean": "1.0 2.0"})


def test_orders_are_joined_by_name():
    assert own_to_contract(("hair", "nose", "mouth")).tolist() == [LABELS.index(name) for name in ("hair", "nose", "mouth")]
    assert own_to_contract(order_of(BISENETV2.order)).tolist() == list(range(19))
    with pytest.raises(ValueError, match="not in tuple"):
        own_to_contract(("hair", "nostril"))


def test_pixels_are_prepared_as_published():
    image = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)
    expected = (image / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    np.testing.assert_allclose(prepare_floats(image, RESNET)[0], expected.transpose(2, 0, 1), atol=1e-5)
    np.testing.assert_allclose(prepare_floats(image, BISENETV2)[0], (image / 127.5 - 1).transpose(2, 0, 1), atol=1e-6)


def test_convolution_over_quarters_is_that_over_pixels():
    rng = np.random.default_rng(3)
    picture, weights = rng.integers(0, 256, (16, 16, 3), np.uint8), rng.normal(size=(5, 3, 3, 3))
    pixels, quarters = (
        torch.from_numpy(array.astype(float)) for array in (picture.transpose(2, 0, 1)[None], in_quarters(picture))
    )
    expected = conv2d(pad(pixels, (0, 1, 0, 1)), torch.from_numpy(weights), stride=2)
    got = conv2d(pad(quarters.permute(0, 3, 1, 2), (0, 1, 0, 1)), torch.from_numpy(quarter_weights(weights)))
    np.testing.assert_allclose(got, expected, rtol=1e-12)


@pytest.mark.parametrize("size", [128, 256, 300, 700])
def test_scores_are_read_where_the_frames_pixels_are(size):
    scores = np.random.default_rng(1).normal(size=(5, 64, 64)).astype(np.float32)
    place = (((np.arange(size) + 0.5) * 512 / size - 0.5) / 8).clip(0, 63)
    before = np.floor(place).astype(int).clip(0, 62)
    weights = np.zeros((size, 64))
    weights[np.arange(size), before] = 1 - (place - before)
    weights[np.arange(size), before + 1] += place - before
    expected = weights @ scores @ weights.T
    leads = np.sort(expected, axis=0)
    clear = leads[-1] - leads[-2] > 0.05
    assert clear.mean() > 0.9
    got = strongest(scores, size, 512 / size / 8, (0.5 * 512 / size - 0.5) / 8)
    np.testing.assert_array_equal(got[clear], expected.argmax(0)[clear])


@pytest.mark.parametrize(("facts", "cells", "aligned"), [(RESNET, 64, True), (SEGFORMER, 128, False)])
def test_grids_lie_as_torch_enlarges_them(facts, cells, aligned):
    scores = np.random.default_rng(2).normal(size=(4, cells, cells)).astype(np.float32)
    expected = interpolate(torch.from_numpy(scores)[None], size=(512, 512), mode="bilinear", align_corners=aligned)[0].numpy()
    leads = np.sort(expected, axis=0)
    clear = leads[-1] - leads[-2] > 0.1
    got = strongest(scores, 512, facts.step, facts.start)
    np.testing.assert_array_equal(got[clear], expected.argmax(0)[clear])


@pytest.mark.parametrize("size", [90, 256])
def test_small_regions_far_apart_and_at_the_edges_are_found(size):
    scores = np.zeros((6, 64, 64), np.float32)
    scores[0] = 1
    for index, (row, column) in enumerate([(0, 0), (63, 63), (0, 63), (31, 32), (63, 5)], start=1):
        scores[index, row, column] = 9
    step, start = 512 / size / 8, (0.5 * 512 / size - 0.5) / 8
    found = strongest(scores, size, step, start)
    assert set(np.unique(found)) == set(range(6))
    assert found[0, 0] == 1 and found[-1, -1] == 2 and found[0, -1] == 3
    rows, columns = np.nonzero(found == 4)
    np.testing.assert_allclose([rows.mean() * step + start, columns.mean() * step + start], [31, 32], atol=step)


def test_class_below_others_at_all_corners_may_win_between_them():
    scores = np.array([[[10.0, 0.0]] * 2, [[0.0, 10.0]] * 2, [[9.0, 9.0]] * 2], np.float32)
    assert set(np.unique(strongest(scores, 32, 1 / 31, 0.0))) == {0, 1, 2}


def test_what_is_no_network_is_refused(tmp_path):
    file = tmp_path / "broken.onnx"
    for content in (None, b"", b"no network at all"):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(UserError, match="cannot be opened") as caught:
            open_session(file, 1)
        assert caught.value.file == str(file)
