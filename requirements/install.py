"""Make .venv from the hash locks: with torch's CPU build where it can be had, else with the default build.

Run by `make setup`, with the standard library alone. The CPU build is looked for wherever pip looks, and in the index that
the environment variable HEADSMITH_TORCH_INDEX names.
"""

import ctypes
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

WANTED = (3, 11)
LOCKS = Path(__file__).resolve().parent
VENV = LOCKS.parent / ".venv"
LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libGLESv2.so.2": "libgles2",
    "libgthread-2.0.so.0": "libglib2.0-0",
}
"""System libraries that OpenCV and MediaPipe load, and Debian's packages of them."""
PROGRAM = """\
#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
from {module} import program

program()
"""
"""A program that is shell to the shell, Python to Python: the first line of a script cannot name a path with spaces."""


def main() -> None:
    """Check this Python, make the environment, install into it."""
    if sys.version_info < WANTED:
        sys.exit(f"headsmith needs Python 3.11; this is {sys.version.split()[0]}. Try: make PYTHON=/path/to/python3.11 setup")
    if sys.version_info[:2] != WANTED:
        say(f"locked for Python 3.11, and this is {sys.version.split()[0]}; if it fails: make PYTHON=python3.11 setup")
    if importlib.util.find_spec("ensurepip") is None:
        sys.exit("Python's venv module is missing. On Debian or Ubuntu: apt install python3-venv")
    if missing := [package for name, package in LIBRARIES.items() if not loads(name)]:
        sys.exit(f"OpenCV and MediaPipe need system libraries that are not here. On Debian: apt install {' '.join(missing)}")
    subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    lock = LOCKS / ("cpu.lock" if cpu_build_found() else "gpu.lock")
    say(f"installing {lock.name} into .venv (some minutes, once)")
    install_all(lock)
    make_importable()


def loads(library: str) -> bool:
    """Tell whether the system has a shared library; other systems than Linux are not asked."""
    try:
        return not sys.platform.startswith("linux") or bool(ctypes.CDLL(library))
    except OSError:
        return False


def cpu_build_found() -> bool:
    """Tell whether pip can get torch's CPU build; its download is kept for the installation that follows."""
    block = re.search(r"^torch==.*(?:\n    --hash=.*)*", (LOCKS / "cpu.lock").read_text(), re.MULTILINE)
    assert block is not None, "cpu.lock pins torch"
    name = block.group().split()[0]
    probe = VENV / "torch.txt"
    probe.write_text(block.group() + "\n")
    try:
        pip_install("--dry-run", "--no-deps", "-r", str(probe))
    except subprocess.CalledProcessError as error:
        reason = next((line for line in reversed(error.stdout.splitlines()) if line.startswith("ERROR")), "pip failed")
        say(f"{name} is not to be had ({reason.removeprefix('ERROR: ')}): taking the default build of torch, which is larger.")
        say("HEADSMITH_TORCH_INDEX may name PyTorch's own index of CPU builds.")
        return False
    finally:
        probe.unlink()
    return True


def install_all(lock: Path) -> None:
    """Install a whole lock, telling now and then how far it has come."""
    total = sum(line[0].isalnum() for line in lock.read_text().splitlines())
    found = 0
    with subprocess.Popen(pip_command("-r", str(lock)), stdout=subprocess.PIPE, text=True) as pip:
        for line in pip.stdout or ():
            found += line.startswith(("Collecting ", "Requirement already satisfied"))
            found += line.startswith("Processing ") and "(from -r" in line
            if line.startswith(("Collecting ", "Processing ")) and found % 25 == 0:
                say(f"{found} of {total} packages fetched")
            elif line.startswith("Installing collected packages"):
                say(f"all fetched, unpacking {total} packages")
    if pip.returncode:
        raise subprocess.CalledProcessError(pip.returncode, pip.args)
    say("done")


def make_importable() -> None:
    """Let this environment's Python find the package in src/, for benchmarks and one's own scripts, and make its programs."""
    for packages in VENV.glob("lib/python*/site-packages"):
        (packages / "headsmith.pth").write_text(f"{LOCKS.parent / 'src'}\n")
    for name, module in re.findall(
        r'^(headsmith-\w+) = "([\w.]+):program"', (LOCKS.parent / "pyproject.toml").read_text(), re.M
    ):
        program = VENV / "bin" / name
        program.write_text(PROGRAM.format(python=VENV / "bin/python", module=module))
        program.chmod(0o755)


def pip_install(*arguments: str) -> None:
    """Run pip in the environment, holding back what it says."""
    subprocess.run(pip_command(*arguments), check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def pip_command(*arguments: str) -> list[str]:
    """Return the command that installs into the environment, with hashes required."""
    command = [str(VENV / "bin/python"), "-m", "pip", "install", "--require-hashes", "--disable-pip-version-check", *arguments]
    if index := os.environ.get("HEADSMITH_TORCH_INDEX"):
        command += ["--extra-index-url", index]
    return command


def say(text: str) -> None:
    """Tell the user."""
    sys.stdout.write(f"setup: {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"setup: failed ({error}); pip's own message stands above. `make setup` goes on where it stopped.")
