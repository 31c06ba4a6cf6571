"""The refinement itself: from coarse to fine, skin is baked, shifts are measured, and the whole clip is fitted to them.

A round begins with skin (``first_round``, ``next_round``); then its frames are measured, each by itself, here or by other jobs
(``Scene.measured``); the next one begins with the clip fitted to what they told.
"""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.bridges.track import Track
from headsmith.contract.photometric import drawn_sizes
from headsmith.contract.settings import TrackingSettings
from headsmith.heads.clip_fit import fit_clip
from headsmith.heads.clip_types import ClipState
from headsmith.heads.texture import TextureModel
from headsmith.media.progress import note
from headsmith.stages.photometric_problem import Task
from headsmith.stages.photometric_scene import Scene
from headsmith.stages.photometric_shifts import Shifts
from headsmith.stages.photometric_skin import Skin, bake_skin, plain_skin, spread_evenly, with_lights
from headsmith.stages.photometric_texture import cut_space, within_space

STEPS: Final = 2
"""Steps of the clip's fit for each measurement."""
FIRST_DEVIATION, LEAST_DEVIATION = 0.02, 0.004
"""Differences of colours, of 1, that are expected before any is measured, and the least that is believed."""
BAKED: Final = 96
"""Frames from which skin is baked."""
JUDGED: Final = 2
"""Times that skin and light are fitted to each other before the first shifts are measured."""


@dataclass(frozen=True)
class Refinement:
    """What does not change while a clip is refined.

    Attributes:
        scene: What its frames are drawn with.
        task: What is fitted.
        settings: The stage's settings.
        texture: A texture space, for coarse sizes; None: skin has the clip's own colours alone.
    """

    scene: Scene
    task: Task
    settings: TrackingSettings
    texture: TextureModel | None = None

    @property
    def baked(self) -> list[int]:
        """Frames from which skin is baked."""
        return spread_evenly(self.task.places, BAKED)

    @property
    def sizes(self) -> list[int]:
        """Sizes at which frames are drawn, coarse to fine."""
        return drawn_sizes(self.settings.photometric_size, self.scene.pictures.content.shape[1])


@dataclass(frozen=True)
class Judged:
    """Skin fitted to some frames of a track, and how well it shows them: dB over their pixels of skin."""

    skin: Skin
    psnr: float


@dataclass(frozen=True)
class Round:
    """What a round's frames are measured with.

    Attributes:
        number: How many rounds went before, at all sizes.
        size: Pixels on a side at which frames are drawn; 0: nothing is left to be measured.
        deviation: Expected difference of colours, of 1.
        state: The clip as it is fitted so far.
        track: The same, as what is drawn.
        skin: Baked from it.
    """

    number: int
    size: int
    deviation: float
    state: ClipState
    track: Track
    skin: Skin

    def heading(self, clip: str, settings: TrackingSettings) -> str:
        """Return what is done, for people."""
        every = settings.photometric_iterations
        return f"{clip}: refining at {self.size} pixels, round {self.number % every + 1} of {every}"


def refine(refinement: Refinement, now: Round) -> ClipState:
    """Return the state that shows the clip's skin best, given its landmarks and what is believed; from a round on."""
    scene, places = refinement.scene, refinement.task.places
    while now.size:
        what = now.heading(scene.clip, refinement.settings)
        found = dict(scene.measured(now.track, now.skin, now.size, now.deviation, places, what))
        now = next_round(refinement, now, found)
    return now.state


def first_round(refinement: Refinement) -> Round:
    """Return the first round, of the clip as it was tracked."""
    size, state = refinement.sizes[0], refinement.task.first_state()
    track = refinement.task.track_of(state)
    skin = judge(refinement, track, size).skin
    return Round(0, size, FIRST_DEVIATION, state, track, bake(refinement, track, skin, size))


