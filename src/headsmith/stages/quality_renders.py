"""The picture of the renders: truth, render and difference beside each other."""

from pathlib import Path

import numpy as np

from headsmith.contract.frame_ids import frame_name
from headsmith.contract.manifest import folder_of, read_manifest
from headsmith.contract.settings import QualitySettings
from headsmith.media.images import read_image
from headsmith.show.colours import colour_differences, scale_legend
from headsmith.show.sheets import Panel, contact_sheet, enlarge
from headsmith.stages.quality_parts import PANEL_WIDTH, Picture, frame_panel, spread


def show_renders(clip: str, picture: str, inputs: dict[str, Path], settings: QualitySettings) -> Picture:
    """Draw truth, render and difference beside each other."""
    panels, columns = [], max(3, settings.columns // 3 * 3)
    for i in spread(read_manifest(inputs["renders"], clip=clip).ids, settings.frames):
        truth = frame_panel(inputs, i, clip)
        render = enlarge(read_image(folder_of(inputs["renders"]) / frame_name(i), clip=clip), PANEL_WIDTH)
        error = 100 * np.abs(truth.astype(float) - render).mean() / 255
        panels += [Panel(truth, f"frame {i} · truth"), Panel(render, "render")]
        panels.append(Panel(colour_differences(truth, render), f"difference {error:.1f} %"))
    note = (
        "Held-out frames, which the avatar never saw. The renders show the head alone over the background, so the shoulders "
        "always differ; look at the face."
    )
    footer = [scale_legend(PANEL_WIDTH * columns)]
    title = f"{clip}: renders, variant {picture.partition('-')[2]}"
    return contact_sheet(panels, columns=columns, title=title, note=note, footer=footer)
