"""The table of clips: which videos, and which part of each."""

import csv
import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from headsmith.contract.config import NAME, nearest, shown
from headsmith.contract.errors import UserError
from headsmith.contract.exchange import ALIGNED_SOURCES, SOLVE, TRACKERS
from headsmith.contract.held_out import count_held_out
from headsmith.contract.paths import TRACKING
from headsmith.contract.settings import Settings
from headsmith.contract.settings_pictures import ALIGNED, CROP

COLUMNS = ("clip", "video", "start", "end", "fps", "crop", "person", "landmarks", "tracking", "focal", "identity", "subject")
NUMBERS = ("start", "end", "fps", "focal")
PATTERNS = {
    "crop": (rf"face|none|{ALIGNED}|{CROP}", "`face`, `none`, `aligned` or `x,y,size` in the video's own pixels"),
    "person": (r"\d+(\.\d+)?,\d+(\.\d+)?", "`x,y` in the video's own pixels, a point on the face that is meant"),
}
"""What the cells of a column may hold, and how a message says it."""
ZERO = {"fps": " to do as frames.fps says", "focal": ", and it is sought; or write it in pixels of the video's own frames"}
"""Numbers that may not be 0, and what a blank cell does."""
ASSET_PREFIX = "asset:"
RESERVED = ("portraits", "texture_space")  # folders below results/ that are no clip's


@dataclass(frozen=True)
class Clip:
    """A line of the table.

    Attributes:
        name: Names the folder under ``results/``.
        video: Path of a video, a folder of pictures, a picture, or a list of pictures (``.txt``); or ``asset:<name>`` for a
            file of ``config/assets.yaml``; blank where there is a subject.
        start: First second used; None: from the beginning.
        end: Second at which to stop, not included; None: to the end.
        fps: Frames kept per second; None: as ``frames.fps`` says.
        crop: The square that is cut out, as the setting ``frames.crop``; None: as that says.
        person: ``x,y``, a point on the face that is meant at the clip's start, in the video's upright pixels; None: the one.
        landmarks: Path of the user's own landmarks; None: there are none.
        tracking: Path of what another program tracked; None: there is none. Of a subject: its folder of ``.frame`` files,
            where that does not lie in its place.
        focal: The camera's focal length in the video's upright pixels; None: sought.
        identity: Path of a file with the person's identity codes; None: sought.
        subject: Path of a FlashAvatar subject folder, which is all that is known of the clip; None: the clip is a video.
    """

    name: str
    video: str
    start: float | None = None
    end: float | None = None
    fps: float | None = None
    crop: str | None = None
    person: str | None = None
    landmarks: str | None = None
    tracking: str | None = None
    focal: float | None = None
    identity: str | None = None
    subject: str | None = None

    @property
    def asset(self) -> str | None:
        """Name of the asset that the video is, or None where it is a path."""
        return self.video.removeprefix(ASSET_PREFIX) if self.video.startswith(ASSET_PREFIX) else None


def read_clips(table: Path) -> dict[str, Clip]:
    """Return the clips of a tab-separated table, by name; lines that start with ``#`` and empty lines are skipped.

    Raises:
        UserError: The table is missing or empty, a column is missing or unknown, a clip stands twice, a name holds other
            characters than letters, digits, ``_`` and ``-``, or a time is not a number.
    """
    try:
        text = table.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"the table of clips cannot be read: {error}", file=table, remedy=f"write it, with the columns {', '.join(COLUMNS)}"
        ) from error
    lines = _whole_lines(text)
    header = [] if not lines else [cell.strip() for cell in lines[0][1].split("\t")]
    _check_header(header, table)
    clips: dict[str, Clip] = {}
    for number, line in lines[1:]:
        clip = _read_line(dict(_cells(header, line, number, table)), number, table)
        if clip.name in clips:
            raise UserError(
                f"line {number}: the clip stands twice", clip=clip.name, file=table, remedy="give each line a name of its own"
            )
        clips[clip.name] = clip
    if not clips:
        raise UserError("the table holds no clip", file=table, remedy="add a line: a name, a tab, the path of a video")
    return clips


def check_clips(clips: dict[str, Clip], settings: Settings, assets: Collection[str], table: Path) -> None:
    """Check what can be known before a video is opened; subjects are checked by ``contract.subjects``.

    Args:
        clips: What ``read_clips`` returned.
        settings: For the frame rate and the number of held-out frames.
        assets: Names of the files in ``config/assets.yaml``.
        table: Where the clips stand, for messages.

    Raises:
        UserError: A video, its landmarks, an asset or codes of the person do not exist, a path holds braces, the crop does not
            go with what tracks or detects, an identity would be made of itself, or no training frames would be left.
    """
    for clip in clips.values():
        _check_braces(clip, table)
        _check_landmarks(clip, settings, table)
        if clip.subject is not None:
            continue
        if clip.asset is None and not Path(clip.video).exists():
            remedy = f"put the video there or correct the path (relative paths start at {Path.cwd()})"
            raise UserError(f"the video does not exist: {clip.video}", clip=clip.name, file=table, remedy=remedy)
        if clip.asset is not None and clip.asset not in assets:
            raise UserError(
                f"unknown asset {clip.asset!r}", clip=clip.name, file=table, remedy=nearest(clip.asset, sorted(assets))
            )
        _check_crop(clip, settings, table)
        _check_tracking(clip, settings, table)
        _check_identity(clip, clips, table)
        _check_length(clip, settings, table)


