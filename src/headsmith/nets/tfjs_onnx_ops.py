"""How each TensorFlow operation on pictures is written in ONNX, channels first."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy import ndarray
from onnx import helper

from headsmith.nets.onnx_builder import Builder, Picture, Value
from headsmith.nets.tfjs import Node
from headsmith.nets.tfjs_torch_ops import paddings, spatial

Emitter = Callable[..., list[Picture]]
"""Takes the builder, the node, the shapes of its outputs (TensorFlow's order), its inputs; gives its outputs."""

Shapes = list[tuple[int, ...]]

BLOCK = 8
"""Channels that ONNX runtime's fast convolutions take at once (on AVX-512, sixteen)."""

AXES = {0: 0, 1: 2, 2: 3, 3: 1}
"""Where TensorFlow's axis (batch, height, width, channels) lies in ONNX."""


def same_operation(op: str, **attributes: int) -> Emitter:
    """Return the emitter of an operation that works value by value and has the same meaning in ONNX."""

    def emit(builder: Builder, node: Node, shapes: Shapes, *inputs: Value) -> list[Picture]:
        return [builder.add(op, inputs, shapes[0], **attributes)]

    return emit


def square(builder: Builder, node: Node, shapes: Shapes, picture: Picture) -> list[Picture]:
    """``Square``."""
    return [builder.add("Mul", [picture, picture], shapes[0])]


def clip_to_six(builder: Builder, node: Node, shapes: Shapes, picture: Picture) -> list[Picture]:
    """``Relu6``."""
    return [clip(builder, picture)]


def clip(builder: Builder, picture: Picture) -> Picture:
    """Return a picture limited to 0..6."""
    limits = [builder.constant(np.array(limit, np.float32)) for limit in (0, 6)]
    return builder.add("Clip", [picture, *limits], picture.shape)


def same_value(builder: Builder, node: Node, shapes: Shapes, picture: Picture, *more: Value) -> list[Picture]:
    """Operations that change nothing: ``Identity``, ``BroadcastTo`` the same shape.

    Raises:
        ValueError: The shape changes.
    """
    if shapes[0] != picture.shape:
        raise ValueError(f"node {node.name!r} broadcasts {picture.shape} to {shapes[0]}: feed it the whole shape")
    return [picture]


def convolve(builder: Builder, node: Node, shapes: Shapes, picture: Picture, kernel: ndarray, *more: ndarray) -> list[Picture]:
    """``Conv2D`` and its fused form."""
    return convolve_any(builder, node, shapes, picture, kernel.transpose(3, 2, 0, 1), 1, *more)


def convolve_depthwise(
    builder: Builder, node: Node, shapes: Shapes, picture: Picture, kernel: ndarray, *more: ndarray
) -> list[Picture]:
    """``DepthwiseConv2dNative`` and its fused form."""
    height, width, channels, multiplier = kernel.shape
    weights = kernel.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)
    return convolve_any(builder, node, shapes, picture, weights, channels, *more)


def convolve_any(
    builder: Builder, node: Node, shapes: Shapes, picture: Picture, weights: ndarray, groups: int, *more: ndarray
) -> list[Picture]:
    """Write a convolution. A picture that waits to be taken apart into blocks is convolved with that dilation instead.

    The two are the same: convolving every ``n``-th row and column by itself is convolving with a dilation of ``n``.

    Raises:
        ValueError: A picture in blocks meets a stride, a dilation or a padding.
    """
    size, kernel_size = picture.shape[1:3], weights.shape[2:]
    around, dilation = paddings(node, size, kernel_size), spatial(node, "dilations")
    if picture.blocks != (1, 1):
        if any(around) or spatial(node, "strides") != (1, 1) or dilation != (1, 1):
            raise ValueError(f"the convolution {node.name!r} of pictures in blocks is not supported")
        around, dilation = picture.around, picture.blocks
    fused = list(node.attributes.get("fused_ops", []))
    bias = [builder.constant(more[0].reshape(-1))] if fused[:1] == ["BiasAdd"] else []
    attributes = {
        "pads": (around[0], around[2], around[1], around[3]),
        "strides": spatial(node, "strides"),
        "dilations": dilation,
        "group": groups,
    }
    even, odd = part_channels(builder, picture)
    count = even.shape[3] * weights.shape[1] // picture.shape[3]
    result = builder.add("Conv", [even.name, builder.constant(weights[:, :count]), *bias], shapes[0], **attributes)
    if odd is not None:
        rest = builder.add("Conv", [odd.name, builder.constant(weights[:, count:])], shapes[0], **attributes)
        result = builder.add("Add", [result, rest], shapes[0])
    result = activate(builder, node, result, fused[1:] if bias else fused)
    return [replace(result, blocks=picture.blocks)]


