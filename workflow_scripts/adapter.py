"""What every adapter does around its stage: threads, log, and errors that a person can read."""

import errno
import io
import logging
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

HOUSE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HOUSE / "src"))

from headsmith.contract.claims import claimed  # noqa: E402 (the package is found by path: conda unsets PYTHONPATH)
from headsmith.contract.errors import UserError  # noqa: E402
from headsmith.contract.surroundings import write_record  # noqa: E402

THREAD_LIMITS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)


ONE_THREAD = ("OPENBLAS_NUM_THREADS",)
"""NumPy's and SciPy's linear algebra sums in another order with each number of threads: its last bits would differ."""


class Tee(io.TextIOBase):
    """A text stream that goes to the log and the console.

    It never claims to be a terminal: several jobs share one console, and bars would write over each other.
    """

    def __init__(self, log: TextIO, console: TextIO) -> None:
        self.log, self.console = log, console

    def write(self, text: str) -> int:
        """Write to both."""
        self.console.write(text)
        self.log.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush both."""
        self.console.flush()
        self.log.flush()

    def fileno(self) -> int:
        """Return the log's descriptor."""
        return self.log.fileno()


@contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """Run a stage as a job: alone, within the threads it was given, its output in the log, its errors told once and clearly.

    Should another process be at work on the same job (``contract.claims``), it waits until that has ended.

    Standard output, warnings and what native code writes go to the log alone; Python's standard error, where progress is
    told, goes to the log and the console. Every error ends the process with a non-zero status, a ``UserError`` with its
    message alone, others with the traceback in the log.

    Args:
        snakemake: The object that Snakemake gives to scripts.
    """
    for name in THREAD_LIMITS:
        os.environ[name] = str(snakemake.threads)
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with claimed(snakemake.log[0]):
        log = _redirect(snakemake.log[0])
        try:
            yield
            write_record(snakemake.log[0], snakemake.rule, snakemake.threads)
        except KeyboardInterrupt:
            _stop(f"{snakemake.rule}: interrupted")
        except Exception as error:
            message = explained(error, snakemake.wildcards.get("clip"))
            if message is None:
                traceback.print_exc(file=log)
                message = f"{error!r}\n  log:    {Path(snakemake.log[0]).resolve()}"
            _stop(f"\nERROR in {snakemake.rule}: {message}\n")


def paths_by_word(files: Any) -> dict[str, Path | list[Path]]:
    """Return a job's named inputs as paths; folders are left out, because their manifests stand for them.

    Args:
        files: ``snakemake.input``.
    """
    words = {word: value for word, value in files.items() if not word.endswith("_folder")}
    return {word: Path(value) if isinstance(value, str) else [Path(part) for part in value] for word, value in words.items()}


def explained(error: Exception, clip: str | None) -> str | None:
    """Return what a person needs to know of an error that is theirs to mend, or None where it is a fault of the program."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        remedy = "free some space and run snakemake again: nothing that is finished is lost"
        error = UserError(f"the disk is full: {error}", clip=clip, file=error.filename, remedy=remedy)
    return error.message if isinstance(error, UserError) else None


def _redirect(path: str) -> TextIO:
    """Turn descriptors 1 and 2 to the log, and return it; Python's standard error keeps the console as well."""
    log = Path(path).open("w", buffering=1)  # noqa: SIM115 (both stay open until the process ends)
    console = os.fdopen(os.dup(2), "w", buffering=1)
    for descriptor in (1, 2):
        os.dup2(log.fileno(), descriptor)
    sys.stdout, sys.stderr = log, Tee(log, console)
    _log_to(log, sys.stderr)
    warnings.showwarning = lambda *parts, **_: log.write(warnings.formatwarning(*parts[:4]))
    return log


def _log_to(log: TextIO, console: TextIO) -> None:
    """Send what the package notes to the log, and its warnings to the console as well."""
    logger, notes, warned = logging.getLogger("headsmith"), logging.StreamHandler(log), logging.StreamHandler(console)
    notes.addFilter(lambda record: record.levelno < logging.WARNING)
    warned.setLevel(logging.WARNING)
    logger.setLevel(logging.INFO)
    for handler in (notes, warned):
        logger.addHandler(handler)


def _stop(message: str) -> None:
    with suppress(OSError):  # a full disk must not hide the message: the console comes first
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()
    sys.exit(1)
