"""Which jobs in a queue a killed run has left, and that they are cancelled before the next begins; SLURM is a script here."""

import stat
from pathlib import Path

import pytest

from headsmith.contract.cluster import PREFIX, cancel_lost_jobs, lost_jobs
from headsmith.contract.errors import UserError

SQUEUE = """#!/bin/sh
[ -e {folder}/broken ] && {{ echo "cannot reach the controller" >&2; exit 1; }}
cat {folder}/queue
"""
SCANCEL = """#!/bin/sh
echo "$@" >> {folder}/cancelled
[ -e {folder}/stuck ] || : > {folder}/queue
"""


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with SLURM's programs, first in the path; `queue` is what squeue tells."""
    for name, text in (("squeue", SQUEUE), ("scancel", SCANCEL)):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.format(folder=tmp_path))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    (tmp_path / "work|place").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "work|place")
    here = tmp_path / "work|place"
    rows = [(1, f"{PREFIX}a", here), (2, "else", here), (3, f"{PREFIX}b", tmp_path), (4, f"{PREFIX}b", tmp_path / "link")]
    (tmp_path / "queue").write_text("".join("|".join(map(str, row)) + "\n" for row in rows))
    return tmp_path


def test_jobs_of_this_folder_alone_are_found_by_name(slurm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lost_jobs(slurm / "work|place") == ["1", "4"]
    monkeypatch.setenv("SLURM_JOB_ID", "4")
    assert lost_jobs(slurm / "work|place") == ["1"]


def test_they_are_cancelled_once_and_it_is_told(slurm: Path) -> None:
    said: list[str] = []
    cancel_lost_jobs(slurm / "work|place", needed=True, say=said.append)
    cancel_lost_jobs(slurm / "work|place", needed=True, say=said.append)
    assert (slurm / "cancelled").read_text() == "1 4\n"
    assert len(said) == 1 and "cancelling 2 jobs" in said[0] and "1, 4" in said[0]


def test_jobs_that_do_not_end_are_told(slurm: Path) -> None:
    (slurm / "stuck").touch()
    said: list[str] = []
    cancel_lost_jobs(slurm / "work|place", needed=True, say=said.append, patience=0.1)
    assert "have not ended yet" in said[-1]


def test_a_queue_that_does_not_answer_stops_only_a_run_on_the_cluster(slurm: Path) -> None:
    (slurm / "broken").touch()
    cancel_lost_jobs(slurm, needed=False, say=print)
    with pytest.raises(UserError, match="cannot reach the controller"):
        cancel_lost_jobs(slurm, needed=True, say=print)


def test_a_machine_without_slurm_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    cancel_lost_jobs(tmp_path, needed=False, say=print)
    with pytest.raises(UserError, match="SLURM does not answer"):
        cancel_lost_jobs(tmp_path, needed=True, say=print)
