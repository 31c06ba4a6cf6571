"""The picture of the tracking: the head over the frames that tell most, its curves over time, and what went wrong."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.track import OK
from headsmith.contract.settings import QualitySettings
from headsmith.show.colours import STATUS_COLOURS, legend
from headsmith.show.curves import draw_plots
from headsmith.show.overlays import TRACKED_COLOUR, cross_out, draw_landmarks, draw_points
from headsmith.show.page_tables import ranges
from headsmith.show.sheets import CAPTION_SIZE, GAP, NOTE_SIZE, Panel, Picture, enlarge, headed_sheet, panel_rows
from headsmith.show.text import FAINT, text_block
from headsmith.stages.quality_parts import PANEL_WIDTH, read_frame
from headsmith.stages.quality_tracking_choice import choose_frames
from headsmith.stages.quality_tracking_data import TrackedClip, read_tracked_clip
from headsmith.stages.quality_tracking_head import SeenHead, mesh_over, see_heads
from headsmith.stages.quality_tracking_plots import tracking_plots

AROUND = 1.2
"""Side of the close-up of a face, as a multiple of its landmarks' extent."""
HEADING_SIZE = 26
LISTED = 18
"""Lines of the list of flagged frames."""
NOTE = (
    "Left of each pair: a close-up; contours as detected, and green dots where the head has them: the dots should "
    "lie on the contours. Right: the head over the frame; eyes, nose and lips must lie on the person's own. Errors are mean "
    "distances of all landmarks but the face's outline, in percent of the distance between the outer eye corners."
)


