"""The picture of the masks: their edges on the frames, those that are wrong or jump first."""

from pathlib import Path

from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import QualitySettings
from headsmith.show.colours import HEAD_COLOUR, MOUTH_COLOUR, legend
from headsmith.show.overlays import draw_edges
from headsmith.show.sheets import Panel, contact_sheet
from headsmith.stages.quality_parts import PANEL_WIDTH, Picture, alarms_of, alarms_told, frame_panel, grey_image, spread


def show_masks(clip: str, picture: str, inputs: dict[str, Path], settings: QualitySettings) -> Picture:
    """Draw the edges of the mouth and head masks on the frames."""
    manifests = {mask: read_manifest(inputs[f"{mask}_masks"], clip=clip) for mask in ("mouth", "head")}
    alarms: dict[int, list[str]] = {}
    for mask, manifest in manifests.items():
        for frame_id, reasons in alarms_of(manifest).items():
            alarms.setdefault(frame_id, []).extend(f"{mask}: {reason}" for reason in reasons)
    panels = []
    jumped = sorted({frame_id for manifest in manifests.values() for frame_id, _ in manifest.details.get("jumps", ())})
    for i in spread(manifests["head"].ids, settings.frames, jumped, sorted(alarms)):
        head, mouth = grey_image(inputs["head_masks"], i, clip), grey_image(inputs["mouth_masks"], i, clip)
        drawn = draw_edges(draw_edges(frame_panel(inputs, i, clip), head, HEAD_COLOUR), mouth, MOUTH_COLOUR)
        panels.append(Panel(drawn, " · ".join([f"frame {i}", *alarms.get(i, [])]), i in alarms))
    note = (
        "The head mask must follow the hair and end at the collar; the mouth mask must hold both lips and what is between. "
        f"{alarms_told(len(alarms), manifests['head'].count)} A jump tells how much a mask overlaps the one before."
    )
    footer = [legend([("head", HEAD_COLOUR), ("mouth", MOUTH_COLOUR)], PANEL_WIDTH * settings.columns)]
    return contact_sheet(panels, columns=settings.columns, title=f"{clip}: masks", note=note, footer=footer)
