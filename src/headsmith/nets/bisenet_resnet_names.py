"""Reading published weights of BiSeNet on a ResNet, whichever project they come from.

Two projects publish them: zllrunning/face-parsing.PyTorch (``79999_iter.pth``; facexlib ships the same file) and
yakhyo/face-parsing (``resnet18.pt``, ``resnet34.pt``). The networks are the same and the names differ; the second's files also
hold the ResNet's unused classifier of ImageNet.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from headsmith.contract.errors import UserError
from headsmith.nets.bisenet_resnet import BLOCKS, CLASSES, BiSeNetResNet
from headsmith.nets.weights import COUNTER, MOST_TOLD, differences, read_tensors

RENAMED = (
    (r"^fpn\.backbone\.", "cp.resnet."),
    (r"^fpn\.", "cp."),
    (r"\.attention\.0\.", ".conv_atten."),
    (r"\.attention\.1\.", ".bn_atten."),
    (r"^(conv_out\d*)\.conv\.weight$", r"\1.conv_out.weight"),
    (r"^ffm\.conv_block\.", "ffm.convblk."),
    (r"\.conv_block\.", ".conv."),
    (r"\.norm\.", ".bn."),
)
"""From yakhyo's names to zllrunning's, in order."""
CLASSIFIER = "cp.resnet.fc."


def load_bisenet_resnet(path: Path, network: str) -> BiSeNetResNet:
    """Return the network with the weights of a user's file, frozen.

    Args:
        path: A file of ``torch.save``: tensors by name, under either project's names, with or without ``module.``.
        network: ``bisenet_resnet18`` or ``bisenet_resnet34``; the file must hold that.

    Raises:
        UserError: The file cannot be read, is another network's, was trained for other classes, or lacks or adds tensors.
    """
    remedy = f"name in parsing.weights a file for {network}, or in parsing.network the network that the file is for"
    found = read_tensors(path, f"weights of {network}", remedy)
    tensors = published_names(found)
    likeness = recognised(tensors)
    if likeness != network:
        what = f"this is not {network}: it looks like {likeness}" if likeness else f"this is not {network}: {strangers(found)}"
        raise UserError(what, file=path, remedy=remedy)
    model = BiSeNetResNet(int(network[-2:]))
    classes = len(tensors["conv_out.conv_out.weight"])
    if classes != CLASSES:
        what = f"these weights of {network} tell {classes} classes apart, not the {CLASSES} of face parsing"
        raise UserError(what, file=path, remedy="use weights that were trained on CelebAMask-HQ's labels")
    if wrong := differences(tensors, model.state_dict()):
        rest = f" and {len(wrong) - MOST_TOLD} more" if len(wrong) > MOST_TOLD else ""
        raise UserError(f"this is not {network} whole: {'; '.join(wrong[:MOST_TOLD])}{rest}", file=path, remedy=remedy)
    model.load_state_dict({name: tensor for name, tensor in tensors.items() if not name.endswith(COUNTER)}, strict=False)
    return model.eval().requires_grad_(False)


def published_names(found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors under zllrunning's names, the unused classifier left out."""
    plain = {name.removeprefix("module."): tensor for name, tensor in found.items()}
    if not any(name.startswith("fpn.") for name in plain):
        return plain
    renamed = {renamed_from_yakhyo(name): tensor for name, tensor in plain.items()}
    return {name: tensor for name, tensor in renamed.items() if not name.startswith(CLASSIFIER)}


def renamed_from_yakhyo(name: str) -> str:
    """Return zllrunning's name of what yakhyo calls ``name``."""
    for pattern, replacement in RENAMED:
        name = re.sub(pattern, replacement, name)
    return name


def recognised(tensors: Mapping[str, Tensor]) -> str | None:
    """Return which network the names look like, by the number of blocks in its third layer; None where like neither."""
    pattern = re.compile(r"cp\.resnet\.layer3\.(\d+)\.conv1\.weight")
    blocks = {int(match[1]) for name in tensors if (match := pattern.fullmatch(name))}
    depths = {count[2]: depth for depth, count in BLOCKS.items()}
    known = len(blocks) in depths and "conv_out.conv_out.weight" in tensors
    return f"bisenet_resnet{depths[len(blocks)]}" if known else None


def strangers(found: Mapping[str, Tensor]) -> str:
    """Return in words what a file holds that is of no known network."""
    names = list(found)[:3]
    return f"it holds {len(found)} tensors, the first called {', '.join(names)}" if names else "it holds no tensor"
