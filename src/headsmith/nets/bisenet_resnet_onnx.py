"""BiSeNet on a ResNet as ONNX: the head that counts, its normalisations folded into the convolutions before them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import ModelProto, TensorProto, helper
from torch import nn

from headsmith.nets.bisenet_resnet import BiSeNetResNet, ContextPath, ConvBlock, Fusion, Refinement, Residual, ResNet
from headsmith.nets.bisenet_resnet_names import load_bisenet_resnet
from headsmith.nets.onnx_builder import OPSET, Builder
from headsmith.nets.onnx_session import open_session
from headsmith.nets.parsers import LOGITS, ParserFacts

SIDE = 512
INPUT = "picture"
FACTS = ParserFacts(
    order="face_parsing",
    side=SIDE,
    mean=(0.485 * 255, 0.456 * 255, 0.406 * 255),
    deviation=(0.229 * 255, 0.224 * 255, 0.225 * 255),
    step=(SIDE // 8 - 1) / (SIDE - 1),
    start=0.0,
)
"""As both projects run it: ImageNet's mean and deviation; logits enlarged so that corners stay (``align_corners``)."""

TOLERANCE = 1e-3
"""Largest accepted difference to torch, relative to the largest logit."""


def convert_bisenet_resnet(weights: Path, network: str, metadata: dict[str, str]) -> ModelProto:
    """Convert a user's weights: input (1, 3, 512, 512), output ``logits`` (1, 19, 64, 64); checked against torch.

    Raises:
        UserError: The file is not that network's.
        ValueError: The conversion differs from torch.
    """
    model = load_bisenet_resnet(weights, network)
    converted = export_bisenet_resnet(model, metadata | FACTS.metadata())
    check_against_torch(model, converted)
    return converted


def check_against_torch(model: BiSeNetResNet, converted: ModelProto) -> None:
    """Accept a conversion.

    Raises:
        ValueError: It differs from torch by more than ``TOLERANCE`` on a random picture.
    """
    picture = torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    truth = model(picture).numpy()
    (answer,) = open_session(converted.SerializeToString(), 1).run([LOGITS], {INPUT: picture.numpy()})
    gap = float(np.abs(answer - truth).max() / max(1.0, float(np.abs(truth).max())))
    if not gap <= TOLERANCE:
        raise ValueError(f"the converted network differs from torch by {gap:.1e} of its largest value")


def export_bisenet_resnet(model: BiSeNetResNet, metadata: dict[str, str]) -> ModelProto:
    """Return the network as a checked ONNX model for one picture of 512 pixels."""
    writer = Writer()
    eighth, fine = writer.context_path(INPUT, model.cp)
    scores = writer.convolve(writer.block(writer.fusion(eighth, fine, model.ffm), model.conv_out.conv), model.conv_out.conv_out)
    writer.add("Identity", scores, name=LOGITS)
    given = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, (1, 3, SIDE, SIDE))
    result = helper.make_tensor_value_info(
        LOGITS, TensorProto.FLOAT, (1, model.conv_out.conv_out.out_channels, SIDE // 8, SIDE // 8)
    )
    body = helper.make_graph(writer.builder.nodes, "headsmith", [given], [result], writer.builder.constants)
    onnx_model = helper.make_model(
        body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10, producer_name="headsmith"
    )
    helper.set_model_props(onnx_model, metadata)
    onnx.checker.check_model(onnx_model, full_check=True)
    return onnx_model


@dataclass
class Writer:
    """Writes modules as ONNX nodes; each method takes names of values and returns the name of its result."""

    builder: Builder = field(default_factory=Builder)

    def add(self, op: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """Add a node."""
        result = name or f"value_{len(self.builder.nodes)}"
        self.builder.nodes.append(helper.make_node(op, list(inputs), [result], **attributes))
        return result

    def convolve(self, x: str, convolution: nn.Conv2d, norm: nn.BatchNorm2d | None = None) -> str:
        """Add a convolution and the normalisation after it, as one (Ioffe and Szegedy 2015, algorithm 2)."""
        weights, bias = convolution.weight.double(), torch.zeros(convolution.out_channels, dtype=torch.float64)
        if norm is not None:
            scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
            weights, bias = weights * scale[:, None, None, None], norm.bias.double() - norm.running_mean.double() * scale
        names = [self.builder.constant(array.detach().float().numpy()) for array in (weights, bias)]
        padding = [*convolution.padding, *convolution.padding]
        return self.add("Conv", x, *names, strides=list(convolution.stride), pads=padding)

    def block(self, x: str, block: ConvBlock) -> str:
        """Add a convolution, normalised and rectified."""
        return self.add("Relu", self.convolve(x, block.conv, block.bn))

    def residual(self, x: str, block: Residual) -> str:
        """Add a residual block."""
        inner = self.add("Relu", self.convolve(x, block.conv1, block.bn1))
        around = x if block.downsample is None else self.convolve(x, block.downsample[0], block.downsample[1])
        return self.add("Relu", self.add("Add", self.convolve(inner, block.conv2, block.bn2), around))

    def resnet(self, x: str, net: ResNet) -> tuple[str, str, str]:
        """Add the ResNet; return its features at an eighth, a sixteenth and a thirty-second."""
        x = self.add("Relu", self.convolve(x, net.conv1, net.bn1))
        x = self.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        sizes = []
        for layer in (net.layer1, net.layer2, net.layer3, net.layer4):
            for block in layer:
                x = self.residual(x, block)
            sizes.append(x)
        return sizes[1], sizes[2], sizes[3]

    def refinement(self, x: str, part: Refinement) -> str:
        """Add an attention refinement."""
        features = self.block(x, part.conv)
        mean = self.convolve(self.add("GlobalAveragePool", features), part.conv_atten, part.bn_atten)
        return self.add("Mul", features, self.add("Sigmoid", mean))

    def twice(self, x: str) -> str:
        """Add an enlargement to twice the size, each value repeated."""
        scales = self.builder.constant(np.array([1, 1, 2, 2], np.float32))
        return self.add(
            "Resize", x, "", scales, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"
        )

    def context_path(self, x: str, path: ContextPath) -> tuple[str, str]:
        """Add the context path; return the ResNet's features and its own, both at an eighth."""
        eighth, sixteenth, smallest = self.resnet(x, path.resnet)
        mean = self.block(self.add("GlobalAveragePool", smallest), path.conv_avg)
        summed = self.add("Add", self.refinement(smallest, path.arm32), mean)
        coarse = self.block(self.twice(summed), path.conv_head32)
        summed = self.add("Add", self.refinement(sixteenth, path.arm16), coarse)
        return eighth, self.block(self.twice(summed), path.conv_head16)

    def fusion(self, spatial: str, context: str, part: Fusion) -> str:
        """Add the fusion of both paths."""
        features = self.block(self.add("Concat", spatial, context, axis=1), part.convblk)
        weights = self.add("Relu", self.convolve(self.add("GlobalAveragePool", features), part.conv1))
        weights = self.add("Sigmoid", self.convolve(weights, part.conv2))
        return self.add("Add", self.add("Mul", features, weights), features)
