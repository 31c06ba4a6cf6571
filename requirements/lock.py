"""Compile the hash locks (`make lock`): requirements/*.lock, and envs/*.post-deploy.sh for conda environments.

uv is installed into a throw-away environment. No index is written into a lock. torch's CPU build is looked for in the folder
that PIP_FIND_LINKS names and in the index that HEADSMITH_TORCH_INDEX names.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OPTIONS = (
    "--generate-hashes",
    "--python-version",
    "3.11",
    "--no-header",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--quiet",
)
POST_DEPLOY = """\
#!/bin/sh
# Compiled by `make lock` from envs/{name}.in: do not edit.
set -eu
python -m pip install --no-deps --require-hashes -r /dev/stdin <<'LOCK'
{lock}LOCK
"""


def main() -> None:
    """Compile everything."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([f"{folder}/bin/python", "-m", "pip", "install", "--quiet", "uv"], check=True)
        uv = f"{folder}/bin/uv"
        compile_lock(uv, "requirements/dev.in", "requirements/gpu.lock")
        compile_lock(uv, "requirements/cpu.in", "requirements/cpu.lock", *cpu_sources())
        for source in sorted(ROOT.glob("envs/*.in")):
            lock = Path(folder) / f"{source.stem}.lock"
            compile_lock(uv, str(source.relative_to(ROOT)), str(lock), "--constraint", "requirements/gpu.lock")
            script = POST_DEPLOY.format(name=source.stem, lock=lock.read_text())
            (ROOT / f"envs/{source.stem}.post-deploy.sh").write_text(script)


def cpu_sources() -> list[str]:
    """Return where uv looks for torch's CPU build."""
    options = ["--index-strategy", "unsafe-best-match"]
    if folder := os.environ.get("PIP_FIND_LINKS"):
        options += ["--find-links", folder]
    if index := os.environ.get("HEADSMITH_TORCH_INDEX"):
        options += ["--extra-index-url", index]
    return options


def compile_lock(uv: str, source: str, lock: str, *options: str) -> None:
    """Compile one list of requirements."""
    subprocess.run([uv, "pip", "compile", source, "--output-file", lock, *OPTIONS, *options], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
