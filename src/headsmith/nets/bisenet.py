"""BiSeNetV2 face parsing: 19 classes, on square frames that a head fills.

BiSeNetV2: Yu et al. 2021, "BiSeNet V2: Bilateral Network with Guided Aggregation", trained on CelebAMask-HQ. The converted
network gives logits at an eighth of its 512 pixels. Its own last layer enlarges them bilinearly, pixel ``i`` from ``i / 8``
(TensorFlow 1's convention); here the same interpolation is read at the centres of the frame's pixels directly, which for
frames of 256 pixels is the mean over each 2x2 pixels of the 512, at a fraction of the work.
"""

from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float32, UInt8
from numpy import ndarray
from onnx import ModelProto

from headsmith.contract.labels import LABELS
from headsmith.nets.onnx_session import open_session
from headsmith.nets.tfjs import Graph, Ref
from headsmith.nets.tfjs_check import check_conversion, random_inputs
from headsmith.nets.tfjs_onnx import convert_graph

SIDE = 512
STRIDE = 8

OWN_ORDER: tuple[str, ...] = (
    *("background", "skin", "left_brow", "right_brow", "left_eye", "right_eye", "glasses", "left_ear", "right_ear"),
    *("earring", "nose", "mouth", "upper_lip", "lower_lip", "neck", "necklace", "cloth", "hair", "hat"),
)
"""What each output of this network means: the order of face-parsing.PyTorch, checked by running it (asset notes, section 1)."""

INPUT = "input_tensor"
LOGITS = Ref("BiseNetV2/logits/1x1_conv_block/Conv2D")


def convert_bisenet(graph: Graph, metadata: dict[str, str]) -> ModelProto:
    """Convert the TF.js graph: input (1, 3, 512, 512) in -1..1, output ``logits`` (1, 19, 64, 64); checked against torch.

    Raises:
        ValueError: The graph is not this network's, or the conversion differs from it.
    """
    example, outputs = {INPUT: torch.zeros(1, SIDE, SIDE, 3)}, {"logits": LOGITS}
    model = convert_graph(graph, example, {}, outputs, metadata)
    check_conversion(graph, model, random_inputs(example, -1.0, 1.0), {}, outputs)
    return model


def own_to_contract(order: tuple[str, ...]) -> UInt8[ndarray, "C"]:
    """Return, for each output of a parser whose order is given by names, the id of that label in ``LABELS``.

    Raises:
        ValueError: A name is not one of ``LABELS``.
    """
    return np.array([LABELS.index(name) for name in order], np.uint8)


class BiSeNet:
    """The parser. ``parse`` may be called from several threads at once.

    Args:
        network: The converted network.
        threads: Threads that one call uses; for throughput use 1 and call from several threads.

    Raises:
        UserError: The network cannot be opened.
    """

    def __init__(self, network: str | Path, threads: int = 1) -> None:
        self._session = open_session(network, threads)
        self._to_contract = own_to_contract(OWN_ORDER)

    def parse(self, image: UInt8[ndarray, "S S 3"]) -> UInt8[ndarray, "S S"]:
        """Return the label of every pixel, ids of ``contract.labels.LABELS``.

        Args:
            image: Square RGB frame.
        """
        scores = self.logits(image)
        return self._to_contract[strongest(scores, image.shape[0])]

    def logits(self, image: UInt8[ndarray, "S S 3"]) -> Float32[ndarray, "19 64 64"]:
        """Return the network's logits; entry ``i`` of a row lies at pixel index ``8 i`` of 512."""
        return self._session.run(["logits"], {INPUT: prepare(image)})[0][0]


def prepare(image: UInt8[ndarray, "S S 3"]) -> Float32[ndarray, "1 3 512 512"]:
    """Return a frame as the network takes it: 512 pixels, ``RGB / 127.5 - 1``, channels first."""
    method = cv2.INTER_AREA if image.shape[0] > SIDE else cv2.INTER_LINEAR
    scaled = cv2.resize(image, (SIDE, SIDE), interpolation=method)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None], np.float32) / np.float32(127.5) - np.float32(1)


def strongest(scores: Float32[ndarray, "C h w"], size: int) -> UInt8[ndarray, "S S"]:
    """Return the class with the highest score at each pixel of a frame, the scores interpolated bilinearly.

    The centre of frame pixel ``j`` is pixel index ``(j + 1/2) 512 / size - 1/2`` of the network's picture, and an eighth of
    that of the scores.
    """
    step = SIDE / size / STRIDE
    start = (0.5 * SIDE / size - 0.5) / STRIDE
    place = np.array([[step, 0, start], [0, step, start]], np.float64)
    best = np.full((size, size), -np.inf, np.float32)
    winner = np.zeros((size, size), np.uint8)
    for index, score in enumerate(scores):
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        there = cv2.warpAffine(score, place, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        winner[there > best] = index
        np.maximum(best, there, out=best)
    return winner
