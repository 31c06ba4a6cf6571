"""The refinement itself: from coarse to fine, skin is baked, shifts are measured, and the whole clip is fitted to them."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.bridges.track import Track
from headsmith.contract.settings import TrackingSettings
from headsmith.heads.clip_fit import fit_clip
from headsmith.heads.clip_types import ClipState
from headsmith.heads.photometric_anchors import Anchors
from headsmith.heads.texture import TextureModel
from headsmith.media.parallel import map_in_order
from headsmith.media.progress import note, progress
from headsmith.stages.photometric_pictures import Pictures
from headsmith.stages.photometric_problem import Task
from headsmith.stages.photometric_shifts import Shifts, measure
from headsmith.stages.photometric_skin import Skin, bake_skin, plain_skin, spread_evenly, with_lights
from headsmith.stages.photometric_texture import cut_space, within_space
from headsmith.stages.photometric_views import Look, Surface, look_at

STEPS: Final = 2
"""Steps of the clip's fit for each measurement."""
FIRST_DEVIATION, LEAST_DEVIATION = 0.02, 0.004
"""Differences of colours, of 1, that are expected before any is measured, and the least that is believed."""
BAKED: Final = 96
"""Frames from which skin is baked."""
SMALLEST: Final = 64
"""Pixels: frames are drawn at the size that is asked for and at half of it, but no smaller."""
ROUNDS: Final = 2
"""Times that skin and light are fitted to each other before the first shifts are measured."""


@dataclass(frozen=True)
class Scene:
    """What does not change while a clip is refined."""

    clip: str
    surface: Surface
    anchors: Anchors
    pictures: Pictures
    task: Task
    settings: TrackingSettings
    threads: int
    texture: TextureModel | None = None

    def looks(self, track: Track, size: int) -> Callable[[int], Look]:
        """Return what looks at a frame."""
        return lambda place: look_at(self.surface, track, place, self.pictures, size)

    @property
    def baked(self) -> list[int]:
        """Frames from which skin is baked."""
        return spread_evenly(self.task.places, BAKED)

    @property
    def sizes(self) -> list[int]:
        """Sizes at which frames are drawn, coarse to fine."""
        finest = min(self.settings.photometric_size, self.pictures.content.shape[1])
        return [finest // 2, finest] if finest // 2 >= SMALLEST else [finest]


@dataclass(frozen=True)
class Judged:
    """Skin fitted to some frames of a track, and how well it shows them: dB over their pixels of skin."""

    skin: Skin
    psnr: float


def refine(scene: Scene, state: ClipState) -> ClipState:
    """Return the state that shows the clip's skin best, given its landmarks and what is believed."""
    skin: Skin | None = None
    for size in scene.sizes:
        skin, deviation = start_skin(scene, state, size, skin), FIRST_DEVIATION
        for iteration in range(scene.settings.photometric_iterations):
            track = scene.task.track_of(state)
            skin = bake(scene, track, skin, size)
            what = f"{scene.clip}: refining at {size} pixels, round {iteration + 1} of {scene.settings.photometric_iterations}"
            found = dict(measure_clip(scene, track, skin, size, deviation, what))
            if not found:
                return state
            deviation = max(float(np.median([shifts.middle for shifts in found.values()])), LEAST_DEVIATION)
            skin = with_lights(skin, ((place, shifts.light) for place, shifts in found.items()))
            state = step(scene, state, found, size)
            note(f"{what}: {tell(found)}")
    return state


def start_skin(scene: Scene, state: ClipState, size: int, before: Skin | None) -> Skin:
    """Return skin for a size: with the lights of the size before, else with lights fitted to the frames it is baked from."""
    track = scene.task.track_of(state)
    skin = plain_skin(scene.surface, track, size)
    if before is not None:
        return replace(skin, light=before.light, lights=before.lights)
    return judge(scene, track, size).skin


def bake(scene: Scene, track: Track, skin: Skin, size: int) -> Skin:
    """Return the skin as a track gives it; at coarse sizes within the texture space, where the head has one."""
    baked, weights = bake_skin(skin, scene.looks(track, size), scene.baked, scene.threads)
    if scene.texture is None or size == scene.sizes[-1]:
        return baked
    return within_space(baked, weights, cut_space(scene.texture, baked.frame))


def judge(scene: Scene, track: Track, size: int) -> Judged:
    """Return the skin that a track gives, and how well it shows the frames that it was baked from."""
    skin, found = plain_skin(scene.surface, track, size), {}
    for _ in range(ROUNDS):
        skin = bake(scene, track, skin, size)
        found = dict(measure_clip(scene, track, skin, size, FIRST_DEVIATION, None))
        if found:
            skin = with_lights(skin, ((place, shifts.light) for place, shifts in found.items()))
    return Judged(skin, decibels(found))


def measure_clip(
    scene: Scene, track: Track, skin: Skin, size: int, deviation: float, what: str | None
) -> Iterator[tuple[int, Shifts]]:
    """Yield the places of frames and what they tell: of all of them, with progress, or, with nothing to be told, of a few."""

    def one(place: int) -> Shifts | None:
        return measure(scene.looks(track, size)(place), skin, scene.surface, scene.anchors, deviation)

    places = scene.baked if what is None else scene.task.places
    stream = map_in_order(one, places, scene.threads)
    for place, shifts in stream if what is None else progress(stream, len(places), what):
        if shifts is not None:
            yield place, shifts


def step(scene: Scene, state: ClipState, found: dict[int, Shifts], size: int) -> ClipState:
    """Return the state after a few steps of the whole clip's fit towards the measured shifts."""
    scale = size / scene.task.track.size[0]
    shifts, weights = gathered(found, len(state.codes), len(scene.anchors.vertices))
    trust = scene.settings.photometric_weight * scale**2
    problem = scene.task.with_shifts(state, shifts / scale, weights * trust)
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
