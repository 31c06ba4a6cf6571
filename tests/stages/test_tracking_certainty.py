"""What the fit of a clip tells beside its parameters, and what it takes beside fixed points; on the clip of test_tracking."""

from dataclasses import replace

import numpy as np
import torch
from stages.test_tracking import (  # noqa: F401
    FRAMES,
    SETTINGS,
    clip,
    clip_of_68,
    read,
    true_motion,
    true_points,
    write_68,
)

from headsmith.contract.conventions import IBUG68
from headsmith.heads.clip_fit import mean_distance, start_clip
from headsmith.heads.container import load_head, save_head
from headsmith.heads.embedding_contour import head_yaw
from headsmith.heads.embedding_types import Contour
from headsmith.heads.model import HeadModel
from headsmith.stages.tracking import track_head
from headsmith.stages.tracking_input import read_landmarks
from headsmith.stages.tracking_problem import pose_problem

SLIDE_YAWS = np.array([-0.06, 0.0, 0.06])


def sliding(head):
    """A contour whose points lie, as the head turns, where their neighbours lie."""
    embedding = head.embeddings[IBUG68.name]
    rows = [embedding.take(tuple(np.clip(np.arange(17) + step, 0, 16).tolist())) for step in (-1, 0, 1)]
    faces, weights = (np.stack([getattr(row, name) for row in rows]) for name in ("faces", "barycentrics"))
    return Contour(np.arange(17, dtype=np.int32), SLIDE_YAWS, faces, weights)


def test_the_outline_slides_as_the_head_turns(clip_of_68):  # noqa: F811
    head = load_head(clip_of_68["head"])
    points = true_points(head, IBUG68.name)
    turn, shift, _ = true_motion()
    near = np.abs(head_yaw(turn, shift).numpy()[:, None] - SLIDE_YAWS).argmin(1)
    slid = np.clip(np.arange(17) + near[:, None] - 1, 0, 16)
    assert len(set(near.tolist())) == 3
    points[:, :17] = np.take_along_axis(points[:, :17], slid[..., None], 1)
    write_68(clip_of_68, points)
    ovals = []
    for kind in (head, head.with_contour(IBUG68.name, sliding(head))):
        save_head(kind, clip_of_68["head"])
        track_head(**clip_of_68)
        arrays, summary, _ = read(clip_of_68)
        ovals.append(summary["landmark_error_percent_iod_by_part"]["oval"])
        assert summary["landmarks"] == 68 and np.isfinite(arrays["residual"]).all()
    assert ovals[1] < ovals[0] / 3, ovals  # not nothing: where the yaw lies between two rows, either may be taken


def test_frames_that_are_not_known_well_are_marked(clip):  # noqa: F811
    clip["settings"] = replace(SETTINGS, max_bad=1.0)
    track_head(**clip)
    arrays, summary, _ = read(clip)
    assert np.isfinite(arrays["deviation"]).all() and (arrays["parameter_deviation"] > 0).all()
    clip["settings"] = replace(SETTINGS, max_bad=1.0, max_deviation=float(np.median(arrays["deviation"])))
    track_head(**clip)
    vague, summary, rows = read(clip)
    expected = arrays["deviation"] > np.median(arrays["deviation"])
    assert ((vague["status"] == "uncertain") == expected).all() and 0 < summary["counts"]["uncertain"] < FRAMES
    assert all("known to" in row["reason"] for row, flag in zip(rows, expected, strict=True) if flag)


def test_priors_may_be_left_as_they_are(clip):  # noqa: F811
    results = []
    for learned in (True, False):
        clip["settings"] = replace(SETTINGS, learned_priors=learned)
        track_head(**clip)
        results.append(read(clip)[0]["expression"])
    assert not np.array_equal(*results) and np.abs(results[0] - results[1]).max() < 0.2


def test_places_that_no_camera_sees_count_in_no_distance(clip_of_68):  # noqa: F811
    head = load_head(clip_of_68["head"])
    bare, contoured = head, head.with_contour(IBUG68.name, sliding(head))
    distances = []
    for container in (bare, contoured):
        save_head(container, clip_of_68["head"])
        model, seen = HeadModel.load(clip_of_68["head"], torch.float64), read_landmarks(clip_of_68["landmarks"], "someone")
        contour = container.contours.get(IBUG68.name)
        embedding = container.embeddings[IBUG68.name]
        problem = pose_problem(model, embedding, seen, (128, 128), SETTINGS, contour)
        if contour is not None:
            sliding_rows = replace(problem.sliding, yaws=torch.tensor([-9.0, 0.0, 9.0]).double())
            problem = replace(problem, sliding=sliding_rows)
        distances.append(mean_distance(problem, start_clip(problem, 380.0)))
    assert abs(distances[0] - distances[1]) < 0.5 * distances[0]
