"""A stand-in for conda: what Snakemake asks of it, and no more. It installs from channels that are folders of this machine.

CONDA_CHANNEL_ALIAS says where channels lie, CONDA_PKGS_DIRS where packages are unpacked, as with conda itself. Packages are
linked into environments. Specifications are names with an exact version (`python =3.11.11`); dependencies must be among them.
"""

import argparse
import fcntl
import hashlib
import json
import os
import re
import shutil
import sys
import tarfile
from pathlib import Path

import yaml

VERSION = "25.9.1"
ROOT = Path(__file__).resolve().parents[1]
Package = tuple[str, dict]


def main(words: list[str]) -> None:
    """Answer one call."""
    if words == ["--version"]:
        tell(f"conda {VERSION}")
    elif words[0] == "info":
        place = {"conda_prefix": str(ROOT), "root_prefix": str(ROOT), "platform": "linux-64", "conda_version": VERSION}
        tell(json.dumps(place))
    elif words[0] == "config":
        tell(json.dumps({"get": {"channel_priority": "strict"}}))
    elif words[:2] == ["env", "create"]:
        create(options(words[2:]), solved)
    elif words[0] == "create":
        create(options(words[1:]), pinned)
    elif words[0] == "list":
        tell("@EXPLICIT", *sorted(path.read_text() for path in (options(words[1:]).prefix / "conda-meta").glob("*.url")))
    elif words[0] != "clean":
        sys.exit(f"this stand-in for conda does not know: {' '.join(words)}")


def options(words: list[str]) -> argparse.Namespace:
    """Return what a call's options say."""
    parser = argparse.ArgumentParser()
    for flag in ("--quiet", "--no-default-packages", "--yes", "--explicit", "--md5"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--file", type=Path)
    parser.add_argument("--prefix", type=Path)
    return parser.parse_args(words)


def tell(*lines: str) -> None:
    """Write to standard output."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def create(chosen: argparse.Namespace, find: "type[None]") -> None:
    """Make an environment of the packages that a file asks for, in the order of their names' reach: Python first."""
    for url, digest in sorted(find(chosen.file), key=lambda package: "/python-" not in package[0]):
        install(url, digest, chosen.prefix)


def solved(file: Path) -> list[tuple[str, str]]:
    """Return the packages of an environment file: where they lie, and their hashes."""
    told = yaml.safe_load(file.read_text())
    alias = os.environ["CONDA_CHANNEL_ALIAS"].rstrip("/")
    channels = [f"{alias}/{name}/{folder}" for name in told["channels"] for folder in ("linux-64", "noarch")]
    return [choose(str(wanted), channels) for wanted in told["dependencies"]]


def choose(wanted: str, channels: list[str]) -> tuple[str, str]:
    """Return the package that a specification means."""
    spec = re.fullmatch(r"([\w.-]+) =([\d.]+)", wanted)
    if spec is None:
        sys.exit(f"this stand-in for conda knows exact versions only, not {wanted!r}")
    for channel in channels:
        packages = json.loads(local(f"{channel}/repodata.json").read_text())["packages"]
        for name, facts in packages.items():
            if facts["name"] == spec[1] and f"{facts['version']}.".startswith(f"{spec[2]}."):
                return f"{channel}/{name}", facts["md5"]
    sys.exit(f"PackagesNotFoundError: {wanted}, in {', '.join(channels)}")


def pinned(file: Path) -> list[tuple[str, str]]:
    """Return the packages of a pin file, in the same form."""
    lines = [line for line in file.read_text().split() if "://" in line]
    return [(url, digest) for url, _, digest in (line.partition("#") for line in lines)]


def local(url: str) -> Path:
    """Return the path of a file that a channel has."""
    if not url.startswith("file://"):
        sys.exit(f"this stand-in for conda reads folders only, not {url}")
    return Path(url.removeprefix("file://"))


def install(url: str, digest: str, prefix: Path) -> None:
    """Unpack a package once, checked, and link its files into an environment."""
    archive = local(url)
    if digest and hashlib.md5(archive.read_bytes()).hexdigest() != digest:
        sys.exit(f"ChecksumMismatchError: {url}")
    unpacked = unpack(archive)
    target = prefix
    if (unpacked / "info/link.json").exists():
        target = next((prefix / "lib").glob("python3.*/site-packages")).parent
    for name in (unpacked / "info/files").read_text().splitlines():
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if (unpacked / name).is_symlink():
            place.symlink_to((unpacked / name).readlink())
        else:
            os.link(unpacked / name, place)
    (prefix / "conda-meta").mkdir(exist_ok=True)
    (prefix / f"conda-meta/{archive.name}.url").write_text(f"{url}#{hashlib.md5(archive.read_bytes()).hexdigest()}")


def unpack(archive: Path) -> Path:
    """Return the folder of a package's files, unpacked when it is not there; several processes may ask at once."""
    packages = Path(os.environ["CONDA_PKGS_DIRS"])
    packages.mkdir(parents=True, exist_ok=True)
    folder = packages / archive.name.removesuffix(".tar.bz2")
    with (packages / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            partial = packages / f"{folder.name}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            with tarfile.open(archive) as package:
                package.extractall(partial, filter="tar")
            partial.rename(folder)
    return folder


if __name__ == "__main__":
    main(sys.argv[1:])
