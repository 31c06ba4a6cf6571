"""The avatar as no frame showed it: an orbit around the head, each expression by itself, and counts of what falls apart."""

import json
from contextlib import ExitStack
from pathlib import Path

import torch

from headsmith.contract.settings import NovelViewsSettings
from headsmith.media.atomic import atomic_path
from headsmith.media.images import write_image
from headsmith.media.progress import progress
from headsmith.media.video_writer import VideoWriter
from headsmith.stages.avatar_file import TrainedAvatar, read_avatar
from headsmith.stages.avatar_views import ClipViews, load_views
from headsmith.stages.novel_views_outline import Reach
from headsmith.stages.novel_views_poses import ORBIT_FRAMES, SWEEP_FRAMES, Pose, frames_again, orbit, sweep, sweeps_of
from headsmith.stages.novel_views_reach import measured_ids, reach_of
from headsmith.stages.novel_views_sheets import face_window, sheet_of, video_frame
from headsmith.stages.novel_views_soundness import Picture, Shot, Tally, draw_shots, thresholds

CRF = 20
"""Quality of the videos."""

ORBIT_COLUMNS, SWEEP_COLUMNS = 6, 8
"""Panels in a row of the sheets."""

ORBIT_PANELS = 24
"""Panels of the orbit's sheet."""

WHOLE = (slice(None), slice(None))
"""Rows and columns of a whole picture."""

ORBIT_NOTE = "The head at its median pose, turned further than frames may show it: it should stay one piece, without tatters."
SWEEP_NOTE = "Each expression at its highest and lowest, others as in the clip's middle: only what is named should move."


def show_novel_views(
    *,
    clip: str,
    avatar: Path,
    head: Path,
    tracking: Path,
    dataset: Path,
    head_masks: Path,
    parsing: Path | None,
    orbit_video: Path,
    orbit_sheet: Path,
    expressions_video: Path,
    expressions_sheet: Path,
    summary: Path,
    settings: NovelViewsSettings,
    threads: int,
) -> None:
    """Show an avatar from other sides and with each expression, over its plate, and count its faults.

    Args:
        clip: Name of the clip.
        avatar: ``avatar.pt``.
        head: The head container.
        tracking: ``tracking.npz``.
        dataset: ``dataset.json``: the training frames, whose middle is turned and moved.
        head_masks: Manifest of the head masks.
        parsing: Manifest of the label maps, which tell of hair; None where the clip has none.
        orbit_video: The orbit to write, MP4.
        orbit_sheet: Its contact sheet, PNG.
        expressions_video: The sweeps to write, MP4.
        expressions_sheet: Their contact sheet: the highest and the lowest value of each.
        summary: The counts to write, JSON.
        settings: The stage's settings.
        threads: Pictures in work at once.

    Raises:
        UserError: An input is broken, or avatar and tracking belong to different heads.
    """
    torch.set_num_threads(1)
    ids = json.loads(Path(dataset).read_text())["train"]
    views = load_views(clip=clip, tracking=tracking, head=head)
    show = Show(clip, read_avatar(avatar, views, clip), threads, settings.fps)
    chosen = measured_ids(ids)
    show.reach = reach_of(clip, views, chosen, show.trained.binding, head_masks, parsing)
    frames = [Pose("frame", str(frame_id), True) for frame_id in chosen]
    show.scenes("training", [(frames_again(views, chosen), frames)], WHOLE)
    turned = show.scenes("orbit", [orbit(views, ids, settings.yaw, settings.pitch)], WHOLE, orbit_video)
    face = face_window(views, ids)
    moved = show.scenes("sweeps", [sweep(views, ids, thing) for thing in sweeps_of(views)], face, expressions_video)
    write_picture(orbit_sheet, sheet_of(turned, WHOLE, ORBIT_COLUMNS, f"{clip}: orbit", ORBIT_NOTE))
    write_picture(expressions_sheet, sheet_of(moved, face, SWEEP_COLUMNS, f"{clip}: expressions", SWEEP_NOTE))
    with atomic_path(summary) as partial:
        partial.write_text(json.dumps({"counts_as": thresholds(), **show.tally.summary()}, indent=1) + "\n")


class Show:
    """One avatar, shown scene by scene.

    Args:
        clip: Name of the clip.
        trained: The avatar.
        threads: Pictures in work at once.
        fps: Frames a second of the videos.
    """

    reach: Reach

    def __init__(self, clip: str, trained: TrainedAvatar, threads: int, fps: float) -> None:
        self.clip, self.trained, self.threads, self.fps = clip, trained, threads, fps
        self.tally = Tally()

    def scenes(
        self, group: str, scenes: list[tuple[ClipViews, list[Pose]]], window: tuple[slice, slice], video: Path | None = None
    ) -> list[Shot]:
        """Draw scenes, one after the other, into a video; return the shots that a sheet may show.

        Those are: of an orbit each ``ORBIT_FRAMES / ORBIT_PANELS``-th, of a sweep the highest and the lowest.
        """
        step, first = (SWEEP_FRAMES // 2, SWEEP_FRAMES // 4) if group == "sweeps" else (ORBIT_FRAMES // ORBIT_PANELS, 0)
        shots = (shot for scene in scenes for shot in draw_shots(*scene, self.trained, self.reach, self.threads))
        count, kept = sum(len(poses) for _, poses in scenes), []
        with ExitStack() as stack:
            film = stack.enter_context(VideoWriter(video, self.fps, crf=CRF, preset="veryfast")) if video else None
            for place, shot in enumerate(progress(shots, count, f"{self.clip}: novel views, {group}")):
                self.tally.add(group, shot)
                if film is not None:
                    film.add(video_frame(shot, window))
                if place % step == first:
                    kept.append(shot)
        return kept


def write_picture(path: Path, picture: Picture) -> None:
    """Write a PNG."""
    with atomic_path(path) as partial:
        write_image(partial, picture)
