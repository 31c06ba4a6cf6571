"""Keeping a library's own chatter off the terminal, without losing what it said when it fails."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Hold back what native code writes to the standard error stream; pass it on if the block raises.

    C++ libraries write to file descriptor 2 below Python, so the descriptor itself is turned to a temporary file meanwhile.
    That holds for the whole process: keep the block short, and around native start-up alone.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        except BaseException:
            said.seek(0)
            os.write(kept, said.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
