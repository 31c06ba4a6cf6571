"""Where DECA's network runs: on the processor, or on the GPU that was asked for, and never elsewhere unasked."""

import torch

from headsmith.contract.errors import UserError

CUDA = "cuda"


def open_device(name: str) -> torch.device:
    """Return a device by name.

    Args:
        name: ``cpu``, ``cuda``, or ``cuda:<number>``.

    Raises:
        UserError: A GPU is asked for, and torch sees none.
    """
    if name.startswith(CUDA) and not torch.cuda.is_available():
        built = "was built without CUDA" if torch.version.cuda is None else "finds no NVIDIA GPU with a driver"
        remedy = "ask for `cpu`, or use the environment `gpu` (docs/conda.md) on a machine with an NVIDIA GPU"
        raise UserError(f"the device `{name}` is asked for, and torch {torch.__version__} {built}", remedy=remedy)
    return torch.device(name)
