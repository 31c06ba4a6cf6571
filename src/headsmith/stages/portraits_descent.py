"""Synthesis and comparison, step by step, from coarse to fine: Adam over one graph from all that is sought to the loss."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.contract.conventions import convention_of
from headsmith.contract.errors import UserError
from headsmith.contract.portraits_fit import SHARED, STAGES
from headsmith.contract.settings import PortraitsSettings
from headsmith.maths.irradiance import irradiance
from headsmith.mesh.renderers import Renderer
from headsmith.stages.photometric_texture import TextureSpace
from headsmith.stages.portraits_losses import (
    Beliefs,
    colour_loss,
    landmark_loss,
    light_loss,
    pose_loss,
    smooth_loss,
)
from headsmith.stages.portraits_pictures import Pictures, open_pictures
from headsmith.stages.portraits_prepared import PreparedPortrait
from headsmith.stages.portraits_start import eye_distance, landmark_trust
from headsmith.stages.portraits_surface import Surface
from headsmith.stages.portraits_synthesis import Shown, chosen_places, pose, see_landmarks, show, skin_albedo, skin_light
from headsmith.stages.portraits_unknowns import RATES, Frozen, Unknowns

CAMERA, COARSE, MIDDLE, FINE = STAGES
OF_CAMERA: Final = ("turn", "spot", "focal", "colour", "light")
"""What the first stage seeks."""
STEADY: Final = 0.05
"""Share of the pixels' own weight by which a light that is solved for is drawn to an even one."""
BETAS: Final = (0.9, 0.99)
"""Adam's averages: gradients change fast in so few steps."""
LAST_RATE: Final = 0.1
"""Share of its rate at which each stage ends."""

Watch = Callable[[int, str, "Scene", Unknowns, dict[str, float]], None]
"""Called after each step: its number over all stages, the stage, the scene, what was found so far, and the losses before it."""


@dataclass(frozen=True)
class Scene:
    """What does not change while portraits are fitted.

    Attributes:
        prepared: The pictures.
        surface: The head's.
        renderer: Draws it.
        frozen: Of the cameras.
        beliefs: About what is sought.
        space: The texture space over the surface's texels; none: plain colours.
        settings: Of the fit.
        pixels: Where landmarks were detected, by place on the surface.
        weights: How much they count.
        noise: Their expected error, pixels.
    """

    prepared: Sequence[PreparedPortrait]
    surface: Surface
    renderer: Renderer
    frozen: Frozen
    beliefs: Beliefs
    space: TextureSpace | None
    settings: PortraitsSettings
    pixels: Float[Tensor, "B L 2"]
    weights: Float[Tensor, "B L"]
    noise: Float[Tensor, " B"]

    def sees_offset(self, stage: str) -> bool:
        """Whether the offset is sought in a stage: at last, or before where several pictures have one."""
        return self.settings.offset and (stage == FINE or (stage == MIDDLE and len(self.prepared) > 1))

    def pictures(self, stage: str) -> Pictures:
        """Return the pictures as a stage compares them."""
        side = max(round(self.settings.sides[stage] * self.frozen.size), 16)
        plain = self.space is None and not self.sees_offset(stage)
        return open_pictures(self.prepared, side, plain, self.pixels.dtype)


def landmarks_of(
    prepared: Sequence[PreparedPortrait], surface: Surface, settings: PortraitsSettings
) -> tuple[Float[Tensor, "B L 2"], Float[Tensor, "B L"], Float[Tensor, " B"]]:
    """Return where the surface's landmarks were detected, how much each counts, and their expected errors, pixels."""
    convention, kind = convention_of(prepared[0].convention), surface.barycentrics.dtype
    points, trust = np.stack([part.landmarks for part in prepared]), landmark_trust(prepared, settings, convention)
    noise = [settings.noise / 100 * eye_distance(part, convention) for part in prepared]
    pixels, weights = (torch.from_numpy(part)[:, surface.points].to(kind) for part in (points, trust))
    return pixels, weights, torch.tensor(noise, dtype=kind)


