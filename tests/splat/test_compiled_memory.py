import platform
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import resource, torch
from headsmith.splat.compiled_memory import keep_memory
keep_memory()
def faults(rounds):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(rounds):
        parts = [torch.ones(1 << 20) for _ in range(10)]
        del parts
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults(3)
assert faults(10) < 200, "pages are cleared anew"
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="GNU's C library alone can be told")
def test_what_is_freed_is_kept_for_the_next_image():
    """Ten pieces of 4 MB are 10,240 pages; given back and cleared anew, each round would take as many faults."""
    sources = Path(__file__).resolve().parents[2] / "src"
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, cwd=sources)
