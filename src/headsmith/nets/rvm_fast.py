"""RVM with its large convolutions in 8 bits.

On one core and 192 pixels 14 ms a frame instead of 18. On 90 frames each of franck, cap12, pexels and single_face, masks (matte
above a half) overlap those of the network in 32 bits by 0.997 (IoU), and mattes differ by 0.3 to 0.5 levels of 255.
"""

from collections.abc import Iterator, Mapping

import cv2
import numpy as np
import skimage
from jaxtyping import UInt8
from numpy import ndarray
from onnx import ModelProto

from headsmith.nets.onnx_eight_bits import put_in_eight_bits
from headsmith.nets.onnx_session import open_session
from headsmith.nets.rvm import INPUT, STATES_IN, STATES_OUT, compute

FEWEST_CHANNELS = 16
"""A convolution of fewer stays in 32 bits: there is little to win."""
SHIFTS = (0, 2, 5, 9)
"""How far the portrait has moved in the frames of an example, in pixels of its 512: the memory must meet its range too."""


def shrink_rvm(whole: ModelProto) -> ModelProto:
    """Return the converted network with its 3x3 convolutions of many channels in 8 bits; inputs and outputs stay as they are.

    The ranges of 8 bits are those that ``example_streams`` reach.

    Args:
        whole: What ``convert_rvm`` gives.
    """
    shapes = {entry.name: list(entry.dims) for entry in whole.graph.initializer}
    large = [
        node.output[0]
        for node in whole.graph.node
        if node.op_type == "Conv"
        and len(node.input) == 3
        and shapes[node.input[1]][1] >= FEWEST_CHANNELS
        and shapes[node.input[1]][2:] == [3, 3]
    ]
    return put_in_eight_bits(whole, large, list(example_feeds(whole)))


def example_feeds(whole: ModelProto) -> Iterator[Mapping[str, ndarray]]:
    """Yield inputs of the network over short streams: frames, and the states before them."""
    session = open_session(whole.SerializeToString(), 1)
    shapes = {entry.name: tuple(entry.shape) for entry in session.get_inputs()}
    side = shapes[INPUT][2]
    for stream in example_streams():
        states = {name: np.zeros(shapes[name], np.float32) for name in STATES_IN}
        for picture in stream:
            scaled = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
            feeds = {INPUT: np.ascontiguousarray(scaled.transpose(2, 0, 1)[None], np.float32) / np.float32(255), **states}
            yield feeds
            values = compute(session, feeds)
            states = {name: values[new] for name, new in zip(STATES_IN, STATES_OUT, strict=True)}


def example_streams() -> Iterator[list[UInt8[ndarray, "S S 3"]]]:
    """Yield short streams of a head that moves: scikit-image's portrait of an astronaut (NASA, public domain), in three sizes.

    Each is also shown darker, brighter and as a negative.
    """
    portrait = skimage.data.astronaut()
    tables = [np.arange(256), *(255 * (np.arange(256) / 255) ** gamma for gamma in (0.5, 2.0)), 255 - np.arange(256)]
    for top, left, side in ((0, 80, 300), (0, 20, 400), (0, 0, 500)):
        for table in tables:
            shown = cv2.LUT(portrait, table.round().astype(np.uint8))
            yield [shown[top + shift : top + shift + side, left + shift : left + shift + side] for shift in SHIFTS]
