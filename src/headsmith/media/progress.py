"""How far a long loop has come: a bar in a terminal, a line now and then in a log."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from io import TextIOBase
from typing import TypeVar

from tqdm import tqdm

from headsmith.contract.errors import LINE_END, printable

Item = TypeVar("Item")

SECONDS_BETWEEN_LINES = 10.0


def progress(
    items: Iterable[Item],
    total: int | None,
    what: str,
    *,
    stream: TextIOBase | None = None,
    clock: Callable[[], float] = time.monotonic,
    interval: float = SECONDS_BETWEEN_LINES,
) -> Iterator[Item]:
    """Pass items through and tell on ``stream`` how it goes: a bar on a terminal, else a line about every 10 s.

    Args:
        items: What to pass through.
        total: How many are expected; None or 0 when not known.
        what: What is being done, the line's first words ("franck: matte").
        stream: Where to write; standard error unless told otherwise.
        clock: Seconds, for tests.
        interval: Seconds between lines, for tests.
    """
    out = sys.stderr if stream is None else stream
    if out.isatty():
        yield from tqdm(items, total=total or None, desc=what, file=out, dynamic_ncols=True)
        return
    started = last = clock()
    count = told = 0
    for item in items:
        yield item
        count += 1
        now = clock()
        if now - last >= interval:
            note(progress_line(what, count, total, now - started), stream=out)
            last, told = now, count
    if 0 < told < count:
        note(progress_line(what, count, total, clock() - started), stream=out)


def note(text: str, *, stream: TextIOBase | None = None) -> None:
    """Say something that happened, on standard error unless told otherwise."""
    print(printable(text, LINE_END), file=sys.stderr if stream is None else stream, flush=True)


def progress_line(what: str, count: int, total: int | None, seconds: float) -> str:
    """Return one line: count, share, rate and the time left, as far as they are known."""
    rate = count / seconds if seconds > 0 else 0.0
    if not total:
        return f"{what}: {count}, {rate:.1f}/s"
    share = f"{what}: {count}/{total} ({100 * count / total:.0f} %), {rate:.1f}/s"
    if count >= total:
        return f"{share}, done in {_clock_face(seconds)}"
    return share if rate == 0 else f"{share}, {_clock_face((total - count) / rate)} left"


def _clock_face(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
