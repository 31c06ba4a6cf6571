"""The assets stage puts a checked file in its place."""

import hashlib
from pathlib import Path

import pytest
import yaml

from headsmith.contract.errors import UserError
from headsmith.stages.assets import fetch_asset

CONTENT = b"a model"


@pytest.fixture
def listing(tmp_path: Path) -> Path:
    entry = {"what": "a model", "licence": "CC0", "page": "https://example.org", "bytes": len(CONTENT), "sources": []}
    path = tmp_path / "assets.yaml"
    path.write_text(yaml.safe_dump({"assets": {"net/model": entry | {"sha256": hashlib.sha256(CONTENT).hexdigest()}}}))
    return path


def test_a_file_of_the_users_is_put_in_place(tmp_path: Path, listing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine" / "net").mkdir(parents=True)
    (tmp_path / "mine" / "net" / "model").write_bytes(CONTENT)
    monkeypatch.setenv("HEADSMITH_ASSETS", str(tmp_path / "mine"))
    output = tmp_path / "resources" / "assets" / "net" / "model"
    fetch_asset(asset="net/model", listing=listing, output=output)
    assert output.read_bytes() == CONTENT


def test_without_a_source_the_message_names_the_remedy(tmp_path: Path, listing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADSMITH_ASSETS", raising=False)
    output = tmp_path / "resources" / "assets" / "net" / "model"
    with pytest.raises(UserError, match="could not be fetched") as caught:
        fetch_asset(asset="net/model", listing=listing, output=output)
    assert "HEADSMITH_ASSETS" in caught.value.message
    assert not output.exists()


def test_the_real_landmarker_is_the_listed_one(asset) -> None:
    assert asset("face_landmarker.task").stat().st_size == 3_758_596