def unused_columns(clips: dict[str, Clip], settings: Settings) -> list[str]:
    """Return a sentence for each clip and each column that is filled and, as the settings are, not read."""
    theirs = settings.tracking.source != SOLVE and f"tracking.source is `{settings.tracking.source}`"
    told = {
        "focal": theirs,
        "identity": theirs,
        "tracking": settings.tracking.source == SOLVE and f"tracking.source is `{SOLVE}`",
        "landmarks": settings.landmarks.detector != "file" and f"landmarks.detector is `{settings.landmarks.detector}`",
    }
    return [
        f"{clip.name}: the column `{column}` is not read: {why}"
        for column, why in told.items()
        for clip in clips.values()
        if why and getattr(clip, column) and not (clip.subject and column == "tracking")
    ]


def _check_braces(clip: Clip, table: Path) -> None:
    """Refuse paths in which Snakemake would see a wildcard; there is no way to tell it not to."""
    for path in (clip.video, *(getattr(clip, name) or "" for name in ("landmarks", "tracking", "identity", "subject"))):
        if re.search(r"\{\s*\w", path):
            remedy = "rename the file or its folder, or name a link to it that has no braces"
            raise UserError(
                f"the path holds a brace, which stands for a wildcard: {path}", clip=clip.name, file=table, remedy=remedy
            )


def _check_crop(clip: Clip, settings: Settings, table: Path) -> None:
    if (clip.crop or settings.frames.crop) != ALIGNED:
        return
    source = settings.tracking.source
    if source not in ALIGNED_SOURCES:
        what = f"the crop is `{ALIGNED}`, and tracking.source is `{source}`, which takes one camera and one crop for all frames"
        remedy = "set tracking.source to flame_head_tracker and name its results in the column `tracking`; or set the crop to "
        raise UserError(what, clip=clip.name, file=table, remedy=f"{remedy}`face` (column `crop`, or frames.crop)")
    if settings.landmarks.detector == "file":
        what = f"the crop is `{ALIGNED}`, and landmarks.detector is `file`: your landmarks are of the video as it is"
        raise UserError(what, clip=clip.name, file=table, remedy="set landmarks.detector to mediapipe")


def _check_landmarks(clip: Clip, settings: Settings, table: Path) -> None:
    if settings.landmarks.detector == "file" and clip.landmarks is None:
        remedy = "name a file or a folder in the column `landmarks`, or choose another landmarks.detector"
        raise UserError("landmarks.detector is `file`, and none is named", clip=clip.name, file=table, remedy=remedy)
    if clip.landmarks is not None and not Path(clip.landmarks).exists():
        remedy = f"put them there or correct the path (relative paths start at {Path.cwd()})"
        raise UserError(f"the landmarks do not exist: {clip.landmarks}", clip=clip.name, file=table, remedy=remedy)


def _check_tracking(clip: Clip, settings: Settings, table: Path) -> None:
    source = settings.tracking.source
    if source != SOLVE and clip.tracking is None:
        remedy = f"name {TRACKERS[source].files} in the column `tracking`; the setting holds for the whole table: a clip that "
        remedy += f"headsmith is to track (tracking.source: {SOLVE}) goes into another table (the setting `clips`)"
        raise UserError(f"tracking.source is `{source}`, and nothing is named", clip=clip.name, file=table, remedy=remedy)
    own = Path(TRACKING.format(clip=clip.name))
    if source != SOLVE and clip.tracking and Path(clip.tracking).resolve() == own.resolve():
        remedy = "copy the file to where nothing is written, and name the copy in the column `tracking`"
        raise UserError(f"the tracking would be made of itself: {own}", clip=clip.name, file=table, remedy=remedy)
    if clip.tracking is not None and not Path(clip.tracking).exists():
        remedy = f"put it there or correct the path (relative paths start at {Path.cwd()})"
        raise UserError(f"the tracking does not exist: {clip.tracking}", clip=clip.name, file=table, remedy=remedy)


