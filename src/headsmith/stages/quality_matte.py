"""The picture of the matte: what it keeps, over a checkerboard."""

from pathlib import Path

from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import QualitySettings
from headsmith.show.colours import MATTE_COLOUR
from headsmith.show.overlays import draw_edges, over_checkerboard
from headsmith.show.sheets import Panel, contact_sheet, enlarge
from headsmith.stages.quality_parts import PANEL_WIDTH, Picture, alarms_of, alarms_told, frame_panel, grey_image, spread


def show_matte(clip: str, picture: str, inputs: dict[str, Path], settings: QualitySettings) -> Picture:
    """Draw what the matte keeps, over a checkerboard, with its half-way edge."""
    manifest = read_manifest(inputs["matte"], clip=clip)
    alarms = alarms_of(manifest)
    panels = []
    for i in spread(manifest.ids, settings.frames, sorted(alarms)):
        alpha = grey_image(inputs["matte"], i, clip)
        cut = over_checkerboard(frame_panel(inputs, i, clip), enlarge(alpha, PANEL_WIDTH))
        caption = " · ".join([f"frame {i}", f"keeps {100 * alpha.mean() / 255:.0f} %", *alarms.get(i, [])])
        panels.append(Panel(draw_edges(cut, alpha, MATTE_COLOUR, 1), caption, i in alarms))
    note = (
        "The person over a checkerboard; the line is where the matte is half. There must be no squares inside the face, and no "
        f"wall around the hair. {alarms_told(len(alarms), manifest.count)}"
    )
    return contact_sheet(panels, columns=settings.columns, title=f"{clip}: matte", note=note)
