"""pip as the test's channel has it: it links what another environment has unpacked, and leaves the rest to the real pip.

A package is linked where HEADSMITH_UNPACKED names the other environment's packages, of the same Python, and its version there
is the locked one: pip has compared that package's hash when it unpacked it there, by a lock with the same hashes (a test
compares the locks). So six environments cost seconds and hardly any disk.
"""

import os
import re
import sys
import tempfile
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path
from sysconfig import get_path


def main():
    """Link what can be linked of a lock that is read from standard input; then do what pip does."""
    source, words = os.environ.get("HEADSMITH_UNPACKED"), sys.argv[1:]
    if not source or Path(source).parent.name != Path(get_path("purelib")).parent.name or words[-1:] != ["/dev/stdin"]:
        return install(*words)
    known = {named(folder.name.split("-")[0]): folder for folder in Path(source).glob("*.dist-info")}
    entries = [entry for entry in re.split(r"^(?=\S)", sys.stdin.read(), flags=re.M) if "==" in entry]
    rest = [entry for entry in entries if not linked(entry, known)]
    if not rest:
        return 0
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as lock:
        lock.write("".join(rest))
        lock.flush()
        return install(*words[:-1], lock.name)


def install(*words: str) -> int:
    """Do what the real pip does."""
    from pip._internal.cli.main import main as real

    return real([*words])


def named(name: str) -> str:
    """Return a package's name as all its spellings have it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def linked(entry: str, known: "dict[str, Path]") -> bool:
    """Link the files of a locked package into this environment; tell whether that could be done."""
    name, _, version = entry.split(" ")[0].strip().partition("==")
    package = PathDistribution(known[named(name)]) if named(name) in known else None
    if package is None or package.version != version:
        return False
    if not Path(get_path("purelib"), known[named(name)].name).exists():
        link_files(package)
    return True


def link_files(package: Distribution) -> None:
    """Link a package's files; programs are copied, for another Python to run them."""
    here, own = Path(get_path("purelib")), f"#!{sys.executable}\n".encode()
    for file in package.files or ():
        source, target = Path(package.locate_file(file)), Path(os.path.normpath(here / str(file)))
        if not source.exists() or target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.parent.name == "bin" and source.read_bytes()[:2] == b"#!":
            target.write_bytes(own + source.read_bytes().partition(b"\n")[2])
            target.chmod(0o755)
        else:
            os.link(source, target)


if __name__ == "__main__":
    sys.exit(main())
