"""Face parsing by whichever network: a frame in, a label of ``contract.labels.LABELS`` for each of its pixels out.

What parsers differ in is kept in the metadata of their ONNX file (``ParserFacts``): the order of their labels, how they want
pixels, and where on the picture their logits lie. All of them give logits on a coarse grid, which their own code enlarges
bilinearly before it takes the largest; here the same interpolation is read at the centres of the frame's pixels directly, at
a fraction of the work.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.contract.labels import LABELS, order_of
from headsmith.nets.onnx_session import open_session
from headsmith.nets.parsers_grid import strongest

LOGITS = "logits"


@dataclass(frozen=True)
class ParserFacts:
    """What a parser's file says of itself.

    Attributes:
        order: Name of the order of its labels, one of ``contract.labels.LABEL_ORDERS``; blank where it is not known.
        side: Side of the square picture that it takes, in pixels.
        mean: What is subtracted from red, green and blue (0..255) where it takes floats.
        deviation: By what they are then divided.
        step: Distance of two pixels of its picture, in cells of the grid of logits.
        start: Where on the grid of logits the first pixel lies.
    """

    order: str
    side: int
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    step: float
    start: float

    def metadata(self) -> dict[str, str]:
        """Return the facts as texts, for the file."""
        return {
            key: " ".join(map(repr, value)) if isinstance(value, tuple) else str(value) for key, value in asdict(self).items()
        }


def read_facts(metadata: dict[str, str]) -> ParserFacts:
    """Return the facts that a file's metadata hold.

    Raises:
        KeyError: One is missing.
        ValueError: One is no number where it should be.
    """
    mean, deviation = (tuple(float(part) for part in metadata[key].split()) for key in ("mean", "deviation"))
    if len(mean) != 3 or len(deviation) != 3:
        raise ValueError("mean and deviation are not three numbers each")
    step, start = float(metadata["step"]), float(metadata["start"])
    return ParserFacts(metadata["order"], int(metadata["side"]), mean, deviation, step, start)


def own_to_contract(order: tuple[str, ...]) -> UInt8[ndarray, "C"]:
    """Return, for each output of a parser whose order is given by names, the id of that label in ``LABELS``.

    Raises:
        ValueError: A name is not one of ``LABELS``.
    """
    return np.array([LABELS.index(name) for name in order], np.uint8)


class Parser:
    """A parser. ``parse`` may be called from several threads at once.

    Args:
        network: The converted network.
        threads: Threads that one call uses; for throughput use 1 and call from several threads.
        order: Name of the order of its labels where the user knows better than the file; blank: what the file says.

    Raises:
        UserError: The network cannot be opened, is no parser, or the order of its labels is not known.
    """

    def __init__(self, network: str | Path, threads: int = 1, order: str = "") -> None:
        self._session = open_session(network, threads)
        self.facts = self._read_facts(network)
        if not (order or self.facts.order):
            remedy = "set parsing.label_order to the order that the network was trained with"
            raise UserError("the parser does not say in which order its labels are", file=network, remedy=remedy)
        self.order = order or self.facts.order
        self._to_contract = own_to_contract(order_of(self.order))
        self._input = self._session.get_inputs()[0]

    def _read_facts(self, network: str | Path) -> ParserFacts:
        try:
            return read_facts(self._session.get_modelmeta().custom_metadata_map)
        except (KeyError, ValueError) as error:
            remedy = "delete it: the next run converts it anew"
            raise UserError(f"the network is no parser of this version: {error}", file=network, remedy=remedy) from error

    def parse(self, image: UInt8[ndarray, "S S 3"]) -> UInt8[ndarray, "S S"]:
        """Return the label of every pixel, ids of ``contract.labels.LABELS``.

        Args:
            image: Square RGB frame.
        """
        return self.labels(self.logits(image), image.shape[0])

    def logits(self, image: UInt8[ndarray, "S S 3"]) -> Float32[ndarray, "C h w"]:
        """Return the network's logits on its own grid."""
        return self.run(self.prepare(image))

    def prepare(self, image: UInt8[ndarray, "S S 3"]) -> ndarray:
        """Return a frame as the network takes it: floats (1, 3, S, S), or bytes (1, S/2, S/2, 12) of 2x2 pixels each."""
        if self._input.type == "tensor(uint8)":
            return in_quarters(scaled_picture(image, self.facts.side))
        return prepare_floats(image, self.facts)

    def run(self, picture: ndarray) -> Float32[ndarray, "C h w"]:
        """Return the logits of a prepared frame: the network's own time."""
        return self._session.run([LOGITS], {self._input.name: picture})[0][0]

    def labels(self, scores: Float32[ndarray, "C h w"], size: int) -> UInt8[ndarray, "S S"]:
        """Return the label of every pixel of a frame of ``size`` pixels from the logits."""
        scale = self.facts.side / size
        start = self.facts.start + self.facts.step * (0.5 * scale - 0.5)
        return self._to_contract[strongest(scores, size, self.facts.step * scale, start)]


def scaled_picture(image: UInt8[ndarray, "S S 3"], side: int) -> UInt8[ndarray, "N N 3"]:
    """Return a frame resized to the side that a network takes."""
    method = cv2.INTER_AREA if image.shape[0] > side else cv2.INTER_LINEAR
    return cv2.resize(image, (side, side), interpolation=method)


def prepare_floats(image: UInt8[ndarray, "S S 3"], facts: ParserFacts) -> Float32[ndarray, "1 3 N N"]:
    """Return a frame of the network's side, its mean subtracted, divided by its deviation, channels first."""
    picture = np.ascontiguousarray(scaled_picture(image, facts.side).transpose(2, 0, 1)[None], np.float32)
    for channel, mean, deviation in zip(picture[0], facts.mean, facts.deviation, strict=True):
        channel *= np.float32(1 / deviation)
        channel -= np.float32(mean / deviation)
    return picture


def in_quarters(picture: UInt8[ndarray, "N N 3"]) -> UInt8[ndarray, "1 H H 12"]:
    """Return a picture at half its side, the RGB of each 2x2 pixels (row by row) as twelve channels."""
    half = picture.shape[0] // 2
    pairs = picture.reshape(half, 2, half, 6).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(pairs).reshape(1, half, half, 12)


def quarter_weights(weights: Float[ndarray, "O 3 3 3"]) -> Float[ndarray, "O 12 2 2"]:
    """Return the weights of a 3x3 convolution in steps of 2 as those of a 2x2 convolution over ``in_quarters``.

    Source pixel ``2 o + k`` (``k`` = 0, 1, 2) is sub-pixel ``k mod 2`` of cell ``o + k div 2``.
    """
    quarters = np.zeros((len(weights), 2, 2, 3, 2, 2), weights.dtype)
    for row in range(3):
        for column in range(3):
            quarters[:, row % 2, column % 2, :, row // 2, column // 2] = weights[:, :, row, column]
    return quarters.reshape(len(weights), 12, 2, 2)
