"""A FlashAvatar subject's parameters become a clip's tracking, without a detector: they are taken as they are."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch

from headsmith.bridges.subject_track import read_subject_track
from headsmith.bridges.track import STATUSES, Track
from headsmith.heads.model import HeadModel
from headsmith.media.atomic import atomic_path
from headsmith.media.progress import note
from headsmith.stages.subject_reading import about, read_accepted
from headsmith.stages.tracking_table import head_angles, table_columns, write_table


def import_parameters(
    *,
    clip: str,
    subject: Path,
    checkpoint: Path | None,
    verdict: Path,
    head: Path,
    output: Path,
    summary: Path,
    table: Path,
) -> None:
    """Write the parameters of a subject as our own solver writes its results; all frames are ``ok``, their errors unknown.

    Args:
        clip: Name of the clip.
        subject: The folder, as ``accept_subject`` has it.
        checkpoint: The folder of ``.frame`` files; None where it lies in its place.
        verdict: What ``accept_subject`` wrote.
        head: The head container that the codes are of.
        output: The ``.npz`` to write.
        summary: The ``.json`` to write: as ``tracking.track_head``, without what landmarks tell.
        table: The ``.csv`` to write.

    Raises:
        UserError: A file cannot be read or has changed, the head has fewer codes, or one camera cannot stand for all frames.
    """
    torch.set_num_threads(1)
    accepted = read_accepted(subject, checkpoint, verdict, clip)
    model = HeadModel.load(head, torch.float64)
    with about(clip):
        track, remarks = read_subject_track(accepted.subject, accepted.indices, model, accepted.size)
    for remark in remarks:
        note(f"{clip}: tracking: {remark}")
    with atomic_path(output) as partial:
        np.savez(partial, **track.arrays())
    with atomic_path(summary) as partial:
        partial.write_text(json.dumps(summarise(track, model, remarks), indent=1) + "\n")
    angles = head_angles(torch.from_numpy(track.rotation)).numpy()
    write_table(table, track, table_columns(track, angles, model.container.expression_names, None), {})


def summarise(track: Track, model: HeadModel, remarks: list[str]) -> dict[str, Any]:
    """Return the content of ``tracking.json``."""
    counts = Counter(track.status)
    return {
        "source": "subject",
        "focal_pixels": track.focal,
        "principal": track.principal.tolist(),
        "frames": len(track.ids),
        "counts": {name: counts[name] for name in STATUSES},
        "not_ok": [],
        "head": model.container.name,
        "remarks": remarks,
    }
