"""What a job shows, logs and returns, whatever happens in its stage. Each case runs in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "workflow_scripts"

FRAME = """
import sys
from types import SimpleNamespace
sys.path.append({scripts!r})
snakemake = SimpleNamespace(
    rule="cut_mouth_masks", threads=1, log=["job.log"], wildcards={{"clip": "franck"}},
)
from adapter import job
with job(snakemake):
{body}
"""


def run(folder: Path, body: str) -> tuple[subprocess.CompletedProcess, str]:
    indented = "".join(f"    {line}\n" for line in body.strip().splitlines())
    command = [sys.executable, "-c", FRAME.format(scripts=str(SCRIPTS), body=indented)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done, (folder / "job.log").read_text()


def test_a_users_error_is_told_without_a_traceback(tmp_path: Path) -> None:
    body = """
from headsmith.contract.errors import UserError
raise UserError("no face", clip="franck", file="x.mp4", remedy="trim it")
"""
    done, log = run(tmp_path, body)
    assert done.returncode == 1
    for text in (done.stderr, log):
        assert "ERROR in cut_mouth_masks: no face\n  clip:   franck\n  file:   x.mp4\n  remedy: trim it" in text
        assert "Traceback" not in text


def test_a_fault_leaves_its_traceback_in_the_log(tmp_path: Path) -> None:
    done, log = run(tmp_path, "{}['missing']")
    assert done.returncode == 1
    assert "Traceback" in log and "KeyError" in log
    assert "Traceback" not in done.stderr
    assert "ERROR in cut_mouth_masks: KeyError('missing')" in done.stderr
    assert str(tmp_path / "job.log") in done.stderr


def test_a_full_disk_is_explained(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    done, _ = run(tmp_path, "with open('/dev/full', 'w') as full:\n    full.write('x')")
    assert done.returncode == 1
    assert "the disk is full" in done.stderr
    assert "clip:   franck" in done.stderr
    assert "free some space" in done.stderr


def test_the_message_survives_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    (tmp_path / "job.log").symlink_to("/dev/full")
    command = [sys.executable, "-c", FRAME.format(scripts=str(SCRIPTS), body="    raise OSError(28, 'No space left', 'x.png')")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "the disk is full" in done.stderr and "x.png" in done.stderr


def test_progress_reaches_the_console_and_chatter_the_log_alone(tmp_path: Path) -> None:
    body = """
import os, subprocess, warnings
print("frame 7 of 9", file=sys.stderr)
print("a library prints")
os.write(1, b"native words\\n")
os.write(2, b"native warning\\n")
subprocess.run(["sh", "-c", "echo a child; echo its errors >&2"])
warnings.warn("an old function")
"""
    done, log = run(tmp_path, body)
    assert done.returncode == 0
    assert done.stderr == "frame 7 of 9\n"
    assert done.stdout == ""
    for words in (
        "frame 7 of 9",
        "a library prints",
        "native words",
        "native warning",
        "a child",
        "its errors",
        "an old function",
    ):
        assert words in log


def test_notes_reach_the_log_and_warnings_the_console_too(tmp_path: Path) -> None:
    body = """
import logging
logging.getLogger("headsmith.stages.heads").info("478 points")
logging.getLogger("headsmith.stages.heads").warning("eyelids were made")
logging.getLogger("numba").info("compiling")
"""
    done, log = run(tmp_path, body)
    assert done.stderr == "eyelids were made\n"
    assert log == "478 points\neyelids were made\n"


def test_threads_are_limited_before_libraries_start(tmp_path: Path) -> None:
    body = """
import os, torch, cv2
print(torch.get_num_threads(), cv2.getNumThreads(), os.environ["NUMBA_NUM_THREADS"], file=sys.stderr)
"""
    done, _ = run(tmp_path, body)
    assert done.stderr == "1 1 1\n"


def test_a_terminated_job_cleans_up(tmp_path: Path) -> None:
    body = """
import os, signal
try:
    os.kill(os.getpid(), signal.SIGTERM)
finally:
    print("cleaned up", file=sys.stderr)
"""
    done, _ = run(tmp_path, body)
    assert done.returncode == 128 + 15
    assert done.stderr == "cleaned up\n"
