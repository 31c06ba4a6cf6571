"""Words that the repository does not have."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
WORD = "dummy"
"""No head, file or picture ever stands in for one that is missing; this is the only place that has the word for it."""


def test_the_word_for_what_stands_in_for_something_missing_is_nowhere() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout of the repository")
    command = ["git", "grep", "--untracked", "--ignore-case", "--files-with-matches", "-I", "--fixed-strings", WORD]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.stdout.split() == [Path(__file__).relative_to(ROOT).as_posix()], found.stderr
