"""How convolutions are written in ONNX, channels first."""

from dataclasses import replace

import numpy as np
from numpy import ndarray

from headsmith.nets.onnx_builder import Builder, Picture
from headsmith.nets.tfjs import Node
from headsmith.nets.tfjs_torch_ops import paddings, spatial

Shapes = list[tuple[int, ...]]

BLOCK = 8
"""Channels that ONNX runtime's fast convolutions take at once (on AVX-512, sixteen)."""

AXES = {0: 0, 1: 2, 2: 3, 3: 1}
"""Where TensorFlow's axis (batch, height, width, channels) lies in ONNX."""


def clip(builder: Builder, picture: Picture) -> Picture:
    """Return a picture limited to 0..6."""
    limits = [builder.constant(np.array(limit, np.float32)) for limit in (0, 6)]
    return builder.add("Clip", [picture, *limits], picture.shape)


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
    (height, width), (rows, columns), strides = shapes[0][1:3], kernel.shape[:2], spatial(node, "strides")
    above, below, left, right = paddings(node, (height, width), (rows, columns))
    rest = (
        height + above + below - rows - (picture.shape[1] - 1) * strides[0],
        width + left + right - columns - (picture.shape[2] - 1) * strides[1],
    )
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
