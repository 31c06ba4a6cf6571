"""How far a person's hair and skin lie off the mesh, measured in some of the frames that train."""

from itertools import repeat
from pathlib import Path

from headsmith.media.frames import iterate_frames
from headsmith.splat.binding import Binding
from headsmith.stages.avatar_views import ClipViews
from headsmith.stages.novel_views_outline import Reach, ReachMeter, outline_of
from headsmith.stages.novel_views_poses import frames_again, heads_of

MEASURED = 25
"""Frames, about, in which it is measured; they are also the ones whose faults are counted."""


def measured_ids(ids: list[int]) -> list[int]:
    """Return about ``MEASURED`` frames, evenly spread."""
    return ids[:: max(1, len(ids) // MEASURED)]


def reach_of(clip: str, views: ClipViews, ids: list[int], binding: Binding, head_masks: Path, parsing: Path | None) -> Reach:
    """Return how far the person's hair and skin lie off the mesh in some frames.

    Args:
        clip: Name of the clip.
        views: The tracked clip.
        ids: Frames to measure.
        binding: Where the Gaussians lie on the head.
        head_masks: Manifest of the head masks.
        parsing: Manifest of the label maps; None where the clip has none.

    Raises:
        UserError: A folder differs from its manifest.
    """
    meter = ReachMeter(views.rest().numpy())
    masks = (mask for _, mask in iterate_frames(head_masks, clip, ids=ids, grey=True))
    labels = repeat(None) if parsing is None else (label for _, label in iterate_frames(parsing, clip, ids=ids, grey=True))
    for (view, head), mask in zip(heads_of(frames_again(views, ids), binding), masks, strict=True):
        meter.add(outline_of(head, views.head.container, view.camera), mask, next(labels))
    return meter.reach()
