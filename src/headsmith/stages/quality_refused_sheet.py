"""Drawing masks that were refused: label colours, the mask's edge, and the detected lips and nose that it does not fit."""

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from headsmith.contract.labels import LABELS, label_ids
from headsmith.media.atomic import atomic_path
from headsmith.media.images import write_image
from headsmith.show.colours import LABEL_COLOURS, MOUTH_COLOUR, colour_labels, legend
from headsmith.show.overlays import blend_labels, draw_edges
from headsmith.show.sheets import Panel, contact_sheet, enlarge
from headsmith.show.text import Colour
from headsmith.stages.masks_check import Evidence, MasksRefused
from headsmith.stages.masks_faces import Face, FacesInStep
from headsmith.stages.masks_labels import label_runs, where_labelled
from headsmith.stages.quality_parts import PANEL_WIDTH, Picture, frame_panel, grey_image, places_between

SHOWN, COLUMNS = 12, 6
LIPS_COLOUR: Colour = (255, 255, 255)
NOSE_COLOUR: Colour = (255, 230, 0)


def draw_refusal(refused: MasksRefused, sheet: Path) -> None:
    """Write the contact sheet of refused masks: the worst frames first, then others that are wrong, less and less.

    Args:
        refused: The error and its evidence. Frames are shown where ``frames.json`` lies beside the manifest of label maps.
        sheet: The PNG.

    Raises:
        UserError: A frame, a label map or the landmarks cannot be read.
    """
    evidence, clip = refused.evidence, str(refused.clip)
    chosen = dict(chosen_faults(evidence.faults))
    faces = FacesInStep(evidence.landmarks, clip)
    found = {frame_id: faces.at(frame_id) for frame_id in sorted(chosen)}
    used = np.zeros(len(LABELS), bool)
    panels = []
    for frame_id, reason in chosen.items():
        labels = grey_image(evidence.parsing, frame_id, clip)
        used |= np.bincount(labels.ravel(), minlength=len(LABELS)) > 0
        panels.append(Panel(_panel(evidence, frame_id, clip, labels, found[frame_id]), f"frame {frame_id} · {reason}", True))
    note = (
        f"Refused: {refused.what}. Colours are labels, as named below; the pink line is the edge of the mask; white points are "
        "the detected lips, yellow ones the detected nose. White points must lie inside the line, yellow ones outside."
    )
    entries = [(name.replace("_", " "), colour) for (name, colour), on in zip(LABEL_COLOURS.items(), used, strict=True) if on]
    footer = [legend([("edge of the mask", MOUTH_COLOUR), *entries], PANEL_WIDTH * COLUMNS)]
    title = f"{clip}: {evidence.mask} masks, refused"
    sheet.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(sheet) as partial:
        write_image(partial, contact_sheet(panels, columns=COLUMNS, title=title, note=note, footer=footer))


def chosen_faults(faults: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return which faults, worst first, are shown: the worst half a sheet, and as many spread over the others."""
    worst, others = faults[: SHOWN // 2], faults[SHOWN // 2 :]
    return worst + [others[place] for place in places_between(len(others), SHOWN - len(worst))]


def _panel(evidence: Evidence, frame_id: int, clip: str, labels: UInt8[ndarray, "h w"], face: Face | None) -> Picture:
    frames = evidence.parsing.with_name("frames.json")
    large = enlarge(labels, PANEL_WIDTH, smooth=False)
    drawn = blend_labels(frame_panel({"frames": frames}, frame_id, clip), large) if frames.exists() else colour_labels(large)
    inside = where_labelled(labels, label_runs(label_ids(evidence.labels)))
    drawn = draw_edges(drawn, inside.view(np.uint8) * np.uint8(255), MOUTH_COLOUR)
    if face is not None:
        scale = PANEL_WIDTH / labels.shape[1]
        for points, colour in ((face.lips, LIPS_COLOUR), (face.nose, NOSE_COLOUR)):
            for x, y in np.round(points * scale - 0.5).astype(int).tolist():
                cv2.circle(drawn, (x, y), 2, colour, -1, cv2.LINE_AA)
    return drawn
