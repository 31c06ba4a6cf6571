"""The picture of a checked dataset: the head that the parameters make, and the edges of the masks, over the images."""

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.subject import Subject
from headsmith.bridges.subject_check import SubjectCheck
from headsmith.bridges.subject_faults import ERROR, WARNING, Faults
from headsmith.bridges.subject_frames import FrameCheck
from headsmith.bridges.subject_heads import HeadSight, SeenHead
from headsmith.contract.errors import UserError
from headsmith.media.atomic import atomic_path
from headsmith.media.images import read_image, write_image
from headsmith.show.colours import HEAD_COLOUR, MATTE_COLOUR, MOUTH_COLOUR, legend
from headsmith.show.overlays import cross_out, draw_edges
from headsmith.show.sheets import Panel, contact_sheet, enlarge
from headsmith.show.text import Colour
from headsmith.stages.quality_parts import PANEL_WIDTH, Picture, spread

SHOWN, COLUMNS = 12, 6
POINT_COLOUR: Colour = (170, 215, 255)
LIPS_COLOUR: Colour = (255, 255, 255)
NOSE_COLOUR: Colour = (255, 230, 0)
BLANK = 90
"""Grey of a panel whose image cannot be shown."""
EDGES = (("alpha", MATTE_COLOUR), ("neckhead", HEAD_COLOUR), ("mouth", MOUTH_COLOUR))


def draw_subject(subject: Subject, found: SubjectCheck, sight: HeadSight, sheet: Path) -> None:
    """Write the contact sheet of a checked dataset: frames with faults first, then frames spread over the clip.

    Args:
        subject: The dataset.
        found: What was found in it.
        sight: What projects the head.
        sheet: The PNG.
    """
    kinds = [*found.faults.kinds(ERROR), *found.faults.kinds(WARNING)]
    faulty = {kind: [index for index in found.faults.frames(kind) if index in set(found.indices)] for kind in kinds}
    chosen = spread(found.indices, SHOWN, *faulty.values())
    panels = []
    for index in chosen:
        wrong = [kind for kind, frames in faulty.items() if index in frames]
        caption = f"frame {index:05d} · image {index + subject.naming.delta:05d}{''.join(f' · {kind}' for kind in wrong)}"
        panels.append(Panel(subject_panel(subject, index, found.size, sight), caption, bool(wrong)))
    if not panels:
        panels = [Panel(blank(1.0), "no frame", True)]
    entries = [("matte", MATTE_COLOUR), ("head's mask", HEAD_COLOUR), ("mouth's mask", MOUTH_COLOUR), ("head", POINT_COLOUR)]
    entries += [("lips", LIPS_COLOUR), ("nose", NOSE_COLOUR)]
    footer = [legend(entries, PANEL_WIDTH * COLUMNS)]
    sheet.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(sheet) as partial:
        title = f"{subject.name}: {'refused' if found.faults.kinds(ERROR) else 'a sound dataset'}"
        write_image(partial, contact_sheet(panels, columns=COLUMNS, title=title, note=told(found), footer=footer))


def told(found: SubjectCheck) -> str:
    """Return the sentences over the sheet."""
    errors, warnings = ("; ".join(found.faults.kinds(severity)) or "none" for severity in (ERROR, WARNING))
    return (
        f"{len(found.indices)} frames. Faults: {errors}. Warnings: {warnings}. Lines are edges of matte and masks; points are "
        "the head as its parameters project it, or its origin where the head model is not known. White points, the lips, must "
        "lie in the pink line, yellow ones, the nose, outside; all in the green one. Frames with faults come first."
    )


def subject_panel(subject: Subject, index: int, size: tuple[int, int] | None, sight: HeadSight) -> Picture:
    """Return the image of a frame with edges and points; a grey, crossed panel where it cannot be shown."""
    files = subject.files(index)
    try:
        image = read_image(files["image"])
    except UserError:
        return cross_out(blank(1.0 if size is None else size[1] / size[0]))
    drawn = enlarge(image, PANEL_WIDTH)
    for word, colour in EDGES:
        try:
            drawn = draw_edges(drawn, read_image(files[word], grey=True), colour, 1)
        except UserError:
            continue
    frame = FrameCheck(subject, Faults()).read(index)
    if frame is None or size is None:
        return drawn
    seen = sight.see(frame, size)
    return draw_head(drawn, seen, PANEL_WIDTH / size[0]) if seen.nearest > 0 else drawn


def draw_head(picture: Picture, seen: SeenHead, scale: float) -> Picture:
    """Return a picture with the points of the head, those on lips and nose on top of the others."""
    drawn = picture.copy()
    radius = 1 if len(seen.points) > 1 else 4
    for points, colour in ((seen.points, POINT_COLOUR), (seen.lips, LIPS_COLOUR), (seen.nose, NOSE_COLOUR)):
        for x, y in _places(points * scale):
            cv2.circle(drawn, (x, y), radius, colour, -1, cv2.LINE_AA)
    return drawn


def blank(shape: float) -> Picture:
    """Return a grey panel of a shape, height over width."""
    return np.full((max(1, round(PANEL_WIDTH * shape)), PANEL_WIDTH, 3), BLANK, np.uint8)


def _places(points: Float[ndarray, "n 2"]) -> list[list[int]]:
    near = points[np.isfinite(points).all(1) & (np.abs(points) < 1e4).all(1)]
    return np.round(near - 0.5).astype(int).tolist()
