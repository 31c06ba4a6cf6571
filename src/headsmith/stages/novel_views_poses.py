"""Poses that no frame showed: around the head, and along each expression, from the middle of what the clip showed."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.contract.exchange import FLAME_HEADS
from headsmith.heads.model import HeadParameters
from headsmith.maths.cameras import Camera
from headsmith.maths.rotations import axis_angle_to_matrix, mean_rotation
from headsmith.splat.avatar import View, make_condition
from headsmith.splat.binding import Binding
from headsmith.stages.avatar_views import CHUNK, ClipViews

ORBIT_FRAMES = 120
"""Frames of the orbit."""

SWEEP_FRAMES = 24
"""Frames of each sweep: up to the highest value, through the middle to the lowest one, and back; a multiple of 4."""

SHOWN = 0.005
"""Least difference of values that is seen in words of two digits."""

UNITS, DEVIATIONS = (0.0, 1.0), (-2.0, 2.0)
"""Fixed range of an expression code: Anny's face units by their meaning, FLAME's deviations to where faces stay faces."""

JAW_OPEN, GAZE, LIDS = (0.0, 0.3), (-0.4, 0.4), (0.0, 1.0)
"""Fixed ranges of the jaw's opening and of the gaze, radians, and of the eyelids."""


@dataclass(frozen=True)
class Sweep:
    """Something that is moved alone.

    Attributes:
        name: What it is.
        part: The parameter it belongs to.
        columns: Which of that parameter's numbers move, in one row of them.
        fixed: Range that is shown in any case.
    """

    name: str
    part: str
    columns: tuple[int, ...]
    fixed: tuple[float, float]


@dataclass(frozen=True)
class Pose:
    """One pose of an orbit or a sweep, as told to people.

    Attributes:
        name: What is turned or moved.
        words: How far.
        seen: Whether the clip's frames went as far.
    """

    name: str
    words: str
    seen: bool


def middle_of_clip(views: ClipViews, ids: list[int]) -> tuple[HeadParameters, Camera]:
    """Return the median head parameters of some frames, and the camera of their mean rotation and median place."""
    rows = torch.tensor([views.rows[frame_id] for frame_id in ids])
    own = views.parameters
    moving = {name: getattr(own, name)[rows].median(0).values for name in ("expression", "jaw", "eyes", "eyelids", "neck")}
    rotation, place = mean_rotation(views.cameras.rotation[rows]), views.cameras.translation[rows].median(0).values
    focal, principal = views.cameras.focal[rows[0]], views.cameras.principal[rows[0]]
    return HeadParameters(own.identity, **moving), Camera(rotation, place, focal, principal, views.cameras.size)


def repeated(parameters: HeadParameters, count: int) -> HeadParameters:
    """Return rows of the same parameters; the identity is shared."""
    names = [item.name for item in fields(parameters) if item.name != "identity"]
    parts = {name: getattr(parameters, name) for name in names}
    return replace(parameters, **{name: part.expand(count, *part.shape).clone() for name, part in parts.items()})


def posed_views(views: ClipViews, parameters: HeadParameters, cameras: Camera) -> ClipViews:
    """Return the clip with other parameters and cameras, a row each, numbered from 0."""
    moving = (parameters.expression, parameters.jaw, parameters.eyes, parameters.eyelids)
    rows = {row: row for row in range(len(cameras.rotation))}
    return ClipViews(views.head, rows, parameters, cameras, make_condition(*moving))


def heads_of(views: ClipViews, binding: Binding) -> Iterator[tuple[View, Float[Tensor, "V 3"]]]:
    """Yield the view of each row with the head's vertices, in its own axes, posing ``CHUNK`` at a time."""
    names = ("expression", "jaw", "eyes", "eyelids", "neck")
    for rows in torch.arange(len(views.rows)).split(CHUNK):
        moving = [getattr(views.parameters, name)[rows] for name in names]
        vertices = views.head(HeadParameters(views.parameters.identity, *moving))
        for row, head, points in zip(rows.tolist(), vertices, binding.points(vertices, views.head.faces), strict=True):
            yield View(points, views.conditions[row], views.cameras[row]), head


def frames_again(views: ClipViews, ids: list[int]) -> ClipViews:
    """Return some frames of a clip, a row each, numbered from 0."""
    rows = torch.tensor([views.rows[frame_id] for frame_id in ids])
    names = ("expression", "jaw", "eyes", "eyelids", "neck")
    moving = {name: getattr(views.parameters, name)[rows] for name in names}
    return posed_views(views, HeadParameters(views.parameters.identity, **moving), views.cameras[rows])


