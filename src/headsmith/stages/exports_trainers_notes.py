"""What a user of a trainer must know of the dataset that was written for it."""

from collections.abc import Iterator

import numpy as np

from headsmith.bridges.left_out import LeftOut
from headsmith.bridges.track import Track
from headsmith.contract.exchange import FLAME_HEADS
from headsmith.heads.container import HeadContainer

CENTRE_TOLERANCE = 0.01
"""Pixels by which the principal point may miss the image's centre without a note."""
SPLATTING_HELD_OUT = 350
"""Frames at the end that SplattingAvatar tests on (its ``num_for_train``)."""
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
        lids = lost.largest_mm == lost.lids_mm
        what = "eyelids, for which the format has no place," if lids else "eyelids, and codes that the format has no place for,"
        yield f"{what} move vertices by {lost.mean_mm:.2f} mm on average and {lost.largest_mm:.2f} mm at most: left out"
    if export == "gaussian_avatars" and shift > CENTRE_TOLERANCE:
        yield f"GaussianAvatars' own code takes the image's centre for the principal point, which is {shift:.2f} pixels off"
    if export == "gaussian_avatars" and held_out < TESTED_FRAMES:
        yield f"GaussianAvatars' own evaluation stops with fewer than {TESTED_FRAMES} frames for tests (exports.held_out)"
    if export == "imavatar" and written.size[0] != written.size[1]:
        yield "IMavatar's own code takes square images only"
    if export == "imavatar" and len(written.ids) <= SPLATTING_HELD_OUT:
        yield f"SplattingAvatar's own code holds out the last {SPLATTING_HELD_OUT} frames: of these none would train"
    if export == "insta" and len(written.ids) - held_out < INSTA_FRAMES:
        yield f"INSTA's authors advise {INSTA_FRAMES} frames to train on; these are {len(written.ids) - held_out}"
    if export == "insta" and head.name in FLAME_HEADS and not regions:
        yield "mesh_masks, INSTA's regions, are not written: they take FLAME_masks.pkl (heads.masks)"
    if export == "insta" and head.name not in FLAME_HEADS:
        instead = "put this folder's in their place" if regions else f"{head.name} does not have all of those regions"
        yield f"INSTA's own mesh_masks are of FLAME's mesh and do not fit: {instead}"
