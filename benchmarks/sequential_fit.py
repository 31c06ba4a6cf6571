"""A head fitted frame by frame as the field's trackers do it: gradient steps, each frame started from the last.

What flame-head-tracker 4.1 does in its landmark mode (field guide 3.2), with the walk from frame to frame of metrical-tracker:

* the start: 1,500 steps of Adam on the pose of the first three frames, rates 0.05 and from the 1,000th 0.005, losses 300 on the
  inner points and 200 on the outline. flame-head-tracker then takes the person from MICA, the mean over these three frames;
  there is no MICA here, so from the 600th step the person, one for the three frames, and their expressions are fitted too,
  with the prior weight 0.05 that it has for shapes;
* each frame: 100 steps on pose, expression, jaw, eyes and lids together, started from the frame before; losses 500 on the inner
  points, 500 on the irises, 200 on the outline; priors 0.025 on expression and 0.05 on its change since the frame before;
  rates 0.01 expression, 0.025 jaw, 0.03 eyes and lids, 0.005 pose, from the middle on 0.005, 0.01, 0.01 and 0.0025.

Fair to it: it sees all of the detector's points and not 68; only the vertices that carry them are computed; codes are in
standard deviations, as its weights take for granted; lids are fitted, which FLAME lacks; the focal length is what our own
tracker believes before it sees anything; a frame without a face keeps what the last one had; decay of weights is left out.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray
from torch import Tensor
from truth_sources import ROOT  # noqa: F401  (puts src on the path)

from headsmith.bridges.track import MISSING, OK, Track
from headsmith.contract.conventions import convention_of
from headsmith.heads.embedding_model import EmbeddedModel
from headsmith.heads.model import HeadModel, HeadParameters
from headsmith.maths.cameras import Camera, project
from headsmith.maths.rotations import axis_angle_to_matrix

START_STEPS, START_SLOWER, START_PERSON = 1500, 1000, 600
FRAME_STEPS = 100
START_FRAMES = 3
FOCAL_IN_SIZES = 3.5
UNIT_DEVIATION = 0.35
"""Deviation of face units in 0..1; the codes of a statistical model have 1."""
INNER, OUTLINE, IRISES = 500.0, 200.0, 500.0
START_INNER, START_OUTLINE = 300.0, 200.0
PERSON, EXPRESSION, CHANGE = 0.05, 0.025, 0.05
RATES = {"turn": 0.005, "shift": 0.005, "expression": 0.01, "jaw": 0.025, "eyes": 0.03, "eyelids": 0.03}
LATER_RATES = {"turn": 0.0025, "shift": 0.0025, "expression": 0.005, "jaw": 0.01, "eyes": 0.01, "eyelids": 0.01}


@dataclass(frozen=True)
class Fitter:
    """What does not change over a clip.

    Attributes:
        landmarks: The head at the vertices that carry landmarks.
        inner: Rows of the points that are neither on the outline nor irises; ``outline`` and ``irises`` likewise.
        focal: Pixels.
        size: Width and height, pixels.
        deviation: Of expression codes.
    """

    landmarks: EmbeddedModel
    inner: Tensor
    outline: Tensor
    irises: Tensor
    focal: float
    size: tuple[int, int]
    deviation: float

    def project(self, values: dict[str, Tensor]) -> Float[Tensor, "B n L 2"]:
        """Return where the landmarks are seen, in -1..1 over the picture."""
        neck = values["jaw"].new_zeros(1, 1, 3)
        codes = (values["identity"], values["expression"] * self.deviation)
        points = self.landmarks(HeadParameters(*codes, values["jaw"], values["eyes"], values["eyelids"], neck))
        flip = points.new_tensor([1.0, -1.0, -1.0])
        rotation = flip[:, None] * axis_angle_to_matrix(values["turn"])
        focal = points.new_full((1, 1, 2), 2 * self.focal / self.size[0]).expand(*rotation.shape[:2], 2)
        return project(points, Camera(rotation, values["shift"], focal, torch.zeros_like(focal), self.size))[0]

    def loss(self, values: dict[str, Tensor], goal: Float[Tensor, "B n L 2"], weights: tuple[float, float, float]) -> Tensor:
        """Return the weighted mean absolute distances of inner points, outline and irises, a sum over the frames."""
        apart = (self.project(values) - goal).abs()
        groups = zip((self.inner, self.outline, self.irises), weights, strict=True)
        return sum(weight * apart[..., rows, :].mean((-1, -2)).sum() for rows, weight in groups)


def make_fitter(model: HeadModel, convention: str, size: tuple[int, int], focal: float | None) -> Fitter:
    """Return what fits a head, float32."""
    rules = convention_of(convention)
    landmarks = EmbeddedModel.from_head(model.to(torch.float32), convention)
    points = landmarks.points.numpy()
    on_outline, on_iris = np.isin(points, rules.outline), np.isin(points, rules.irises)
    rows = [torch.from_numpy(np.flatnonzero(chosen)) for chosen in (~on_outline & ~on_iris, on_outline, on_iris)]
    units = "mouthPucker" in model.container.expression_names
    return Fitter(landmarks, *rows, focal or FOCAL_IN_SIZES * size[0], size, UNIT_DEVIATION if units else 1.0)


def first_values(fitter: Fitter, clips: int, frames: int) -> dict[str, Tensor]:
    """Return the mean head at rest, one metre before the camera; the person is one for the frames of a clip."""
    head = fitter.landmarks.model
    sizes = {"turn": (3,), "shift": (3,), "expression": (len(head.expression),), "jaw": (3,), "eyes": (2, 3), "eyelids": (2,)}
    values = {name: torch.zeros(clips, frames, *size) for name, size in sizes.items()}
    values["shift"][..., 2] = 1.0
    return values | {"identity": torch.zeros(clips, 1, len(head.identity))}


def descend(values: dict[str, Tensor], rates: dict[str, float]) -> tuple[dict[str, Tensor], torch.optim.Adam]:
    """Return copies that can be fitted and the optimizer of those that have a rate."""
    free = {name: value.clone().requires_grad_(name in rates) for name, value in values.items()}
    groups = [{"params": [free[name]], "lr": rate, "name": name} for name, rate in rates.items()]
    return free, torch.optim.Adam(groups)


def set_rates(optimizer: torch.optim.Adam, rates: dict[str, float]) -> None:
    """Change the rates of an optimizer."""
    for group in optimizer.param_groups:
        group["lr"] = rates[group["name"]]


def fit_start(fitter: Fitter, goal: Float[Tensor, "B n L 2"]) -> dict[str, Tensor]:
    """Return the pose of the first frames, and the person and expressions that they show."""
    weights = (START_INNER, START_OUTLINE, 0.0)
    free, optimizer = descend(first_values(fitter, *goal.shape[:2]), {"turn": 0.05, "shift": 0.05})
    for step in range(START_STEPS):
        if step == START_SLOWER:
            set_rates(
                optimizer,
                {
                    group["name"]: group["lr"] / (10 if group["name"] in ("turn", "shift") else 2)
                    for group in optimizer.param_groups
                },
            )
        if step == START_PERSON:
            for name, rate in {"identity": 0.01, "expression": 0.01, "jaw": 0.025, "eyelids": 0.03}.items():
                free[name].requires_grad_(True)
                optimizer.add_param_group({"params": [free[name]], "lr": rate, "name": name})
        optimizer.zero_grad(set_to_none=True)
        cost = fitter.loss(free, goal, weights)
        cost = cost + PERSON * goal.shape[1] * free["identity"].square().sum() + EXPRESSION * free["expression"].square().sum()
        cost.backward()
        optimizer.step()
    return {name: value.detach() for name, value in free.items()}


def fit_frame(fitter: Fitter, before: dict[str, Tensor], goal: Float[Tensor, "B 1 L 2"], steps: int) -> dict[str, Tensor]:
    """Return the values of a frame of each clip, started from those of the frame before."""
    free, optimizer = descend(before, RATES)
    for step in range(steps):
        if step == steps // 2:
            set_rates(optimizer, LATER_RATES)
        optimizer.zero_grad(set_to_none=True)
        change = free["expression"] - before["expression"]
        cost = fitter.loss(free, goal, (INNER, OUTLINE, IRISES))
        cost = cost + EXPRESSION * free["expression"].square().sum() + CHANGE * change.square().sum()
        cost.backward()
        optimizer.step()
    return {name: value.detach() for name, value in free.items()}


def fit_sequentially(
    model: HeadModel,
    points: Float[ndarray, "T L 2"],
    usable: Bool[ndarray, " T"],
    size: tuple[int, int],
    convention: str = "mediapipe478",
    *,
    focal: float | None = None,
    steps: int = FRAME_STEPS,
) -> tuple[Track, dict[str, float]]:
    """Fit a clip frame by frame and return it with the seconds that it took: ``start``, ``frames``, ``a_frame``.

    Args:
        model: The head.
        points: The detector's points, pixels.
        usable: Frames that have points; others keep the values of the frame before.
        size: Width and height of the pictures, pixels.
        convention: What the points are.
        focal: Focal length, pixels; None: ``FOCAL_IN_SIZES`` of the picture's size.
        steps: Gradient steps a frame.

    Raises:
        ValueError: No frame has points.
    """
    tracks, seconds = fit_in_step(model, [points], [usable], size, convention, focal=focal, steps=steps)
    return tracks[0], seconds | {"a_frame": seconds["frames"] / int(usable.sum())}


def fit_in_step(
    model: HeadModel,
    points: list[Float[ndarray, "_T L 2"]],
    usable: list[Bool[ndarray, " _T"]],
    size: tuple[int, int],
    convention: str = "mediapipe478",
    *,
    focal: float | None = None,
    steps: int = FRAME_STEPS,
    watch: Callable[[range], Iterable[int]] = lambda places: places,
) -> tuple[list[Track], dict[str, float]]:
    """Fit several clips, their first frames together, then their second ones, and so on; each comes out as by itself.

    The loss is a sum over the clips and Adam takes each number by itself, so clips do not feel each other; one product for all
    is several times as fast as one for each.

    Args:
        model: The head.
        points: As ``fit_sequentially``, by clip; so are the others.
        usable: Frames that have points, by clip.
        size: Of all clips' pictures.
        convention: What the points are.
        focal: Focal length, pixels.
        steps: Gradient steps a frame.
        watch: Passes the frames' places through, to tell how far it is.

    Raises:
        ValueError: A clip has no frame with points.
    """
    if not all(seen.any() for seen in usable):
        raise ValueError("no frame has points")
    fitter = make_fitter(model, convention, size, focal)
    longest = max(map(len, usable))
    goal = torch.stack([in_picture(clip, fitter, longest) for clip in points], 1)[:, :, None]
    seen = torch.from_numpy(np.stack([np.pad(clip, (0, longest - len(clip))) for clip in usable], 1))
    first = [np.flatnonzero(clip)[np.minimum(np.arange(START_FRAMES), clip.sum() - 1)] for clip in usable]
    began = time.perf_counter()
    start = fit_start(fitter, torch.stack([goal[places, clip, 0] for clip, places in enumerate(first)]))
    values = {name: value[:, :1] for name, value in start.items()}
    started = time.perf_counter()
    rows = []
    for place in watch(range(longest)):
        fresh = fit_frame(fitter, values, goal[place], steps)
        values = {name: keep_seen(seen[place], fresh[name], values[name]) for name in values}
        rows.append(values)
    seconds = {"start": started - began, "frames": time.perf_counter() - started}
    made = [as_track(rows, clip, fitter, seen, model.sha256, convention) for clip, seen in enumerate(usable)]
    return made, seconds


def in_picture(points: Float[ndarray, "T L 2"], fitter: Fitter, length: int) -> Float[Tensor, "U M 2"]:
    """Return the embedded points in -1..1 over the picture, zero beyond the clip's end."""
    middle = np.array(fitter.size) / 2
    places = (points[:, fitter.landmarks.points.numpy()] - middle) / (fitter.size[0] / 2)
    return torch.from_numpy(np.pad(places, ((0, length - len(places)), (0, 0), (0, 0)))).float()


