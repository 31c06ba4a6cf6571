"""Published weights into networks written here: every name and shape checked, nothing in a file executed."""

from pathlib import Path
from pickle import UnpicklingError
from struct import error as StructError
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from headsmith.contract.errors import UserError

Network = TypeVar("Network", bound=nn.Module)

COUNTER = ".num_batches_tracked"
"""Batch normalisations count their training steps; files of older torch lack these, and nothing at run time reads them."""
MOST_TOLD = 6
UNREADABLE = (
    *(OSError, EOFError, MemoryError, RuntimeError, TypeError, ValueError, LookupError, AttributeError),
    *(AssertionError, ArithmeticError, StructError, UnpicklingError),
)
"""What torch raises where a file is missing, cut, damaged, or something else."""


def load_weights(network: Network, path: Path, *, what: str, remedy: str) -> Network:
    """Fill a network with the weights of a file and return it, ready to run and frozen.

    The file holds tensors by name, or a dictionary that holds those under ``state_dict``; a prefix ``module.``, left by
    training on several devices, is dropped.

    Args:
        network: Whose state dict has the published names and shapes.
        path: A file of ``torch.save``.
        what: What the file should be, for messages.
        remedy: What the user can do where it is not.

    Raises:
        UserError: The file cannot be read, or its names or shapes are not those of the network.
    """
    found = {name.removeprefix("module."): tensor for name, tensor in read_tensors(path, what, remedy).items()}
    if wrong := differences(found, network.state_dict()):
        rest = f" and {len(wrong) - MOST_TOLD} more" if len(wrong) > MOST_TOLD else ""
        raise UserError(f"this is not {what}: {'; '.join(wrong[:MOST_TOLD])}{rest}", file=path, remedy=remedy)
    network.load_state_dict(found, strict=False)
    return network.eval().requires_grad_(False)


def read_tensors(path: Path, what: str, remedy: str) -> dict[str, Tensor]:
    """Return the tensors of a file by name.

    Raises:
        UserError: The file is missing, broken, holds other things than tensors, or would run code to be read.
    """
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
        content = content.get("state_dict", content)
        tensors = {str(name): tensor for name, tensor in content.items()}
    except UNREADABLE as error:
        raise UserError(f"{what} cannot be read: {error}", file=path, remedy=remedy) from error
    if strange := [name for name, tensor in tensors.items() if not isinstance(tensor, Tensor)]:
        raise UserError(f"this is not {what}: {strange[0]} is no tensor", file=path, remedy=remedy)
    return tensors


def differences(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> list[str]:
    """Return in words where the names and shapes of tensors are not those wanted; empty where they are."""
    lacking = [f"{name} is missing" for name in wanted if name not in found and not name.endswith(COUNTER)]
    superfluous = [f"{name} is superfluous" for name in found if name not in wanted]
    both = [(name, tuple(found[name].shape), tuple(wanted[name].shape)) for name in wanted if name in found]
    return lacking + superfluous + [f"{name} is {has}, not {should}" for name, has, should in both if has != should]
