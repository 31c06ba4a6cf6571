"""Operations in torch against slow loops, and in ONNX against torch."""

import numpy as np
import pytest
import torch

from headsmith.nets.onnx_session import open_session
from headsmith.nets.tfjs import Graph, Node, Ref
from headsmith.nets.tfjs_check import check_conversion, largest_difference
from headsmith.nets.tfjs_onnx import convert_graph
from headsmith.nets.tfjs_torch import run_graph

RANDOM = np.random.default_rng(3)


def picture(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def graph_of(op: str, constants: list[np.ndarray], attributes: dict, place: int = 0) -> Graph:
    """Return a graph of one operation on a placeholder ``x`` and constants; ``place`` is where ``x`` stands."""
    names = [f"constant{index}" for index in range(len(constants))]
    inputs = [*names[:place], "x", *names[place:]]
    nodes = [Node("x", "Placeholder", (), (), {}), *(Node(name, "Const", (), (), {}) for name in names)]
    nodes.append(Node("y", op, tuple(Ref(name) for name in inputs), (), attributes))
    return Graph({node.name: node for node in nodes}, dict(zip(names, constants, strict=True)))


def convolve_slowly(image, kernel, stride, dilation, same):
    """TensorFlow's convolution of one picture, pixel by pixel; kernel (height, width, in, out)."""
    reach = [(side - 1) * dilation + 1 for side in kernel.shape[:2]]
    if same:
        counts = [-(-side // stride) for side in image.shape[:2]]
        pads = [
            max((count - 1) * stride + size - side, 0) for count, size, side in zip(counts, reach, image.shape, strict=False)
        ]
        image = np.pad(image, [(pads[0] // 2, pads[0] - pads[0] // 2), (pads[1] // 2, pads[1] - pads[1] // 2), (0, 0)])
    counts = [(side - size) // stride + 1 for side, size in zip(image.shape, reach, strict=False)]
    result = np.zeros((*counts, kernel.shape[3]), np.float64)
    for row in range(counts[0]):
        for column in range(counts[1]):
            part = image[row * stride :, column * stride :][: reach[0] : dilation, : reach[1] : dilation]
            result[row, column] = np.einsum("hwi,hwio->o", part.astype(np.float64), kernel)
    return result


@pytest.mark.parametrize(("size", "side"), [((7, 10), 3), ((8, 8), 3), ((9, 6), 1), ((8, 9), 2)])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2), (3, 1)])
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_convolution_is_tensorflows(size, side, stride, dilation, padding):
    image, kernel = picture(1, *size, 3), picture(side, side, 3, 4)
    attributes = {"padding": padding, "strides": [1, stride, stride, 1], "dilations": [1, dilation, dilation, 1]}
    (result,) = run_graph(graph_of("Conv2D", [kernel], attributes), {"x": torch.from_numpy(image)}, [Ref("y")])
    expected = convolve_slowly(image[0], kernel, stride, dilation, padding == "SAME")
    np.testing.assert_allclose(result[0], expected, atol=1e-5)


def test_depthwise_convolution_is_one_convolution_a_channel():
    image, kernel = picture(1, 8, 7, 3), picture(3, 3, 3, 2)
    attributes = {"padding": "SAME", "strides": [1, 2, 2, 1]}
    (result,) = run_graph(graph_of("DepthwiseConv2dNative", [kernel], attributes), {"x": torch.from_numpy(image)}, [Ref("y")])
    for channel in range(3):
        alone = convolve_slowly(image[0, :, :, channel : channel + 1], kernel[:, :, channel : channel + 1], 2, 1, True)
        np.testing.assert_allclose(result[0, ..., 2 * channel : 2 * channel + 2], alone, atol=1e-5)


@pytest.mark.parametrize(("size", "side"), [((7, 10), 3), ((8, 8), 2), ((9, 6), 1), ((8, 9), 4)])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_convolution_back_is_the_transpose(size, side, stride, padding):
    kernel, attributes = picture(side, side, 2, 4), {"padding": padding, "strides": [1, stride, stride, 1]}
    one = picture(*size, 2)
    forwards = convolve_slowly(one, kernel, stride, 1, padding == "SAME")
    other = picture(*forwards.shape)
    graph = graph_of("Conv2DBackpropInput", [np.array([1, *size, 2], np.int32), kernel], attributes, 2)
    (backwards,) = run_graph(graph, {"x": torch.from_numpy(other[None])}, [Ref("y")])
    assert backwards.shape == (1, *size, 2)
    np.testing.assert_allclose(
        (forwards * other).sum(), (one * backwards[0].numpy()).sum(dtype=np.float64), rtol=1e-3, atol=1e-3
    )
    inputs, outputs = {"x": torch.from_numpy(other[None])}, {"y": Ref("y")}
    assert largest_difference(graph, convert_graph(graph, inputs, {}, outputs, {}), inputs, {}, outputs) < 1e-5


@pytest.mark.parametrize(("op", "reduce"), [("MaxPool", np.max), ("AvgPool", np.mean)])
def test_pooling_does_not_count_padding(op, reduce):
    image = picture(1, 5, 7, 2) - 5
    attributes = {"padding": "SAME", "strides": [1, 2, 2, 1], "ksize": [1, 2, 2, 1]}
    (result,) = run_graph(graph_of(op, [], attributes), {"x": torch.from_numpy(image)}, [Ref("y")])
    expected = [[reduce(image[0, r : r + 2, c : c + 2], axis=(0, 1)) for c in range(0, 7, 2)] for r in range(0, 5, 2)]
    np.testing.assert_allclose(result[0], expected, atol=1e-6)


@pytest.mark.parametrize("flag", ["align_corners", "half_pixel_centers", None])
def test_resizing_in_three_conventions(flag):
    image, size = picture(1, 4, 6, 2), (9, 5)
    graph = graph_of("ResizeBilinear", [np.array(size, np.int32)], {flag: True} if flag else {})
    (result,) = run_graph(graph, {"x": torch.from_numpy(image)}, [Ref("y")])
    expected = image[0].astype(np.float64)
    for axis, target in enumerate(size):
        index = np.arange(target)
        count = expected.shape[axis]
        if flag == "align_corners":
            place = index * (count - 1) / (target - 1)
        elif flag:
            place = (index + 0.5) * count / target - 0.5
        else:
            place = index * count / target
        along = np.moveaxis(expected, axis, 0)
        flat = [np.interp(place, np.arange(count), column) for column in along.reshape(count, -1).T]
        expected = np.moveaxis(np.array(flat).T.reshape(target, *along.shape[1:]), 0, axis)
    np.testing.assert_allclose(result[0], expected, atol=1e-5)


def test_blocks_are_every_nth_row_and_column_and_come_back():
    image = picture(1, 5, 7, 2)
    block, around = np.array([2, 3], np.int32), np.array([[1, 0], [0, 2]], np.int32)
    x = torch.from_numpy(image)
    (parts,) = run_graph(graph_of("SpaceToBatchND", [block, around], {}), {"x": x}, [Ref("y")])
    padded = np.pad(image, [(0, 0), (1, 0), (0, 2), (0, 0)])
    for row in range(2):
        for column in range(3):
            np.testing.assert_array_equal(parts[row * 3 + column], padded[0, row::2, column::3])
    (whole,) = run_graph(graph_of("BatchToSpaceND", [block, around], {}), {"x": parts}, [Ref("y")])
    np.testing.assert_array_equal(whole, image)


CONVOLUTION = {"padding": "SAME", "strides": [1, 2, 2, 1], "fused_ops": ["BiasAdd", "Relu6"]}
POOL = {"padding": "SAME", "strides": [1, 2, 2, 1], "ksize": [1, 3, 3, 1]}


@pytest.mark.parametrize(
    ("op", "constants", "attributes", "place"),
    [
        ("_FusedConv2D", [picture(3, 3, 6, 8), picture(8)], CONVOLUTION, 0),
        ("FusedDepthwiseConv2dNative", [picture(3, 3, 6, 2), picture(12)], CONVOLUTION, 0),
        ("MaxPool", [], POOL, 0),
        ("AvgPool", [], POOL, 0),
        ("ResizeBilinear", [np.array([18, 14], np.int32)], {"half_pixel_centers": True}, 0),
        ("ResizeBilinear", [np.array([18, 14], np.int32)], {"align_corners": True}, 0),
        ("ResizeBilinear", [np.array([18, 14], np.int32)], {}, 0),
        ("Sub", [picture(6)], {}, 1),
        ("AddN", [picture(1, 9, 7, 6), picture(1, 9, 7, 6)], {}, 1),
        ("RealDiv", [np.array(2.5, np.float32)], {}, 0),
        ("Maximum", [picture(9, 7, 6)], {}, 0),
        ("Mean", [np.array([1, 2], np.int32)], {"keep_dims": True}, 0),
        ("Pad", [np.array([[0, 0], [1, 2], [3, 0], [0, 1]], np.int32)], {}, 0),
        ("Slice", [np.array([0, 2, 0, 1], np.int32), np.array([-1, 4, -1, 3], np.int32)], {}, 0),
        ("ConcatV2", [picture(1, 9, 7, 3), np.array(3, np.int32)], {}, 0),
        ("ConcatV2", [picture(1, 2, 7, 6), np.array(1, np.int32)], {}, 0),
        ("Split", [np.array(3, np.int32)], {"num_split": 2}, 1),
        ("SplitV", [np.array([2, 4], np.int32), np.array(3, np.int32)], {}, 0),
        ("Softmax", [], {}, 0),
        ("Square", [], {}, 0),
        ("Relu6", [], {}, 0),
    ],
)
def test_onnx_is_torch(op, constants, attributes, place):
    graph = graph_of(op, constants, attributes, place)
    inputs = {"x": torch.from_numpy(picture(1, 9, 7, 6) * 4)}
    outputs = {"last": Ref("y", 1)} if op.startswith("Split") else {"last": Ref("y")}
    model = convert_graph(graph, inputs, {}, outputs, {})
    assert largest_difference(graph, model, inputs, {}, outputs) < 1e-5


def test_convolution_of_blocks_becomes_one_dilated_convolution():
    nodes = [
        Node("x", "Placeholder", (), (), {}),
        *(Node(name, "Const", (), (), {}) for name in ("block", "around", "crops", "kernel")),
        Node("apart", "SpaceToBatchND", (Ref("x"), Ref("block"), Ref("around")), (), {}),
        Node(
            "inner", "DepthwiseConv2dNative", (Ref("apart"), Ref("kernel")), (), {"padding": "VALID", "strides": [1, 1, 1, 1]}
        ),
        Node("y", "BatchToSpaceND", (Ref("inner"), Ref("block"), Ref("crops")), (), {}),
    ]
    weights = {
        "block": np.array([2, 2], np.int32),
        "around": np.array([[2, 3], [2, 2]], np.int32),
        "crops": np.array([[0, 1], [0, 0]], np.int32),
        "kernel": picture(3, 3, 4, 1),
    }
    graph = Graph({node.name: node for node in nodes}, weights)
    inputs, outputs = {"x": torch.from_numpy(picture(1, 9, 8, 4))}, {"y": Ref("y")}
    model = convert_graph(graph, inputs, {}, outputs, {})
    assert [node.op_type for node in model.graph.node] == ["Conv", "Slice", "Identity"]
    assert largest_difference(graph, model, inputs, {}, outputs) < 1e-5


def test_odd_channels_are_convolved_by_themselves():
    nodes = [
        *(Node(name, "Placeholder", (), (), {}) for name in ("wide", "deep", "colours")),
        *(Node(name, "Const", (), (), {}) for name in ("axis", "kernel", "bias")),
        Node("all", "ConcatV2", (Ref("wide"), Ref("deep"), Ref("colours"), Ref("axis")), (), {}),
        Node(
            "y",
            "_FusedConv2D",
            (Ref("all"), Ref("kernel"), Ref("bias")),
            (),
            {"padding": "SAME", "fused_ops": ["BiasAdd", "Relu"]},
        ),
    ]
    weights = {"axis": np.array(3, np.int32), "kernel": picture(3, 3, 27, 8), "bias": picture(8)}
    graph = Graph({node.name: node for node in nodes}, weights)
    inputs = {name: torch.from_numpy(picture(1, 6, 5, count)) for name, count in (("wide", 8), ("deep", 16), ("colours", 3))}
    model = convert_graph(graph, inputs, {}, {"y": Ref("y")}, {})
    assert [node.op_type for node in model.graph.node] == ["Concat", "Conv", "Conv", "Add", "Relu", "Identity"]
    assert largest_difference(graph, model, inputs, {}, {"y": Ref("y")}) < 1e-5


def test_unknown_operation_cannot_be_converted():
    graph = graph_of("Tan", [], {})
    with pytest.raises(ValueError, match="'Tan' of node 'y' is not supported"):
        convert_graph(graph, {"x": torch.zeros(1, 2, 2, 1)}, {}, {"y": Ref("y")}, {})


def test_a_wrong_conversion_is_not_accepted():
    x = torch.ones(1, 2, 2, 3)
    right, wrong = (graph_of("Mul", [np.array(factor, np.float32)], {}) for factor in (2.0, 2.01))
    model = convert_graph(wrong, {"x": x}, {}, {"y": Ref("y")}, {"note": "kept"})
    with pytest.raises(ValueError, match="differs from its graph"):
        check_conversion(right, model, {"x": x}, {}, {"y": Ref("y")})
    check_conversion(wrong, model, {"x": x}, {}, {"y": Ref("y")})
    assert open_session(model.SerializeToString(), 1).get_modelmeta().custom_metadata_map == {"note": "kept"}
