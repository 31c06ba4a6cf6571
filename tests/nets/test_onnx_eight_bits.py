"""Convolutions in 8 bits: the same as whole-number arithmetic written out, and close to the network in 32 bits."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch.nn.functional import conv2d

from headsmith.nets.onnx_eight_bits import multiplications, put_in_eight_bits, reached, unit_between
from headsmith.nets.onnx_session import open_session

SHAPE = (1, 3, 10, 12)


def network(seed: int = 0) -> onnx.ModelProto:
    """Two 3x3 convolutions, a rectifier between them, then a 1x1 convolution; the last two without padding."""
    rng = np.random.default_rng(seed)
    shapes = {"w0": (8, 3, 3, 3), "b0": (8,), "w1": (6, 8, 3, 3), "w2": (4, 6, 1, 1), "b2": (4,)}
    constants = [numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name) for name, shape in shapes.items()]
    nodes = [
        helper.make_node("Conv", ["x", "w0", "b0"], ["first"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["first"], ["rectified"]),
        helper.make_node("Conv", ["rectified", "w1"], ["second"]),
        helper.make_node("Conv", ["second", "w2", "b2"], ["y"]),
    ]
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 4, 8, 10))
    body = helper.make_graph(nodes, "toy", [given], [result], constants)
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def pictures(count: int = 4) -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(9)
    return [{"x": rng.uniform(-1, 2, SHAPE).astype(np.float32)} for _ in range(count)]


def run(model: onnx.ModelProto, feed: dict[str, np.ndarray], threads: int = 1) -> np.ndarray:
    return open_session(model.SerializeToString(), threads).run(["y"], feed)[0]


def in_whole_numbers(x: np.ndarray, weights: np.ndarray, bias: np.ndarray, units: list[tuple], padding: int) -> np.ndarray:
    """Return a convolution's bytes from the definition: whole numbers multiplied and summed, then brought to a byte."""
    (scale, zero), (scale_out, zero_out) = units
    scales = np.abs(weights).max((1, 2, 3)) / 64
    whole = np.round(weights / scales[:, None, None, None]).astype(np.int64)
    sums = conv2d(torch.from_numpy(x.astype(np.int64) - int(zero)), torch.from_numpy(whole), padding=padding).numpy()
    sums = sums + np.round(bias / (scale * scales)).astype(np.int64)[:, None, None]
    return np.clip(np.round(sums * (scale * scales / scale_out)[:, None, None]) + int(zero_out), 0, 255).astype(np.uint8)


def test_is_whole_number_arithmetic():
    model, feeds = network(), pictures()
    constants = {entry.name: numpy_helper.to_array(entry) for entry in model.graph.initializer}
    limits = reached(model, ["x", "rectified", "second"], feeds)
    units = {name: unit_between(*limit) for name, limit in limits.items()}
    small = put_in_eight_bits(model, ["first", "second"], feeds)
    x = np.clip(np.round(feeds[0]["x"] / units["x"][0]) + int(units["x"][1]), 0, 255)
    first = in_whole_numbers(x, constants["w0"], constants["b0"], [units["x"], units["rectified"]], padding=1)
    second = in_whole_numbers(first, constants["w1"], np.zeros(6), [units["rectified"], units["second"]], padding=0)
    read = (second.astype(np.float32) - int(units["second"][1])) * units["second"][0]
    expected = conv2d(*(torch.from_numpy(array) for array in (read, constants["w2"].copy(), constants["b2"].copy()))).numpy()
    step = units["second"][0] * np.abs(constants["w2"]).sum((1, 2, 3)).max()
    gaps = np.abs(run(small, feeds[0]) - expected)
    assert gaps.max() <= step * 1.01  # one byte rounds the other way where a half is a hair more or less in float32
    assert (gaps < 1e-4).mean() > 0.95


def test_is_close_to_the_network_in_32_bits():
    model, feeds = network(), pictures()
    small = put_in_eight_bits(model, ["first", "second"], feeds)
    whole, quick = (np.concatenate([run(each, feed) for feed in feeds]) for each in (model, small))
    assert 0 < np.sqrt(((whole - quick) ** 2).mean()) < 0.03 * whole.std()


def test_units_cover_the_range_and_keep_zero():
    for low, high in ((-1.5, 3.0), (0.2, 7.0), (-4.0, -1.0), (0.0, 0.0)):
        scale, zero = unit_between(low, high)
        lowest, highest = (-float(zero) * scale, (255 - float(zero)) * scale)
        assert lowest <= min(low, 0) + scale / 2 + 1e-6
        assert highest >= max(high, 0) - scale / 2 - 1e-6


def test_sums_of_two_products_fit_sixteen_bits():
    small = put_in_eight_bits(network(), ["first", "second"], pictures())
    weights = [numpy_helper.to_array(entry) for entry in small.graph.initializer if entry.data_type == TensorProto.INT8]
    largest = max(int(np.abs(array.astype(int)).max()) for array in weights)
    assert largest == 64
    assert 2 * 255 * largest <= np.iinfo(np.int16).max


def test_the_rest_stays_in_32_bits_and_unused_constants_go():
    small = put_in_eight_bits(network(), ["second"], pictures())
    names = {entry.name for entry in small.graph.initializer}
    assert {"w0", "b0", "w2", "b2"} <= names
    assert "w1" not in names
    assert {entry.name for entry in small.graph.initializer if entry.data_type == TensorProto.INT8} == {
        "second_weights_whole",
        "second_weights_zero",
    }


def test_threads_change_nothing():
    small = put_in_eight_bits(network(), ["first", "second"], pictures())
    np.testing.assert_array_equal(run(small, pictures()[0]), run(small, pictures()[0], threads=2))


def test_work_is_counted():
    assert multiplications(network()) == {"first": 8 * 10 * 12 * 27, "second": 6 * 8 * 10 * 72, "y": 4 * 8 * 10 * 6}


def test_original_is_left_as_it_was():
    model = network()
    before = model.SerializeToString()
    put_in_eight_bits(model, ["first"], pictures())
    assert model.SerializeToString() == before


@pytest.mark.parametrize("seed", [1, 2])
def test_channel_without_weights_is_kept_at_its_bias(seed):
    model = network(seed)
    constants = {entry.name: entry for entry in model.graph.initializer}
    weights = numpy_helper.to_array(constants["w0"]).copy()
    weights[2] = 0
    constants["w0"].CopyFrom(numpy_helper.from_array(weights, "w0"))
    assert np.isfinite(run(put_in_eight_bits(model, ["first", "second"], pictures()), pictures()[0])).all()
