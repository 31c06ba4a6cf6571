"""The two environments that hold chumpy are built from their locks, and all three readers of FLAME give the same bytes in them.

Environments are kept in pytest's cache until their locks change. A Python that is not on this machine skips its part.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flame_files import LIGHT, FakeMatVecMult, write_flame
from workflow.house import CLIPS, CODE, House, environment

from headsmith.contract import paths
from headsmith.contract.settings import HeadsSettings
from headsmith.stages.flame import read_flame

ROOT = Path(__file__).resolve().parents[2]
READER_OF = {"flame": "chumpy", "flame_patched": "patched"}
TESTS = [f"tests/heads/test_flame_{name}.py" for name in ("pickles", "hostile", "reading", "chumpy")]
OFFLINE = re.compile(r"NewConnectionError|Temporary failure in name resolution|Read timed out|Connection refused")

WRITE = """
import sys
from pathlib import Path
from heads.test_flame_chumpy import real
folder, name = Path(sys.argv[1]), sys.argv[2]
for protocol in (2, 4):
    (folder / f"{name}-{protocol}.pkl").write_bytes(real(protocol))
"""
READ = """
import hashlib, json, sys
from pathlib import Path
from headsmith.contract.settings import HeadsSettings
from headsmith.stages.flame import read_flame
folder, reader, output = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
found = {}
for path in sorted(folder.glob("*.pkl")):
    read_flame(head="flame2020", model=path, output=output, settings=HeadsSettings(reader=reader))
    found[path.name] = hashlib.sha256(output.read_bytes()).hexdigest()
print(json.dumps(found))
"""

CONDA = """\
#!{python}
import json, os, sys
told = {{"conda_prefix": {root!r}, "root_prefix": {root!r}, "platform": "linux-64", "conda_version": "25.9.1"}}
words = sys.argv[1:]
if words == ["--version"]:
    print("conda 25.9.1")
elif words[0] == "info":
    print(json.dumps(told))
elif words[0] == "config":
    print(json.dumps({{"get": {{"channel_priority": "strict"}}}}))
elif words[:2] == ["env", "create"]:
    os.symlink({built!r}, words[words.index("--prefix") + 1])
