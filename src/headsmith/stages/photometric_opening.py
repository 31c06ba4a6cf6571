"""All that a clip's refinement starts from, read and checked."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from headsmith.bridges.track import Track
from headsmith.contract.errors import UserError
from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import TrackingSettings
from headsmith.heads.model import HeadModel
from headsmith.heads.texture import read_texture
from headsmith.stages.photometric_file import read_round, read_shifts
from headsmith.stages.photometric_fit import BAKED, Judged, Refinement, Round, first_round, judge, next_round
from headsmith.stages.photometric_picture import ROWS
from headsmith.stages.photometric_problem import open_task
from headsmith.stages.photometric_scene import face_anchors, open_scene
from headsmith.stages.photometric_skin import spread_evenly
from headsmith.stages.photometric_texture import COMPONENTS
from headsmith.stages.tracking_file import read_tracking
from headsmith.stages.tracking_given import read_given, with_given
from headsmith.stages.tracking_input import SeenLandmarks, check_input, read_landmarks
from headsmith.stages.tracking_problem import eye_rows, pose_problem


@dataclass(frozen=True)
class Sources:
    """Where a clip's refinement comes from.

    Attributes:
        clip: Name of the clip.
        frames: Manifest of the frames.
        parsing: Manifest of their label maps: only skin, brows and lips are compared.
        landmarks: The clip's landmarks.
        head: The head container.
        tracking: The tracking by landmarks.
        focal: The camera's focal length in pixels of the video's own frames; None: sought.
        identity: A file of the person's identity codes; None: sought.
        texture: ``FLAME_texture.npz``: at coarse sizes skin has colours of its space; None: the clip's own alone.
    """

    clip: str
    frames: Path
    parsing: Path
    landmarks: Path
    head: Path
    tracking: Path
    focal: float | None
    identity: Path | None
    texture: Path | None


@dataclass(frozen=True)
class Opened:
    """A clip's refinement, and what else was read for it: the head, float64, and its landmarks."""

    refinement: Refinement
    model: HeadModel
    seen: SeenLandmarks


@contextmanager
def open_refinement(
    sources: Sources, beside: Path, settings: TrackingSettings, threads: int, *, measures: bool
) -> Iterator[Opened]:
    """Yield a clip's refinement; what it keeps on disk goes when the block ends.

    Args:
        sources: What it comes from.
        beside: The output that frames are kept beside.
        settings: The stage's settings.
        threads: Threads.
        measures: Whether all frames will be measured; else those are opened that skin is baked from or a picture is drawn of.

    Raises:
        UserError: A source cannot be read, they do not belong together, the head has no face, or the renderer cannot be opened.
    """
    clip, frames = sources.clip, sources.frames
    manifest = read_manifest(frames, clip=clip, verify=False)
    model, seen = HeadModel.load(sources.head, torch.float64), read_landmarks(sources.landmarks, clip)
    container = model.container
    check_input(seen, container, manifest, clip, sources.landmarks)
    track = Track.from_arrays(read_tracking(sources.tracking, container, clip).arrays)
    anchors = face_anchors(container, clip, sources.head)
    given = read_given(clip, manifest, frames, container, focal=sources.focal, identity=sources.identity)
    embedding = container.embeddings[seen.convention.name]
    sought = pose_problem(model, embedding, seen, manifest.size, settings)
    task = open_task(model, anchors, with_given(sought, given), eye_rows(embedding.points, seen.convention), track)
    space = None if sources.texture is None else read_texture(sources.texture, container, COMPONENTS)
    used = None if measures else sorted({place for most in (BAKED, ROWS) for place in spread_evenly(task.places, most)})
    parts = {"clip": clip, "model": model, "anchors": anchors, "frames": frames, "parsing": sources.parsing}
    with open_scene(**parts, beside=beside, settings=settings, threads=threads, places=used) as scene:
        yield Opened(Refinement(scene, task, settings, space), model, seen)


def judge_tracking(refinement: Refinement, parsing: Path) -> Judged:
    """Return how well the tracking by landmarks shows the clip's skin, at the finest size.

    Args:
        refinement: The clip.
        parsing: Manifest of its label maps, for messages.

    Raises:
        UserError: No skin is seen.
    """
    judged = judge(refinement, refinement.task.track, refinement.sizes[-1])
    if not np.isfinite(judged.psnr):
        what = "no frame shows enough skin where the head was tracked"
        remedy = "look at the quality pictures of parsing and tracking, or set tracking.photometric to false"
        raise UserError(what, clip=refinement.scene.clip, file=parsing, remedy=remedy)
    return judged


def round_after(refinement: Refinement, last: Path | None, shifts: list[Path] | None) -> Round:
    """Return the round that follows one which other jobs have measured; the first where none was.

    Args:
        refinement: The clip.
        last: The round that was measured.
        shifts: What its chunks told.

    Raises:
        UserError: They cannot be read, or do not belong together.
    """
    if last is None:
        return first_round(refinement)
    clip = refinement.scene.clip
    before = read_round(last, clip)
    return next_round(refinement, before, read_shifts(shifts or [], before, clip))
