"""A user's own Robust Video Matting, as its project publishes it: ONNX or TorchScript, of any size, in 32 bits.

Both take a frame, four states (a single zero each before the first frame) and ``downsample_ratio``, and give the person's
colours, the matte and the next states; the names below are those of the project's inference guide.
"""

import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from numpy import ndarray
from onnxruntime import NodeArg

from headsmith.contract.errors import UserError
from headsmith.contract.networks import RVM_PAGE
from headsmith.nets.onnx_session import open_session
from headsmith.nets.rvm import INPUT, SCALE, STATES_IN, STATES_OUT

MATTE = "pha"
INPUTS = (INPUT, *STATES_IN, SCALE)
REMEDY = (
    f"take rvm_mobilenetv3_fp32.onnx, rvm_resnet50_fp32.onnx or their .torchscript files from {RVM_PAGE}, name one in "
    "matte.weights; or leave that blank for the network that is fetched"
)


class OnnxRvm:
    """RVM in ONNX.

    Args:
        file: The file.
        ratio: ``downsample_ratio``, at which the network works before its guided filter refines the matte.
        threads: Threads that one frame uses.

    Raises:
        UserError: The file cannot be opened, or has other inputs or outputs.
    """

    side = None

    def __init__(self, file: Path, ratio: float, threads: int = 1) -> None:
        self._file, self._ratio = file, ratio
        try:
            self._session = open_session(file, threads)
        except UserError as error:
            raise UserError(error.what, file=file, remedy=REMEDY) from error
        inputs = {entry.name: entry for entry in self._session.get_inputs()}
        outputs = [entry.name for entry in self._session.get_outputs()]
        missing = [name for name in INPUTS if name not in inputs] + [
            name for name in (MATTE, *STATES_OUT) if name not in outputs
        ]
        if missing or len(inputs) != len(INPUTS):
            what = f"not an RVM in ONNX: its inputs are {', '.join(inputs)}, its outputs {', '.join(outputs)}"
            raise UserError(f"{what}; an RVM takes {', '.join(INPUTS)}", file=file, remedy=REMEDY)
        for name in inputs:
            if inputs[name].type != "tensor(float)":
                raise UserError(f"the input {name} is {inputs[name].type}, not in 32 bits", file=file, remedy=REMEDY)
        self._states = {name: np.zeros(first_shape(inputs[name]), np.float32) for name in STATES_IN}

    def run(self, pictures: Iterable[Float32[ndarray, "1 3 S S"]]) -> Iterator[Float32[ndarray, "S S"]]:
        """Yield the opacity of the person in each picture (RGB in 0..1) of a stream that begins with the first.

        Raises:
            UserError: The network cannot work on such pictures.
        """
        states, ratio = self._states, np.array([self._ratio], np.float32)
        for picture in pictures:
            try:
                alpha, *after = self._session.run([MATTE, *STATES_OUT], {INPUT: picture, SCALE: ratio, **states})
            except Exception as error:
                if not type(error).__module__.startswith("onnxruntime"):
                    raise
                raise unfit(error, picture, self._file) from error
            states = dict(zip(STATES_IN, after, strict=True))
            yield plain(alpha, picture, self._file)


class TorchRvm:
    """RVM as TorchScript: compiled torch code that can compute and do nothing else.

    Args:
        file: The file.
        ratio: As for ``OnnxRvm``.
        threads: Threads that torch uses from now on.

    Raises:
        UserError: The file cannot be opened, or is called in another way.
    """

    side = None

    def __init__(self, file: Path, ratio: float, threads: int = 1) -> None:
        self._file, self._ratio = file, ratio
        torch.set_num_threads(threads)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # torch no longer extends TorchScript; it still runs it
                self._model = torch.jit.load(str(file), map_location="cpu").eval()
        except (RuntimeError, ValueError, OSError) as error:
            what = f"not a TorchScript file: {str(error).splitlines()[0]}"
            raise UserError(what, file=file, remedy=REMEDY) from error
        names = [argument.name for argument in self._model.forward.schema.arguments][1:]
        if len(names) < len(INPUTS) or names[0] != INPUT or names[len(STATES_IN) + 1] != SCALE:
            what = f"not an RVM in TorchScript: it takes {', '.join(names)}; an RVM takes src, r1, r2, r3, r4, {SCALE}"
            raise UserError(what, file=file, remedy=REMEDY)
        kinds = {parameter.dtype for parameter in self._model.parameters()} - {torch.float32}
        if kinds:
            raise UserError(f"its weights are {kinds.pop()}, not in 32 bits", file=file, remedy=REMEDY)

    def run(self, pictures: Iterable[Float32[ndarray, "1 3 S S"]]) -> Iterator[Float32[ndarray, "S S"]]:
        """As ``OnnxRvm.run``.

        Raises:
            UserError: The network cannot work on such pictures.
        """
        states: list[Any] = [None] * len(STATES_IN)
        for picture in pictures:
            try:
                with torch.no_grad():
                    _, alpha, *states = self._model(torch.from_numpy(picture), *states, self._ratio)
            except (RuntimeError, ValueError) as error:
                raise unfit(error, picture, self._file) from error
            yield plain(alpha.numpy(), picture, self._file)


def first_shape(state: NodeArg) -> tuple[int, ...]:
    """Return the shape of a state before the first frame: one value wherever the file leaves the number open."""
    return tuple(length if isinstance(length, int) else 1 for length in state.shape)


def plain(alpha: Float32[ndarray, "..."], picture: Float32[ndarray, "1 3 S S"], file: Path) -> Float32[ndarray, "S S"]:
    """Return a matte without its first two axes.

    Raises:
        UserError: It is not of the picture's size.
    """
    if alpha.shape != (1, 1, *picture.shape[2:]):
        raise UserError(f"its matte of a picture {picture.shape} has the shape {alpha.shape}", file=file, remedy=REMEDY)
    return alpha[0, 0]


def unfit(error: Exception, picture: Float32[ndarray, "1 3 S S"], file: Path) -> UserError:
    """Return what to tell where a network fails on a picture."""
    reason = str(error).strip().splitlines()[-1]
    return UserError(f"the network fails on pictures of {picture.shape[3]} pixels: {reason}", file=file, remedy=REMEDY)


def open_brought_rvm(file: Path, ratio: float, threads: int = 1) -> OnnxRvm | TorchRvm:
    """Open a user's RVM: ``.onnx`` as ONNX, everything else as TorchScript.

    Raises:
        UserError: The file is missing or is no RVM.
    """
    if not file.is_file():
        raise UserError("there is no such file", file=file, remedy=REMEDY)
    return OnnxRvm(file, ratio, threads) if file.suffix == ".onnx" else TorchRvm(file, ratio, threads)
