"""One house a session in which the whole small clip has been run, and copies of it to spoil."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from workflow.house import CLIPS, CODE, FETCHED, ROOT, House


@pytest.fixture(scope="session")
def empty_house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Return a house in which nothing has been run yet."""
    folder = tmp_path_factory.mktemp("workflow") / "house"
    folder.mkdir()
    for name in CODE:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, folder / name)
    (folder / "config/clips.tsv").write_text(CLIPS)
    house = House(folder)
    house.settings()
    return house


@pytest.fixture(scope="session")
def finished_house(empty_house: House, asset: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> House:
    """Return a house in which the whole small clip has been run, one for all workers; tests work on copies of it."""
    shared = tmp_path_factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else tmp_path_factory.getbasetemp()
    house = House(shared / "finished" / "house")
    with FileLock(shared / "finished.lock"):
        if not house.folder.exists():
            finish(empty_house.copy(shared / "unfinished" / "house"), asset).folder.parent.rename(house.folder.parent)
    return house


def finish(house: House, asset: Callable[[str], Path]) -> House:
    """Run the whole small clip."""
    (house.folder / "resources").mkdir()
    for name in FETCHED:
        asset(name)
    (house.folder / "resources/assets").symlink_to(ROOT / "resources/assets")
    house.snakemake()
    return house


@pytest.fixture
def house(finished_house: House, tmp_path: Path) -> House:
    """Return a finished house that a test may spoil."""
    return finished_house.copy(tmp_path / "house")
