"""The report's tables: tracking, what was left out, timings, versions; those of the scores are ``page_scores``."""

import csv
import json
import platform
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from headsmith.contract.errors import UserError
from headsmith.show.page import Table

Scores = dict[str, dict[str, Any]]

PACKAGES = (
    *("headsmith", "anny", "av", "jinja2", "jaxtyping", "matplotlib", "mediapipe", "numba", "numpy", "onnxruntime"),
    *(
        "opencv-contrib-python",
        "opencv-python",
        "opencv-python-headless",
        "pillow",
        "scikit-image",
        "scipy",
        "snakemake",
        "torch",
    ),
)
"""Packages whose version can change a result or a picture."""

PARTS = {"oval": "outline of the face (not in the mean)", "skin": "all other points"}
"""What parts of the face are called that tell too little by their names."""

LONGEST_LIST = 12
"""Ranges of frames written out in a cell before the rest is counted."""


def read_json(path: Path, clip: str) -> dict[str, Any]:
    """Return the content of a JSON file.

    Raises:
        UserError: It is missing or broken.
    """
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        remedy = "delete it and run snakemake again: it is made anew"
        raise UserError(f"cannot be read: {error}", clip=clip, file=path, remedy=remedy) from error
    return content


def tracking_table(summary: dict[str, Any]) -> Table | None:
    """Return the figures of ``tracking.json`` that a person asks for, as far as it has them; None where it has none."""
    parts = summary.get("landmark_error_percent_iod_by_part", {})
    jitter, deviation = summary.get("landmark_jitter_percent_iod", {}), summary.get("deviation_percent_iod", {})
    focal = f"{summary['focal_pixels']:.0f}" if "focal_pixels" in summary else None
    if focal and "focal_deviation_pixels" in summary:
        focal += f" ± {summary['focal_deviation_pixels']:.0f}"
    figures = (
        *((f"frames, {status}", str(count)) for status, count in summary.get("counts", {}).items() if count),
        ("landmark error / % of eye distance", _two(summary.get("landmark_error_percent_iod"))),
        *((f"error, {PARTS.get(name, name)}", _two(error)) for name, error in parts.items()),
        ("jitter of the tracked landmarks / % of eye distance", _two(jitter.get("tracked"))),
        ("jitter of the detected landmarks / % of eye distance", _two(jitter.get("detected"))),
        ("standard deviation of the landmarks, median / % of eye distance", _two(deviation.get("median"))),
        ("focal length / pixels", focal),
    )
    rows = tuple((name, value) for name, value in figures if value)
    return Table(("tracking", "value"), rows) if rows else None


def _two(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"


def left_out_table(
    frames: dict[str, Any], landmarks: dict[str, Any], tracking: dict[str, Any], dataset: dict[str, Any], scores: Scores
) -> Table | None:
    """Return which frames were left out where, and why; None where none were."""
    rows = [
        *_by_reason("frames", frames.get("dropped", [])),
        *_by_reason("landmarks", landmarks.get("not_ok", [])),
        *_by_reason("tracking", tracking.get("not_ok", [])),
        *_by_reason("dataset", dataset.get("left_out", [])),
    ]
    for variant, content in scores.items():
        counts = {key: value for key, value in content.items() if key.startswith(("frames_without", "renders_without"))}
        rows += [(f"scores, {variant}", key.replace("_", " "), str(value), "") for key, value in counts.items() if value]
    return Table(("stage", "reason", "frames", "which"), tuple(rows), numbers_from=99) if rows else None


def _by_reason(stage: str, entries: Sequence[dict[str, Any]]) -> Iterable[tuple[str, ...]]:
    reasons: dict[str, list[int]] = {}
    for entry in entries:
        reasons.setdefault(str(entry["reason"]).replace("_", " "), []).append(int(entry["id"]))
    for reason, ids in reasons.items():
        yield stage, reason, str(len(ids)), ranges(sorted(ids))


def ranges(ids: Sequence[int]) -> str:
    """Write ascending numbers with runs drawn together: ``3, 7-9``; long lists are cut and counted."""
    runs: list[list[int]] = []
    for number in ids:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    words = [str(first) if first == last else f"{first}-{last}" for first, last in runs[:LONGEST_LIST]]
    more = [f"and {len(runs) - LONGEST_LIST} more"] if len(runs) > LONGEST_LIST else []
    return ", ".join(words + more)


def timings_table(benchmarks: Sequence[Path]) -> Table | None:
    """Return wall-clock time and memory of each job, from Snakemake's benchmark files; None where there are none."""
    rows, total = [], 0.0
    for path in benchmarks:
        with path.open(newline="") as file:
            row = next(csv.DictReader(file, delimiter="\t"), None)
        if row is not None:
            total += float(row["s"])
            rows.append((path.stem, *(_rounded(row.get(name)) for name in ("s", "max_rss", "cpu_time"))))
    if not rows:
        return None
    columns = ("job", "wall-clock / s", "largest memory / MB", "CPU time / s")
    return Table(columns, (*rows, ("all", f"{total:.1f}", "", "")))


def _rounded(text: str | None) -> str:
    """Return a number with one decimal; Snakemake writes ``NA`` or ``-`` for jobs too short to be measured."""
    return "" if text in (None, "", "-", "NA") else f"{float(text):.1f}"


def versions_table() -> Table:
    """Return the versions of Python and of the installed packages that matter."""
    rows = [("python", platform.python_version()), ("machine", f"{platform.system()} {platform.machine()}")]
    for name in PACKAGES:
        try:
            rows.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue  # not every environment holds every package: conda environments are split by stage
    return Table(("package", "version"), tuple(rows), numbers_from=99)
