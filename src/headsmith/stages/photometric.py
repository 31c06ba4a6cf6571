"""The stage *photometric*: tracking refined until the head, textured from the clip itself, shows what the frames show."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.track import Track, project_embedded
from headsmith.contract.settings import TrackingSettings
from headsmith.heads.model import HeadModel
from headsmith.stages.photometric_fit import Judged, Refinement, judge, refine
from headsmith.stages.photometric_opening import Sources, judge_tracking, open_refinement, round_after
from headsmith.stages.photometric_picture import draw_comparison
from headsmith.stages.photometric_problem import Task
from headsmith.stages.tracking_file import DEVIATIONS, read_deviations
from headsmith.stages.tracking_input import SeenLandmarks
from headsmith.stages.tracking_output import Tracked, on_outline, summarise, write_tracking


def refine_tracking(
    *,
    clip: str,
    frames: Path,
    parsing: Path,
    landmarks: Path,
    head: Path,
    tracking: Path,
    tracking_summary: Path,
    output: Path,
    summary: Path,
    table: Path,
    picture: Path,
    settings: TrackingSettings,
    threads: int,
    focal: float | None = None,
    identity: Path | None = None,
    texture: Path | None = None,
    last: Path | None = None,
    shifts: list[Path] | None = None,
) -> None:
    """Refine a clip's tracking by its pictures: analysis by synthesis (``photometric_shifts`` has the loss).

    From coarse to fine, the colours of the skin are taken from the clip as it is tracked, and the light of each frame from the
    colours; then it is measured how far points of the face have to shift for the drawn face to meet the frame, and the whole
    clip is fitted to these shifts and to its landmarks, with the beliefs that it was tracked with. Frames that are not ok keep
    that status, and what smoothness in time gives them. The number of threads changes no result.

    Args:
        clip: Name of the clip.
        frames: Manifest of the frames.
        parsing: Manifest of their label maps: only skin, brows and lips are compared.
        landmarks: The clip's landmarks.
        head: The head container.
        tracking: The tracking by landmarks.
        tracking_summary: Its figures.
        output: The ``.npz`` to write, with the keys of the tracking by landmarks, whose standard deviations are kept.
        summary: The ``.json`` to write; ``photometric`` has dB over the skin before and after.
        table: The ``.csv`` to write.
        picture: The picture to write: frames, and the drawn skin before and after.
        settings: The stage's settings.
        threads: Threads.
        focal: The camera's focal length in pixels of the video's own frames; None: sought.
        identity: A file of the person's identity codes; None: sought.
        texture: ``FLAME_texture.npz``: at coarse sizes skin has colours of its space; None: the clip's own alone.
        last: The last round, where the jobs of ``begin_round`` and ``measure_shifts_chunk`` made all; None: they are made here.
        shifts: What its chunks told, in order.

    Raises:
        UserError: An input cannot be read, inputs do not belong together, the head has no face, no skin is seen, or the
            renderer cannot be opened.
    """
    torch.set_num_threads(1)
    sources = Sources(clip, frames, parsing, landmarks, head, tracking, focal, identity, texture)
    with open_refinement(sources, output, settings, threads, measures=last is None) as opened:
        refinement, track = opened.refinement, opened.refinement.task.track
        before = judge_tracking(refinement, parsing)
        refined = refinement.task.track_of(refine(refinement, round_after(refinement, last, shifts)))
        after = judge(refinement, refined, refinement.sizes[-1])
        draw_comparison(refinement, (track, before.skin), (refined, after.skin), picture)
    tracked = judged_by_landmarks(refined, opened.seen, opened.model, refinement.task, tracking, tracking_summary)
    notes = {"photometric": figures(refinement, before, after)}
    write_tracking(replace(tracked, notes=tracked.notes | notes), output, summary, table)


def figures(refinement: Refinement, before: Judged, after: Judged) -> dict[str, Any]:
    """Return what the summary tells of the refinement."""
    return {
        "skin_psnr_before": before.psnr,
        "skin_psnr_after": after.psnr,
        "sizes": refinement.sizes,
        "frames": len(refinement.task.places),
        "renderer": refinement.settings.renderer,
    }


def judged_by_landmarks(
    track: Track, seen: SeenLandmarks, model: HeadModel, task: Task, tracking: Path, summary: Path
) -> Tracked:
    """Return the refined clip beside its landmarks, with what the tracking by landmarks tells of its frames."""
    told = json.loads(summary.read_text())
    embedding = model.container.embeddings[seen.convention.name]
    errors = landmark_errors(track, seen, model)
    residual = errors[:, ~on_outline(embedding.points, seen.convention)].mean(1)
    rows = {int(frame): place for place, frame in enumerate(seen.ids)}
    reasons = {rows[entry["id"]]: entry["reason"] for entry in told["not_ok"]}
    deviations = read_deviations(tracking)
    known = {name: deviations.get(name) for name in DEVIATIONS}
    if known["focal_deviation"] is not None:
        known["focal_deviation"] = float(known["focal_deviation"])
    pivot = task.problem.pivot.numpy()
    track = replace(track, residual=residual)
    tracked = Tracked(track, seen, model.container, pivot, embedding.points, errors, reasons, {}, **known)
    fresh = summarise(tracked)
    return replace(tracked, notes={name: value for name, value in told.items() if name not in fresh})


def landmark_errors(track: Track, seen: SeenLandmarks, model: HeadModel) -> Float[ndarray, "T L"]:
    """Return the distance of each landmark from where it was seen, percent of the eye distance; NaN where unseen."""
    embedding = model.container.embeddings[seen.convention.name]
    distances = np.linalg.norm(project_embedded(track, model, embedding) - seen.points[:, embedding.points], axis=-1)
    return np.where(seen.usable[:, None], 100 * distances / seen.eye_distance, np.nan)
