"""What the photometric refinement draws with, and what it goes with."""

from typing import TYPE_CHECKING

from headsmith.contract.errors import UserError
from headsmith.contract.exchange import SOLVE

if TYPE_CHECKING:
    from headsmith.contract.settings import TrackingSettings

OWN, PYTORCH3D = "own", "pytorch3d"
RENDERERS: tuple[str, ...] = (OWN, PYTORCH3D)
"""Our own rasterizer, compiled for the CPU, and PyTorch3D's."""

SETTINGS: tuple[str, ...] = (
    *("photometric", "photometric_size", "photometric_iterations", "photometric_weight"),
    "renderer",
)
"""Settings of tracking that the refinement alone uses."""

SMALLEST = 64
"""Pixels: frames are drawn at the size that is asked for and at half of it, but no smaller."""


def drawn_sizes(most: int, frames: int) -> list[int]:
    """Return the sizes at which frames are drawn, pixels on a side, coarse to fine.

    Args:
        most: The setting ``photometric_size``.
        frames: Pixels on a side of the frames, which are never enlarged.
    """
    finest = min(most, frames)
    return [finest // 2, finest] if finest // 2 >= SMALLEST else [finest]


def round_numbers(settings: "TrackingSettings", frames: int) -> list[int]:
    """Return the numbers of the rounds in which a clip is measured and fitted, from 0; of frames so many pixels on a side."""
    return list(range(len(drawn_sizes(settings.photometric_size, frames)) * settings.photometric_iterations))


def check_photometric(settings: "TrackingSettings") -> None:
    """Accept a refinement of our own tracking.

    Raises:
        UserError: Another program's tracking is to be refined.
    """
    if settings.photometric and settings.source != SOLVE:
        what = f"tracking.photometric refines our own tracking, and tracking.source is `{settings.source}`"
        raise UserError(what, remedy=f"set tracking.source to `{SOLVE}`, or tracking.photometric to false")
