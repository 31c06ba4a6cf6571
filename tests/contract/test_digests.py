"""The hash of a folder changes with names and bytes, and with nothing else."""

import os
from pathlib import Path

from headsmith.contract.digests import hash_folder


def test_names_and_bytes_count_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/b.txt").write_bytes(b"one")
    first = hash_folder(tmp_path)
    os.utime(tmp_path / "a/b.txt", (0, 0))
    (tmp_path / ".clock").write_bytes(b"tick")
    assert hash_folder(tmp_path) == first
    (tmp_path / "a/b.txt").write_bytes(b"two")
    second = hash_folder(tmp_path)
    (tmp_path / "a/b.txt").replace(tmp_path / "a/c.txt")
    assert len({first, second, hash_folder(tmp_path)}) == 3


def test_bytes_do_not_wander_from_file_to_file(tmp_path: Path) -> None:
    hashes = set()
    for one, two in ((b"xy", b"z"), (b"x", b"yz")):
        (tmp_path / "one").write_bytes(one)
        (tmp_path / "two").write_bytes(two)
        hashes.add(hash_folder(tmp_path))
    assert len(hashes) == 2
