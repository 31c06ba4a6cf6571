"""Jobs that a killed run has left on a SLURM cluster: they are cancelled before the next run begins.

Snakemake asks the queue for the jobs of its own run alone; those of a run before, that was killed, it would submit again.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from headsmith.contract.errors import UserError

PREFIX = "headsmith_"
"""Names of jobs begin so: `slurm-jobname-prefix` in profiles/slurm."""
PATIENCE = 120.0
"""Seconds that cancelled jobs have to end; one on a node that no longer answers may take longer."""
PAUSE = 0.5


def cancel_lost_jobs(folder: Path, *, needed: bool, say: Callable[[str], None], patience: float = PATIENCE) -> None:
    """Cancel all jobs that an earlier run started from a folder, and wait until they have ended.

    Call it where no other run can be at work in the folder: while Snakemake's lock on it is held.

    Args:
        folder: The working directory of both runs.
        needed: Whether the run is about to use SLURM; if not, a machine without SLURM, or whose SLURM does not answer, is fine.
        say: Tells people.
        patience: Seconds to wait.

    Raises:
        UserError: SLURM is needed and does not answer.
    """
    if not needed and shutil.which("squeue") is None:
        return
    try:
        lost = lost_jobs(folder)
        if lost:
            say(f"headsmith: cancelling {len(lost)} jobs that an earlier run has left in the queue: {', '.join(lost)}")
            _ask("scancel", *lost)
        deadline = time.monotonic() + patience
        while lost and time.monotonic() < deadline:
            time.sleep(PAUSE)
            lost = lost_jobs(folder)
    except (OSError, subprocess.SubprocessError) as error:
        if needed:
            what = f"SLURM does not answer: {getattr(error, 'stderr', None) or error}".strip()
            raise UserError(what, remedy="see whether `squeue` works in this shell, then run the same command again") from error
        return
    if lost:
        say(f"headsmith: jobs {', '.join(lost)} have not ended yet; a job that would write the same files waits for them")


def lost_jobs(folder: Path) -> list[str]:
    """Return the numbers of this user's jobs, waiting or running, that a run in a folder has started.

    Raises:
        OSError, subprocess.SubprocessError: The queue cannot be asked.
    """
    listed = _ask("squeue", "--noheader", f"--user={os.geteuid()}", "--format=%A|%j|%Z").splitlines()
    rows = [line.split("|", 2) for line in listed]
    own, home = os.environ.get("SLURM_JOB_ID"), folder.resolve()
    return [
        number for number, name, place in rows if name.startswith(PREFIX) and number != own and Path(place).resolve() == home
    ]


def _ask(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