def show_tracking(clip: str, picture: str, inputs: dict[str, Path], settings: QualitySettings) -> Picture:
    """Draw the tracked head over frames, and what was tracked over time."""
    words = ("tracking", "head", "landmarks", "tracking_summary")
    tracked = read_tracked_clip(clip, *(inputs[word] for word in words))
    pairs = max(1, settings.columns // 2)
    width = 2 * pairs * (PANEL_WIDTH + GAP) - GAP
    strips = []
    for heading, places in choose_frames(tracked, settings.frames // pairs, pairs):
        panels = [panel for pair in draw_pairs(tracked, places, inputs["frames"], clip) for panel in pair]
        strips += [text_block(heading, width, HEADING_SIZE, bold=True), *panel_rows(panels, 2 * pairs)]
    plots = draw_plots(tracking_plots(tracked), width, columns=min(2, pairs))
    return headed_sheet(
        [*strips, *explain_curves(tracked, width), plots, *list_flagged(tracked, width)],
        title=f"{clip}: tracking",
        note=f"{count_frames(tracked)} {NOTE}",
    )


def draw_pairs(tracked: TrackedClip, places: list[int], frames: Path, clip: str) -> Iterator[tuple[Panel, Panel]]:
    """Yield the two panels of each frame: its landmarks close up, and the head over it.

    Raises:
        UserError: A frame cannot be read.
    """
    for place, head in see_heads(tracked.track, tracked.model, tracked.contours, places):
        frame = read_frame(frames, int(tracked.track.ids[place]), clip)
        whole = enlarge(frame, PANEL_WIDTH)
        over = cross_out(whole) if head is None else mesh_over(whole, head, tracked.faces, PANEL_WIDTH / frame.shape[1])
        captions = caption(tracked, place)
        alarm = tracked.track.status[place] != OK
        yield Panel(close_up(frame, tracked, place, head), captions[0], alarm), Panel(over, captions[1], alarm)


def caption(tracked: TrackedClip, place: int) -> tuple[str, str]:
    """Return the words under the two panels: the error; and why the frame is not ok, or which part of the face is worst."""
    track, frame_id = tracked.track, int(tracked.track.ids[place])
    error = "" if np.isnan(track.residual[place]) else f" · {track.residual[place]:.2f} %"
    if "deviation" in tracked.deviations and error:
        error += f" ± {tracked.deviations['deviation'][place]:.2f}"
    if track.status[place] != OK:
        return f"frame {frame_id}{error}", f"{track.status[place]}: {tracked.reason(frame_id)}"
    parts = tracked.part_errors
    worst = max(parts, key=lambda name: parts[name][place])
    return f"frame {frame_id}{error}", f"most at the {worst}: {parts[worst][place]:.1f} %"


def close_up(frame: Picture, tracked: TrackedClip, place: int, head: SeenHead | None) -> Picture:
    """Return a square panel around the face with its landmarks: contours as detected, green dots where the head has them.

    A frame without detected landmarks is crossed out.
    """
    own = np.full((1, 2), np.nan) if head is None else head.landmarks
    detected = tracked.detected[place]
    left, top, side = square_around(np.concatenate([own, detected]), frame.shape[1], frame.shape[0])
    scale = PANEL_WIDTH / side
    panel = enlarge(frame[top : top + side, left : left + side], PANEL_WIDTH)
    drawn = cross_out(panel)
    if np.isfinite(detected).all():
        drawn = draw_landmarks(panel, (detected - (left, top)) * scale, tracked.convention, dots=False)
    return draw_points(drawn, (own - (left, top)) * scale, TRACKED_COLOUR)


def square_around(points: Float[ndarray, "n 2"], width: int, height: int) -> tuple[int, int, int]:
    """Return left, top and side of a square around points, pixels, as large as fits the frame; NaN does not count."""
    near = points[np.isfinite(points).all(1)].clip(0, (width, height))
    most = min(width, height)
    if not len(near):
        return 0, 0, most
    low, high = near.min(0), near.max(0)
    side = int(np.clip(AROUND * (high - low).max(), 8, most))
    left, top = np.round((low + high - side) / 2).clip(0, (width - side, height - side)).astype(int).tolist()
    return left, top, side


def explain_curves(tracked: TrackedClip, width: int) -> list[Picture]:
    """Return what the marks in the curves mean, as far as there are any."""
    kinds = [kind for kind in STATUS_COLOURS if kind in tracked.track.status]
    entries = [(f"{kind}, {tracked.track.status.count(kind)} frames", STATUS_COLOURS[kind]) for kind in kinds]
    bands = " Bands are one standard deviation wide to either side." if "parameter_deviation" in tracked.deviations else ""
    note = f"Curves over all frames.{bands} Yaw is to the subject's left, pitch down; x to the right, y down, z away."
    return [text_block(note, width, NOTE_SIZE, colour=FAINT), *([legend(entries, width)] if entries else [])]


def list_flagged(tracked: TrackedClip, width: int) -> list[Picture]:
    """Return the frames that are not ok by status and reason, a line each; nothing where all are."""
    groups: dict[str, list[int]] = {}
    for frame_id, status in zip(tracked.track.ids.tolist(), tracked.track.status, strict=True):
        if status != OK:
            groups.setdefault(f"{status}: {tracked.reason(frame_id)}", []).append(frame_id)
    lines = [f"{what}: {'frame' if len(ids) == 1 else 'frames'} {ranges(ids)}" for what, ids in groups.items()]
    if len(lines) > LISTED:
        hidden = sum(len(ids) for ids in list(groups.values())[LISTED:])
        lines = [*lines[:LISTED], f"and {hidden} frames more: tracking.csv has them all, with reasons"]
    heading = [text_block("Flagged frames", width, HEADING_SIZE, bold=True)] if lines else []
    return heading + [text_block(line, width, CAPTION_SIZE) for line in lines]


def count_frames(tracked: TrackedClip) -> str:
    """Return a sentence on how many frames are ok, and how well the head fits them."""
    status, error = tracked.track.status, tracked.track.residual[tracked.ok]
    told = f", with a mean error of {error.mean():.2f} %" if len(error) else ""
    return f"{status.count(OK)} of {len(status)} frames are ok{told}."