def convolve_back(
    builder: Builder, node: Node, shapes: Shapes, sizes: ndarray, kernel: ndarray, picture: Picture
) -> list[Picture]:
    """``Conv2DBackpropInput``: the transpose of a convolution.

    Raises:
        ValueError: It dilates, or the picture is in blocks.
    """
    if spatial(node, "dilations") != (1, 1) or picture.blocks != (1, 1):
        raise ValueError(f"the transposed convolution {node.name!r} dilates: that is not supported")
    sides, kernel_size, strides = shapes[0][1:3], kernel.shape[:2], spatial(node, "strides")
    above, below, left, right = paddings(node, sides, kernel_size)
    reached = [(side - 1) * stride + reach for side, stride, reach in zip(picture.shape[1:3], strides, kernel_size, strict=True)]
    rest = (sides[0] + above + below - reached[0], sides[1] + left + right - reached[1])
    attributes = {"pads": (above, left, below, right), "strides": strides, "output_padding": rest}
    weights = builder.constant(kernel.transpose(3, 2, 0, 1))
    return [builder.add("ConvTranspose", [picture.name, weights], shapes[0], **attributes)]


def part_channels(builder: Builder, picture: Picture) -> tuple[Picture, Picture | None]:
    """Return a concatenation as its leading parts, a multiple of eight channels, and its odd last part.

    ONNX runtime's fast convolutions take channels in blocks of eight; RVM appends the three colours to many channels, which
    sends the whole to its slow ones (measured on one core, 256 pixels: 38 ms a frame, 34 ms with the colours by themselves).
    """
    leading = sum(part.shape[3] for part in picture.parts[:-1])
    if not leading or leading % BLOCK or picture.shape[3] % BLOCK == 0:
        return picture, None
    shape = (*picture.shape[:3], leading)
    if len(picture.parts) == 2:
        return picture.parts[0], picture.parts[1]
    return builder.add("Concat", picture.parts[:-1], shape, axis=AXES[3]), picture.parts[-1]


def activate(builder: Builder, node: Node, picture: Picture, fused: list[str]) -> Picture:
    """Write the activations fused to a convolution.

    Raises:
        ValueError: One of them is not supported.
    """
    for name in fused:
        if name not in ("Relu", "Relu6"):
            raise ValueError(f"the fused operation {name!r} of node {node.name!r} cannot be converted")
        picture = clip(builder, picture) if name == "Relu6" else builder.add("Relu", [picture], picture.shape)
    return picture


def take_apart(
    builder: Builder, node: Node, shapes: Shapes, picture: Picture, block: ndarray, around: ndarray
) -> list[Picture]:
    """``SpaceToBatchND``: nothing is computed; the convolution that follows is told to dilate."""
    above, below, left, right = (int(value) for value in around.reshape(-1))
    rows, columns = (int(value) for value in block)
    return [Picture(picture.name, shapes[0], (rows, columns), (above, below, left, right))]


def put_together(
    builder: Builder, node: Node, shapes: Shapes, picture: Picture, block: ndarray, crops: ndarray
) -> list[Picture]:
    """``BatchToSpaceND``: the picture is whole already; only the crop is left to do.

    Raises:
        ValueError: The picture was taken apart otherwise.
    """
    if picture.blocks != tuple(int(value) for value in block):
        raise ValueError(f"node {node.name!r} puts together what was not taken apart so")
    whole = replace(picture, shape=shapes[0], blocks=(1, 1))
    (above, below), (left, right) = crops.tolist()
    if not (above or below or left or right):
        return [whole]
    starts, ends = (above, left), (above + shapes[0][1], left + shapes[0][2])
    return [cut(builder, whole, shapes[0], starts, ends, (1, 2))]


def cut(
    builder: Builder,
    picture: Picture,
    shape: tuple[int, ...],
    starts: tuple[int, ...],
    ends: tuple[int, ...],
    axes: tuple[int, ...],
) -> Picture:
    """Return a part of a picture along TensorFlow's axes."""
    places = [AXES[axis] for axis in axes]
    return builder.add("Slice", [picture.name, *(builder.integers(part) for part in (starts, ends, places))], shape)


def pool(op: str) -> Emitter:
    """Return the emitter of a pooling operation; padding never counts."""

    def emit(builder: Builder, node: Node, shapes: Shapes, picture: Picture) -> list[Picture]:
        size = spatial(node, "ksize")
        above, below, left, right = paddings(node, picture.shape[1:3], size)
        pads = (above, left, below, right)
        return [builder.add(op, [picture], shapes[0], kernel_shape=size, strides=spatial(node, "strides"), pads=pads)]

    return emit


