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


def check_photometric(settings: "TrackingSettings") -> None:
    """Accept a refinement of our own tracking.

    Raises:
        UserError: Another program's tracking is to be refined.
    """
    if settings.photometric and settings.source != SOLVE:
        what = f"tracking.photometric refines our own tracking, and tracking.source is `{settings.source}`"
        raise UserError(what, remedy=f"set tracking.source to `{SOLVE}`, or tracking.photometric to false")
