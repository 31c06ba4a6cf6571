"""Memory that is freed and wanted again for every image.

The C library gives freed memory back to the system where much of it is free at once, and the system hands it out again page by
page, each cleared: at 512 x 512 that takes as long as the drawing. GNU's library can be told to keep it (`mallopt(3)`).
"""

import ctypes
import platform
from functools import cache

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""GNU's numbers of the settings (`malloc.h`)."""

MOST_KEPT, LARGEST_KEPT = 512 << 20, 32 << 20
"""Bytes: what may lie free, and the largest piece that is kept; the latter is the most that GNU's library allows."""


@cache
def keep_memory() -> None:
    """Let the process keep what it frees, up to a bound; other C libraries than GNU's have no such setting."""
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        library.mallopt(M_TRIM_THRESHOLD, MOST_KEPT)
        library.mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)
