"""What a user of a trainer must know of the dataset that was written for it."""

from collections.abc import Iterator

import numpy as np

from headsmith.bridges.left_out import LeftOut
from headsmith.bridges.track import Track
from headsmith.contract.exchange import FLAME_HEADS
from headsmith.heads.container import HeadContainer

CENTRE_TOLERANCE = 0.01
"""Pixels by which the principal point may miss the image's centre without a note."""
INSTA_FRAMES = 1000
"""What INSTA's authors advise to train on, at least."""
TESTED_FRAMES = 10
"""GaussianAvatars' evaluation divides by a tenth of the frames for tests."""


def tell(
    export: str, written: Track, head: HeadContainer, held_out: int, lost: LeftOut | None, regions: bool | None
) -> Iterator[str]:
    """Yield what a user of the trainer must know."""
    shift = np.abs(written.principal - np.array(written.size) / 2).max()
    if lost is not None and lost.largest_mm > 0:
        figures = (
            f"{lost.mean_mm:.2f} mm on average and {lost.largest_mm:.2f} mm at most, of which eyelids {lost.lids_mm:.2f} mm"
        )
        yield f"codes that the format has no place for, and eyelids, would move vertices by {figures}"
    if export == "gaussian_avatars" and shift > CENTRE_TOLERANCE:
        yield f"GaussianAvatars' own code takes the image's centre for the principal point, which is {shift:.2f} pixels off"
    if export == "gaussian_avatars" and held_out < TESTED_FRAMES:
        yield f"GaussianAvatars' own evaluation stops with fewer than {TESTED_FRAMES} frames for tests (exports.held_out)"
    if export == "imavatar" and written.size[0] != written.size[1]:
        yield "IMavatar's own code takes square images only"
    if export == "insta" and len(written.ids) - held_out < INSTA_FRAMES:
        yield f"INSTA's authors advise {INSTA_FRAMES} frames to train on; these are {len(written.ids) - held_out}"
    if export == "insta" and not regions:
        yield "mesh_masks, INSTA's regions, are not written: the head does not have them all (heads.masks for FLAME)"
    if export == "insta" and head.name not in FLAME_HEADS:
        yield "INSTA's own mesh_masks are of FLAME's mesh: put this folder's in their place"