def keep_seen(seen: Bool[Tensor, " B"], fresh: Tensor, before: Tensor) -> Tensor:
    """Return the fresh values of clips that have points in this frame, and what the others had before."""
    return torch.where(seen.reshape(-1, *[1] * (fresh.ndim - 1)), fresh, before)


def as_track(
    rows: list[dict[str, Tensor]], clip: int, fitter: Fitter, usable: Bool[ndarray, " T"], head_sha256: str, convention: str
) -> Track:
    """Return the values of all frames of a clip as a tracked clip."""
    count = len(usable)
    joined = {name: torch.stack([row[name][clip, 0] for row in rows[:count]]).double() for name in rows[0]}
    rotation = torch.tensor([1.0, -1.0, -1.0])[:, None].double() * axis_angle_to_matrix(joined["turn"])
    return Track(
        ids=np.arange(count),
        identity=joined["identity"][0].numpy(),
        expression=(joined["expression"] * fitter.deviation).numpy(),
        jaw=joined["jaw"].numpy(),
        eyes=joined["eyes"].numpy(),
        neck=np.zeros((count, 3)),
        eyelids=joined["eyelids"].numpy(),
        rotation=rotation.numpy(),
        translation=joined["shift"].numpy(),
        focal=float(fitter.focal),
        principal=np.array(fitter.size) / 2,
        size=fitter.size,
        status=tuple(OK if seen else MISSING for seen in usable.tolist()),
        residual=np.full(count, np.nan),
        head_sha256=head_sha256,
        convention=convention,
    )
