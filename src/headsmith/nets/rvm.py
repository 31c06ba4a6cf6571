"""Robust Video Matting: the opacity of the person in every frame of a stream, with memory from frame to frame.

Lin et al. 2022, "Robust High-Resolution Video Matting with Temporal Guidance", mobilenetv3. Four recurrent states go from
each frame to the next; they are zero before the first.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import torch
from jaxtyping import Float32
from numpy import ndarray
from onnx import ModelProto
from onnxruntime import InferenceSession

from headsmith.contract.errors import UserError
from headsmith.nets.onnx_session import open_session
from headsmith.nets.rvm_parts import cut_recurrent
from headsmith.nets.tfjs import Graph, Ref
from headsmith.nets.tfjs_check import check_conversion, random_inputs
from headsmith.nets.tfjs_onnx import convert_graph
from headsmith.nets.tfjs_torch import run_graph

INPUT = "src"
ALPHA = "alpha"
SCALE = "downsample_ratio"
STATES_IN = ("r1i", "r2i", "r3i", "r4i")
STATES_OUT = ("r1o", "r2o", "r3o", "r4o")
OUTPUTS: dict[str, Ref] = {
    ALPHA: Ref("Identity_1"),
    **{name: Ref(f"Identity_{index}") for index, name in enumerate(STATES_OUT, start=2)},
}
"""Which node of the graph gives what (the graph's own signature says so); its colours of the person are not used."""

Values = Mapping[str, ndarray]
Picture = Float32[ndarray, "1 3 S S"]
"""A frame as the network takes it: RGB in 0..1."""
Alpha = Float32[ndarray, "S S"]


def convert_rvm(graph: Graph, size: int, scale: float, metadata: dict[str, str]) -> ModelProto:
    """Convert the TF.js graph for square frames of one size.

    The network takes ``src`` (1, 3, size, size) in 0..1 and the states; it gives ``alpha`` (1, 1, size, size) in 0..1 and the
    next states.

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


class Rvm:
    """The converted network, several frames in work at once: only its memory sees them one after another.

    On 192 pixels and one core the memory takes 40 % of the time, what comes before it and after it 30 % each. Mattes are the
    same whatever the number of threads.

    Args:
        network: The converted network.
        threads: Threads that compute what needs no memory; one more has the memory.

    Raises:
        UserError: The network cannot be opened, or is another one.
    """

    def __init__(self, network: Path, threads: int = 1) -> None:
        self.threads = threads
        whole = open_session(network, 1)
        self._shapes = {entry.name: tuple(entry.shape) for entry in whole.get_inputs()}
        if set(self._shapes) != {INPUT, *STATES_IN} or SCALE not in whole.get_modelmeta().custom_metadata_map:
            remedy = "delete it: the next run converts it anew; your own RVM goes into matte.weights"
            raise UserError("not a matting network that headsmith converted", file=network, remedy=remedy)
        self.scale = float(whole.get_modelmeta().custom_metadata_map[SCALE])
        parts = cut_recurrent(onnx.load_model(network), STATES_IN, STATES_OUT)
        self._before, self._memory, self._after = (
            open_session(part.SerializeToString(), 1) for part in (parts.before, parts.memory, parts.after)
        )

    @property
    def side(self) -> int:
        """Side of the pictures that the network was converted for, in pixels."""
        return int(self._shapes[INPUT][2])

    def run(self, pictures: Iterable[Picture]) -> Iterator[Alpha]:
        """Yield the opacity of the person in each picture of a stream that begins with the first; few are held."""
        states: Values = {name: np.zeros(self._shapes[name], np.float32) for name in STATES_IN}
        remembered: deque[Future[Values]] = deque()
        ending: deque[Future[Alpha]] = deque()

        def remember(begun: Future[Values]) -> Values:
            nonlocal states
            values = {**begun.result(), **states}
            values = {**values, **compute(self._memory, values)}
            states = {name: values[new] for name, new in zip(STATES_IN, STATES_OUT, strict=True)}
            return values

        with ThreadPoolExecutor(self.threads) as pool, ThreadPoolExecutor(1) as memory:
            for picture in pictures:
                remembered.append(memory.submit(remember, pool.submit(self._begin, picture)))
                if len(remembered) > self.threads:
                    ending.append(pool.submit(self._finish, remembered.popleft().result()))
                if len(ending) > self.threads:
                    yield ending.popleft().result()
            ending.extend(pool.submit(self._finish, values.result()) for values in remembered)
            while ending:
                yield ending.popleft().result()

    def _begin(self, picture: Picture) -> Values:
        return {INPUT: picture, **compute(self._before, {INPUT: picture})}

    def _finish(self, values: Values) -> Alpha:
        return compute(self._after, values)[ALPHA][0, 0]


def compute(session: InferenceSession, values: Values) -> Values:
    """Return all outputs of a network, by name; ``values`` holds its inputs, and may hold more."""
    names = [entry.name for entry in session.get_outputs()]
    feeds = {entry.name: values[entry.name] for entry in session.get_inputs()}
    return dict(zip(names, session.run(names, feeds), strict=True))
