"""The two environments that hold chumpy are built from their locks, and all three readers of FLAME give the same bytes in them.

A Python that is not on this machine skips its part.
"""

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from environments.kit import Kit, conda_kit, only_one  # noqa: F401 (a fixture)
from flame_files import LIGHT, FakeMatVecMult, write_flame
from workflow.house import CLIPS, CODE, House

from headsmith.contract import paths
from headsmith.contract.settings import HeadsSettings
from headsmith.stages.flame import read_flame

ROOT = Path(__file__).resolve().parents[2]
READER_OF = {"flame": "chumpy", "flame_patched": "patched"}
TESTS = [f"tests/heads/test_flame_{name}.py" for name in ("pickles", "hostile", "reading", "chumpy")]

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


@pytest.fixture(scope="module")
def kit(conda_kit: Kit) -> Kit:  # noqa: F811
    """Return the environments, and pytest beside them."""
    for name in present(conda_kit):
        target = beside(conda_kit, name)
        with only_one(conda_kit.folder / "pytest.lock"):
            if not target.exists():
                partial = target.with_suffix(".partial")
                done = conda_kit.python(name, "-m", "pip", "install", "--target", str(partial), f"pytest=={pytest.__version__}")
                assert done.returncode == 0, done.stderr
                partial.rename(target)
    return conda_kit


def present(kit: Kit) -> list[str]:
    """Return which of both environments are there."""
    return [name for name in READER_OF if name in kit.environments()]


def needed(kit: Kit, name: str) -> None:
    """Skip the test where an environment is not there."""
    if name not in present(kit):
        pytest.skip(f"there is no CPython on this machine that the environment {name} can be made of")


def beside(kit: Kit, name: str) -> Path:
    """Return where pytest lies for an environment, which has not got it."""
    return kit.folder / f"pytest-{name}"


def run(kit: Kit, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an environment's Python, with the package, the tests and pytest at hand."""
    return kit.python(name, *arguments, PYTHONPATH=f"{ROOT / 'src'}:{ROOT / 'tests'}:{beside(kit, name)}")


@pytest.fixture(scope="module")
def side_by_side(kit: Kit) -> Callable[[Callable[[str], Any]], dict[str, Any]]:
    """Return a function that does something in both environments, at once, and tells what came of it by name."""
    names = present(kit)

    def do(job: Callable[[str], Any]) -> dict[str, Any]:
        with ThreadPoolExecutor() as pool:
            return dict(zip(names, pool.map(job, names), strict=True))

    return do


@pytest.fixture(scope="module")
def tested(kit, side_by_side) -> dict[str, subprocess.CompletedProcess[str]]:
    """Run the tests of reading FLAME; they bring no plugins and none of the other fixtures."""
    options = ("-m", "pytest", "-q", "--noconftest", "-o", "addopts=", "-p", "no:cacheprovider", *TESTS)
    return side_by_side(lambda name: run(kit, name, *options))


@pytest.mark.parametrize("name", READER_OF)
def test_the_readers_tests_pass_with_chumpy_at_hand(kit, tested, name) -> None:
    needed(kit, name)
    assert tested[name].returncode == 0, tested[name].stdout[-3000:] + tested[name].stderr[-2000:]
    passed = int(re.search(r"(\d+) passed", tested[name].stdout).group(1))
    assert passed > 380


@pytest.fixture(scope="module")
def files(kit, side_by_side, tmp_path_factory) -> Path:
    """Return a folder of FLAME files: of each layout, and those that chumpy itself wrote where it is at hand."""
    folder = tmp_path_factory.mktemp("flame")
    write_flame(folder / "generic_model.pkl", "python2")
    write_flame(folder / "derived.pkl", "python2", J=FakeMatVecMult(None), **LIGHT)
    for layout in ("old", "new"):
        write_flame(folder / f"{layout}.pkl", layout, **LIGHT)
    for done in side_by_side(lambda name: run(kit, name, "-c", WRITE, str(folder), name)).values():
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
def theirs(kit, side_by_side, files, tmp_path_factory) -> dict[str, dict[str, subprocess.CompletedProcess[str]]]:
    """Return what both readers of each environment told of each file."""
    folders = {name: tmp_path_factory.mktemp(name) for name in READER_OF}

    def read(name: str) -> dict[str, subprocess.CompletedProcess[str]]:
        arguments = ("-c", READ, str(files))
        readers = (READER_OF[name], "restricted")
        return {reader: run(kit, name, *arguments, reader, str(folders[name] / "read.npz")) for reader in readers}

    return side_by_side(read)


@pytest.mark.parametrize("name", READER_OF)
def test_every_reader_gives_the_same_bytes(kit, ours, theirs, name) -> None:
    needed(kit, name)
    assert theirs[name].keys() == {READER_OF[name], "restricted"}
    for reader, done in theirs[name].items():
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == ours, reader
    assert {"generic_model.pkl", f"{name}-2.pkl", f"{name}-4.pkl"} <= ours.keys()
    assert len({*ours.values()}) == len(ours)


@pytest.fixture(scope="module")
def ruled(kit, side_by_side, files, tmp_path_factory) -> dict[str, tuple[str, str]]:
    """Return what Snakemake told while the rule read a file in each environment, and the hash of what was read."""
    folders = {name: tmp_path_factory.mktemp(name) for name in READER_OF}
    return side_by_side(lambda name: read_by_rule(kit, name, files / f"{name}-2.pkl", folders[name]))


def read_by_rule(kit: Kit, name: str, model: Path, folder: Path) -> tuple[str, str]:
    """Let the rule read a file in an environment; return what Snakemake told, and the hash of what was read."""
    house = House(folder / "house")
    house.folder.mkdir()
    for part in CODE:
        (shutil.copytree if (ROOT / part).is_dir() else shutil.copy2)(ROOT / part, house.folder / part)
    kit.write_envs(house.folder / "envs")
    (house.folder / "config/clips.tsv").write_text(CLIPS)
    house.settings(heads={"model": "flame2020", "flame2020": str(model), "reader": READER_OF[name]})
    output = paths.FLAME.format(head="flame2020")
    done = kit.snakemake(house, "--use-conda", "--", output)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr, hashlib.sha256((house.folder / output).read_bytes()).hexdigest()


@pytest.mark.parametrize("name", READER_OF)
def test_the_rule_reads_in_the_environment_that_the_setting_names(kit, ours, ruled, name) -> None:
    needed(kit, name)
    told, read = ruled[name]
    assert kit.activated(told).keys() == {name}
    assert read == ours[f"{name}-2.pkl"]


@pytest.mark.parametrize("name", READER_OF)
def test_the_reading_stage_loads_nothing_that_the_lock_lacks(kit, name) -> None:
    code = "import sys, headsmith.stages.flame; print(*{name.split('.')[0] for name in sys.modules})"
    needed(kit, name)
    loaded = set(run(kit, name, "-c", code).stdout.split())
    assert "headsmith" in loaded
    assert not loaded & {"torch", "yaml", "PIL", "cv2", "tqdm", "chumpy", "scipy"}


def test_only_the_patched_chumpy_is_changed(kit) -> None:
    code = "import chumpy.ch, inspect; print('getfullargspec' in inspect.getsource(chumpy.ch))"
    found = {name: run(kit, name, "-c", code).stdout.strip() for name in present(kit)}
    wanted = {"flame": "False", "flame_patched": "True"}
    assert found == {name: wanted[name] for name in found}
