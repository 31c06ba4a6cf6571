"""TensorFlow's operations in torch, as far as the networks of this project use them.

Shapes and paddings are TensorFlow's: images are (batch, height, width, channels); ``SAME`` pads so that the output has
``ceil(input / stride)`` pixels, the odd pixel of padding below and to the right (``tf.nn.convolution``, note on padding).
"""

from collections.abc import Callable

import torch
import torch.nn.functional as functional
from torch import Tensor

from headsmith.nets.tfjs import Node

Operation = Callable[..., Tensor | tuple[Tensor, ...]]

TYPES = {"DT_FLOAT": torch.float32, "DT_INT32": torch.int32, "DT_BOOL": torch.bool}


def channels_first(image: Tensor) -> Tensor:
    """Return (batch, height, width, channels) as (batch, channels, height, width)."""
    return image.permute(0, 3, 1, 2)


def channels_last(image: Tensor) -> Tensor:
    """Return (batch, channels, height, width) as (batch, height, width, channels)."""
    return image.permute(0, 2, 3, 1)


def numbers(tensor: Tensor) -> list[int]:
    """Return a tensor's values as a flat list of whole numbers."""
    return [int(value) for value in tensor.reshape(-1)]


def same_padding(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """Return TensorFlow's ``SAME`` padding before and after one axis."""
    reach = (kernel - 1) * dilation + 1
    total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


def spatial(node: Node, key: str) -> tuple[int, int]:
    """Return the height and width entries of an attribute such as ``strides`` (1 where it is absent).

    Raises:
        ValueError: It has entries other than 1 for batch or channels.
    """
    batch, height, width, channels = node.attributes.get(key) or (1, 1, 1, 1)
    if (batch, channels) != (1, 1) or node.attributes.get("data_format", "NHWC") != "NHWC":
        raise ValueError(f"the layout of node {node.name!r} is not supported")
    return height, width


def paddings(node: Node, size: tuple[int, int], kernel: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the padding above, below, left and right of a convolution or pooling node.

    Raises:
        ValueError: Its padding is neither ``SAME`` nor ``VALID``.
    """
    match node.attributes["padding"]:
        case "VALID":
            return 0, 0, 0, 0
        case "SAME":
            stride, dilation = spatial(node, "strides"), spatial(node, "dilations")
            rows = same_padding(size[0], kernel[0], stride[0], dilation[0])
            return *rows, *same_padding(size[1], kernel[1], stride[1], dilation[1])
        case other:
            raise ValueError(f"the padding {other!r} of node {node.name!r} is not supported")


def pad(image: Tensor, around: tuple[int, int, int, int], value: float = 0.0) -> Tensor:
    """Pad (batch, channels, height, width) above, below, left and right."""
    above, below, left, right = around
    return functional.pad(image, (left, right, above, below), value=value)


def convolve(node: Node, image: Tensor, kernel: Tensor, *more: Tensor) -> Tensor:
    """``Conv2D`` and ``_FusedConv2D``: the kernel is (height, width, in, out)."""
    return finish(node, convolve_plain(node, image, kernel.permute(3, 2, 0, 1), 1), more)


def convolve_depthwise(node: Node, image: Tensor, kernel: Tensor, *more: Tensor) -> Tensor:
    """``DepthwiseConv2dNative`` and its fused form: the kernel is (height, width, channels, multiplier)."""
    height, width, channels, multiplier = kernel.shape
    weights = kernel.permute(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)
    return finish(node, convolve_plain(node, image, weights, channels), more)


def convolve_plain(node: Node, image: Tensor, weights: Tensor, groups: int) -> Tensor:
    """Convolve with (out, in / groups, height, width), without bias."""
    image = channels_first(image)
    image = pad(image, paddings(node, tuple(image.shape[2:]), tuple(weights.shape[2:])))
    stride, dilation = spatial(node, "strides"), spatial(node, "dilations")
    return channels_last(functional.conv2d(image, weights, stride=stride, dilation=dilation, groups=groups))


def convolve_back(node: Node, sizes: Tensor, kernel: Tensor, image: Tensor) -> Tensor:
    """``Conv2DBackpropInput``: the transpose of a convolution; the kernel is (height, width, out, in).

    Raises:
        ValueError: It dilates.
    """
    if spatial(node, "dilations") != (1, 1):
        raise ValueError(f"the dilation of node {node.name!r} is not supported")
    _, height, width, _ = numbers(sizes)
    above, below, left, right = paddings(node, (height, width), tuple(kernel.shape[:2]))
    whole = functional.conv_transpose2d(channels_first(image), kernel.permute(3, 2, 0, 1), stride=spatial(node, "strides"))
    rest = height + above + below - whole.shape[2], width + left + right - whole.shape[3]
    whole = pad(whole, (0, rest[0], 0, rest[1]))
    return channels_last(whole[:, :, above : above + height, left : left + width])


def finish(node: Node, image: Tensor, more: tuple[Tensor, ...]) -> Tensor:
    """Apply what was fused to a convolution: a bias, an activation.

    Raises:
        ValueError: Something else was fused.
    """
    for name in node.attributes.get("fused_ops", []):
        match name:
            case "BiasAdd":
                image = image + more[0]
            case "Relu":
                image = image.relu()
            case "Relu6":
                image = image.clamp(0, 6)
            case _:
                raise ValueError(f"the fused operation {name!r} of node {node.name!r} is not supported")
    return image


def pool_maximum(node: Node, image: Tensor) -> Tensor:
    """``MaxPool``: padding never wins."""
    size, stride = spatial(node, "ksize"), spatial(node, "strides")
    image = channels_first(image)
    return channels_last(
        functional.max_pool2d(pad(image, paddings(node, tuple(image.shape[2:]), size), -torch.inf), size, stride)
    )


def pool_average(node: Node, image: Tensor) -> Tensor:
    """``AvgPool``: padding is not counted."""
    size, stride = spatial(node, "ksize"), spatial(node, "strides")
    image = channels_first(image)
    around = paddings(node, tuple(image.shape[2:]), size)
    share = functional.avg_pool2d(pad(torch.ones_like(image), around), size, stride)
    return channels_last(functional.avg_pool2d(pad(image, around), size, stride) / share)


def resize(node: Node, image: Tensor, size: Tensor) -> Tensor:
    """``ResizeBilinear`` in its three conventions; the oldest takes pixel ``i`` from ``i * scale``, with no half pixel."""
    image, target = channels_first(image.float()), numbers(size)
    if node.attributes.get("align_corners"):
        return channels_last(functional.interpolate(image, target, mode="bilinear", align_corners=True))
    if node.attributes.get("half_pixel_centers"):
        return channels_last(functional.interpolate(image, target, mode="bilinear", align_corners=False))
    return channels_last(resize_axis(resize_axis(image, 2, target[0]), 3, target[1]))


def resize_axis(image: Tensor, axis: int, size: int) -> Tensor:
    """Resize one axis linearly, pixel ``i`` from ``i * scale``."""
    last = image.shape[axis] - 1
    place = (torch.arange(size, dtype=torch.float32) * (image.shape[axis] / size)).clamp(max=last)
    before = place.floor().long()
    share = (place - before).reshape([-1 if index == axis else 1 for index in range(4)])
    return image.index_select(axis, before).lerp(image.index_select(axis, (before + 1).clamp(max=last)), share)


def slice_strided(node: Node, tensor: Tensor, begin: Tensor, end: Tensor, stride: Tensor) -> Tensor:
    """``StridedSlice`` with begin, end and shrink masks.

    Raises:
        ValueError: It inserts axes or has an ellipsis.
    """
    flags = {key: int(node.attributes.get(f"{key}_mask", 0)) for key in ("begin", "end", "shrink_axis", "new_axis", "ellipsis")}
    if flags["new_axis"] or flags["ellipsis"]:
        raise ValueError(f"the masks of node {node.name!r} are not supported")
    index: list[int | slice] = []
    for axis, (first, last, step) in enumerate(zip(numbers(begin), numbers(end), numbers(stride), strict=True)):
        if flags["shrink_axis"] >> axis & 1:
            index.append(first)
        else:
            index.append(slice(None if flags["begin"] >> axis & 1 else first, None if flags["end"] >> axis & 1 else last, step))
    return tensor[tuple(index)]


def slice_plain(node: Node, tensor: Tensor, begin: Tensor, size: Tensor) -> Tensor:
    """``Slice``: a size of -1 is the rest."""
    pairs = zip(numbers(begin), numbers(size), strict=True)
    return tensor[tuple(slice(first, None if count < 0 else first + count) for first, count in pairs)]


def split_evenly(node: Node, axis: Tensor, tensor: Tensor) -> tuple[Tensor, ...]:
    """``Split`` into ``num_split`` equal parts."""
    return torch.chunk(tensor, node.attributes["num_split"], int(axis))


def split_sizes(node: Node, tensor: Tensor, sizes: Tensor, axis: Tensor) -> tuple[Tensor, ...]:
    """``SplitV`` into parts of given sizes."""
    return torch.split(tensor, numbers(sizes), int(axis))


def squeeze(node: Node, tensor: Tensor) -> Tensor:
    """``Squeeze`` the given axes, or all of length one."""
    axes = node.attributes.get("squeeze_dims") or node.attributes.get("axis")
    return tensor.squeeze(tuple(axes)) if axes else tensor.squeeze()


def mean(node: Node, tensor: Tensor, axes: Tensor) -> Tensor:
    """``Mean`` over axes."""
    return tensor.mean(numbers(axes), keepdim=bool(node.attributes.get("keep_dims")))


def pad_constant(node: Node, tensor: Tensor, around: Tensor) -> Tensor:
    """``Pad`` with zeros; ``around`` is (axes, before and after)."""
    return functional.pad(tensor, numbers(around.flip(0)))


def space_to_batch(node: Node, image: Tensor, block: Tensor, around: Tensor) -> Tensor:
    """``SpaceToBatchND`` of images: every ``block``-th row and column becomes a picture of its own."""
    rows, columns = numbers(block)
    above, below, left, right = numbers(around)
    image = functional.pad(image, (0, 0, left, right, above, below))
    batch, height, width, channels = image.shape
    parts = image.reshape(batch, height // rows, rows, width // columns, columns, channels).permute(2, 4, 0, 1, 3, 5)
    return parts.reshape(-1, height // rows, width // columns, channels)


def batch_to_space(node: Node, image: Tensor, block: Tensor, crops: Tensor) -> Tensor:
    """``BatchToSpaceND`` of images: the inverse of ``SpaceToBatchND``, then cropped."""
    rows, columns = numbers(block)
    above, below, left, right = numbers(crops)
    _, height, width, channels = image.shape
    parts = image.reshape(rows, columns, -1, height, width, channels).permute(2, 3, 0, 4, 1, 5)
    whole = parts.reshape(-1, height * rows, width * columns, channels)
    return whole[:, above : whole.shape[1] - below, left : whole.shape[2] - right]


OPERATIONS: dict[str, Operation] = {
    "Add": lambda node, first, second: first + second,
    "AddV2": lambda node, first, second: first + second,
    "AddN": lambda node, *values: torch.stack(values).sum(0),
    "Sub": lambda node, first, second: first - second,
    "Mul": lambda node, first, second: first * second,
    "RealDiv": lambda node, first, second: first / second,
    "FloorMod": lambda node, first, second: torch.remainder(first, second),
    "Minimum": lambda node, first, second: torch.minimum(first, second),
    "Maximum": lambda node, first, second: torch.maximum(first, second),
    "Equal": lambda node, first, second: first == second,
    "Square": lambda node, value: value * value,
    "Relu": lambda node, value: value.relu(),
    "Relu6": lambda node, value: value.clamp(0, 6),
    "Sigmoid": lambda node, value: value.sigmoid(),
    "Tanh": lambda node, value: value.tanh(),
    "Softmax": lambda node, value: value.softmax(-1),
    "Identity": lambda node, value, *more: value,
    "NoOp": lambda node, *values: torch.zeros(()),
    "Cast": lambda node, value: value.to(TYPES[node.attributes["DstT"]]),
    "ArgMax": lambda node, value, axis: value.argmax(int(axis)),
    "Shape": lambda node, value: torch.tensor(value.shape, dtype=torch.int32),
    "Pack": lambda node, *values: torch.stack(values, node.attributes.get("axis", 0)),
    "ConcatV2": lambda node, *values: torch.cat(values[:-1], int(values[-1])),
    "BroadcastTo": lambda node, value, shape: value.expand(numbers(shape)),
    "_FusedConv2D": convolve,
    "Conv2D": convolve,
    "FusedDepthwiseConv2dNative": convolve_depthwise,
    "DepthwiseConv2dNative": convolve_depthwise,
    "Conv2DBackpropInput": convolve_back,
    "MaxPool": pool_maximum,
    "AvgPool": pool_average,
    "ResizeBilinear": resize,
    "StridedSlice": slice_strided,
    "Slice": slice_plain,
    "Split": split_evenly,
    "SplitV": split_sizes,
    "Squeeze": squeeze,
    "Mean": mean,
    "Pad": pad_constant,
    "SpaceToBatchND": space_to_batch,
    "BatchToSpaceND": batch_to_space,
}
"""Each operation: the node (for its attributes) and its inputs, to its output or outputs."""
