"""One way to open an ONNX network: on the CPU, with so many threads, none of which spins."""

from pathlib import Path

import onnxruntime
from onnxruntime import InferenceSession, SessionOptions

from headsmith.contract.errors import UserError


def open_session(network: str | Path | bytes, threads: int) -> InferenceSession:
    """Open a network.

    Threads that wait for work sleep instead of spinning: on a shared machine spinning threads take each other's cores.

    Args:
        network: Path of an ONNX file, or its bytes.
        threads: Threads that one run uses.

    Raises:
        UserError: The file is missing or is not an ONNX network.
    """
    options = SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    content = network if isinstance(network, bytes) else str(network)
    try:
        return InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        if type(error).__module__.split(".")[0] != onnxruntime.__name__:
            raise
        file = None if isinstance(network, bytes) else network
        raise UserError(
            f"the network cannot be opened: {error}", file=file, remedy="delete it: the next run converts it anew"
        ) from error
