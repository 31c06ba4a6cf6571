"""The report's charts, from the tables that the stages write."""

import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from headsmith.contract.errors import UserError
from headsmith.show.page import Chart

Columns = dict[str, list[float | None]]

MOST_POINTS = 1500
"""Points of a line in the page; longer tables are thinned evenly."""


def make_charts(
    score_tables: Sequence[Path], curves: Sequence[Path], tracking: Path, marks: tuple[int, ...] = ()
) -> Iterable[Chart]:
    """Yield the charts: scores per held-out frame, training, tracking.

    Args:
        score_tables: ``scores/{variant}.csv``.
        curves: ``avatar/{variant}/training.csv``.
        tracking: ``tracking.csv``.
        marks: Frames that tracking could not use.

    Raises:
        UserError: A table is missing or empty.
    """
    scores = {path.stem: read_columns(path) for path in score_tables}
    yield from score_charts(scores)
    for path in curves:
        yield from training_charts(path.parent.name, read_columns(path))
    yield from tracking_charts(read_columns(tracking), marks)


def read_columns(path: Path) -> Columns:
    """Return the columns of a CSV file as numbers, None where a cell is no finite number.

    Raises:
        UserError: The file is missing or has no rows.
    """
    remedy = "delete it and run snakemake again: it is made anew"
    try:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise UserError(f"cannot be read: {error}", file=path, remedy=remedy) from error
    if not rows:
        raise UserError("the table is empty", file=path, remedy=remedy)
    kept = rows[:: -(-len(rows) // MOST_POINTS)]
    return {name: [_number(row[name]) for row in kept] for name in rows[0] if name is not None}


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def score_charts(scores: dict[str, Columns]) -> Iterable[Chart]:
    """Yield the head's PSNR per frame beside the baselines, and the landmark error per frame."""
    if not scores:
        return
    some = next(iter(scores.values()))
    lines = {variant: tuple(columns["psnr_head"]) for variant, columns in scores.items()}
    lines |= {f"{name} frame": tuple(some[f"baseline_{name}_psnr_head"]) for name in ("nearest", "mean")}
    note = "Higher is better. Dips are expressions or turns of the head that the training frames lack."
    yield Chart("Head PSNR of each held-out frame / dB", "frame", note, _x(some["frame"]), lines)
    errors = {variant: tuple(columns["landmark_error_percent_iod"]) for variant, columns in scores.items()}
    note = "Lower is better. Gaps: frames where no face was found in the render, or none in the truth."
    yield Chart("Landmark error of each render / % of eye distance", "frame", note, _x(some["frame"]), errors)


def training_charts(variant: str, columns: Columns) -> Iterable[Chart]:
    """Yield the training loss, and the PSNR of frames that were seen and of held-out ones, as far as there are any."""
    x = _x(columns["images"])
    note = "Falls fast, then slowly; still falling at the end means that more training would help."
    yield Chart(f"Training, {variant}: loss", "images", note, x, {"loss": tuple(columns["loss"])})
    names = {"psnr": "training frames", "held_out_psnr": "held-out frames"}
    lines = {told: tuple(columns[name]) for name, told in names.items() if name in columns}
    known = {told: values for told, values in lines.items() if any(value is not None for value in values)}
    if known:
        note = (
            "The same few frames each time. Training frames that rise alone mean: more varied video helps, more training not."
        )
        yield Chart(f"Training, {variant}: head PSNR / dB", "images", note, x, known)


def tracking_charts(columns: Columns, marks: tuple[int, ...] = ()) -> Iterable[Chart]:
    """Yield the charts of ``TRACKING_CHARTS`` without lines that have no value, some frames marked.

    Raises:
        KeyError: The table lacks a column.
    """
    x = _x(columns["frame"])
    for names, title, note in TRACKING_CHARTS:
        lines = {name: tuple(columns[column]) for name, column in names.items()}
        known = {name: values for name, values in lines.items() if any(value is not None for value in values)}
        yield Chart(title, "frame", note, x, known, marks)


TRACKING_CHARTS: tuple[tuple[dict[str, str], str, str], ...] = (
    (
        {"error": "residual_percent", "standard deviation": "deviation_percent"},
        "Tracking error / % of eye distance",
        "Peaks are blurred or turned faces; gaps have no landmarks, marked frames are not used. The standard deviation tells "
        "how far noise in the landmarks can move the head.",
    ),
    (
        {"yaw": "yaw_deg", "pitch": "pitch_deg", "roll": "roll_deg"},
        "Where the head points / degrees",
        "Smooth, without jumps from one frame to the next; zero looks into the camera.",
    ),
    ({"jaw": "jaw_open_deg"}, "Jaw opening / degrees", "Opens when the person speaks."),
    (
        {"left": "left_eyelid", "right": "right_eyelid"},
        "Eyelids, 0 open, 1 closed",
        "Blinks are narrow peaks of both at once.",
    ),
    (
        {"left": "left_gaze_side_deg", "right": "right_gaze_side_deg"},
        "Gaze to the subject's left / degrees",
        "Both eyes jump together when the person looks elsewhere.",
    ),
    (
        {"left": "left_gaze_down_deg", "right": "right_gaze_down_deg"},
        "Gaze downwards / degrees",
        "Blinks show here too: the lids hide the irises.",
    ),
)
"""Names of lines with their columns of ``tracking.csv``, the chart's heading, and how to read it."""


def _x(values: Sequence[float | None]) -> tuple[float, ...]:
    return tuple(0.0 if value is None else value for value in values)