def descend(scene: Scene, start: Unknowns, watch: Watch | None = None) -> Unknowns:
    """Return what was found after all stages."""
    found, count = start, 0
    for stage in STAGES:
        pictures, steps = scene.pictures(stage), round(scene.settings.iterations[stage])
        if stage == CAMERA:
            found = with_light(scene, found, pictures)
            start = found
        found = _stage(scene, found, start, stage, pictures, steps, count, watch)
        count += steps
    return found


def _stage(
    scene: Scene,
    found: Unknowns,
    start: Unknowns,
    stage: str,
    pictures: Pictures,
    steps: int,
    count: int,
    watch: Watch | None,
) -> Unknowns:
    sought = sought_in(scene, found, stage)
    leaves = {name: value.detach().clone().requires_grad_(name in sought) for name, value in found.named().items()}
    current = Unknowns(**leaves)
    groups = [{"params": [leaves[name]], "lr": rate_of(scene, name)} for name in sorted(sought)]
    optimiser = torch.optim.Adam(groups, betas=BETAS, foreach=False)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: LAST_RATE ** (step / max(steps, 1)))
    total = sum(round(value) for value in scene.settings.iterations.values())
    for step in range(steps):
        optimiser.zero_grad(set_to_none=True)
        losses = losses_of(scene, current, start, stage, pictures, (count + step) / max(total - 1, 1))
        sum(losses.values()).backward()
        optimiser.step()
        schedule.step()
        if watch is not None:
            watch(count + step, stage, scene, current, {name: float(value.detach()) for name, value in losses.items()})
    return Unknowns(**{name: value.detach() for name, value in leaves.items()})


def sought_in(scene: Scene, unknowns: Unknowns, stage: str) -> set[str]:
    """Return the names of what a stage seeks."""
    names = {name for name, value in unknowns.named().items() if value.numel()}
    names -= {"neck"} if not scene.settings.neck else set()
    names -= {"focal"} if scene.frozen.weak else set()
    names -= {"colour"} if scene.space is not None else set()
    names -= {"offset"} if not scene.sees_offset(stage) else set()
    if stage == CAMERA:
        names &= {*OF_CAMERA, "texture"}
    return names


def rate_of(scene: Scene, name: str) -> float:
    """Return how far a step of an unknown goes."""
    rate = scene.settings.rates[RATES[name]]
    return rate * scene.beliefs.deviation if name == "expression" else rate


def losses_of(
    scene: Scene, unknowns: Unknowns, start: Unknowns, stage: str, pictures: Pictures, share: float
) -> dict[str, Float[Tensor, ""]]:
    """Return the weighted losses by name; their sum is what is made small.

    Args:
        scene: What does not change.
        unknowns: What is sought.
        start: Where light and colours began.
        stage: Whose weights count.
        pictures: At the stage's size.
        share: Of all steps, how many are done: the diffusion's time goes with it.

    Raises:
        UserError: The head's skin meets none of a picture's.
    """
    settings, beliefs, surface = scene.settings, scene.beliefs, scene.surface
    posed = pose(unknowns, scene.frozen, surface)
    weights = scene.weights * chosen_places(scene.frozen, unknowns, surface)
    marks = landmark_loss(see_landmarks(posed, surface), scene.pixels, weights, scene.noise)
    time = settings.first_time + share * (settings.last_time - settings.first_time)
    moving = torch.cat([unknowns.jaw, unknowns.expression], 1)
    losses = {
        "landmarks": settings.landmark_weight[stage] * marks,
        "identity": settings.identity_weight[stage] * beliefs.priors.identity(unknowns.identity, time),
        "expression": settings.expression_weight[stage] * beliefs.priors.expression(moving, time),
        "pose": settings.expression_weight[stage] * pose_loss(unknowns, beliefs, scene.frozen.weak),
        "light": settings.light_weight * light_loss(unknowns, start),
    }
    weight = settings.photometric_weight[stage]
    if weight:
        shown = show(posed, surface, scene.renderer, pictures.skin, scene.frozen.size)
        losses["colours"] = weight * colours_of(scene, shown, unknowns, stage, pictures)
    if unknowns.texture.numel():
        losses["texture"] = settings.texture_weight * beliefs.priors.texture(unknowns.texture, time)
    if scene.sees_offset(stage):
        losses["offset_smooth"] = settings.offset_smooth * smooth_loss(unknowns.offset)
        losses["offset_small"] = settings.offset_small * unknowns.offset.square().mean()
    return losses


