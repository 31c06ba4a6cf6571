"""Compile the hash locks (`make lock`): requirements/*.lock, and envs/*.post-deploy.sh for conda environments.

gsplat.lock is what a machine with a GPU installs beside gpu.lock.

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

ROOT = Path(__file__).resolve().parents[1]
PYTHON = "3.11"
OPTIONS = ("--generate-hashes", "--no-header", "--no-emit-index-url", "--no-emit-find-links", "--quiet")

POST_DEPLOY = """\
#!/bin/sh
# Compiled by `make lock` from envs/{name}.in: do not edit.
set -eu
python -m pip install --no-deps --require-hashes -r /dev/stdin <<'LOCK'
{lock}LOCK
"""
BUILD = """\
# There is no wheel: it is built by what was installed above.
python -m pip install --no-deps --no-build-isolation --require-hashes -r /dev/stdin <<'LOCK'
{lock}LOCK
"""
PATCH = """\
# chumpy was written for Python 2 and numpy 1: names that they have dropped since are replaced.
python - <<'PATCH'
from pathlib import Path
from sysconfig import get_path

ALIASES = "from builtins import bool, int, float, complex, object, str\\nfrom builtins import str as unicode\\n"
for name, old, new in (
    ("ch.py", "inspect.getargspec(", "inspect.getfullargspec("),
    ("ch.py", "from scipy.sparse.linalg.interface import LinearOperator", "from scipy.sparse.linalg import LinearOperator"),
    (
        "__init__.py",
        "from numpy import bool, int, float, complex, object, unicode, str, nan, inf",
        ALIASES + "from numpy import nan, inf",
    ),
):
    path = Path(get_path("purelib")) / "chumpy" / name
    text = path.read_text()
    if old not in text and new not in text:
        raise SystemExit(f"{path} has no `{old}`: this patch is for chumpy 0.70")
    path.write_text(text.replace(old, new) if new not in text else text)
PATCH
"""

BUILT = ("chumpy",)
"""Packages without wheels, which need those of their environment to be built."""

PATCHED = ("flame_patched",)
"""Environments in which chumpy is patched."""


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
    known = {entry.split("==")[0] for entry in base}
    added = [entry for entry in whole if entry.split("==")[0] not in known]
    (ROOT / f"requirements/{name}.lock").write_text("".join(added))


def entries_of(lock: str) -> list[str]:
    """Return a lock's packages, each with its hashes."""
    return re.split(r"^(?=\S)", lock, flags=re.MULTILINE)


def compile_environment(uv: str, source: Path, lock: Path) -> None:
    """Compile what is installed after deployment; versions are those of the one lock where its Python allows."""
    name, python = source.stem, python_of(source.with_suffix(".yaml"))
    options = ["--constraint", "requirements/gpu.lock"] if python == PYTHON else []
    built = [option for package in BUILT for option in ("--no-build-isolation-package", package)]
    compile_lock(uv, str(source.relative_to(ROOT)), str(lock), *options, *built, python=python)
    entries = entries_of(lock.read_text())
    late = [entry for entry in entries if entry.split("==")[0] in BUILT]
    script = POST_DEPLOY.format(name=name, lock="".join(entry for entry in entries if entry not in late))
    script += BUILD.format(lock="".join(late)) if late else ""
    (ROOT / f"envs/{name}.post-deploy.sh").write_text(script + (PATCH if name in PATCHED else ""))


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
