"""Checking a whole FlashAvatar subject, frame by frame, in memory that does not grow with it but for a few numbers a frame."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headsmith.bridges.subject import Subject
from headsmith.bridges.subject_faults import Faults
from headsmith.bridges.subject_frames import CENTRE, NEAR, FrameCheck, FrameNumbers
from headsmith.bridges.subject_heads import HeadSight, SeenHead, TimeWatch
from headsmith.bridges.subject_images import MOST_PIXELS, ImageReport, inspect_images
from headsmith.bridges.subject_naming import FRAME_NAME, IMAGE_NAME, list_numbers
from headsmith.media.image_facts import image_facts
from headsmith.media.parallel import map_in_order

ORIGINAL_SIZE = (512, 512)
"""What FlashAvatar's own code has built in."""
HEAD = 2**20
"""Bytes in which a JPEG's size stands: after its previews and profiles."""

Steps = Callable[[Iterable[int]], Iterable[int]]


@dataclass(frozen=True)
class SubjectCheck:
    """What was found.

    Attributes:
        faults: All faults.
        indices: Numbers of the frames whose parameters are there, ascending.
        size: Width and height of the images; None where there is none.
        moves: Whether the head moves enough to show images of other frames.
    """

    faults: Faults
    indices: tuple[int, ...]
    size: tuple[int, int] | None
    moves: bool


@dataclass(frozen=True)
class _Task:
    index: int
    frame: FrameNumbers | None
    seen: SeenHead | None


def check_subject(subject: Subject, sight: HeadSight, boundary: int | None, threads: int, steps: Steps) -> SubjectCheck:
    """Check a subject: names and numbers first, then each frame's parameters and images, then what only the clip shows.

    Args:
        subject: Where its files lie.
        sight: What projects the head.
        boundary: Frames that FlashAvatar's own code holds out; None where that code is not to read it: what it alone has built
            in then does not count.
        threads: For images; parameters are read in one.
        steps: Passes the frames' numbers through and tells people how far they have come.
    """
    theirs = boundary is not None
    faults = Faults()
    indices = list_frames(subject, faults)
    size = first_size(subject, indices)
    compare_names(subject, indices, faults, theirs)
    if boundary is not None and 0 < len(indices) <= boundary:
        what = f"there are {len(indices)}; with {boundary} held out, none is left to train on"
        faults.add("few_frames", subject.told(subject.checkpoint), what)
    if theirs and size not in (None, ORIGINAL_SIZE):
        faults.add("not_512", subject.told(subject.images), f"they are {size[0]}x{size[1]}")
    watch = TimeWatch(len(indices))
    tasks = _tasks(subject, indices, sight, size, faults, steps)
    for row, (task, report) in enumerate(map_in_order(lambda task: _inspect(subject, task, size), tasks, threads)):
        for kind, word, what in report.faults:
            faults.add(kind, subject.told(subject.files(task.index)[word]), what, task.index)
        watch.add(row, None if task.seen is None else task.seen.middle, report.middles)
    shift = watch.shift(size[0]) if size else None
    if shift is not None:
        what = (
            f"the head of frame k moves as the masks of image k + {subject.naming.delta + shift[0]} do ({shift[1]:.0%} of the "
            "difference is left)"
        )
        faults.add("time_shift", subject.told(subject.images), what.replace("+ -", "- ").replace(" + 0", ""))
    return SubjectCheck(faults, tuple(indices), size, size is not None and watch.moves(size[0]))


def list_frames(subject: Subject, faults: Faults) -> list[int]:
    """Return the numbers of the frames, ascending, and tell what else lies there, and which numbers are missing."""
    found = []
    with os.scandir(subject.checkpoint) as entries:
        names = sorted(entry.name for entry in entries)
    for name in names:
        matched = FRAME_NAME.fullmatch(name)
        if matched and f"{int(matched[1]):05d}" == matched[1]:
            found.append(int(matched[1]))
        else:
            faults.add("stray_file", subject.told(subject.checkpoint / name), "it is not named as 00000.frame is")
    found.sort()
    if not found:
        faults.add("no_frames", subject.told(subject.checkpoint), "no 00000.frame")
    expected = 0
    for number in found:
        if number > expected:
            missing = f"{expected:05d}" if number == expected + 1 else f"{expected:05d} to {number - 1:05d}"
            faults.add("missing_number", subject.told(subject.frame(expected)), f"{missing} missing", number)
        expected = number + 1
    return found


