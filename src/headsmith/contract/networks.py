"""The names of converted networks (``resources/networks/{network}.onnx``): a name says all that is fixed by the conversion.

``bisenetv2-fast`` is the parser with its large convolutions in 8 bits, ``bisenetv2`` the same in 32; the other parsers are
made from weights that the user brings. ``rvm-192-fast`` is the matting network that sees frames in 192 pixels, its large
convolutions in 8 bits; ``rvm-512-at-50`` the same in 512 and 32 bits, working at 50 percent of that before its refiner sharpens
the matte; ``selfie`` the light one.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from headsmith.contract.errors import UserError

PARSER = "bisenetv2"
"""The parser that is fetched; of the parsers it alone has a fast form, measured against the whole one."""
FAST = "-fast"
SELFIE = "selfie"
RVM_PAGE = "https://github.com/PeterL1n/RobustVideoMatting (releases)"


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


def brought_matting(network: str, weights: str) -> Path | None:
    """Return the user's own RVM, None for a network that is fetched.

    Args:
        network: ``MatteSettings.network``.
        weights: ``MatteSettings.weights``.

    Raises:
        UserError: The file is not there, or named and not needed.
    """
    if not weights:
        return None
    if network == SELFIE:
        remedy = "leave matte.weights blank, or set matte.network to rvm"
        raise UserError(f"matte.weights is set, but {SELFIE} is fetched", file=weights, remedy=remedy)
    if not Path(weights).is_file():
        remedy = (
            f"download rvm_mobilenetv3_fp32.onnx or .torchscript from {RVM_PAGE} to that path, or leave matte.weights blank"
        )
        raise UserError("the weights of RVM that matte.weights names are not there", file=weights, remedy=remedy)
    return Path(weights)


def matting_view(size: int, downsample: float, enlarge: str) -> tuple[int, float]:
    """Return the side at which RVM sees the frames, and the scale of that at which it works before its own refiner.

    Args:
        size: Side of the frames, in pixels.
        downsample: ``MatteSettings.downsample``, 0.1..1.
        enlarge: ``MatteSettings.enlarge``.
    """
    return (size, downsample) if enlarge == "guided" else (round(size * downsample), 1.0)


def matting_network(side: int, scale: float = 1.0, precision: str = "full") -> str:
    """Return the name of RVM, converted.

    Args:
        side: Side at which it sees the frames, in pixels.
        scale: Scale of that at which it works, 0.1..1; rounded to whole percents.
        precision: ``MatteSettings.precision``.
    """
    percent = round(scale * 100)
    name = f"rvm-{side}" if percent == 100 else f"rvm-{side}-at-{percent}"
    return name + FAST if precision == "fast" else name


def matting_shape(network: str) -> tuple[int, float]:
    """Return the side and the scale that the name of a converted RVM tells.

    Raises:
        UserError: The name is not one that ``matting_network`` gives.
    """
    found = re.fullmatch(rf"rvm-([1-9][0-9]*)(?:-at-([1-9][0-9]?))?(?:{FAST})?", network)
    if found is None:
        remedy = f"use {PARSER}, {SELFIE}, rvm-<size> or rvm-<size>-at-<percent>"
        raise UserError(f"unknown network {network!r}", remedy=remedy)
    return int(found[1]), int(found[2] or 100) / 100
