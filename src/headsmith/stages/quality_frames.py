"""The picture of the frames: the crop."""

from pathlib import Path

from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import QualitySettings
from headsmith.show.sheets import Panel, contact_sheet
from headsmith.stages.quality_parts import Picture, frame_panel, spread


def show_frames(clip: str, picture: str, inputs: dict[str, Path], settings: QualitySettings) -> Picture:
    """Draw the crop sheet."""
    manifest = read_manifest(inputs["frames"], clip=clip)
    panels = [Panel(frame_panel(inputs, i, clip), f"frame {i}") for i in spread(manifest.ids, settings.frames)]
    dropped = f"; dropped: {len(manifest.dropped)}" if manifest.dropped else ""
    note = (
        f"{manifest.count} frames of {manifest.size[0]}x{manifest.size[1]} pixels{dropped}. The crop is the same in all: "
        "the whole head stays inside with room to move, and the background stands still."
    )
    return contact_sheet(panels, columns=settings.columns, title=f"{clip}: frames", note=note)
