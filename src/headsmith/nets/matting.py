"""From frames to 8-bit mattes of the same size, by whichever network."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import Float32, UInt8
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.media.parallel import map_in_order
from headsmith.nets.rvm import Rvm
from headsmith.nets.rvm_brought import open_brought_rvm
from headsmith.nets.selfie import Selfie


@runtime_checkable
class MattingNetwork(Protocol):
    """What makes mattes.

    Attributes:
        side: Side of the square pictures that it takes, in pixels; None where it takes any.
    """

    side: int | None

    def run(self, pictures: Iterable[Float32[ndarray, "1 3 S S"]]) -> Iterator[Float32[ndarray, "S S"]]:
        """Yield the opacity of the person, 0..1, in each picture (RGB in 0..1) of a stream that begins with the first."""
        ...


class Matting:
    """A matting network that sees frames at a size of its own, its mattes brought back to the frames' size.

    Args:
        network: The network.
        side: Side at which it sees the frames, in pixels; None: as they are.
    """

    def __init__(self, network: MattingNetwork, side: int | None) -> None:
        self._network, self._side = network, side

    def mattes(self, frames: Iterable[UInt8[ndarray, "S S 3"]]) -> Iterator[UInt8[ndarray, "S S"]]:
        """Yield the matte of each frame of a stream, 0..255; what a network remembers begins with the first frame.

        Args:
            frames: Square RGB frames, all of one size.

        Raises:
            UserError: The frames do not fit the network.
        """
        sizes: list[int] = []

        def pictures() -> Iterator[Float32[ndarray, "1 3 s s"]]:
            for frame, picture in map_in_order(lambda frame: picture_of(frame, self._side), frames, 1):
                sizes.append(frame.shape[0])
                yield picture

        for alpha in self._network.run(pictures()):
            yield matte_of(alpha, sizes.pop(0))


def picture_of(frame: UInt8[ndarray, "S S 3"], side: int | None) -> Float32[ndarray, "1 3 s s"]:
    """Return a frame as networks take it: of that side, RGB in 0..1, channels first."""
    if side is not None and side != frame.shape[0]:
        method = cv2.INTER_AREA if side < frame.shape[0] else cv2.INTER_CUBIC
        frame = cv2.resize(frame, (side, side), interpolation=method)
    return np.ascontiguousarray(frame.transpose(2, 0, 1)[None], np.float32) / np.float32(255)


def matte_of(alpha: Float32[ndarray, "s s"], size: int) -> UInt8[ndarray, "S S"]:
    """Return an opacity in 0..1 as a matte of that size, in 0..255."""
    if alpha.shape[0] != size:
        method = cv2.INTER_AREA if size < alpha.shape[0] else cv2.INTER_CUBIC
        alpha = cv2.resize(alpha, (size, size), interpolation=method)
    return np.round(alpha.clip(0, 1) * 255).astype(np.uint8)


def open_selfie(network: Path, threads: int = 1) -> Matting:
    """Return MediaPipe's selfie segmentation, for frames of any size.

    Raises:
        UserError: The network cannot be opened.
    """
    selfie = Selfie(network, threads)
    return Matting(selfie, selfie.side)


def open_rvm(network: Path, side: int, scale: float, threads: int = 1) -> Matting:
    """Return RVM as it was fetched and converted.

    Args:
        network: The converted network.
        side: Side at which it sees the frames, in pixels.
        scale: Scale of that at which it works, before its own guided filter refines; 1 where nothing is to refine.
        threads: Threads that compute.

    Raises:
        UserError: The network cannot be opened, or was made for another side or scale.
    """
    rvm = Rvm(network, threads)
    if rvm.side != side or abs(rvm.scale - scale) > 0.005:
        what = f"the matting network is made for {rvm.side} pixels at scale {rvm.scale}, not {side} at scale {scale}"
        raise UserError(what, file=network, remedy=f"delete {network} and run again")
    return Matting(rvm, side)


def open_own_rvm(file: Path, side: int, scale: float, threads: int = 1) -> Matting:
    """Return a user's RVM; as ``open_rvm``, but the file fits every side and scale.

    Raises:
        UserError: The file is missing or is no RVM.
    """
    return Matting(open_brought_rvm(file, scale, threads), side)
