"""What the fit of a portrait can be asked for, by name."""

from typing import Final

WEAK, PERSPECTIVE = CAMERAS = ("weak", "perspective")
"""Cameras of a fitted portrait: one scale for the whole head, as DECA has it, or a pinhole."""
SHARED, PER_CHANNEL = LIGHTS = ("shared", "per_channel")
"""Whether red, green and blue have one light, or each its own."""
L2, DPOSER = PRIORS = ("l2", "dposer")
STAGES: Final = ("camera", "coarse", "middle", "fine")
"""Stages of the fit: pose, camera and light alone; then everything, at growing sizes."""
