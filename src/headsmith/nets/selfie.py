"""MediaPipe's selfie segmentation: the light choice for mattes.

It looks at each frame by itself, in 256 pixels: nothing ties neighbours together, so that edges may flicker, and hair ends at
a hard line where RVM lets it fade. It takes 3 ms a frame on one core.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from jaxtyping import Float32
from numpy import ndarray
from onnx import ModelProto
from torch import zeros

from headsmith.contract.errors import UserError
from headsmith.media.parallel import map_in_order
from headsmith.nets.onnx_session import open_session
from headsmith.nets.tfjs import Graph, Ref
from headsmith.nets.tfjs_check import check_conversion, random_inputs
from headsmith.nets.tfjs_onnx import convert_graph

SIDE = 256
INPUT = "input_1"
ALPHA = "alpha"
OUTPUTS = {ALPHA: Ref("activation_10")}
"""Which node of the graph gives the share of the person (the graph's own signature says so)."""


def convert_selfie(graph: Graph, metadata: dict[str, str]) -> ModelProto:
    """Convert the TF.js graph: ``input_1`` (1, 3, 256, 256) in 0..1 to ``alpha`` (1, 1, 256, 256) in 0..1.

    Raises:
        ValueError: The graph is not this network's, or the conversion differs from it.
    """
    inputs = {INPUT: zeros(1, SIDE, SIDE, 3)}
    model = convert_graph(graph, inputs, {}, OUTPUTS, metadata)
    check_conversion(graph, model, random_inputs(inputs, 0.0, 1.0), {}, OUTPUTS)
    return model


class Selfie:
    """The converted network; frames are worked on side by side, one a thread.

    Args:
        network: The converted network.
        threads: Frames in work at once.

    Raises:
        UserError: The network cannot be opened, or is another one.
    """

    side = SIDE

    def __init__(self, network: Path, threads: int = 1) -> None:
        self.threads = threads
        self._session = open_session(network, 1)
        if [entry.name for entry in self._session.get_inputs()] != [INPUT]:
            remedy = "delete it: the next run converts it anew"
            raise UserError("not the selfie segmentation that headsmith converted", file=network, remedy=remedy)

    def run(self, pictures: Iterable[Float32[ndarray, "1 3 S S"]]) -> Iterator[Float32[ndarray, "S S"]]:
        """Yield how much of each pixel is the person, 0..1, for RGB pictures in 0..1."""
        for _, alpha in map_in_order(self._alpha, pictures, self.threads):
            yield alpha

    def _alpha(self, picture: Float32[ndarray, "1 3 S S"]) -> Float32[ndarray, "S S"]:
        return self._session.run([ALPHA], {INPUT: picture})[0][0, 0]