def next_round(refinement: Refinement, now: Round, found: dict[int, Shifts]) -> Round:
    """Return the round that follows, of the clip fitted to what the frames of this one told; where none did, the end.

    Args:
        refinement: The clip.
        now: The round that was measured.
        found: What its frames told, by their places, in order.
    """
    if not found:
        return replace(now, number=now.number + 1, size=0)
    deviation = max(float(np.median([shifts.middle for shifts in found.values()])), LEAST_DEVIATION)
    skin = with_lights(now.skin, ((place, shifts.light) for place, shifts in found.items()))
    state = step(refinement, now.state, found, now.size)
    note(f"{now.heading(refinement.scene.clip, refinement.settings)}: {tell(found)}")
    return begin(refinement, replace(now, number=now.number + 1, deviation=deviation, state=state, skin=skin))


def begin(refinement: Refinement, fitted: Round) -> Round:
    """Return the round of a state and a skin with that skin baked anew, larger where a size is done; or the end."""
    track, every = refinement.task.track_of(fitted.state), refinement.settings.photometric_iterations
    if fitted.number == every * len(refinement.sizes):
        return replace(fitted, size=0, track=track)
    size, skin, deviation = refinement.sizes[fitted.number // every], fitted.skin, fitted.deviation
    if fitted.number % every == 0:
        larger = plain_skin(refinement.scene.surface, track, size)
        skin, deviation = replace(larger, light=skin.light, lights=skin.lights), FIRST_DEVIATION
    baked = bake(refinement, track, skin, size)
    return replace(fitted, size=size, deviation=deviation, track=track, skin=baked)


def bake(refinement: Refinement, track: Track, skin: Skin, size: int) -> Skin:
    """Return the skin as a track gives it; at coarse sizes within the texture space, where the head has one."""
    scene, texture = refinement.scene, refinement.texture
    baked, weights = bake_skin(skin, scene.looks(track, size), refinement.baked, scene.threads)
    if texture is None or size == refinement.sizes[-1]:
        return baked
    return within_space(baked, weights, cut_space(texture, baked.frame))


def judge(refinement: Refinement, track: Track, size: int) -> Judged:
    """Return the skin that a track gives, and how well it shows the frames that it was baked from."""
    scene, found = refinement.scene, {}
    skin = plain_skin(scene.surface, track, size)
    for _ in range(JUDGED):
        skin = bake(refinement, track, skin, size)
        found = dict(scene.measured(track, skin, size, FIRST_DEVIATION, refinement.baked))
        if found:
            skin = with_lights(skin, ((place, shifts.light) for place, shifts in found.items()))
    return Judged(skin, decibels(found))


def step(refinement: Refinement, state: ClipState, found: dict[int, Shifts], size: int) -> ClipState:
    """Return the state after a few steps of the whole clip's fit towards the measured shifts."""
    scene, task = refinement.scene, refinement.task
    scale = size / task.track.size[0]
    shifts, weights = gathered(found, len(state.codes), len(scene.anchors.vertices))
    trust = refinement.settings.photometric_weight * scale**2
    problem = task.with_shifts(state, shifts / scale, weights * trust)
    fitted = fit_clip(problem, state, iterations=STEPS, threads=scene.threads).state
    return replace(fitted, codes=fitted.codes.clamp(problem.priors.code_low, problem.priors.code_high))


def gathered(found: dict[int, Shifts], frames: int, anchors: int) -> tuple[Float[Tensor, "T A 2"], Float[Tensor, "T A"]]:
    """Return shifts and weights of all frames; zero where none were found."""
    shifts, weights = torch.zeros(frames, anchors, 2, dtype=torch.float64), torch.zeros(frames, anchors, dtype=torch.float64)
    for place, part in found.items():
        shifts[place], weights[place] = part.shifts.double(), part.weights.double()
    return shifts, weights


def decibels(found: dict[int, Shifts]) -> float:
    """Return the peak signal-to-noise ratio over frames; infinite where none was seen."""
    squares = [shifts.squares for shifts in found.values()]
    return -10 * math.log10(max(float(np.mean(squares)), 1e-12)) if squares else math.inf


def tell(found: dict[int, Shifts]) -> str:
    """Return how the refinement stands, for people."""
    weights = torch.stack([shifts.weights for shifts in found.values()])
    lengths = torch.stack([shifts.shifts.norm(dim=-1) for shifts in found.values()])
    mean = float((weights * lengths).sum() / weights.sum().clamp(min=1e-12))
    return f"skin is met to {decibels(found):.2f} dB, mean shift {mean:.3f} px"
