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
    done: int = 0,
    each: int = 1,
    detail: Callable[[], str] = str,
) -> Iterator[Item]:
    """Pass items through and tell on ``stream`` how it goes: a bar on a terminal, else a line about every 10 s.

    Args:
        items: What to pass through.
        total: How many are expected; None or 0 when not known.
        what: What is being done, the line's first words ("franck: matte").
        stream: Where to write; standard error unless told otherwise.
        clock: Seconds, for tests.
        interval: Seconds between lines, for tests.
        done: What an earlier run did; it counts, but not for the rate.
        each: What an item counts for.
        detail: Called for what else there is to say ("27.3 dB"); nothing unless told otherwise.
    """
    out = sys.stderr if stream is None else stream
    if out.isatty():
        yield from _bar(items, total, what, out, done, each, detail)
        return
    started = last = clock()
    count = told = done
    for item in items:
        yield item
        count += each
        now = clock()
        if now - last >= interval:
            note(progress_line(what, count, total, now - started, done, detail()), stream=out)
            last, told = now, count
    if done < told < count:
        note(progress_line(what, count, total, clock() - started, done, detail()), stream=out)


def _bar(
    items: Iterable[Item],
    total: int | None,
    what: str,
    out: TextIOBase,
    done: int,
    each: int,
    detail: Callable[[], str],
) -> Iterator[Item]:
    with tqdm(total=total or None, desc=what, file=out, dynamic_ncols=True, initial=done) as bar:
        for item in items:
            yield item
            bar.set_postfix_str(detail(), refresh=False)
            bar.update(each)


def note(text: str, *, stream: TextIOBase | None = None) -> None:
    """Say something that happened, on standard error unless told otherwise."""
    print(printable(text, LINE_END), file=sys.stderr if stream is None else stream, flush=True)


def progress_line(what: str, count: int, total: int | None, seconds: float, done: int = 0, detail: str = "") -> str:
    """Return one line: count, share, rate and the time left, as far as they are known, and what else there is to say."""
    rate = (count - done) / seconds if seconds > 0 else 0.0
    more = f", {detail}" if detail else ""
    if not total:
        return f"{what}: {count}, {rate:.1f}/s{more}"
    share = f"{what}: {count}/{total} ({100 * count / total:.0f} %), {rate:.1f}/s"
    if count >= total:
        return f"{share}, done in {_clock_face(seconds)}{more}"
    return share + ("" if rate == 0 else f", {_clock_face((total - count) / rate)} left") + more


def _clock_face(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