def first_size(subject: Subject, indices: list[int]) -> tuple[int, int] | None:
    """Return the size of the first image that says one."""
    for index in indices:
        path = subject.files(index)["image"]
        facts = image_facts(read_head(path))
        if facts is not None and 0 < facts.size[0] * facts.size[1] <= MOST_PIXELS:
            return facts.size
    return None


def read_head(path: Path) -> bytes:
    """Return the first bytes of a file, which have an image's size; none where it cannot be read."""
    if not path.is_file():
        return b""
    try:
        with path.open("rb") as stream:
            return stream.read(HEAD)
    except OSError:
        return b""


def compare_names(subject: Subject, indices: list[int], faults: Faults, theirs: bool) -> None:
    """Tell images without parameters, and, where FlashAvatar's own code is to read them (``theirs``), numbers it does not."""
    delta = subject.naming.delta
    wanted = {index + delta for index in indices}
    for folder in ("imgs", "alpha", "parsing"):
        place = subject.images / folder
        numbers = list_numbers(place, IMAGE_NAME)
        if theirs and 0 in numbers:
            faults.add("numbered_from_0", subject.told(place), "there is a 00000")
        for number in sorted(numbers - wanted):
            lacking = f"there is no {number - delta:05d}.frame" if number >= delta else "it belongs to no frame"
            faults.add("extra_image", subject.told(place / f"{number:05d}"), lacking)
        if theirs and len(numbers) != len(indices):
            what = f"it has {len(numbers)} numbers, the checkpoint folder {len(indices)}"
            faults.add("counts_off", subject.told(place), what)


def _tasks(
    subject: Subject, indices: list[int], sight: HeadSight, size: tuple[int, int] | None, faults: Faults, steps: Steps
) -> Iterator[_Task]:
    check = FrameCheck(subject, faults)
    for index in steps(indices):
        frame = check.read(index)
        seen = None
        if frame is not None and size is not None:
            file = subject.told(subject.frame(index))
            _check_size(frame, size, file, index, faults)
            if sight.centred:
                _check_centre(frame, size, file, index, faults)
            for name in sight.beyond(frame):
                faults.add("codes_beyond_head", file, f"flame.{name}", index)
            seen = sight.see(frame, size)
            if seen.nearest <= NEAR < frame.numbers["t"][2]:
                faults.add("behind", file, f"a point of the head has depth {seen.nearest:.3f} m", index)
            seen = seen if seen.nearest > 0 else None
        yield _Task(index, frame, seen)


def _check_size(frame: FrameNumbers, size: tuple[int, int], file: str, index: int, faults: Faults) -> None:
    if frame.size and frame.size not in (size, size[::-1]):
        faults.add("image_size", file, f"it is {list(frame.size)}, the images are {size[0]}x{size[1]}", index)


def _check_centre(frame: FrameNumbers, size: tuple[int, int], file: str, index: int, faults: Faults) -> None:
    off = np.abs(frame.numbers["K"][:2, 2] - np.array(size) / 2)
    if off.max() > CENTRE:
        at = frame.numbers["K"][:2, 2].round(2).tolist()
        faults.add("principal", file, f"it is {at}, the centre {[size[0] / 2, size[1] / 2]}", index)


def _inspect(subject: Subject, task: _Task, size: tuple[int, int] | None) -> ImageReport:
    return inspect_images(task.index, subject.files(task.index), size, task.seen)


def verdict(subject: Subject, found: SubjectCheck, not_checked: list[str]) -> dict[str, Any]:
    """Return the content of ``validation.json``: faults by kind, errors first, and what was looked at; no times."""
    errors = found.faults.kinds("error")
    return {
        "sound": not errors,
        "subject": subject.name,
        "frames": len(found.indices),
        "size": list(found.size) if found.size else None,
        "errors": len(errors),
        "warnings": len(found.faults.kinds("warning")),
        "faults": found.faults.summary(),
        "not_checked": not_checked,
    }
