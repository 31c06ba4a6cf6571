"""Which frames of a clip a dataset takes, and which of them are held out of training."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from headsmith.bridges.track import OK
from headsmith.contract.errors import UserError
from headsmith.contract.held_out import count_held_out
from headsmith.contract.manifest import Manifest


@dataclass(frozen=True)
class Split:
    """Frame ids: those that train, those held out at the end, and those left out with the reason."""

    train: tuple[int, ...]
    held_out: tuple[int, ...]
    left_out: tuple[tuple[int, str], ...]

    @property
    def usable(self) -> tuple[int, ...]:
        """All frames of the dataset in order; the place of an id here is its number there."""
        return self.train + self.held_out

    def told(self) -> dict[str, list]:
        """Return what a dataset's manifest tells: ``train``, ``held_out``, and ``left_out`` with reasons."""
        left_out = [{"id": frame_id, "reason": reason} for frame_id, reason in self.left_out]
        return {"train": list(self.train), "held_out": list(self.held_out), "left_out": left_out}


def tell_left_out(split: Split) -> list[str]:
    """Return a sentence that counts the frames that are left out by reason, the most frequent first; none where all are in."""
    counts = Counter(reason for _, reason in split.left_out).most_common()
    if not counts:
        return []
    count = len(split.left_out)
    told = ", ".join(f"{number} {reason}" for reason, number in counts)
    return [f"{count} of {count + len(split.usable)} frames are left out: {told}"]


def check_sizes(manifests: Mapping[str, Manifest], size: tuple[int, int], clip: str, file: Path | None = None) -> None:
    """Accept pictures of the size that was tracked.

    Args:
        manifests: Of the pictures, by their word.
        size: Width and height of the tracked frames, pixels.
        clip: Name of the clip.
        file: The tracking, where its place is known.

    Raises:
        UserError: Some are of another size.
    """
    for word, content in manifests.items():
        if tuple(content.size) != size:
            what = f"{word} are {content.size[0]}x{content.size[1]}, the tracking {size[0]}x{size[1]}"
            remedy = f"delete {file or 'the tracking'} and run snakemake again: the head is tracked anew"
            raise UserError(what, clip=clip, file=file, remedy=remedy)


def split_frames(
    tracked: Sequence[tuple[int, str]],
    manifests: Mapping[str, Manifest],
    held_out: int | str,
    *,
    section: str,
    clip: str,
    file: Path | None = None,
) -> Split:
    """Return which frames train and which are held out: the last ones of those that are tracked well and have all pictures.

    Args:
        tracked: Id and status of each frame, ascending.
        manifests: Of the pictures that are needed, by their word.
        held_out: How many are held out, or which share of those that can be used (``10%``).
        section: The section of the settings that says how many, for the message.
        clip: Name of the clip.
        file: The tracking, where its place is known.

    Raises:
        UserError: None is left to train on.
    """
    present = {word: set(content.ids) for word, content in manifests.items()}
    usable, left_out = [], []
    for frame_id, status in tracked:
        lacking = [word for word, ids in present.items() if frame_id not in ids]
        if status == OK and not lacking:
            usable.append(frame_id)
        else:
            left_out.append((frame_id, f"tracking: {status}" if status != OK else f"not in {', '.join(lacking)}"))
    count = count_held_out(held_out, len(usable))
    if len(usable) <= count:
        share = f" ({held_out})" if isinstance(held_out, str) else ""
        what = f"{len(usable)} frames can be used and {count}{share} are held out: none is left to train on"
        remedy = f"make {section}.held_out smaller, or the clip longer (start, end and fps in the table of clips)"
        raise UserError(what, clip=clip, file=file, remedy=remedy)
    first = len(usable) - count
    return Split(tuple(usable[:first]), tuple(usable[first:]), tuple(left_out))
