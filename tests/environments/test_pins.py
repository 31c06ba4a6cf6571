"""Pins of what conda installs, and the Containerfile: both are made by commands that need conda."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from environments.kit import RULE, Kit, conda_kit  # noqa: F401 (a fixture)
from workflow.conftest import empty_house  # noqa: F401 (a fixture)
from workflow.house import ROOT, House

CONTAINERFILE = ROOT / "Containerfile"
CREATE = ("--use-conda", "--conda-create-envs-only")


@pytest.fixture(scope="module")
def pinned(conda_kit: Kit, tmp_path_factory: pytest.TempPathFactory) -> House:  # noqa: F811
    """Return a folder with a small workflow whose one environment has been pinned."""
    house = House(tmp_path_factory.mktemp("pins") / "a house")
    conda_kit.write_envs(house.folder / "envs")
    (house.folder / "Snakefile").write_text(RULE.format(name="fetch"))
    command = [sys.executable, str(ROOT / "requirements/pin.py"), "--envs", str(house.folder / "envs"), "fetch"]
    done = subprocess.run(command, env=conda_kit.shell(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return house


def test_pins_name_each_package_with_its_hash(pinned: House) -> None:
    lines = (pinned.folder / "envs/fetch.linux-64.pin.txt").read_text().splitlines()
    packages = [line for line in lines if "://" in line]
    assert "@EXPLICIT" in lines and len(packages) >= 2
    assert all(re.search(r"/(python|pip|[\w.-]+)-[\w.-]+\.(conda|tar\.bz2)#[0-9a-f]{32}$", line) for line in packages)


def test_an_environment_made_from_pins_has_pips_part_too(pinned: House, conda_kit: Kit) -> None:  # noqa: F811
    done = conda_kit.snakemake(pinned, *CREATE, "--conda-prefix", "made", "fetch")
    told = done.stdout + done.stderr
    assert done.returncode == 0 and "Using pinnings from" in told and "Failed to install" not in told, told
    assert len(list((pinned.folder / "made").glob("*/lib/python3.11/site-packages/yaml/__init__.py"))) == 1


def test_pins_that_fail_are_only_warned_of(pinned: House, conda_kit: Kit) -> None:  # noqa: F811
    """Which is why pin.py makes an environment of them itself."""
    pins = pinned.folder / "envs/fetch.linux-64.pin.txt"
    sound = pins.read_text()
    pins.write_text(re.sub(r"#\w{4}", "#0000", sound))
    done = conda_kit.snakemake(pinned, *CREATE, "--conda-prefix", "again", "fetch")
    pins.write_text(sound)
    assert done.returncode == 0 and "Failed to install conda environment from pin file" in done.stdout + done.stderr


def blocks() -> dict[str, str]:
    """Return the folders in the image by environment."""
    found = re.findall(r"^#   source: envs/(\w+)\.yaml\n#   prefix: (\S+)$", CONTAINERFILE.read_text(), re.MULTILINE)
    return dict(found)


def test_the_image_has_each_environment_where_snakemake_looks_for_it() -> None:
    """Under a hash of what runs after deployment and of what conda installs, without pins."""
    files = {path.stem: path for path in (ROOT / "envs").glob("*.yaml") if path.stem != "gpu"}
    wanted = {}
    for name, path in files.items():
        script = (ROOT / f"envs/{name}.post-deploy.sh").read_bytes()
        wanted[name] = f"/conda-envs/{hashlib.md5(script + path.read_bytes()).hexdigest()}"
    assert blocks() == wanted, "make containerfile"


def test_the_image_has_pips_part_too() -> None:
    text = CONTAINERFILE.read_text()
    for name, prefix in blocks().items():
        made = text.index(f"conda env create --prefix {prefix} --file {prefix}/environment.yaml")
        copied = text.index(f"COPY envs/{name}.post-deploy.sh {prefix}/post-deploy.sh\n")
        assert made < copied < text.index(f"RUN PIP_NO_CACHE_DIR=1 conda run --prefix {prefix} sh {prefix}/post-deploy.sh")


def test_the_containerfile_is_what_snakemake_writes_today(conda_kit: Kit, tmp_path: Path) -> None:  # noqa: F811
    code = "import containerfile as c, sys; print(c.with_post_deployment(c.containerized(sys.argv[1:])), end='')"
    shell = {**conda_kit.shell(), "PYTHONPATH": str(ROOT / "requirements")}
    command = [sys.executable, "-c", code, *blocks()]
    done = subprocess.run(command, cwd=tmp_path, env=shell, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == CONTAINERFILE.read_text(), "make containerfile"


def test_the_workflows_own_environments_are_in_the_image(empty_house: House, conda_kit: Kit) -> None:  # noqa: F811
    done = conda_kit.snakemake(empty_house, "--containerize")
    assert done.returncode == 0, done.stderr
    found = set(re.findall(r"^#   prefix: (\S+)$", done.stdout, re.MULTILINE))
    assert {blocks()[name] for name in ("fetch", "vision", "show", "avatar")} <= found <= set(blocks().values())
