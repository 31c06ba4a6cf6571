"""Claims: one process at a time, whatever becomes of the one before."""

import errno
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from headsmith.contract import claims
from headsmith.contract.claims import claimed

CONTEXT = multiprocessing.get_context("fork")


def hold(folder: Path, notes: Path, seconds: float) -> None:
    with claimed("logs/franck/frames.log", folder, say=lambda text: None):
        for word in ("begin", "end"):
            with notes.open("a") as stream:
                stream.write(f"{word} {os.getpid()}\n")
            time.sleep(seconds if word == "begin" else 0)


def begin(folder: Path, notes: Path, seconds: float) -> multiprocessing.Process:
    process = CONTEXT.Process(target=hold, args=(folder, notes, seconds))
    process.start()
    return process


def lines(notes: Path) -> list[str]:
    return notes.read_text().splitlines() if notes.exists() else []


def test_who_comes_later_waits(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    processes = [begin(tmp_path / "claims", notes, 0.1) for _ in range(5)]
    for process in processes:
        process.join()
    words = [line.split() for line in lines(notes)]
    assert [word for word, _ in words] == ["begin", "end"] * 5
    assert all(first[1] == second[1] for first, second in zip(words[::2], words[1::2], strict=True))


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    notes, said = tmp_path / "notes.txt", []
    process = begin(tmp_path / "claims", notes, 60)
    while not lines(notes):
        time.sleep(0.01)
    second = begin(tmp_path / "claims", notes, 0)
    second.join(0.3)
    assert second.is_alive() and len(lines(notes)) == 1
    os.kill(process.pid, signal.SIGKILL)
    second.join(10)
    assert lines(notes) == [f"begin {process.pid}", f"begin {second.pid}", f"end {second.pid}"]
    with claimed("logs/franck/frames.log", tmp_path / "claims", said.append):
        assert not said


def test_other_files_are_free(tmp_path: Path) -> None:
    said: list[str] = []
    with claimed("logs/franck/frames.log", tmp_path, said.append), claimed("logs/anna/frames.log", tmp_path, said.append):
        assert not said


def test_waiting_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    real = claims.fcntl.flock

    def busy(descriptor: int, how: int) -> None:
        if how & claims.fcntl.LOCK_NB:
            raise BlockingIOError
        real(descriptor, how)

    monkeypatch.setattr(claims.fcntl, "flock", busy)
    with claimed("logs/franck/frames.log", tmp_path, said.append):
        assert len(said) == 1 and "another job is writing the same files" in said[0]


def test_a_file_system_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(number: int) -> None:
        monkeypatch.setattr(claims.fcntl, "flock", lambda *given: (_ for _ in ()).throw(OSError(number, "refused")))

    said: list[str] = []
    refuse(errno.ENOLCK)
    with claimed("logs/franck/frames.log", tmp_path, said.append):
        assert "knows no locks" in said[0]
    refuse(errno.EIO)
    with pytest.raises(OSError, match="refused"), claimed("logs/franck/frames.log", tmp_path, said.append):
        pass