def orbit(views: ClipViews, ids: list[int], yaw: float, pitch: float) -> tuple[ClipViews, list[Pose]]:
    """Return the head, as it was in the middle of some frames, turned about its own axes, and what is told of each pose.

    It goes to one side, back, and to the other, once, and up and down twice, so that it passes through the middle.

    Args:
        views: The tracked clip.
        ids: Frames whose middle is meant.
        yaw: Largest turn to either side, degrees.
        pitch: Largest turn up and down, degrees.
    """
    parameters, middle = middle_of_clip(views, ids)
    angles = torch.arange(ORBIT_FRAMES) * (2 * math.pi / ORBIT_FRAMES)
    aside, down = yaw * angles.sin(), pitch * (2 * angles).sin()
    shared = (part.expand(ORBIT_FRAMES, -1) for part in (middle.translation, middle.focal, middle.principal))
    still = Camera(middle.rotation.expand(ORBIT_FRAMES, 3, 3), *shared, middle.size)
    cameras = turned(still, aside, down, views.rest().mean(0))
    words = [f"yaw {round(side):+d}°, pitch {round(low):+d}°" for side, low in zip(aside.tolist(), down.tolist(), strict=True)]
    return posed_views(views, repeated(parameters, ORBIT_FRAMES), cameras), [Pose("orbit", text, False) for text in words]


def turned(cameras: Camera, yaw: Float[Tensor, " T"], pitch: Float[Tensor, " T"], centre: Float[Tensor, "3"]) -> Camera:
    """Return cameras that see the head turned about its own axes.

    Args:
        cameras: Head to camera.
        yaw: To the head's left, degrees.
        pitch: Down, before the turn to the side, degrees.
        centre: What stays in its place, in the head's axes, metres.
    """
    none = torch.zeros_like(yaw)
    aside, down = (axis_angle_to_matrix(torch.stack(turn, -1).deg2rad()) for turn in ((none, yaw, none), (pitch, none, none)))
    rotation = cameras.rotation @ aside @ down
    translation = cameras.translation + (cameras.rotation - rotation) @ centre
    return Camera(rotation, translation, cameras.focal, cameras.principal, cameras.size)


def sweeps_of(views: ClipViews) -> list[Sweep]:
    """Return everything of a head that moves: each expression code, the jaw, the gaze, the lids."""
    container = views.head.container
    fixed = DEVIATIONS if container.name in FLAME_HEADS else UNITS
    codes = [Sweep(name, "expression", (i,), fixed) for i, name in enumerate(container.expression_names)]
    joints = [Sweep("jaw open", "jaw", (0,), JAW_OPEN), Sweep("gaze down", "eyes", (0, 3), GAZE)]
    return [*joints, Sweep("gaze side", "eyes", (1, 4), GAZE), Sweep("eyelids", "eyelids", (0, 1), LIDS), *codes]


def sweep_values(middle: float, low: float, high: float) -> Float[Tensor, " n"]:
    """Return the values of a sweep: from the middle to the highest, through the middle to the lowest, and back."""
    wave = (torch.arange(SWEEP_FRAMES) * (2 * math.pi / SWEEP_FRAMES)).sin()
    return middle + (high - middle) * wave.clamp(min=0) - (low - middle) * wave.clamp(max=0)


def sweep(views: ClipViews, ids: list[int], moved: Sweep) -> tuple[ClipViews, list[Pose]]:
    """Return the head, as it was in the middle of some frames, with one thing moved over its range, and words for each pose.

    The range is what the frames showed, widened to the fixed one.
    """
    rows = torch.tensor([views.rows[frame_id] for frame_id in ids])
    parameters, middle = middle_of_clip(views, ids)
    shown = getattr(views.parameters, moved.part)[rows].flatten(1)[:, list(moved.columns)].mean(1)
    least, most = float(shown.min()), float(shown.max())
    values = sweep_values(float(shown.median()), min(least, moved.fixed[0]), max(most, moved.fixed[1]))
    still = repeated(parameters, SWEEP_FRAMES)
    getattr(still, moved.part).flatten(1)[:, list(moved.columns)] = values[:, None]
    parts = (middle.rotation, middle.translation, middle.focal, middle.principal)
    cameras = Camera(*(part.expand(SWEEP_FRAMES, *part.shape) for part in parts), middle.size)
    poses = [Pose(moved.name, f"{value:.2f}", least - SHOWN < value < most + SHOWN) for value in values.tolist()]
    return posed_views(views, still, cameras), poses
