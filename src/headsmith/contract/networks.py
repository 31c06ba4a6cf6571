"""The names of converted networks (``resources/networks/{network}.onnx``): a name says all that is fixed by the conversion.

``bisenetv2-fast`` is the parser with its large convolutions in 8 bits, ``bisenetv2`` the same in 32; the other parsers are
made from weights that the user brings. ``rvm-256`` is the matting network for frames of 256 pixels; ``rvm-512-at-50`` the same
for 512 pixels, working at 50 percent of that before its refiner sharpens the matte.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from headsmith.contract.errors import UserError

PARSER = "bisenetv2"
"""The parser that is fetched; it alone has a fast form, measured against the whole one."""
FAST = "-fast"


@dataclass(frozen=True)
class BroughtNetwork:
    """A parser whose weights the user brings.

    Attributes:
        file: What the file is called where it is published.
        page: The project that publishes it.
        sha256: Of files that are known, by name; another file is told of and taken.
    """

    file: str
    page: str
    sha256: dict[str, str]


_YAKHYO = "https://github.com/yakhyo/face-parsing (releases)"

BROUGHT_PARSERS: dict[str, BroughtNetwork] = {
    "bisenet_resnet18": BroughtNetwork(
        file="79999_iter.pth",
        page=f"https://github.com/zllrunning/face-parsing.PyTorch (its README links it); or resnet18.pt of {_YAKHYO}",
        sha256={"79999_iter.pth": "468e13ca13a9b43cc0881a9f99083a430e9c0a38abd935431d1c28ee94b26567"},
    ),
    "bisenet_resnet34": BroughtNetwork(file="resnet34.pt", page=_YAKHYO, sha256={}),
    "segformer": BroughtNetwork(
        file="onnx/model.onnx", page="https://huggingface.co/jonathandinu/face-parsing (folder onnx)", sha256={}
    ),
}
"""By the name in ``parsing.network``."""


def parsing_network(network: str, precision: str) -> str:
    """Return the name of the converted parser.

    Args:
        network: ``ParsingSettings.network``.
        precision: ``ParsingSettings.precision``; the parsers that a user brings are in 32 bits whatever it says.
    """
    return network + FAST if network == PARSER and precision == "fast" else network


def brought_weights(network: str, weights: str) -> Path | None:
    """Return the file that a parser is made from where the user brings it, None for the one that is fetched.

    Args:
        network: ``ParsingSettings.network``.
        weights: ``ParsingSettings.weights``.

    Raises:
        UserError: A file is needed and not named or not there, or named and not needed.
    """
    if network == PARSER:
        if weights:
            remedy = f"leave parsing.weights blank, or set parsing.network to one of: {', '.join(BROUGHT_PARSERS)}"
            raise UserError(f"parsing.weights is set, but {PARSER} is fetched", file=weights, remedy=remedy)
        return None
    known = BROUGHT_PARSERS[network]
    if weights and Path(weights).is_file():
        return Path(weights)
    what = f"the weights of {network} are not there" if weights else f"parsing.network {network} needs parsing.weights"
    place = weights or f"resources/assets/{network}/{Path(known.file).name}"
    remedy = f"download {known.file} from {known.page}; put it at {place} and name that path in parsing.weights"
    raise UserError(what, file=weights or None, remedy=remedy)


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
