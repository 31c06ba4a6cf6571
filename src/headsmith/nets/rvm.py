"""Robust Video Matting: the opacity of the person in every frame of a stream, with memory from frame to frame.

Lin et al. 2022, "Robust High-Resolution Video Matting with Temporal Guidance", mobilenetv3. Four recurrent states go from
each frame to the next; they are zero before the first.
"""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from numpy import ndarray
from onnx import ModelProto

from headsmith.contract.errors import UserError
from headsmith.nets.onnx_session import open_session
from headsmith.nets.tfjs import Graph, Ref
from headsmith.nets.tfjs_check import check_conversion, random_inputs
from headsmith.nets.tfjs_onnx import convert_graph
from headsmith.nets.tfjs_torch import run_graph

INPUT = "src"
SCALE = "downsample_ratio"
STATES_IN = ("r1i", "r2i", "r3i", "r4i")
STATES_OUT = ("r1o", "r2o", "r3o", "r4o")
OUTPUTS: dict[str, Ref] = {
    "alpha": Ref("Identity_1"),
    "foreground": Ref("Identity"),
    **{name: Ref(f"Identity_{index}") for index, name in enumerate(STATES_OUT, start=2)},
}
"""Which node of the graph gives what (the graph's own signature says so)."""


def convert_rvm(graph: Graph, size: int, scale: float, metadata: dict[str, str]) -> ModelProto:
    """Convert the TF.js graph for square frames of one size.

    The network takes ``src`` (1, 3, size, size) in 0..1 and the states; it gives ``alpha`` (1, 1, size, size), ``foreground``
    (1, 3, size, size), both in 0..1, and the next states.

    Args:
        graph: The graph.
        size: Side of the frames, in pixels.
        scale: Scale at which the network works before its guided filter refines the matte, 1 for no refinement.
        metadata: Kept in the file.

    Raises:
        ValueError: The graph is not this network's, or the conversion differs from it.
    """
    constants = {SCALE: torch.tensor(float(scale))}
    inputs = example_inputs(graph, size, scale)
    model = convert_graph(graph, inputs, constants, OUTPUTS, {**metadata, SCALE: str(float(scale))})
    check_conversion(graph, model, random_inputs(inputs, 0.0, 1.0), constants, OUTPUTS)
    return model


def example_inputs(graph: Graph, size: int, scale: float) -> dict[str, torch.Tensor]:
    """Return a black frame and zero states of the shapes that the graph gives for that size, (1, height, width, channels)."""
    frame = torch.zeros(1, size, size, 3)
    single = dict.fromkeys(STATES_IN, torch.zeros(1, 1, 1, 1))
    feeds = {INPUT: frame, SCALE: torch.tensor(float(scale)), **single}
    states = run_graph(graph, feeds, [OUTPUTS[name] for name in STATES_OUT])
    return {INPUT: frame, **{name: torch.zeros_like(state) for name, state in zip(STATES_IN, states, strict=True)}}


class Matting:
    """The matting network on one stream of frames; frames must come in order, from one thread.

    Args:
        network: The converted network.
        threads: Threads that one frame uses.

    Raises:
        UserError: The network cannot be opened.
    """

    def __init__(self, network: str | Path, threads: int = 1) -> None:
        self._file = network
        self._session = open_session(network, threads)
        self._shapes = {entry.name: tuple(entry.shape) for entry in self._session.get_inputs()}
        self.forget()

    @property
    def size(self) -> int:
        """Side of the frames that the network was converted for, in pixels."""
        return int(self._shapes[INPUT][2])

    @property
    def scale(self) -> float:
        """Scale at which the network works before it refines the matte; 1 where it does not refine."""
        return float(self._session.get_modelmeta().custom_metadata_map[SCALE])

    def forget(self) -> None:
        """Begin a new stream."""
        self._states = {name: np.zeros(self._shapes[name], np.float32) for name in STATES_IN}

    def estimate(self, image: UInt8[ndarray, "S S 3"]) -> tuple[Float32[ndarray, "S S"], Float32[ndarray, "S S 3"]]:
        """Return the opacity of the person and the person's colour, both 0..1, for the next frame.

        Args:
            image: Square RGB frame of ``size`` pixels.

        Raises:
            UserError: The frame has another size.
        """
        if image.shape[:2] != (self.size, self.size):
            what = f"the matting network is made for frames of {self.size} pixels, not {image.shape[1]}x{image.shape[0]}"
            raise UserError(what, file=self._file, remedy="use the network rvm-<size> of the frames' size")
        frame = np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
        names = ["alpha", "foreground", *STATES_OUT]
        alpha, foreground, *states = self._session.run(names, {INPUT: frame, **self._states})
        self._states = dict(zip(STATES_IN, states, strict=True))
        return alpha[0, 0], foreground[0].transpose(1, 2, 0)
