"""BiSeNetV2 face parsing, the demo's parser: 19 classes, on square frames that a head fills.

BiSeNetV2: Yu et al. 2021, "BiSeNet V2: Bilateral Network with Guided Aggregation", trained on CelebAMask-HQ. The converted
network gives logits at an eighth of its 512 pixels. Its own last layer enlarges them bilinearly, pixel ``i`` from ``i / 8``
(TensorFlow 1's convention). Its labels are in the order of face-parsing.PyTorch, which running it on faces shows.

``convert_bisenetv2`` keeps all in 32 bits. ``shrink_bisenetv2`` makes the fast form: the eleven convolutions with nine tenths
of the multiplications work in 8 bits, and it takes the bytes of the picture as they are. Measured against the whole network on
crops of four clips (benchmarks/networks.py): the masks of mouth, head, hair and skin agree to an IoU of 0.986 or better, the
eyes to 0.982, at two fifths of the processor time. All convolutions in 8 bits gave 0.975 for the mouth and were no faster.
"""

from collections.abc import Iterator

import cv2
import numpy as np
import onnx
import skimage.data
import torch
from jaxtyping import UInt8
from numpy import ndarray
from onnx import ModelProto, TensorProto, helper, numpy_helper

from headsmith.nets.onnx_eight_bits import multiplications, put_in_eight_bits
from headsmith.nets.parsers import LOGITS, ParserFacts, in_quarters, quarter_weights, scaled_picture
from headsmith.nets.tfjs import Graph, Ref
from headsmith.nets.tfjs_check import check_conversion, random_inputs
from headsmith.nets.tfjs_onnx import convert_graph

FACTS = ParserFacts("face_parsing", 512, (127.5, 127.5, 127.5), (127.5, 127.5, 127.5), 1 / 8, 0.0)
INPUT = "input_tensor"
BYTES = "picture"
RESULT = Ref("BiseNetV2/logits/1x1_conv_block/Conv2D")

LARGE = 90_000_000
"""Convolutions with as many multiplications a picture go into 8 bits; the smaller ones are cheap and cost exactness."""


def convert_bisenetv2(graph: Graph, metadata: dict[str, str]) -> ModelProto:
    """Convert the TF.js graph: input (1, 3, 512, 512) in -1..1, output ``logits`` (1, 19, 64, 64); checked against torch.

    Raises:
        ValueError: The graph is not this network's, or the conversion differs from it.
    """
    example, outputs = {INPUT: torch.zeros(1, FACTS.side, FACTS.side, 3)}, {LOGITS: RESULT}
    model = convert_graph(graph, example, {}, outputs, metadata | FACTS.metadata())
    check_conversion(graph, model, random_inputs(example, -1.0, 1.0), {}, outputs)
    return model


def shrink_bisenetv2(whole: ModelProto) -> ModelProto:
    """Return the fast form of the converted network: input ``picture`` (1, 256, 256, 12), the same output.

    The ranges of 8 bits are those that ``example_pictures`` reach.

    Args:
        whole: What ``convert_bisenetv2`` gives.
    """
    model = take_bytes(whole)
    feeds = [{BYTES: in_quarters(picture)} for picture in example_pictures()]
    large = [name for name, count in multiplications(model).items() if count >= LARGE]
    return put_in_eight_bits(model, large, feeds)


def example_pictures() -> Iterator[UInt8[ndarray, "512 512 3"]]:
    """Yield pictures that drive the network through the range of what it meets.

    They are crops of scikit-image's portrait of an astronaut (NASA, public domain), each also darker, brighter, mirrored upside
    down, and as a negative: ranges measured on these were as good as ranges measured on the clips themselves.
    """
    portrait = skimage.data.astronaut()
    for top, bottom, left, right in (
        (0, 300, 80, 380),
        (20, 250, 110, 340),
        (0, 512, 0, 512),
        (0, 400, 20, 420),
        (30, 200, 150, 320),
    ):
        crop = scaled_picture(np.ascontiguousarray(portrait[top:bottom, left:right]), FACTS.side)
        yield crop
        for gamma in (0.5, 2.0):
            yield cv2.LUT(crop, (255 * (np.arange(256) / 255) ** gamma).round().astype(np.uint8))
        yield np.ascontiguousarray(crop[::-1, ::-1])
        yield 255 - crop


def take_bytes(whole: ModelProto) -> ModelProto:
    """Return the network with its first convolutions (3x3, in steps of 2) over bytes, 2x2 pixels as twelve channels.

    A byte ``q`` stands for ``(q - 128) / 127.5``, and the bias for the half that is missing to ``q / 127.5 - 1``. Only the
    padding, a pixel at the right and the lower edge, differs by that half.
    """
    model = ModelProto()
    model.CopyFrom(whole)
    graph, constants = model.graph, {entry.name: numpy_helper.to_array(entry) for entry in model.graph.initializer}
    unit = np.float32(1 / 127.5)

    def keep(name: str, array: ndarray) -> str:
        graph.initializer.append(numpy_helper.from_array(array, name))
        return name

    for node in graph.node:
        if node.input[0] == INPUT:
            weights, bias = (constants[name] for name in node.input[1:3])
            shifted = bias + unit / 2 * weights.sum((1, 2, 3), dtype=np.float64)
            names = (
                keep(f"{node.input[1]}_quarters", quarter_weights(weights)),
                keep(f"{node.input[2]}_shifted", np.float32(shifted)),
            )
            node.input[:] = ["centred", *names]
            next(entry for entry in node.attribute if entry.name == "strides").ints[:] = [1, 1]
    scale, middle = keep("byte", np.array(unit)), keep("middle", np.array(128, np.uint8))
    graph.node.insert(0, helper.make_node("DequantizeLinear", ["first", scale, middle], ["centred"]))
    graph.node.insert(0, helper.make_node("Transpose", [BYTES], ["first"], perm=[0, 3, 1, 2]))
    half = FACTS.side // 2
    graph.input[0].CopyFrom(helper.make_tensor_value_info(BYTES, TensorProto.UINT8, (1, half, half, 12)))
    onnx.checker.check_model(model, full_check=True)
    return model
