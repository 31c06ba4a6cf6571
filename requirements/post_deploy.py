"""The scripts that run after conda has made an environment (envs/*.post-deploy.sh): hash locks for pip, and patches.

They are POSIX shell, and name no index: pip looks where it is told to look.
"""

import re

TORCH = ("torch", "triton", "nvidia-", "cuda-")
"""How names begin of what torch's default build brings, and its CPU build does not."""

BESIDE_TORCH = ("setuptools",)
"""What torch wants in a version of its own."""

BUILT = ("chumpy", "iopath")
"""Packages without wheels, which need those of their environment to be built."""

PATCHED = ("flame_patched",)
"""Environments in which chumpy is patched."""

CUDA = ("gpu",)
"""Environments with torch's CUDA build and a compiler for it, whatever else pip could get."""

HEAD = """\
#!/bin/sh -c 'sh "$*"' sh
# Compiled by `make lock` from envs/{name}.in: do not edit. Snakemake takes the first line for the command that runs this file,
# and forgets to quote the file's path: `"$*"` puts a path with spaces together again.
set -eu
export PYTHONNOUSERSITE=1
install() {{
    python -m pip install --no-deps --require-hashes "$@" -r /dev/stdin
}}
install <<'LOCK'
{lock}LOCK
"""
EITHER = """\
# torch in its CPU build, a tenth of the size, where pip can get it (HEADSMITH_TORCH_INDEX may name PyTorch's index of these);
# else in its default build.
if ! install ${{HEADSMITH_TORCH_INDEX:+--extra-index-url "$HEADSMITH_TORCH_INDEX"}} <<'LOCK'
{cpu}LOCK
then
    install <<'LOCK'
{default}LOCK
fi
"""
BUILD = """\
# There is no wheel: it is built by what was installed above.
install --no-build-isolation <<'LOCK'
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
ALONE = """\
# Jobs see this environment alone, not what the user has installed below ~/.local.
mkdir -p "$CONDA_PREFIX/etc/conda/activate.d"
echo 'export PYTHONNOUSERSITE=1' >"$CONDA_PREFIX/etc/conda/activate.d/headsmith.sh"
"""
COMPILER = """\
# gsplat compiles itself on its first call, by NVIDIA's compiler as pip has it: under the names that linkers look for.
cuda=$(python -c 'from sysconfig import get_path; print(get_path("purelib"))')/nvidia/cu13
ln -sfn lib "$cuda/lib64"
ln -sf libcudart.so.13 "$cuda/lib/libcudart.so"
echo "export CUDA_HOME='$cuda'" >>"$CONDA_PREFIX/etc/conda/activate.d/headsmith.sh"
"""


def post_deploy_script(name: str, lock: str, cpu_lock: str) -> str:
    """Return the script of an environment: its own lock, and the one that has torch's CPU build."""
    entries = entries_of(lock)
    late = [entry for entry in entries if name_of(entry) in BUILT]
    torch = [entry for entry in entries if name_of(entry).startswith(TORCH)] if name not in CUDA else []
    script = HEAD.format(name=name, lock="".join(entry for entry in entries if entry not in late and entry not in torch))
    if torch:
        cpu = [entry for entry in entries_of(cpu_lock) if name_of(entry) == "torch"]
        script += EITHER.format(cpu="".join(cpu), default="".join(torch))
    script += BUILD.format(lock="".join(late)) if late else ""
    script += PATCH if name in PATCHED else ""
    return script + ALONE + (COMPILER if name in CUDA else "")


def entries_of(lock: str) -> list[str]:
    """Return a lock's packages, each with its hashes and with who asks for it."""
    return [entry for entry in re.split(r"^(?=\S)", lock, flags=re.MULTILINE) if "==" in entry]


def name_of(entry: str) -> str:
    """Return the name of a lock's package."""
    return entry.split("==")[0]
