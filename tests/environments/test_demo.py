"""The whole demo workflow with conda: every job in an environment of its own, in a path with a space, with the same results."""

import hashlib
import shutil
from collections import Counter
from pathlib import Path

import pytest
from environments.kit import OFFLINE, Kit, conda_kit  # noqa: F401 (a fixture)
from flame_files import write_flame
from workflow.conftest import empty_house, finished_house  # noqa: F401 (fixtures)
from workflow.house import STAGE_OF, House
from workflow.test_envs import stages_by_env

from headsmith.contract import paths

MADE = ("results", "resources/heads", "resources/networks")
TIMED = "report/index.html"
"""The one file that tells how long the stages took; it is no other's input."""


@pytest.fixture(scope="module")
def house(finished_house: House, conda_kit: Kit, tmp_path_factory: pytest.TempPathFactory) -> House:  # noqa: F811
    """Return a house, in a path with a space, in which nothing but the fetching has been done."""
    house = finished_house.copy(tmp_path_factory.mktemp("conda") / "a house")
    for name in (*MADE, "logs", ".snakemake"):
        shutil.rmtree(house.folder / name)
    conda_kit.write_envs(house.folder / "envs")
    return house


@pytest.fixture(scope="module")
def planned(house: House) -> dict[str, int]:
    """Return how many jobs of each rule the demo is."""
    return house.planned()


@pytest.fixture(scope="module")
def told(house: House, planned: dict[str, int], conda_kit: Kit) -> str:  # noqa: F811
    """Return what Snakemake told while it made everything."""
    done = conda_kit.snakemake(house, "--software-deployment-method", "conda")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_every_job_runs_in_the_environment_that_its_rule_names(planned, told, conda_kit) -> None:  # noqa: F811
    named = {stage: env for env, stage in stages_by_env() if env in ("vision", "show", "avatar")}
    wanted = Counter()
    for rule, count in planned.items():
        wanted[named[STAGE_OF[rule]]] += count
    found = conda_kit.activated(told)
    assert found.keys() == wanted.keys() == {"vision", "show", "avatar"}
    assert {env: count // 2 for env, count in found.items()} == wanted


def test_results_are_the_same_as_without_conda(house: House, finished_house: House, told: str) -> None:  # noqa: F811
    ours, theirs = hashes(house.folder), hashes(finished_house.folder)
    assert ours.keys() == theirs.keys() and len(ours) > 300
    assert [name for name in ours if ours[name] != theirs[name] and not name.endswith(TIMED)] == []


def hashes(folder: Path) -> dict[str, str]:
    """Return the hashes of all that was made, by path."""
    found = (path for name in MADE for path in (folder / name).rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def test_a_second_run_does_nothing(house: House, told: str, conda_kit: Kit) -> None:  # noqa: F811
    done = conda_kit.snakemake(house, "--use-conda")
    assert done.returncode == 0 and "Nothing to be done" in done.stdout + done.stderr


def test_an_environment_of_python_3_10_hands_on_to_one_of_3_11(house: House, told: str, conda_kit: Kit) -> None:  # noqa: F811
    if "flame" not in conda_kit.environments():
        pytest.skip("there is no CPython 3.10 on this machine")
    write_flame(house.folder / "generic_model.pkl", "python2")
    house.settings(heads={"model": "flame2020", "flame2020": "generic_model.pkl", "reader": "chumpy"})
    done = conda_kit.snakemake(house, "--use-conda", "--", paths.FLAME.format(head="flame2020"))
    house.settings()
    assert done.returncode == 0, done.stderr
    assert conda_kit.activated(done.stderr) == {"flame": 2}
    assert (house.folder / paths.FLAME.format(head="flame2020")).is_file()


def test_an_asset_is_fetched_in_an_environment_beside_the_results(empty_house: House, conda_kit: Kit, tmp_path: Path) -> None:  # noqa: F811
    house = empty_house.copy(tmp_path / "a house")
    conda_kit.write_envs(house.folder / "envs")
    asset = paths.ASSET.format(asset="franck.mp4")
    done = conda_kit.snakemake(house, "--use-conda", "--conda-prefix", ".snakemake/conda", "--", asset)
    if OFFLINE.search(done.stdout + done.stderr) or "cannot be fetched" in done.stdout + done.stderr:
        pytest.skip("the asset cannot be fetched")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (house.folder / asset).stat().st_size > 1_000_000
    assert len(list((house.folder / ".snakemake/conda").glob("*.env_setup_done"))) == 1
