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
from headsmith.mesh.renderers import Renderer
from headsmith.stages.photometric_texture import TextureSpace
from headsmith.stages.portraits_light import solve_codes, solve_lights
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
ROUNDS: Final = 3
"""Times that light and texture codes are solved for in turn."""
BETAS: Final = (0.9, 0.99)
"""Adam's averages: gradients change fast in so few steps."""
LAST_RATE: Final = 0.1
"""Share of its rate at which each stage ends."""

WARMING: Final = 5
"""Steps over which the rate rises: Adam's first ones are as long as its rate, whatever the slope."""

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
        return self.open(stage, plain=self.space is None and not self.sees_offset(stage))

    def skin(self, stage: str) -> Pictures:
        """Return the pictures as the light is sought in them."""
        return self.open(stage, plain=self.space is None)

    def open(self, stage: str, plain: bool) -> Pictures:
        """Return the pictures at a stage's size, with the skin that is of about one colour, or all of it."""
        side = max(round(self.settings.sides[stage] * self.frozen.size), 16)
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
    found, count, offset = start, 0, False
    for stage in STAGES:
        pictures, steps = scene.pictures(stage), round(scene.settings.iterations[stage])
        if not offset:
            start = found = with_light(scene, found, scene.skin(stage))
        offset = scene.sees_offset(stage)
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
    sought = sorted(sought_in(scene, found, stage))
    units = {name: scene.beliefs.units.get(name, torch.ones(())).to(scene.pixels) for name in sought}
    leaves = {name: (getattr(found, name) / units[name]).detach().clone().requires_grad_() for name in sought}
    groups = [{"params": [leaves[name]], "lr": scene.settings.rates[RATES[name]]} for name in sought]
    optimiser = torch.optim.Adam(groups, betas=BETAS, foreach=False)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate_at(step, steps))
    total = sum(round(value) for value in scene.settings.iterations.values())
    for step in range(steps):
        optimiser.zero_grad(set_to_none=True)
        current = replace(found, **{name: leaf * units[name] for name, leaf in leaves.items()})
        losses = losses_of(scene, current, start, stage, pictures, (count + step) / max(total - 1, 1))
        sum(losses.values()).backward()
        optimiser.step()
        schedule.step()
        if watch is not None:
            watch(count + step, stage, scene, current, {name: float(value.detach()) for name, value in losses.items()})
    return replace(found, **{name: leaf.detach() * units[name] for name, leaf in leaves.items()})


def sought_in(scene: Scene, unknowns: Unknowns, stage: str) -> set[str]:
    """Return the names of what a stage seeks."""
    names = {name for name, value in unknowns.named().items() if value.numel()}
    names -= {"neck"} if not scene.settings.neck else set()
    names -= {"focal"} if scene.frozen.weak else set()
    names -= {"colour"} if scene.space is not None or scene.settings.light != SHARED else set()
    names -= {"offset"} if not scene.sees_offset(stage) else set()
    if stage == CAMERA:
        names &= {*OF_CAMERA, "texture"}
    return names


def rate_at(step: int, steps: int) -> float:
    """Return the share of its rate at which each step of a stage goes: rising at first, then falling evenly by ratios."""
    return min(1.0, (step + 1) / WARMING) * LAST_RATE ** (step / max(steps, 1))


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
    """Return the unknowns with the light, and the colour or the texture codes, that show the pictures best as they lie now.

    Light and texture codes are solved for in turn, each in the least squares; see ``portraits_light``.
    """
    with torch.no_grad():
        posed = pose(unknowns, scene.frozen, scene.surface)
        shown = show(posed, scene.surface, scene.renderer, pictures.skin, scene.frozen.size)
        if not len(shown.picture):
            return unknowns
        seen = pictures.colours[shown.picture, shown.rows, shown.columns]
        plain = replace(unknowns, colour=torch.ones_like(unknowns.colour))
        for _ in range(1 if scene.space is None else ROUNDS):
            albedo = skin_albedo(shown, plain, scene.surface, scene.space, offset=False)
            shades, shared = scene.surface.shades, scene.settings.light == SHARED
            lights, colours = solve_lights(shown, albedo, seen, unknowns, shades, coloured=scene.space is None, shared=shared)
            plain = replace(plain, light=lights)
            if scene.space is not None:
                plain = replace(plain, texture=solve_codes(shown, skin_light(shown, plain), seen, scene.surface, scene.space))
    return replace(plain, colour=colours)
