"""conda for tests: the machine's own where there is one, else a stand-in; and the environments of envs/, created by Snakemake.

All is kept in pytest's cache and made anew only where a lock, a Python or these tests change. Nothing of the user's is touched:
pip's and conda's settings are set for the commands of the tests alone.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from sysconfig import get_path

import pytest
from environments.channel import Python, find_pythons, write_channel
from workflow.house import ROOT, House, environment

HERE = Path(__file__).parent
MADE = ("fetch", "vision", "show", "avatar", "flame", "flame_patched")
"""The environments that tests create; `gpu` is CUDA's, and takes gigabytes."""

REAL_PIP = bool(os.environ.get("HEADSMITH_REAL_PIP"))
"""Whether pip is to install all of it, as it does for users (`make test-conda`)."""

OFFLINE = re.compile(r"NewConnectionError|Temporary failure in name resolution|Read timed out|Connection refused")
RULE = """
rule {name}:
    output:
        "{name}",
    conda:
        "envs/{name}.yaml"
    shell:
        "touch {{output}}"
"""


@dataclass(frozen=True)
class Kit:
    """A conda client, a channel and a folder of environments."""

    folder: Path
    client: Path
    pythons: dict[str, Python]

    @property
    def prefix(self) -> Path:
        """Where Snakemake keeps the environments (`--conda-prefix`)."""
        return self.folder / "envs"

    def shell(self) -> dict[str, str]:
        """Return the variables of a shell in which `conda` is this one, and pip links what `.venv` has unpacked."""
        own = {
            "PATH": f"{self.client}:{os.environ['PATH']}",
            "CONDA_CHANNEL_ALIAS": f"file://{self.folder / 'channel'}",
            "CONDA_PKGS_DIRS": str(self.folder / "packages"),
            "PIP_NO_WARN_SCRIPT_LOCATION": "1",
            "PIP_NO_COMPILE": "1",
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }
        return {**environment(), **own, **({} if REAL_PIP else {"HEADSMITH_UNPACKED": get_path("purelib")})}

    def names(self) -> list[str]:
        """Return the environments for which there is a Python."""
        return [name for name in MADE if python_of(ROOT / f"envs/{name}.yaml") in self.pythons]

    def write_envs(self, folder: Path) -> None:
        """Copy envs/ with the versions of this machine's Pythons and pip in place of those that conda-forge is asked for."""
        shutil.copytree(ROOT / "envs", folder, dirs_exist_ok=True)
        for path in folder.glob("*.yaml"):
            if python := self.pythons.get(python_of(path)):
                text = re.sub(r"python =\S+", f"python ={python.version}", path.read_text())
                path.write_text(re.sub(r"pip =\S+", f"pip ={version('pip')}", text))

    def environments(self) -> dict[str, Path]:
        """Return the folders of the environments that have been made, by name, as the copied scripts beside them tell."""
        scripts = {(ROOT / f"envs/{name}.post-deploy.sh").read_bytes(): name for name in MADE}
        made = {path: scripts.get(path.read_bytes()) for path in self.prefix.glob("*.post-deploy.sh")}
        return {name: path.with_name(path.name.split(".")[0]) for path, name in made.items() if name}

    def minor(self, name: str) -> str:
        """Return the minor version of an environment's Python."""
        return python_of(ROOT / f"envs/{name}.yaml")

    def snakemake(self, house: House, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake in a house, with the environments of the kit."""
        command = house.command("--conda-prefix", str(self.prefix), *arguments)
        return subprocess.run(command, cwd=house.folder, env=self.shell(), capture_output=True, text=True, check=False)

    def activated(self, told: str) -> dict[str, int]:
        """Return how often Snakemake told that it activates an environment, by the environment's name: twice a job."""
        names = {place.name: name for name, place in self.environments().items()}
        found = Counter(re.findall(r"Activating conda environment: \S*/(\w+)$", told, re.MULTILINE))
        return {names[place]: count for place, count in found.items()}

    def python(self, name: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run an environment's Python as a job would, with the package and the tests at hand."""
        place = self.environments()[name]
        command = [
            "bash",
            "-c",
            'source "$0" "$1"; shift; exec python -W ignore "$@"',
            str(self.client / "activate"),
            str(place),
        ]
        shell = {**self.shell(), "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}", "OMP_NUM_THREADS": "1", **variables}
        return subprocess.run([*command, *arguments], env=shell, cwd=ROOT, capture_output=True, text=True, check=False)


def python_of(path: Path) -> str:
    """Return the minor version of Python that an environment file asks for."""
    return re.search(r"python =(3\.\d+)", path.read_text()).group(1)


def make_kit(cache: Path) -> Kit:
    """Return conda, its channel and the environments, made when they are not there; several processes may ask at once."""
    pythons = find_pythons()
    if "3.11" not in pythons:
        pytest.skip("there is no CPython 3.11 on this machine that can be moved into an environment")
    told = [python.version + str(python.prefix) for python in pythons.values()] + [version("pip"), str(cache), str(REAL_PIP)]
    told += [path.read_text() for path in sorted(HERE.glob("*.py")) if path.stem in ("channel", "conda_client", "linking_pip")]
    folder = cache / hashlib.sha256("".join(told).encode()).hexdigest()[:12]
    kit = Kit(folder, installed_client() or folder / "conda/bin", pythons)
    with only_one(cache / "lock"):
        forget_others(cache, folder)
        if not (folder / "channel").exists():
            furnish(kit)
        if set(kit.names()) - kit.environments().keys():
            create_environments(kit)
            forget_others(kit.prefix, *kit.environments().values())
    return kit


def installed_client() -> Path | None:
    """Return the folder of this machine's own conda and its `activate`; None where there is none."""
    if shutil.which("conda") is None:
        return None
    base = subprocess.run(["conda", "info", "--base"], capture_output=True, text=True, check=True).stdout.strip()
    return Path(base) / "bin"


@pytest.fixture(scope="session")
def conda_kit(request: pytest.FixtureRequest) -> Kit:
    """Return conda and the environments."""
    return make_kit(request.config.cache.mkdir("conda"))


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Let one process at a time do something."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def forget_others(place: Path, *kept: Path) -> None:
    """Remove the folders that were made for other Pythons, of other locks or by older tests."""
    for path in place.iterdir():
        if path.is_dir() and path not in kept:
            shutil.rmtree(path)
            for beside in place.glob(f"{path.name}.*"):
                beside.unlink()


def furnish(kit: Kit) -> None:
    """Write the stand-in for conda, and the channel."""
    programs, partial = kit.folder / "conda/bin", kit.folder / "channel.partial"
    programs.mkdir(parents=True, exist_ok=True)
    (programs / "conda").write_text(f"#!{sys.executable}\n" + (HERE / "conda_client.py").read_text())
    (programs / "conda").chmod(0o755)
    shutil.copy2(HERE / "activate", programs)
    shutil.rmtree(partial, ignore_errors=True)
    write_channel(partial, list(kit.pythons.values()))
    partial.rename(kit.folder / "channel")


def create_environments(kit: Kit) -> None:
    """Let Snakemake create all environments at once; the test is skipped where their packages cannot be reached."""
    house = kit.folder / "house"
    kit.write_envs(house / "envs")
    rules = "".join(RULE.format(name=name) for name in kit.names())
    (house / "Snakefile").write_text(f"rule all:\n    input:\n        {json.dumps(kit.names())},\n{rules}")
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--use-conda", "--conda-create-envs-only"]
    command += ["--conda-prefix", str(kit.prefix)]
    done = subprocess.run(command, cwd=house, env=kit.shell(), capture_output=True, text=True, check=False)
    if OFFLINE.search(done.stdout + done.stderr):
        pytest.skip("the packages of the locks cannot be reached")
    assert done.returncode == 0, done.stdout + done.stderr
