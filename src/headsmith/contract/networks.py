"""The names of converted networks (``resources/networks/{network}.onnx``): a name says all that is fixed by the conversion.

``bisenetv2`` is the parser; ``rvm-256`` the matting network for frames of 256 pixels; ``rvm-512-at-50`` the same for 512
pixels, working at 50 percent of that before its refiner sharpens the matte.
"""

import re

from headsmith.contract.errors import UserError

PARSER = "bisenetv2"


def matting_network(size: int, downsample: float = 1.0) -> str:
    """Return the name of the matting network for square frames.

    Args:
        size: Side of the frames, in pixels.
        downsample: ``MatteSettings.downsample``, 0.1..1; rounded to whole percents.
    """
    percent = round(downsample * 100)
    return f"rvm-{size}" if percent == 100 else f"rvm-{size}-at-{percent}"


def matting_shape(network: str) -> tuple[int, float]:
    """Return the side and the scale that the name of a matting network tells.

    Raises:
        UserError: The name is not one that ``matting_network`` gives.
    """
    found = re.fullmatch(r"rvm-([1-9][0-9]*)(?:-at-([1-9][0-9]?))?", network)
    if found is None:
        raise UserError(f"unknown network {network!r}", remedy=f"use {PARSER}, rvm-<size> or rvm-<size>-at-<percent>")
    return int(found[1]), int(found[2] or 100) / 100
