"""The figures of the truth as tables, on the terminal and in docs/accuracy.md."""

from pathlib import Path
from typing import Any

import numpy as np

WORDS = {
    "ours": "ours",
    "sequential": "sequential fit",
    "blendshapes": "blendshapes alone",
    "true_points": "ours, true points",
}
ROWS = {
    "vertex_error_mm": "vertices, one rigid alignment a clip, mm",
    "vertex_error_scaled_mm": "vertices, one similarity alignment a clip, mm",
    "vertex_error_camera_mm": "vertices in the camera's axes, not aligned, mm",
    "vertex_error_other_size_mm": "vertices, rigid alignment, were the person 5 % larger, mm",
    "vertex_error_head_mm": "vertices in the head's frame, rigid alignment, mm",
    "shape_error_mm": "person at rest, rigid alignment, mm",
    "shape_error_scaled_mm": "person at rest, similarity alignment, mm",
    "expression_error_mm": "expression, on the true person, mm",
    "expression_size_mm": "... how far the true expression is from rest, mm",
    "landmark_error_percent": "landmarks from the detector's, % of the eye distance",
    "landmark_error_to_truth_percent": "landmarks from the true ones, % of the eye distance",
    "detector_error_percent": "... the detector's from the true ones, %",
    "pose_degrees": "turn of the head's axes, degrees",
    "face_turn_degrees": "turn of the face by its vertices, degrees",
    "face_turn_aligned_degrees": "... after the clip's alignment, degrees",
    "focal_percent": "focal length, %",
    "jaw_degrees": "jaw, degrees",
    "jaw_size_degrees": "... how far the true jaw is open, degrees",
    "eyelid_percent": "eyelids, % of the way",
    "eyelid_size_percent": "... how far the true lids are closed, %",
    "gaze_degrees": "gaze, degrees",
    "gaze_size_degrees": "... the true gaze from straight ahead, degrees",
    "jitter_mm": "jitter of the vertices, mm",
    "jitter_ratio_to_truth": "... times the true motion's",
    "turn_jitter_mrad": "jitter of the turn, mrad",
    "turn_jitter_ratio_to_truth": "... times the true motion's",
    "stage_ms_a_frame": "time, ms a frame",
}
COLUMNS = {
    "vertex_error_mm": "vertices mm",
    "vertex_error_scaled_mm": "scaled mm",
    "shape_error_mm": "person mm",
    "expression_error_mm": "expr. mm",
    "landmark_error_percent": "landm. %",
    "detector_error_percent": "detector %",
    "face_turn_degrees": "turn deg",
    "focal_percent": "focal %",
    "jaw_degrees": "jaw deg",
    "eyelid_percent": "lids %",
    "gaze_degrees": "gaze deg",
    "jitter_ratio_to_truth": "jitter x",
    "flagged": "flagged",
}
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def means_of(clips: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return the means over the clips, by method."""
    means = {}
    for method in next(iter(clips.values())):
        rows = [figures[method] for figures in clips.values()]
        means[method] = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    return means


def grid(head: list[str], rows: list[list[str]], *, marked: bool = False) -> str:
    """Return a table with columns in line; ``marked``: for Markdown."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]

    def line(cells: list[str]) -> str:
        first, *others = (
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join([first, *others])} |" if marked else "  ".join([first, *others])

    rule = (
        ["|" + "|".join("-" * (width + 1) + ("-" if place == 0 else ":") for place, width in enumerate(widths)) + "|"]
        if marked
        else []
    )
    return "\n".join([line(head), *rule, *map(line, rows)])


def figure(value: float | None) -> str:
    """Return a number with three digits that count."""
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) >= 10 else f"{value:.2f}"


def means_table(means: dict[str, dict[str, float]], *, marked: bool = False) -> str:
    """Return the means of each method, a row a measure."""
    rows = [[words, *(figure(values.get(name)) for values in means.values())] for name, words in ROWS.items()]
    shown = [row for row in rows if any(cell != "-" for cell in row[1:])]
    return grid(["mean over the clips", *(WORDS.get(method, method) for method in means)], shown, marked=marked)


def clips_table(clips: dict[str, Any], *, marked: bool = False) -> str:
    """Return a row for each clip and method."""
    rows = []
    for name, figures in clips.items():
        for method, values in figures.items():
            first = name if method == "ours" else f"{name}, {WORDS.get(method, method)}"
            rows.append([first, *(figure(values.get(key)) for key in COLUMNS)])
    return grid(["clip", *COLUMNS.values()], rows, marked=marked)


def write_document(path: Path, means: dict[str, Any], clips: dict[str, Any], real: dict[str, Any]) -> None:
    """Put the tables into a page, between its two marks.

    Raises:
        ValueError: The page has no such marks.
    """
    from truth_real import real_table

    text = path.read_text()
    if BEGIN not in text or END not in text:
        raise ValueError(f"{path} has no {BEGIN} and {END}")
    tables = [
        means_table(means, marked=True),
        clips_table({name: {"ours": row["ours"]} for name, row in clips.items()}, marked=True),
    ]
    tables += [calibration_table(means, marked=True)] if calibration_rows(means) else []
    tables += [real_table(real, marked=True)] if real else []
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    path.write_text(before + BEGIN + "\n\n" + "\n\n".join(tables) + "\n\n" + END + after)


def calibration_rows(means: dict[str, dict[str, float]]) -> list[list[str]]:
    """Return how many true errors lie within one and two deviations, a row a parameter."""
    ours = means["ours"]
    names = [name.removeprefix("within_1_deviations_") for name in ours if name.startswith("within_1_deviations_")]
    return [[name, *(f"{100 * ours[f'within_{times}_deviations_{name}']:.0f} %" for times in (1, 2))] for name in names]


def calibration_table(means: dict[str, dict[str, float]], *, marked: bool = False) -> str:
    """Return the table of ``calibration_rows``; a normal distribution has 68 % and 95 %."""
    return grid(["true errors of ours", "within 1 deviation", "within 2"], calibration_rows(means), marked=marked)
