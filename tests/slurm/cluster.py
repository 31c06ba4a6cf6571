"""A real SLURM cluster on one machine, without systemd: a controller, its keys, and two nodes that are processes.

``python tests/slurm/cluster.py FOLDER`` keeps one until it is interrupted, and tells how a shell talks to it. Needs root and
what ``install.sh`` installs; touches nothing outside its folder, so that several can stand side by side.
"""

import ctypes
import os
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scancel", "squeue", "scontrol", "sinfo")
NODES = ("n1", "n2")
"""The first is given work first."""
CPUS, MEMORY, GPUS = 8, 16000, 2
"""Of each node: CPUs; MiB; fake GPUs."""
PATIENCE = 60.0
SEARCHED = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"

CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
AuthType=auth/munge
# A job that is put back into the queue waits as long as credentials live.
AuthInfo=socket={folder}/munge.socket,cred_expire=10
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/state/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
MailProg=/bin/true
SwitchType=switch/none
MpiDefault=none
# Without cgroups and systemd: processes are followed by their parents, and memory is looked at every second.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=0,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=500
AccountingStorageType=accounting_storage/none
# Finished jobs are told of for so many seconds: without accounting, that is all that anyone learns of them.
MinJobAge=3600
KillWait=2
ReturnToService=1
JobRequeue=1
GresTypes=gpu
SlurmdParameters=config_overrides
{nodes}
PartitionName=all Nodes={names} Default=YES MaxTime=INFINITE State=UP
"""
NODE = (
    "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} Weight={weight} "
    "CPUs={cpus} RealMemory={memory} Gres=gpu:{gpus}"
)


def missing() -> str | None:
    """Return why no cluster can be started here; None where one can."""
    absent = [name for name in PROGRAMS if shutil.which(name, path=SEARCHED) is None]
    if absent:
        return f"no SLURM here ({', '.join(absent)} not found): tests/slurm/install.sh installs it"
    if os.geteuid() != 0:
        return "a SLURM cluster on one machine needs root"
    return None


@dataclass
class Cluster:
    """Two nodes, ``n1`` and ``n2``; use it in a ``with`` block.

    Attributes:
        folder: Where its files lie; the folder's path may hold no spaces, and is best short: a socket lies in it.
        cpus: CPUs of each node; they are told of, not there.
    """

    folder: Path
    cpus: int = CPUS
    _daemons: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __enter__(self) -> "Cluster":
        self.write_configuration()
        try:
            munged = ("--foreground", "--force", f"--key-file={self.folder}/munge.key", f"--socket={self.folder}/munge.socket")
            files = (f"--pid-file={self.folder}/munged.pid", f"--seed-file={self.folder}/munge.seed", "--num-threads=2")
            self._start("munged", *munged, f"--log-file={self.folder}/munged.log", *files)
            await_true(lambda: (self.folder / "munge.socket").exists(), "munged's socket")
            self._start("slurmctld", "-D", "-c", "-f", str(self.file))
            for name in NODES:
                self._start("slurmd", "-D", "-N", name, "-f", str(self.file), log=f"slurmd-{name}")
            await_true(lambda: self.node_states() == dict.fromkeys(NODES, "idle"), f"idle nodes (logs: {self.folder})")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def file(self) -> Path:
        """The cluster's configuration."""
        return self.folder / "slurm.conf"

    @property
    def variables(self) -> dict[str, str]:
        """Return what a shell needs that talks to this cluster.

        The executor plugin takes ``SLURM_CONF`` from the environment of its jobs, so ``srun`` is told of it by a wrapper.
        """
        return {"SLURM_CONF": str(self.file), "PATH": f"{self.folder}/bin:{os.environ.get('PATH', '')}:{SEARCHED}"}

    def write_configuration(self) -> None:
        """Write what the daemons read: configuration, key, fake GPUs, and the wrapper of ``srun``."""
        for name in ("state", "bin", *(f"state/{node}" for node in NODES)):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        host, (controller, *ports) = socket.gethostname().split(".")[0], free_ports(1 + len(NODES))
        shape = {"host": host, "cpus": self.cpus, "memory": MEMORY, "gpus": GPUS}
        places = enumerate(zip(NODES, ports, strict=True))
        nodes = "\n".join(NODE.format(name=name, port=port, weight=1 + place, **shape) for place, (name, port) in places)
        parts = {"host": host, "folder": self.folder, "ports": [controller], "nodes": nodes, "names": ",".join(NODES)}
        self.file.write_text(CONFIGURATION.format(**parts))
        (self.folder / "cgroup.conf").write_text("CgroupAutomount=no\nCgroupPlugin=cgroup/v1\n")
        (self.folder / "gres.conf").write_text("".join(f"NodeName={name} Name=gpu File={self._gpus(name)}\n" for name in NODES))
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        srun = self.folder / "bin/srun"
        real = shutil.which("srun", path=SEARCHED)
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={shlex.quote(str(self.file))} exec {real} "$@"\n')
        srun.chmod(0o755)

    def run(self, *command: str) -> str:
        """Run one of SLURM's own programs and return what it prints."""
        done = subprocess.run(command, env=os.environ | self.variables, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def node_states(self) -> dict[str, str]:
        """Return the state of each node by name, empty while the controller does not answer."""
        command = ("sinfo", "--noheader", "--Node", "--format=%N %T")
        done = subprocess.run(command, env=os.environ | self.variables, capture_output=True, text=True, check=False)
        return dict(line.split() for line in done.stdout.splitlines())

    def jobs(self, folder: Path | None = None) -> list[dict[str, str]]:
        """Return all jobs that the controller remembers, those of one working folder or of all, the oldest first."""
        words = {
            "id": "%i",
            "state": "%T",
            "node": "%N",
            "name": "%j",
            "comment": "%k",
            "memory": "%m",
            "begun": "%S",
            "ended": "%e",
        }
        lines = self.run("squeue", "--noheader", "--states=all", f"--format={'|'.join([*words.values(), '%Z'])}").splitlines()
        rows = [dict(zip([*words, "folder"], line.split("|"), strict=True)) for line in lines]
        return sorted((row for row in rows if folder in (None, Path(row["folder"]))), key=lambda row: int(row["id"]))

    def active(self, folder: Path | None = None) -> list[dict[str, str]]:
        """Return the jobs that wait, run, or are ending."""
        return [row for row in self.jobs(folder) if row["state"] in ("PENDING", "RUNNING", "COMPLETING", "CONFIGURING")]

    def take_down(self, node: str) -> None:
        """Take a node away from its jobs."""
        self.run("scontrol", "update", f"nodename={node}", "state=down", "reason=test")

    def bring_back(self, node: str) -> None:
        """Let a node work again."""
        if self.node_states()[node].startswith("down"):
            self.run("scontrol", "update", f"nodename={node}", "state=resume")
        await_true(lambda: not self.node_states()[node].startswith("down"), f"node {node}")

    def clear(self) -> None:
        """Cancel all jobs and wait until they are gone."""
        self.run("scancel", "--partition=all")
        await_true(lambda: not self.active(), "an empty queue")

    def stop(self) -> None:
        """Cancel what runs, end the daemons, and what they have left behind."""
        if self.node_states():
            subprocess.run(["scancel", "--partition=all"], env=os.environ | self.variables, check=False, timeout=20)
            deadline = time.monotonic() + 10
            while self.active() and time.monotonic() < deadline:
                time.sleep(0.2)
        for daemon in reversed(self._daemons):
            end(daemon)
        self._daemons.clear()
        for pid in processes_of(self.folder):
            os.kill(pid, signal.SIGKILL)

    def _start(self, program: str, *arguments: str, log: str | None = None) -> None:
        path = shutil.which(program, path=SEARCHED)
        assert path is not None, program
        with (self.folder / f"{log or program}.log").open("wb") as stream:
            options = {"stdin": subprocess.DEVNULL, "stdout": stream, "stderr": stream, "cwd": self.folder}
            daemon = subprocess.Popen(
                [path, *arguments], env=os.environ | self.variables, preexec_fn=die_with_parent, **options
            )
        self._daemons.append(daemon)

    def _gpus(self, node: str) -> str:
        """Make devices that stand for GPUs, as `/dev/null` by other names, and return SLURM's word for them."""
        for number in range(GPUS):
            path = self.folder / f"{node}-gpu{number}"
            if not path.exists():
                os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        return f"{self.folder}/{node}-gpu[0-{GPUS - 1}]"


def await_true(condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Wait until a condition holds.

    Raises:
        TimeoutError: It does not within so many seconds.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.1)


def free_ports(count: int) -> list[int]:
    """Return ports on which nobody listens."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def die_with_parent() -> None:
    """Ask Linux to end this process when the one that started it ends, however that comes about."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process, gently at first."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def processes_of(folder: Path) -> list[int]:
    """Return the ids of processes that belong to a cluster's folder: its path stands in their command or environment."""
    found, mark = [], f"{folder}/slurm.conf".encode()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            text = (path / "cmdline").read_bytes() + (path / "environ").read_bytes()
        except OSError:
            continue
        if mark in text and int(path.name) != os.getpid():
            found.append(int(path.name))
    return found


if __name__ == "__main__":
    place = Path(sys.argv[1]).resolve()
    if reason := missing():
        sys.exit(reason)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit())
    with Cluster(place) as cluster:
        lines = [
            f"export SLURM_CONF={shlex.quote(cluster.variables['SLURM_CONF'])}",
            f"export PATH={place}/bin:{SEARCHED}:$PATH",
        ]
        sys.stdout.write("\n".join([*lines, "# Ctrl-C ends the cluster", ""]))
        sys.stdout.flush()
        signal.pause()