def _check_identity(clip: Clip, clips: dict[str, Clip], table: Path) -> None:
    """Accept codes that are there, or that the tracking of another clip of the table will have made."""
    if clip.identity is None:
        return
    made = {Path(TRACKING.format(clip=name)).resolve(): name for name in clips}
    seen, other = {clip.name}, made.get(Path(clip.identity).resolve())
    while other is not None and other not in seen:
        seen.add(other)
        other = made.get(Path(clips[other].identity or "").resolve())
    if other == clip.name:
        what = f"the identity would be made of itself: {clip.identity}"
        remedy = "name the tracking of a clip whose own column `identity` is blank, or does not lead back here"
        raise UserError(what, clip=clip.name, file=table, remedy=remedy)
    if Path(clip.identity).resolve() not in made and not Path(clip.identity).is_file():
        remedy = f"name a tracking.npz, or an .npz or .npy of codes (relative paths start at {Path.cwd()})"
        raise UserError(f"the identity does not exist: {clip.identity}", clip=clip.name, file=table, remedy=remedy)


def _check_length(clip: Clip, settings: Settings, table: Path) -> None:
    fps = clip.fps or settings.frames.fps
    if clip.end is None or not fps:
        return
    seconds = clip.end - (clip.start or 0.0)
    count = round(seconds * fps)
    held_out = count_held_out(settings.dataset.held_out, count)
    if count <= held_out:
        what = f"{seconds:g} s at {fps:g} frames a second are {count} frames; {held_out} are held out, none is left to train on"
        remedy = f"use a longer part of the video, or set dataset.held_out below {count}"
        raise UserError(what, clip=clip.name, file=table, remedy=remedy)


def _check_header(header: list[str], table: Path) -> None:
    for name in header:
        if name not in COLUMNS:
            raise UserError(f"unknown column {name!r}", file=table, remedy=nearest(name, list(COLUMNS)))
    for name in COLUMNS[:2]:
        if name not in header and not (name == "video" and "subject" in header):
            remedy = f"the first line names the columns, separated by tabs: {', '.join(COLUMNS)}"
            raise UserError(f"the column {name!r} is missing", file=table, remedy=remedy)
    if len(set(header)) < len(header):
        raise UserError("a column stands twice", file=table, remedy=f"name each once: {', '.join(COLUMNS)}")


def _whole_lines(text: str) -> list[tuple[int, str]]:
    """Return the lines that hold something, with their numbers; where a quoted cell goes on in the next line, both as one."""
    lines: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if lines and _is_open(lines[-1][1]):
            lines[-1] = (lines[-1][0], f"{lines[-1][1]}\n{line}")
        elif line.strip() and not line.startswith("#"):
            lines.append((number, line))
    return lines


def _is_open(line: str) -> bool:
    """Whether a line ends within a quoted cell."""
    try:
        list(csv.reader([line], delimiter="\t", strict=True))
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False


def _cells(header: list[str], line: str, number: int, table: Path) -> list[tuple[str, str]]:
    cells = next(csv.reader([line], delimiter="\t"))
    if len(cells) > len(header):
        what = f"line {number}: {len(cells)} cells for {len(header)} columns: {shown(line)}"
        raise UserError(what, file=table, remedy="separate the cells by one tab each")
    return list(zip(header, (cell.strip() for cell in cells), strict=False))


def _read_line(row: dict[str, str], number: int, table: Path) -> Clip:
    name = row.get("clip", "")
    if not NAME.fullmatch(name) or name in RESERVED:
        remedy = f"use letters, digits, `_` and `-`, but not {', '.join(RESERVED)}: the name becomes a folder of its own"
        raise UserError(f"line {number}: {name!r} cannot name a clip", file=table, remedy=remedy)
    if not row.get("video") and not row.get("subject"):
        remedy = (
            "write a path or asset:<name> in the second column, after a tab; or a FlashAvatar folder in the column `subject`"
        )
        raise UserError(f"line {number}: no video is named", clip=name, file=table, remedy=remedy)
    times = {key: _number(row.get(key, ""), key, name, table) for key in NUMBERS}
    for key, (pattern, form) in PATTERNS.items():
        if row.get(key) and not re.fullmatch(pattern, row[key]):
            raise UserError(f"{key} is {row[key]!r}", clip=name, file=table, remedy=f"write {form}, or leave the cell blank")
    start, end = times["start"], times["end"]
    if end is not None and end <= (start or 0.0):
        what = f"the end {end:g} does not lie after the start {start or 0:g}"
        raise UserError(what, clip=name, file=table, remedy="both are seconds from the beginning of the video")
    for key, otherwise in ZERO.items():
        if times[key] == 0:
            raise UserError(f"{key} is 0", clip=name, file=table, remedy=f"leave the cell blank{otherwise}")
    return Clip(name, row.get("video", ""), **times, **{key: row.get(key) or None for key in COLUMNS[2:] if key not in NUMBERS})


def _number(text: str, column: str, clip: str, table: Path) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        remedy = "write a number, 0 or more, or leave the cell blank"
        raise UserError(f"{column} is {text!r}, not a number of 0 or more", clip=clip, file=table, remedy=remedy)
    return value
