"""Contact sheets and words of the novel views."""

from collections.abc import Sequence

import torch

from headsmith.maths.cameras import project
from headsmith.show.sheets import Panel, contact_sheet, enlarge
from headsmith.show.timeline import draw_words
from headsmith.splat.soundness import Soundness
from headsmith.stages.avatar_views import ClipViews
from headsmith.stages.novel_views_outline import upper_faces
from headsmith.stages.novel_views_poses import middle_of_clip
from headsmith.stages.novel_views_soundness import Picture, Shot

SIDE = 512
"""Width of the videos, pixels."""

PANEL_WIDTH = 240
"""Width of a panel, pixels."""

ROOM = 1.2
"""Side of the window around the head, as a multiple of the mesh's larger side: hair is higher than the mesh."""

NOTE = (
    "Red words count what falls apart: Gaussians more than 3 cm off the surface (floaters), long thin ones (needles), pixels "
    "of the head that let the background through (holes), and pixels farther off the head than its hair reaches (spikes)."
)


def words_of(faults: Soundness) -> str:
    """Return the faults of a view in words; nothing where there are none."""
    return ", ".join(f"{name} {count}" for name, count in faults._asdict().items() if count)


def face_window(views: ClipViews, ids: list[int]) -> tuple[slice, slice]:
    """Return rows and columns of the square around the head, without its neck, in the middle of some frames.

    The square is smaller where the picture ends before it does.
    """
    parameters, camera = middle_of_clip(views, ids)
    above = torch.from_numpy(upper_faces(views.head.container)).long().unique()
    pixels, _ = project(views.head(parameters)[above], camera)
    middle = (pixels.amin(0) + pixels.amax(0)) / 2
    room = torch.minimum(middle, torch.tensor(camera.size) - middle).min()
    half = torch.minimum(room, (pixels.amax(0) - pixels.amin(0)).max() * ROOM / 2).floor()
    if half < 1:
        return slice(None), slice(None)
    columns, rows = (slice(int(place - half), int(place + half)) for place in middle.round())
    return rows, columns


def told_of(shot: Shot) -> str:
    """Return what is shown, in words: its name and value, and whether that is more than the clip showed."""
    if shot.pose.name == "orbit":
        return shot.pose.words
    return f"{shot.pose.name} {shot.pose.words}{'' if shot.pose.seen else ' (beyond the clip)'}"


def video_frame(shot: Shot, window: tuple[slice, slice]) -> Picture:
    """Return a frame of a video: the picture, and in its corner what is shown and what falls apart."""
    told = words_of(shot.faults)
    status = "outlier" if told else "ok" if shot.pose.seen else "uncertain"
    return draw_words(enlarge(shot.picture[window], SIDE), [told_of(shot), told or "sound"], status)


def sheet_of(shots: Sequence[Shot], window: tuple[slice, slice], columns: int, title: str, note: str) -> Picture:
    """Return a contact sheet of some views, cut to a window."""
    panels = []
    for shot in shots:
        told, faults = told_of(shot), words_of(shot.faults)
        picture = enlarge(shot.picture[window], PANEL_WIDTH)
        panels.append(Panel(picture, f"{told} · {faults}" if faults else told, alarm=bool(faults)))
    return contact_sheet(panels, columns=columns, title=title, note=f"{note} {NOTE}")