def resize(builder: Builder, node: Node, shapes: Shapes, picture: Picture, size: ndarray) -> list[Picture]:
    """``ResizeBilinear`` in its three conventions."""
    if node.attributes.get("align_corners"):
        mode = "align_corners"
    else:
        mode = "half_pixel" if node.attributes.get("half_pixel_centers") else "asymmetric"
    batch, height, width, channels = shapes[0]
    sizes = builder.integers((batch, channels, height, width))
    return [builder.add("Resize", [picture.name, "", "", sizes], shapes[0], mode="linear", coordinate_transformation_mode=mode)]


def slice_plain(builder: Builder, node: Node, shapes: Shapes, picture: Picture, begin: ndarray, size: ndarray) -> list[Picture]:
    """``Slice``; axes of which nothing is cut are left out."""
    axes = tuple(axis for axis in range(4) if shapes[0][axis] != picture.shape[axis])
    if not axes:
        return [picture]
    starts = tuple(int(begin[axis]) for axis in axes)
    ends = tuple(int(begin[axis]) + shapes[0][axis] for axis in axes)
    return [cut(builder, picture, shapes[0], starts, ends, axes)]


def split_evenly(builder: Builder, node: Node, shapes: Shapes, axis: ndarray, picture: Picture) -> list[Picture]:
    """``Split``."""
    return split_at(builder, shapes, picture, int(axis) % 4)


def split_sizes(builder: Builder, node: Node, shapes: Shapes, picture: Picture, sizes: ndarray, axis: ndarray) -> list[Picture]:
    """``SplitV``."""
    return split_at(builder, shapes, picture, int(axis) % 4)


def split_at(builder: Builder, shapes: Shapes, picture: Picture, axis: int) -> list[Picture]:
    """Write a split into parts whose shapes are known."""
    parts = [Picture(f"value_{len(builder.nodes)}_{index}", shape) for index, shape in enumerate(shapes)]
    sizes = builder.integers([shape[axis] for shape in shapes])
    builder.nodes.append(helper.make_node("Split", [picture.name, sizes], [part.name for part in parts], axis=AXES[axis]))
    return parts


def concatenate(builder: Builder, node: Node, shapes: Shapes, *inputs: Value) -> list[Picture]:
    """``ConcatV2``; the last input is the axis."""
    axis = int(inputs[-1]) % 4
    whole = builder.add("Concat", inputs[:-1], shapes[0], axis=AXES[axis])
    parts = [value for value in inputs[:-1] if isinstance(value, Picture)]
    return [replace(whole, parts=tuple(parts)) if axis == 3 and len(parts) == len(inputs) - 1 else whole]


def mean(builder: Builder, node: Node, shapes: Shapes, picture: Picture, axes: ndarray) -> list[Picture]:
    """``Mean`` that keeps its axes."""
    places = builder.integers([AXES[int(axis) % 4] for axis in axes.reshape(-1)])
    return [builder.add("ReduceMean", [picture.name, places], shapes[0], keepdims=1)]


def pad(builder: Builder, node: Node, shapes: Shapes, picture: Picture, around: ndarray) -> list[Picture]:
    """``Pad`` with zeros."""
    order = sorted(AXES, key=lambda axis: AXES[axis])
    amounts = builder.integers([int(around[axis][side]) for side in (0, 1) for axis in order])
    return [builder.add("Pad", [picture.name, amounts], shapes[0])]


EMITTERS: dict[str, Emitter] = {
    "Add": same_operation("Add"),
    "AddV2": same_operation("Add"),
    "AddN": same_operation("Sum"),
    "Sub": same_operation("Sub"),
    "Mul": same_operation("Mul"),
    "RealDiv": same_operation("Div"),
    "Minimum": same_operation("Min"),
    "Maximum": same_operation("Max"),
    "Relu": same_operation("Relu"),
    "Sigmoid": same_operation("Sigmoid"),
    "Tanh": same_operation("Tanh"),
    "Softmax": same_operation("Softmax", axis=1),
    "Square": square,
    "Relu6": clip_to_six,
    "Identity": same_value,
    "BroadcastTo": same_value,
    "_FusedConv2D": convolve,
    "Conv2D": convolve,
    "FusedDepthwiseConv2dNative": convolve_depthwise,
    "DepthwiseConv2dNative": convolve_depthwise,
    "Conv2DBackpropInput": convolve_back,
    "MaxPool": pool("MaxPool"),
    "AvgPool": pool("AveragePool"),
    "ResizeBilinear": resize,
    "Slice": slice_plain,
    "Split": split_evenly,
    "SplitV": split_sizes,
    "ConcatV2": concatenate,
    "Mean": mean,
    "Pad": pad,
    "SpaceToBatchND": take_apart,
    "BatchToSpaceND": put_together,
}