"""
"""What Snakemake asks of conda; the environment that it is to create is one that is there."""


@dataclass(frozen=True)
class Environment:
    """An environment that was built, or why not."""

    name: str
    python: Path | None
    reason: str = ""

    def needed(self) -> "Environment":
        """Return the environment; the test is skipped where there is none."""
        if self.python is None:
            pytest.skip(self.reason)
        return self

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python there, with the package and the tests at hand."""
        self.needed()
        shell = {**clean(), "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"}
        command = [str(self.python), "-W", "ignore", *arguments]
        return subprocess.run(command, env=shell, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def environments(request: pytest.FixtureRequest) -> dict[str, Environment]:
    """Return both environments by name."""
    folder = request.config.cache.mkdir("environments")
    with ThreadPoolExecutor() as pool:
        return dict(zip(READER_OF, pool.map(lambda name: build(name, folder), READER_OF), strict=True))


def build(name: str, folder: Path) -> Environment:
    """Build an environment as conda would, but with ``venv``: the Python of its file, then what runs after deployment."""
    version = re.search(r"python =(\d+\.\d+)", (ROOT / f"envs/{name}.yaml").read_text()).group(1)
    python, script = next(pythons(version), None), ROOT / f"envs/{name}.post-deploy.sh"
    if python is None:
        return Environment(name, None, f"there is no CPython {version} on this machine")
    key = hashlib.sha256(script.read_bytes() + str(python).encode()).hexdigest()[:12]
    target, partial = folder / f"{name}-{key}", folder / f"{name}-{key}-{os.getpid()}"
    if not target.exists():
        told = deploy(python, script, partial)
        if told is not None:
            shutil.rmtree(partial, ignore_errors=True)
            assert OFFLINE.search(told), told
            return Environment(name, None, "the packages of the lock cannot be reached")
        partial.rename(target)
    return Environment(name, target / "bin/python")


def deploy(python: Path, script: Path, target: Path) -> str | None:
    """Make an environment, and return what went wrong."""
    shell = {
        **clean(),
        "PATH": f"{target / 'bin'}:{os.environ['PATH']}",
        "PIP_NO_COMPILE": "1",
        "PIP_NO_WARN_SCRIPT_LOCATION": "1",
    }
    steps = ([str(python), "-m", "venv", str(target)], ["sh", str(script)])
    for command in (*steps, ["python", "-m", "pip", "install", "--quiet", f"pytest=={pytest.__version__}"]):
        done = subprocess.run(command, env=shell, capture_output=True, text=True, check=False)
        if done.returncode:
            return done.stdout + done.stderr
    return None


def pythons(version: str) -> Iterator[Path]:
    """Yield the CPythons of a minor version that are on this machine."""
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [Path(sys.base_prefix) / "bin/python3", *sorted(kept.glob(f"{version}.*/bin/python"))]
    for path in (*found, Path(shutil.which(f"python{version}") or "/none")):
        command = [str(path), "-c", "import sys, ensurepip; print('%d.%d' % sys.version_info[:2])"]
        if path.exists() and subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() == version:
            yield path


def clean() -> dict[str, str]:
    """Return the environment of a user's shell, without what this test run has set for itself."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST", "VIRTUAL_ENV"))}


@pytest.fixture(scope="module")
def side_by_side(environments: dict[str, Environment]) -> Callable[[Callable[[Environment], Any]], dict[str, Any]]:
    """Return a function that does something in all environments that are there, at once, and tells what came of it by name."""
    present = {name: place for name, place in environments.items() if place.python is not None}

    def do(job: Callable[[Environment], Any]) -> dict[str, Any]:
        with ThreadPoolExecutor() as pool:
            return dict(zip(present, pool.map(job, present.values()), strict=True))

    return do


@pytest.fixture(scope="module")
def tested(side_by_side) -> dict[str, subprocess.CompletedProcess[str]]:
    """Run the tests of reading FLAME; they bring no plugins and none of the other fixtures."""
    options = ("-m", "pytest", "-q", "--noconftest", "-o", "addopts=", "-p", "no:cacheprovider", *TESTS)
    return side_by_side(lambda place: place.run(*options))


@pytest.mark.parametrize("name", READER_OF)
def test_the_readers_tests_pass_with_chumpy_at_hand(environments, tested, name) -> None:
    environments[name].needed()
    assert tested[name].returncode == 0, tested[name].stdout[-3000:] + tested[name].stderr[-2000:]
    passed = int(re.search(r"(\d+) passed", tested[name].stdout).group(1))
    assert passed > 380


@pytest.fixture(scope="module")
def files(side_by_side, tmp_path_factory) -> Path:
    """Return a folder of FLAME files: of each layout, and those that chumpy itself wrote where it is at hand."""
    folder = tmp_path_factory.mktemp("flame")
    write_flame(folder / "generic_model.pkl", "python2")
    write_flame(folder / "derived.pkl", "python2", J=FakeMatVecMult(None), **LIGHT)
    for layout in ("old", "new"):
        write_flame(folder / f"{layout}.pkl", layout, **LIGHT)
    for done in side_by_side(lambda place: place.run("-c", WRITE, str(folder), place.name)).values():
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def ours(files, tmp_path_factory) -> dict[str, str]:
    """Return the hash of what our own machine reads, here, of each file."""
    output, found = tmp_path_factory.mktemp("read") / "read.npz", {}
    for path in sorted(files.glob("*.pkl")):
        read_flame(head="flame2020", model=path, output=output, settings=HeadsSettings())
        found[path.name] = hashlib.sha256(output.read_bytes()).hexdigest()
    return found


@pytest.fixture(scope="module")
def theirs(side_by_side, files, tmp_path_factory) -> dict[str, dict[str, subprocess.CompletedProcess[str]]]:
    """Return what both readers of each environment told of each file."""
    folders = {name: tmp_path_factory.mktemp(name) for name in READER_OF}

    def read(place: Environment) -> dict[str, subprocess.CompletedProcess[str]]:
        arguments = ("-c", READ, str(files))
        readers = (READER_OF[place.name], "restricted")
        return {reader: place.run(*arguments, reader, str(folders[place.name] / "read.npz")) for reader in readers}

    return side_by_side(read)


@pytest.mark.parametrize("name", READER_OF)
def test_every_reader_gives_the_same_bytes(environments, ours, theirs, name) -> None:
    environments[name].needed()
    assert theirs[name].keys() == {READER_OF[name], "restricted"}
    for reader, done in theirs[name].items():
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == ours, reader
    assert {"generic_model.pkl", f"{name}-2.pkl", f"{name}-4.pkl"} <= ours.keys()
    assert len({*ours.values()}) == len(ours)


@pytest.fixture(scope="module")
def ruled(side_by_side, files, tmp_path_factory) -> dict[str, tuple[str, str]]:
    """Return what Snakemake told while the rule read a file in each environment, and the hash of what was read."""
    folders = {name: tmp_path_factory.mktemp(name) for name in READER_OF}
    return side_by_side(lambda place: read_by_rule(place, files / f"{place.name}-2.pkl", folders[place.name]))


def read_by_rule(place: Environment, model: Path, folder: Path) -> tuple[str, str]:
    """Let the rule read a file in an environment; return what Snakemake told, and the hash of what was read."""
    house = House(folder / "house")
    house.folder.mkdir()
    for part in CODE:
        (shutil.copytree if (ROOT / part).is_dir() else shutil.copy2)(ROOT / part, house.folder / part)
    (house.folder / "config/clips.tsv").write_text(CLIPS)
    house.settings(heads={"model": "flame2020", "flame2020": str(model), "reader": READER_OF[place.name]})
    output = paths.FLAME.format(head="flame2020")
    shell = {**environment(), "PATH": f"{stand_in(place, folder)}:{os.environ['PATH']}"}
    command = house.command(output, "--use-conda")
    done = subprocess.run(command, cwd=house.folder, env=shell, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr, hashlib.sha256((house.folder / output).read_bytes()).hexdigest()


@pytest.mark.parametrize("name", READER_OF)
def test_the_rule_reads_in_the_environment_that_the_setting_names(environments, ours, ruled, name) -> None:
    environments[name].needed()
    told, read = ruled[name]
    assert "Activating conda environment" in told
    assert read == ours[f"{name}-2.pkl"]


def stand_in(place: Environment, folder: Path) -> Path:
    """Write a stand-in for conda, and return the folder that is to be on the path."""
    programs = folder / "conda/bin"
    programs.mkdir(parents=True)
    text = CONDA.format(python=sys.executable, root=str(folder / "conda"), built=str(place.python.parents[1]))
    (programs / "conda").write_text(text)
    (programs / "conda").chmod(0o755)
    (programs / "activate").write_text('export CONDA_PREFIX="$1" PATH="$1/bin:$PATH"\n')
    return programs


@pytest.mark.parametrize("name", READER_OF)
def test_the_reading_stage_loads_nothing_that_the_lock_lacks(environments, name) -> None:
    code = "import sys, headsmith.stages.flame; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = set(environments[name].run("-c", code).stdout.split())
    assert "headsmith" in loaded
    assert not loaded & {"torch", "yaml", "PIL", "cv2", "tqdm", "chumpy", "scipy"}


def test_only_the_patched_chumpy_is_changed(environments) -> None:
    code = "import chumpy.ch, inspect; print('getfullargspec' in inspect.getsource(chumpy.ch))"
    found = {name: place.run("-c", code).stdout.strip() for name, place in environments.items() if place.python}
    wanted = {"flame": "False", "flame_patched": "True"}
    assert found == {name: wanted[name] for name in found}
