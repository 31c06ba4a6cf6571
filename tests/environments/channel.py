"""A conda channel in a folder, made of what this machine has: its CPythons, and the pip of the environment that runs the tests.

It is a real channel in the one respect that counts: packages with their metadata, and a `repodata.json` with their hashes. A
Python keeps loading its shared library from where it was built, so that the channel is good for this machine alone.
"""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

NAME = "conda-forge"
LEFT_OUT = {"site-packages", "test", "tests", "idlelib", "turtledemo", "ensurepip", "lib2to3", "tkinter"}
FOUND = (
    "import json, sys, sysconfig; print(json.dumps([sys.version.split()[0], sys.base_prefix, sysconfig.get_scheme_names()]))"
)
LINKING = Path(__file__).with_name("linking_pip.py")
Files = list[tuple[Path, str]]


@dataclass(frozen=True)
class Python:
    """A CPython of this machine: its version, and the folder that it was installed into."""

    version: str
    prefix: Path

    @property
    def minor(self) -> str:
        """The version's first two numbers."""
        return self.version.rpartition(".")[0]


def find_pythons() -> dict[str, Python]:
    """Return the CPythons of this machine that can be moved, by minor version; first the one that runs the tests."""
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    named = (shutil.which(f"python3.{minor}") for minor in (10, 11))
    programs = [
        Path(sys.base_prefix) / "bin/python3",
        *sorted(kept.glob("3.1[01].*/bin/python3")),
        *map(Path, filter(None, named)),
    ]
    found: dict[str, Python] = {}
    for program in programs:
        done = subprocess.run([str(program), "-c", FOUND], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            version, prefix, schemes = json.loads(done.stdout)
            python = Python(version, Path(prefix))
            movable = "deb_system" not in schemes and (python.prefix / f"lib/python{python.minor}/os.py").is_file()
            if movable:
                found.setdefault(python.minor, python)
    return found


def write_channel(folder: Path, pythons: list[Python]) -> None:
    """Write the channel's packages and its index."""
    with ThreadPoolExecutor() as pool:
        made = list(pool.map(lambda python: write_python(folder / NAME / "linux-64", python), pythons))
    made.append(write_pip(folder / NAME / "noarch"))
    for subfolder in ("linux-64", "noarch"):
        packages = {name: facts for name, facts in made if facts["subdir"] == subfolder}
        index = {"info": {"subdir": subfolder}, "packages": packages, "packages.conda": {}, "repodata_version": 1}
        (folder / NAME / subfolder / "repodata.json").write_text(json.dumps(index))


def write_python(folder: Path, python: Python) -> tuple[str, dict]:
    """Write the package of a Python: its program and its standard library."""
    library, program = f"lib/python{python.minor}", f"bin/python{python.minor}"
    files = [((python.prefix / program).resolve(), program)]
    for place, folders, names in os.walk(python.prefix / library):
        folders[:] = [name for name in folders if name not in LEFT_OUT and not name.startswith("config-")]
        files += [(Path(place) / name, str((Path(place) / name).relative_to(python.prefix))) for name in names]
    links = {"bin/python": f"python{python.minor}", "bin/python3": f"python{python.minor}"}
    note = {f"{library}/site-packages/README.txt": b"from a test's channel\n"}
    facts = {"name": "python", "version": python.version, "subdir": "linux-64", "depends": []}
    return write_package(folder, facts, files, links, note)


def write_pip(folder: Path) -> tuple[str, dict]:
    """Write the package of pip: the real one, begun by what links packages that this machine has unpacked already."""
    pip = distribution("pip")
    names = [str(path) for path in pip.files or [] if not str(path).startswith("..") and path.suffix != ".pyc"]
    files = [(Path(pip.locate_file(name)), f"site-packages/{name}") for name in names if name != "pip/__main__.py"]
    files.append((LINKING, "site-packages/pip/__main__.py"))
    facts = {"name": "pip", "version": pip.version, "subdir": "noarch", "depends": ["python >=3.9"], "noarch": "python"}
    kind = {"info/link.json": b'{"noarch": {"type": "python", "entry_points": []}, "package_metadata_version": 1}'}
    return write_package(folder, facts, files, {}, kind)


def write_package(folder: Path, facts: dict, files: Files, links: dict[str, str], notes: dict[str, bytes]) -> tuple[str, dict]:
    """Write a package: files, symbolic links and small texts; return its name and what the index says of it."""
    facts |= {"build": "0", "build_number": 0, "license": "none", "timestamp": 1_700_000_000_000}
    told = [{"_path": name, "path_type": "hardlink"} | measured(path.read_bytes()) for path, name in files]
    told += [{"_path": name, "path_type": "hardlink"} | measured(text) for name, text in notes.items() if name[:5] != "info/"]
    told += [{"_path": name, "path_type": "softlink"} | measured(b"") for name in links]
    notes = notes | {
        "info/index.json": json.dumps(facts).encode(),
        "info/about.json": b"{}",
        "info/paths.json": json.dumps({"paths": told, "paths_version": 1}).encode(),
        "info/files": "".join(f"{entry['_path']}\n" for entry in told).encode(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{facts['name']}-{facts['version']}-0.tar.bz2"
    with tarfile.open(target, "w:bz2", compresslevel=1) as package:
        for name, text in notes.items():
            package.addfile(described(name, size=len(text)), io.BytesIO(text))
        for name, goal in links.items():
            package.addfile(described(name, type=tarfile.SYMTYPE, linkname=goal))
        for path, name in files:
            package.add(path, name)
    content = target.read_bytes()
    return target.name, facts | {"md5": hashlib.md5(content).hexdigest(), **measured(content, "size")}


def measured(content: bytes, size: str = "size_in_bytes") -> dict:
    """Return the hash of some content, and its size under a name."""
    return {"sha256": hashlib.sha256(content).hexdigest(), size: len(content)}


def described(name: str, **facts: object) -> tarfile.TarInfo:
    """Return the header of an archive's member."""
    header = tarfile.TarInfo(name)
    for key, value in facts.items():
        setattr(header, key, value)
    return header
