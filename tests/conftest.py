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


@pytest.fixture(autouse=True)
def torch_threads() -> Iterator[None]:
    """Run torch on one thread; torch is not imported where a test does not."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    yield
