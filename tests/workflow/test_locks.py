"""Locks and what is declared agree, as far as can be told without a network: `make lock` was run after the last change."""

import importlib.metadata
import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from workflow.house import ROOT

sys.path.insert(0, str(ROOT / "requirements"))
from post_deploy import CUDA, entries_of, name_of, post_deploy_script

LOCKED_BY = {
    "requirements/dev.in": ("requirements/gpu.lock",),
    "requirements/cpu.in": ("requirements/cpu.lock",),
    "requirements/gsplat.in": ("requirements/gsplat.lock", "requirements/gpu.lock"),
    **{f"envs/{path.stem}.in": (f"envs/{path.stem}.post-deploy.sh",) for path in (ROOT / "envs").glob("*.in")},
}
CPU = (ROOT / "requirements/cpu.lock").read_text()
ENVS = sorted(path.stem for path in (ROOT / "envs").glob("*.yaml"))
OTHER_PYTHON = ("flame",)
BUILT_ELSEWHERE = {"torch"}
"""What asks for different packages in its two builds."""


def declared(source: str) -> dict[str, list[Requirement]]:
    """Return what each file declares, the files that it includes among them."""
    lines = [line.strip() for line in (ROOT / source).read_text().splitlines()]
    included = [line.removeprefix("-r ") for line in lines if line.startswith("-r ")]
    found = {source: [Requirement(line) for line in lines if line and not line.startswith(("#", "-r"))]}
    for name in included:
        found |= declared(str(Path(source).parent / name))
    return found


def locked(*names: str) -> dict[str, str]:
    """Return the entries of locks by name; of a script those that it compiled itself, not torch's CPU build."""
    script = any(name.endswith(".sh") for name in names)
    blocks = [block for name in names for block in lock_of(ROOT / name)]
    entries = [entry for block in blocks for entry in entries_of(block)]
    return {name_of(entry): entry for entry in entries if not (script and "+cpu " in entry)}


def lock_of(path: Path) -> list[str]:
    """Return the blocks of a lock: its whole text, or what a script hands to pip."""
    text = path.read_text()
    return re.findall(r"<<'LOCK'\n(.*?)^LOCK$", text, re.MULTILINE | re.DOTALL) if path.suffix == ".sh" else [text]


def version_of(entry: str) -> str:
    """Return the version of a lock's entry."""
    return entry.split(" ")[0].strip().partition("==")[2]


def hashes_of(entry: str) -> set[str]:
    """Return the hashes of a lock's entry."""
    return set(re.findall(r"--hash=(\S+)", entry))


@pytest.mark.parametrize("source", LOCKED_BY)
def test_a_lock_has_what_is_declared_in_the_versions_that_are_declared(source: str) -> None:
    lock = locked(*LOCKED_BY[source])
    for file, requirements in declared(source).items():
        for wanted in requirements:
            name = canonicalize_name(wanted.name)
            assert name in lock, f"{wanted} of {file} is not locked: make lock"
            assert wanted.specifier.contains(version_of(lock[name]), prereleases=True), f"{wanted} of {file}: make lock"


@pytest.mark.parametrize("source", LOCKED_BY)
def test_a_lock_has_nothing_that_is_no_longer_declared(source: str) -> None:
    """Each entry tells who asks for it: a file, or another package."""
    lock = locked(*LOCKED_BY[source])
    own = {name: asking(entry) for name, entry in lock.items()}
    for file, requirements in declared(source).items():
        asked = {name for name, by in own.items() if file in by}
        assert asked == {canonicalize_name(wanted.name) for wanted in requirements}, f"{file}: make lock"
    for name, by in own.items():
        assert by and all(one in lock or one in LOCKED_BY or one.endswith(".in") for one in by), f"{name} is there for {by}"


def asking(entry: str) -> set[str]:
    """Return who asks for a package, files as `requirements/default.in`."""
    told = re.findall(r"^ +# +(?:via)?(.*)$", entry, re.MULTILINE)
    words = {line.strip().removeprefix("-r ") for line in told} - {""}
    return {word for word in words if not word.startswith("-c ")}


@pytest.mark.parametrize("env", ENVS)
def test_a_script_is_what_would_be_written_today(env: str) -> None:
    entries = locked(f"envs/{env}.post-deploy.sh")
    text = post_deploy_script(env, "".join(entries[name] for name in sorted(entries)), CPU)
    assert text == (ROOT / f"envs/{env}.post-deploy.sh").read_text(), f"python requirements/lock.py {env}"


@pytest.mark.parametrize("env", ENVS)
def test_hashes_are_those_of_the_one_lock(env: str) -> None:
    """So that what pip has checked when it made .venv is what conda's environments get."""
    ours, theirs = locked(f"envs/{env}.post-deploy.sh"), locked("requirements/gsplat.lock", "requirements/gpu.lock")
    same = [name for name in ours if name in theirs and version_of(ours[name]) == version_of(theirs[name])]
    assert [name for name in same if hashes_of(ours[name]) != hashes_of(theirs[name])] == []
    assert len(same) == len(ours) or env in (*OTHER_PYTHON, *CUDA, "flame_patched")


def test_both_locks_have_the_same_hashes() -> None:
    cpu, gpu = locked("requirements/cpu.lock"), locked("requirements/gpu.lock")
    assert [name for name in cpu if name != "torch" and hashes_of(cpu[name]) != hashes_of(gpu[name])] == []


@pytest.mark.parametrize("source", sorted({*LOCKED_BY} - {f"envs/{env}.in" for env in OTHER_PYTHON}))
def test_a_lock_is_whole(source: str) -> None:
    """What the packages themselves ask for is locked, in a version that they take: of those that are installed here."""
    lock = locked(*LOCKED_BY[source])
    for name, entry in lock.items():
        for wanted in asked_by(name, version_of(entry)):
            other = canonicalize_name(wanted.name)
            assert other in lock, f"{name} needs {wanted}"
            assert wanted.specifier.contains(version_of(lock[other]), prereleases=True), f"{name} needs {wanted}"


def asked_by(name: str, version: str) -> list[Requirement]:
    """Return what an installed package asks for; nothing of one that is not installed, or in another version."""
    try:
        package = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return []
    if package.version != version or name in BUILT_ELSEWHERE:
        return []
    wanted = [Requirement(text) for text in package.requires or []]
    return [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
