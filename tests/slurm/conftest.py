"""One cluster for all tests of a session, and small workflows that run on it with the house's own profile."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from slurm.cluster import Cluster, die_with_parent, missing
from workflow.conftest import empty_house, finished_house  # noqa: F401 (fixtures)
from workflow.house import ROOT, environment

PROFILE = ROOT / "profiles/slurm"
WATCHFUL = Path(__file__).with_name("watchful.py")


@dataclass(frozen=True)
class Bench:
    """A folder in which Snakemake runs with the house's profile for clusters, on a cluster."""

    cluster: Cluster
    folder: Path
    profile: Path = PROFILE

    def command(self, *arguments: str) -> list[str]:
        """Return the command that runs Snakemake, with an eye on the queue."""
        return [sys.executable, str(WATCHFUL), "--profile", str(self.profile), "--latency-wait", "10", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """What a user's shell has on the cluster."""
        return environment() | self.cluster.variables

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake to its end."""
        options = {"cwd": self.folder, "env": self.environment, "capture_output": True, "text": True}
        return subprocess.run(self.command(*arguments), check=False, timeout=400, **options)

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run Snakemake while the block does something to it; what it says goes to ``said.txt``."""
        with (self.folder / "said.txt").open("wb") as stream:
            options = {"cwd": self.folder, "env": self.environment, "stdout": stream, "stderr": stream}
            process = subprocess.Popen(self.command(*arguments), start_new_session=True, preexec_fn=heed_ctrl_c, **options)
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()

    def said(self) -> str:
        """Return what the last ``running`` said."""
        return (self.folder / "said.txt").read_text()

    def jobs(self, rule: str = "") -> list[dict[str, str]]:
        """Return all jobs that were submitted from this folder, of one rule or of all, the oldest first."""
        return [job for job in self.cluster.jobs(self.folder) if job["comment"].startswith(f"rule_{rule}")]


def heed_ctrl_c() -> None:
    """Let Ctrl-C end this process, though whoever runs tests in the background is deaf to it; and so may the tests' own end."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    die_with_parent()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Return a cluster of two nodes; the test is skipped where none can be started."""
    if reason := missing():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    try:
        with Cluster(folder) as started:
            yield started
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def make_bench(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Bench]:
    """Return a function from a Snakefile's text to a folder where it runs."""

    def made(text: str) -> Bench:
        folder = tmp_path_factory.mktemp("bench")
        (folder / "Snakefile").write_text(text)
        return Bench(cluster, folder)

    return made
