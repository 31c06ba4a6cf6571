"""The picture of the frames: the crop."""

from pathlib import Path

from headsmith.contract.manifest import Manifest, read_manifest
from headsmith.contract.settings import QualitySettings
from headsmith.show.sheets import Panel, contact_sheet
from headsmith.stages.quality_parts import Picture, frame_panel, spread


def show_frames(clip: str, picture: str, inputs: dict[str, Path], settings: QualitySettings) -> Picture:
    """Draw the crop sheet; frames whose head leaves the crop come first."""
    manifest = read_manifest(inputs["frames"], clip=clip)
    outside = manifest.details.get("outside", [])
    panels = []
    for frame_id in spread(manifest.ids, settings.frames, outside):
        left = frame_id in outside
        caption = f"frame {frame_id}: outside" if left else f"frame {frame_id}"
        panels.append(Panel(frame_panel(inputs, frame_id, clip), caption, alarm=left))
    note = " ".join(told(manifest, outside))
    return contact_sheet(panels, columns=settings.columns, title=f"{clip}: frames", note=note)


def told(manifest: Manifest, outside: list[int]) -> list[str]:
    """Return the note under the heading, a sentence each."""
    dropped = f"; dropped: {len(manifest.dropped)}" if manifest.dropped else ""
    sentences = [
        f"{manifest.count} frames of {manifest.size[0]}x{manifest.size[1]} pixels{dropped}.",
        "Each frame is cut by a square of its own, turned with the face: the face should stand still, and the background move."
        if manifest.details.get("aligned")
        else "The crop is the same in all: the whole head should stay inside, and the background stand still.",
    ]
    if outside:
        sentences.append(f"In {len(outside)} watched frames the head leaves the crop; they come first, in red.")
    return sentences + [f"{remark[:1].upper()}{remark[1:]}." for remark in manifest.details.get("remarks", [])]
