"""How each TensorFlow operation on pictures is written in ONNX, channels first."""

from collections.abc import Callable
from dataclasses import replace

from numpy import ndarray
from onnx import helper

from headsmith.nets.onnx_builder import Builder, Picture, Value
from headsmith.nets.tfjs import Node
from headsmith.nets.tfjs_onnx_convolutions import (
    AXES,
    clip,
    convolve,
    convolve_back,
    convolve_depthwise,
    cut,
    put_together,
    take_apart,
)
from headsmith.nets.tfjs_torch_ops import paddings, spatial

Emitter = Callable[..., list[Picture]]
"""Takes the builder, the node, the shapes of its outputs (TensorFlow's order), its inputs; gives its outputs."""

Shapes = list[tuple[int, ...]]


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


def same_value(builder: Builder, node: Node, shapes: Shapes, picture: Picture, *more: Value) -> list[Picture]:
    """Operations that change nothing: ``Identity``, ``BroadcastTo`` the same shape.

    Raises:
        ValueError: The shape changes.
    """
    if shapes[0] != picture.shape:
        raise ValueError(f"node {node.name!r} broadcasts {picture.shape} to {shapes[0]}: feed it the whole shape")
    return [picture]


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
