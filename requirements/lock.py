"""Compile the hash locks (`make lock`): requirements/*.lock, and envs/*.post-deploy.sh for conda environments.

gsplat.lock is what a machine with a GPU installs beside gpu.lock. What conda itself installs is pinned by requirements/pin.py.

uv is installed into a throw-away environment. No index is written into a lock. torch's CPU build is looked for in the folder
that PIP_FIND_LINKS names and in the index that HEADSMITH_TORCH_INDEX names. `python requirements/lock.py NAME...` compiles the
environments of these names alone (and `gsplat`, which is no environment).
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from post_deploy import BESIDE_TORCH, BUILT, CUDA, TORCH, entries_of, name_of, post_deploy_script

ROOT = Path(__file__).resolve().parents[1]
PYTHON = "3.11"
OPTIONS = ("--generate-hashes", "--no-header", "--no-emit-index-url", "--no-emit-find-links", "--quiet")
BASES = ("requirements/gpu.lock", "requirements/gsplat.lock")
"""The locks whose versions all environments of the same Python have."""


def main(names: list[str]) -> None:
    """Compile everything, or the environments of some names."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        tools = ("uv", "setuptools", "wheel")
        subprocess.run([f"{folder}/bin/python", "-m", "pip", "install", "--quiet", *tools], check=True)
        uv = f"{folder}/bin/uv"
        if not names:
            compile_lock(uv, "requirements/dev.in", "requirements/gpu.lock")
            compile_lock(uv, "requirements/cpu.in", "requirements/cpu.lock", *cpu_sources())
        if not names or "gsplat" in names:
            compile_addition(uv, "gsplat", Path(folder))
        for source in sorted(ROOT.glob("envs/*.in")):
            if not names or source.stem in names:
                compile_environment(uv, source, Path(folder) / f"{source.stem}.lock")


def compile_addition(uv: str, name: str, folder: Path) -> None:
    """Compile what is installed beside the one lock where there is a GPU: the packages that it has not got."""
    compile_lock(uv, f"requirements/{name}.in", str(folder / "whole.lock"), "--constraint", "requirements/gpu.lock")
    base, whole = (entries_of(path.read_text()) for path in (ROOT / "requirements/gpu.lock", folder / "whole.lock"))
    known = {name_of(entry) for entry in base}
    added = [entry for entry in whole if name_of(entry) not in known]
    (ROOT / f"requirements/{name}.lock").write_text("".join(added))


def compile_environment(uv: str, source: Path, lock: Path) -> None:
    """Compile what is installed after deployment; versions are those of the one lock where its Python allows."""
    name, python = source.stem, python_of(source.with_suffix(".yaml"))
    options = ["--constraint", str(versions_of_bases(name, lock.parent))] if python == PYTHON else []
    built = [option for package in BUILT for option in ("--no-build-isolation-package", package)]
    compile_lock(uv, str(source.relative_to(ROOT)), str(lock), *options, *built, python=python)
    told = re.sub(r"-c /\S+/versions\.txt", "-c the locks of requirements/", lock.read_text())
    script = post_deploy_script(name, told, (ROOT / "requirements/cpu.lock").read_text())
    (ROOT / f"envs/{name}.post-deploy.sh").write_text(script)


def versions_of_bases(name: str, folder: Path) -> Path:
    """Write the versions that an environment shares with all others of the same Python; one with CUDA has its own torch."""
    entries = [entry for base in BASES for entry in entries_of((ROOT / base).read_text())]
    own = (*TORCH, *BESIDE_TORCH) if name in CUDA else ()
    known = [entry.split(" ")[0] for entry in entries if not name_of(entry).startswith(own)]
    path = folder / "versions.txt"
    path.write_text("\n".join(known))
    return path


def python_of(environment: Path) -> str:
    """Return the minor version of Python of an environment."""
    return re.search(r"python =(\d+\.\d+)", environment.read_text()).group(1)


def cpu_sources() -> list[str]:
    """Return where uv looks for torch's CPU build."""
    options = ["--index-strategy", "unsafe-best-match"]
    if folder := os.environ.get("PIP_FIND_LINKS"):
        options += ["--find-links", folder]
    if index := os.environ.get("HEADSMITH_TORCH_INDEX"):
        options += ["--extra-index-url", index]
    return options


def compile_lock(uv: str, source: str, lock: str, *options: str, python: str = PYTHON) -> None:
    """Compile one list of requirements for a version of Python."""
    command = [uv, "pip", "compile", source, "--output-file", lock, "--python-version", python, *OPTIONS, *options]
    subprocess.run(command, check=True, cwd=ROOT)


if __name__ == "__main__":
    main(sys.argv[1:])
