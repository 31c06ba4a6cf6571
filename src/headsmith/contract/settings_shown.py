"""Settings of the stages that show an avatar in ways that no frame did."""

from dataclasses import dataclass

from headsmith.contract.settings_fields import setting


@dataclass(frozen=True)
class NovelViewsSettings:
    """The avatar from other sides, and each expression by itself, with counts of what falls apart."""

    yaw: float = setting(30.0, "how far the orbit goes to either side, in degrees", minimum=0, maximum=90)
    pitch: float = setting(15.0, "how far it goes up and down, in degrees", minimum=0, maximum=45)
    fps: float = setting(24.0, "frames per second of the videos", minimum=1)


@dataclass(frozen=True)
class ReenactmentSettings:
    """The avatar moved by other clips."""

    drivers: list[str] = setting([], "clips, by name, whose motion each clip's avatar takes over")
    expression: str = setting(
        "relative",
        "`relative`: what the driver's face does beyond its own neutral one is added to the neutral face of the avatar's clip, "
        "each the median of the calmest tenth of the frames; `absolute`: the driver's codes as they are",
        choices=("relative", "absolute"),
    )
    pose: str = setting(
        "driver",
        "`driver`: the head turns and shifts from its median pose as the driver's does; `own`: it stays in its median pose",
        choices=("driver", "own"),
    )