def colours_of(scene: Scene, shown: Shown, unknowns: Unknowns, stage: str, pictures: Pictures) -> Float[Tensor, ""]:
    """Return the loss of the skin's colours.

    Raises:
        UserError: A picture has no pixel that is compared.
    """
    counts = torch.bincount(shown.picture, minlength=len(scene.prepared))
    if not bool(counts.all()):
        part = scene.prepared[int(counts.argmin())]
        remedy = "look at its landmarks and its label map, name a better picture, or set portraits.photometric to false"
        raise UserError("the fitted face covers no pixel that is labelled as skin", clip=part.name, remedy=remedy)
    albedo = skin_albedo(shown, unknowns, scene.surface, scene.space, scene.sees_offset(stage))
    light = skin_light(shown, unknowns)
    return colour_loss(albedo * light, pictures.colours[shown.picture, shown.rows, shown.columns])


def with_light(scene: Scene, unknowns: Unknowns, pictures: Pictures) -> Unknowns:
    """Return the unknowns with the light and, where it is sought, the colour under which they show the pictures best.

    The squares of the differences are least: light for each colour by itself; a shared light and a colour are the nearest
    product of the two (the first pair of singular vectors). The mean light over the pixels is 1 where the colour is sought.
    """
    with torch.no_grad():
        posed = pose(unknowns, scene.frozen, scene.surface)
        shown = show(posed, scene.surface, scene.renderer, pictures.skin, scene.frozen.size)
        if not len(shown.picture):
            return unknowns
        base = irradiance(shown.normals)
        plain = replace(unknowns, colour=torch.ones_like(unknowns.colour))
        albedo = skin_albedo(shown, plain, scene.surface, scene.space, offset=False)
        seen = pictures.colours[shown.picture, shown.rows, shown.columns]
        lights, colours = unknowns.light.clone(), unknowns.colour.clone()
        for row in range(len(scene.prepared)):
            mine = shown.picture == row
            if mine.any():
                found = _solve_light(base[mine], albedo[mine], seen[mine])
                lights[row], colours[row] = _told_apart(found, base[mine], scene.space is None, scene.settings.light == SHARED)
    return replace(unknowns, light=lights, colour=colours)


def _solve_light(base: Float[Tensor, "n 9"], albedo: Float[Tensor, "n 3"], seen: Float[Tensor, "n 3"]) -> Float[Tensor, "9 3"]:
    """Return the light of each colour, drawn a little to an even one."""
    columns = albedo.mT[:, :, None] * base
    normal, side = columns.mT @ columns, columns.mT @ seen.mT[..., None]
    even = torch.zeros_like(side)
    even[:, 0, 0] = (seen.mean(0) / (albedo.mean(0) * base[:, 0].mean())).clamp(min=1e-3)
    steady = STEADY * normal.diagonal(dim1=1, dim2=2).mean(1)[:, None, None] * torch.eye(9, dtype=base.dtype)
    return torch.linalg.solve(normal + steady, side + steady @ even)[..., 0].mT


def _told_apart(
    light: Float[Tensor, "9 3"], base: Float[Tensor, "n 9"], coloured: bool, shared: bool
) -> tuple[Float[Tensor, "9 _"], Float[Tensor, "3"]]:
    """Return light, shared or by colour, and colour, of a light that holds both."""
    ones = light.new_ones(3)
    if not coloured:
        return (light.mean(1, keepdim=True) if shared else light), ones
    colour = (base @ light).mean(0)
    if not shared:
        return light / colour, colour
    left, sizes, right = torch.linalg.svd(light, full_matrices=False)
    column = left[:, :1] * sizes[0]
    mean = (base @ column).mean()
    return column / mean, right[0] * mean
