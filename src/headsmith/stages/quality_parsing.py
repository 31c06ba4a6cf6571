"""The picture of the parsing: label colours over the frames."""

from pathlib import Path

import numpy as np

from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import QualitySettings
from headsmith.show.colours import LABEL_COLOURS, legend
from headsmith.show.overlays import blend_labels
from headsmith.show.sheets import Panel, contact_sheet, enlarge
from headsmith.stages.quality_parts import PANEL_WIDTH, Picture, frame_panel, grey_image, spread


def show_parsing(clip: str, picture: str, inputs: dict[str, Path], settings: QualitySettings) -> Picture:
    """Draw the label colours over the frames, with their names."""
    panels, used = [], np.zeros(len(LABEL_COLOURS), bool)
    for i in spread(read_manifest(inputs["parsing"], clip=clip).ids, settings.frames):
        labels = grey_image(inputs["parsing"], i, clip)
        used[np.unique(labels)] = True
        panels.append(
            Panel(blend_labels(frame_panel(inputs, i, clip), enlarge(labels, PANEL_WIDTH, smooth=False)), f"frame {i}")
        )
    entries = [(name.replace("_", " "), colour) for (name, colour), on in zip(LABEL_COLOURS.items(), used, strict=True) if on]
    note = (
        "Each pixel has the colour of its label; the labels that occur in these frames are named below the panels. The network "
        "may swap left and right of brows, eyes and ears: no mask depends on it."
    )
    footer = [legend(entries, PANEL_WIDTH * settings.columns)]
    return contact_sheet(panels, columns=settings.columns, title=f"{clip}: parsing", note=note, footer=footer)
