"""The picture of the masks: their edges on the frames."""

from pathlib import Path

from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import QualitySettings
from headsmith.show.colours import HEAD_COLOUR, MOUTH_COLOUR, legend
from headsmith.show.overlays import draw_edges
from headsmith.show.sheets import Panel, contact_sheet
from headsmith.stages.quality_parts import PANEL_WIDTH, Picture, frame_panel, grey_image, spread


def show_masks(clip: str, picture: str, inputs: dict[str, Path], settings: QualitySettings) -> Picture:
    """Draw the edges of the mouth and head masks on the frames."""
    panels = []
    for i in spread(read_manifest(inputs["head_masks"], clip=clip).ids, settings.frames):
        head, mouth = grey_image(inputs["head_masks"], i, clip), grey_image(inputs["mouth_masks"], i, clip)
        drawn = draw_edges(draw_edges(frame_panel(inputs, i, clip), head, HEAD_COLOUR), mouth, MOUTH_COLOUR)
        empty = not mouth.any() or not head.any()
        panels.append(Panel(drawn, f"frame {i}" + (" · an empty mask" if empty else ""), empty))
    note = (
        "The head mask must follow the hair and end at the collar; the mouth mask must hold both lips and what is between them."
    )
    footer = [legend([("head", HEAD_COLOUR), ("mouth", MOUTH_COLOUR)], PANEL_WIDTH * settings.columns)]
    return contact_sheet(panels, columns=settings.columns, title=f"{clip}: masks", note=note, footer=footer)
