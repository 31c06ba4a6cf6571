"""Whether a converted network gives what its TF.js graph gives, before its file is accepted."""

from collections.abc import Mapping

import numpy as np
import torch
from onnx import ModelProto
from torch import Tensor

from headsmith.nets.onnx_session import open_session
from headsmith.nets.tfjs import Graph, Ref
from headsmith.nets.tfjs_onnx import channels_first
from headsmith.nets.tfjs_torch import run_graph

TOLERANCE = 1e-3
"""Largest accepted difference, relative to the largest value of an output (measured: 2e-6; float32 sums in another order)."""


def largest_difference(
    graph: Graph, model: ModelProto, inputs: Mapping[str, Tensor], constants: Mapping[str, Tensor], outputs: Mapping[str, Ref]
) -> float:
    """Return how far ONNX runtime on the model and torch on the graph are apart, relative to each output's largest value.

    Args:
        graph: The graph.
        model: What it was converted to.
        inputs: Values for the inputs, (batch, height, width, channels).
        constants: Placeholders that were fixed by the conversion.
        outputs: The outputs by the model's names.
    """
    truth = run_graph(graph, {**inputs, **constants}, list(outputs.values()))
    session = open_session(model.SerializeToString(), 1)
    answers = session.run(list(outputs), {name: channels_first(value.numpy()) for name, value in inputs.items()})
    gaps = [
        float(np.abs(answer - channels_first(value.numpy())).max() / max(1.0, float(value.abs().max())))
        for answer, value in zip(answers, truth, strict=True)
    ]
    return max(gaps)


def random_inputs(examples: Mapping[str, Tensor], low: float, high: float) -> dict[str, Tensor]:
    """Return seeded random values of the examples' shapes, evenly spread over ``low..high``."""
    generator = torch.Generator().manual_seed(0)
    return {name: torch.rand(value.shape, generator=generator) * (high - low) + low for name, value in examples.items()}


def check_conversion(
    graph: Graph, model: ModelProto, inputs: Mapping[str, Tensor], constants: Mapping[str, Tensor], outputs: Mapping[str, Ref]
) -> None:
    """Accept a conversion.

    Raises:
        ValueError: The model and the graph differ by more than ``TOLERANCE``.
    """
    gap = largest_difference(graph, model, inputs, constants, outputs)
    if not gap <= TOLERANCE:
        raise ValueError(f"the converted network differs from its graph by {gap:.1e} of its largest value")
