"""A clip as flame-head-tracker's results, with our frames and label maps in the place of its crops."""

from pathlib import Path
from typing import Any

from headsmith.bridges.flame_head_tracker_write import write_flame_head_tracker
from headsmith.bridges.track import Track
from headsmith.contract.frame_ids import frame_name
from headsmith.contract.manifest import folder_of, read_manifest
from headsmith.heads.model import HeadModel
from headsmith.media.images import read_image
from headsmith.stages.exports_frames import left_out, usable


def write_tracker(
    *, export: str, folder: Path, clip: str, frames: Path, parsing: Path, tracked: Track, model: HeadModel
) -> dict[str, Any]:
    """Write ``<frame>.npz`` of each frame that tracking calls ok and return what was written.

    Args:
        export: ``flame_head_tracker``.
        folder: An empty folder.
        clip: Name of the clip.
        frames: Manifest of the frames.
        parsing: Manifest of the label maps.
        tracked: The clip's tracking.
        model: The head, float64.

    Raises:
        UserError: A manifest cannot be read, its folder differs, or the format cannot hold the clip.
    """
    places = usable(tracked, clip)
    for manifest in (frames, parsing):
        read_manifest(manifest, clip=clip)
    write_flame_head_tracker(
        folder,
        tracked.take(places),
        model,
        picture=lambda number: read_image(folder_of(frames) / frame_name(number), clip=clip),
        parsing=lambda number: read_image(folder_of(parsing) / frame_name(number), grey=True, clip=clip),
    )
    return {"frames": [int(tracked.ids[place]) for place in places], "left_out": left_out(tracked)}
