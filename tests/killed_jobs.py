"""Jobs in processes of their own that are killed with SIGKILL at a chosen moment, as the system kills them."""

import faulthandler
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

CONTEXT = multiprocessing.get_context("forkserver")


def preload(modules: list[str]) -> None:
    """Import what jobs need once, before they fork; call it before the first job."""
    CONTEXT.set_forkserver_preload(modules)


def _run(job: Callable[..., None], arguments: dict[str, object], log: Path, started: object) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    faulthandler.enable(descriptor, all_threads=True)
    started.set()
    job(**arguments)


def run_job(job: Callable[..., None], arguments: dict[str, object], log: Path, seconds: float | None = None) -> float | None:
    """Run a job, at most so many seconds; return how long it took, None where it was killed.

    Raises:
        AssertionError: The job failed by itself.
    """
    started = CONTEXT.Event()
    process = CONTEXT.Process(target=_run, args=(job, arguments, log, started))
    process.start()
    started.wait()
    begin = time.monotonic()
    process.join(seconds)
    if process.is_alive():
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    assert process.exitcode in (0, -signal.SIGKILL), f"exit code {process.exitcode}\n{log.read_text()}"
    return time.monotonic() - begin if process.exitcode == 0 else None
