"""SegFormer face parsing (jonathandinu/face-parsing) from a user's ONNX export: what it needs to be run like the others.

SegFormer: Xie et al. 2021. The export takes ``pixel_values`` (RGB, ImageNet's mean and deviation) and gives ``logits`` at a
quarter of the picture, which its published use enlarges bilinearly about the pixels' centres. Its labels are in
CelebAMask-HQ's own order; a ``config.json`` beside the file (``id2label``) says so, or says otherwise.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy import ndarray
from onnx import ModelProto, helper

from headsmith.contract.errors import UserError
from headsmith.contract.labels import LABEL_ORDERS, LABELS
from headsmith.nets.onnx_session import open_session
from headsmith.nets.parsers import LOGITS, ParserFacts

SIDE = 512
STRIDE = 4
INPUT = "pixel_values"
FACTS = ParserFacts(
    order="celebamask_hq",
    side=SIDE,
    mean=(0.485 * 255, 0.456 * 255, 0.406 * 255),
    deviation=(0.229 * 255, 0.224 * 255, 0.225 * 255),
    step=1 / STRIDE,
    start=0.5 / STRIDE - 0.5,
)

SHORT_NAMES: dict[str, str] = {
    **{"l_brow": "left_brow", "r_brow": "right_brow", "l_eye": "left_eye", "r_eye": "right_eye", "eye_g": "glasses"},
    **{"l_ear": "left_ear", "r_ear": "right_ear", "ear_r": "earring", "u_lip": "upper_lip", "l_lip": "lower_lip"},
    **{"neck_l": "necklace", "cloth": "cloth"},
}
"""CelebAMask-HQ's names of labels, where ours are others."""

REMEDY = "export jonathandinu/face-parsing to ONNX anew, or use the folder onnx of its page"


def declare_segformer(weights: Path, config: Path | None, metadata: dict[str, str]) -> ModelProto:
    """Return the user's network, with what a parser's file says of itself; it is run once.

    Args:
        weights: The ONNX file.
        config: The model's ``config.json``, where there is one.
        metadata: Kept in the file.

    Raises:
        UserError: The file is no ONNX network, has other inputs or outputs, or the configuration names other labels.
    """
    try:
        model = onnx.load(str(weights))
    except (OSError, DecodeError, ValueError, onnx.checker.ValidationError) as error:
        raise UserError(f"the parser cannot be read: {error}", file=weights, remedy=REMEDY) from error
    order = FACTS.order if config is None else order_named(config)
    facts = ParserFacts(order, FACTS.side, FACTS.mean, FACTS.deviation, FACTS.step, FACTS.start)
    check_run(model, weights)
    helper.set_model_props(model, metadata | facts.metadata())
    return model


def check_run(model: ModelProto, weights: Path) -> None:
    """Run the network on a grey picture and look at the shape of what it gives.

    Raises:
        UserError: Its input, its output or their shapes are others than SegFormer's for face parsing.
    """
    inputs, outputs = ([entry.name for entry in part] for part in (model.graph.input, model.graph.output))
    constants = {entry.name for entry in model.graph.initializer}
    if [name for name in inputs if name not in constants] != [INPUT] or LOGITS not in outputs:
        what = f"this is no SegFormer for face parsing: it takes {', '.join(inputs[:3])} and gives {', '.join(outputs[:3])}"
        raise UserError(f"{what}, not {INPUT} and {LOGITS}", file=weights, remedy=REMEDY)
    session = open_session(model.SerializeToString(), 1)
    try:
        shape = session.run([LOGITS], {INPUT: grey_picture()})[0].shape
    except Exception as error:
        if not type(error).__module__.startswith("onnxruntime"):
            raise
        what = f"the parser does not run on a picture of {SIDE} pixels: {error}"
        raise UserError(what, file=weights, remedy=REMEDY) from error
    wanted = (1, len(LABELS), SIDE // STRIDE, SIDE // STRIDE)
    if tuple(shape) != wanted:
        raise UserError(f"the parser gives {tuple(shape)}, not {wanted}", file=weights, remedy=REMEDY)


def grey_picture() -> ndarray:
    """Return a picture of ImageNet's mean as the network takes it."""
    return np.zeros((1, 3, SIDE, SIDE), np.float32)


def order_named(config: Path) -> str:
    """Return the name of the order in which a ``config.json`` lists the labels.

    Raises:
        UserError: The file is broken, or its order is none of ``LABEL_ORDERS``.
    """
    remedy = f"use the config.json of the model, or take it away: then the order is {FACTS.order}, or parsing.label_order"
    try:
        named: Mapping[str, str] = json.loads(config.read_text())["id2label"]
        labels = tuple(SHORT_NAMES.get(named[str(index)], named[str(index)]) for index in range(len(named)))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"the file names no labels (id2label): {error}", file=config, remedy=remedy) from error
    for name, order in LABEL_ORDERS.items():
        if labels == order:
            return name
    raise UserError(f"its labels are in no known order: {', '.join(labels)}", file=config, remedy=remedy)
