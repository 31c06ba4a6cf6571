"""Portraits fitted by analysis and synthesis, in memory: one picture, or several of one person together."""

import math
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.contract.conventions import convention_of
from headsmith.contract.errors import UserError
from headsmith.contract.exchange import FLAME_HEADS
from headsmith.contract.portraits_fit import SHARED
from headsmith.contract.settings import PortraitsSettings
from headsmith.heads.model import HeadModel
from headsmith.heads.texture import TextureModel
from headsmith.mesh.renderer_choice import open_renderer
from headsmith.stages.photometric_texture import cut_space
from headsmith.stages.portraits_descent import FINE, Scene, Watch, descend, landmarks_of
from headsmith.stages.portraits_file import FittedPortrait
from headsmith.stages.portraits_losses import Priors as Priors
from headsmith.stages.portraits_losses import believe
from headsmith.stages.portraits_manifest import Refused
from headsmith.stages.portraits_pictures import check_skin
from headsmith.stages.portraits_prepared import PreparedPortrait
from headsmith.stages.portraits_start import check_landmarks, start_portraits
from headsmith.stages.portraits_surface import open_surface, turned_away
from headsmith.stages.portraits_synthesis import chosen_places, pose, see_landmarks, show, skin_albedo, skin_light
from headsmith.stages.portraits_unknowns import Unknowns, begin, finished
from headsmith.stages.tracking_output import on_outline

OF_FLAME, OF_OTHERS = 512, 1024
"""Texels along the unwrapping's side: about as many over the face as a crop of 224 pixels has."""


def fit_portrait(
    prepared: Sequence[PreparedPortrait],
    model: HeadModel,
    settings: PortraitsSettings,
    priors: Priors | None = None,
    texture: TextureModel | None = None,
    threads: int = 1,
    watch: Watch | None = None,
) -> list[FittedPortrait]:
    """Return what was fitted to pictures of one person: identity, texture and offset are one for all of them.

    Args:
        prepared: The pictures; of one size and one convention.
        model: The head; the fit is in float32, whatever the model is in.
        settings: What is sought, and how.
        priors: What is believed of codes.
        texture: The head's texture space; none: a plain colour and the offset.
        threads: Threads; the result does not depend on them.
        watch: Told of every step.

    Raises:
        UserError: The pictures do not go together, the head lacks their landmarks, or a picture shows no skin.
    """
    start = start_portraits(prepared, model, settings, threads)
    if not settings.photometric:
        return start
    check_skin(prepared)
    model = model.to(torch.float32)
    texels = settings.offset_size or (OF_FLAME if model.container.name in FLAME_HEADS else OF_OTHERS)
    surface = open_surface(model, convention_of(prepared[0].convention), settings.identity, settings.expression, texels)
    space = None if texture is None else cut_space(texture, surface.frame)
    codes = 0 if space is None else min(settings.texture_codes, len(space.directions))
    unknowns, frozen = begin(start, surface, codes, settings.offset, settings.light == SHARED)
    if space is not None:
        space = replace(space, directions=space.directions[:codes])
    pixels, weights, noise = landmarks_of(prepared, surface, settings)
    weights = weights * ~turned_away(surface, frozen.rotation, settings.far_side)
    scene = Scene(
        prepared,
        surface,
        open_renderer(settings.renderer, threads),
        frozen,
        believe(surface.model, priors or Priors(), frozen.size),
        space,
        settings,
        pixels,
        weights,
        noise,
    )
    found = descend(scene, unknowns, watch)
    errors, psnrs = judge(scene, found)
    known = "" if texture is None else texture_sha256(texture)
    rows = [finished(part, row, found, frozen, surface, model, texels) for row, part in enumerate(start)]
    return [
        replace(part, texture_sha256=known, landmark_error=error, psnr=psnr)
        for part, error, psnr in zip(rows, errors, psnrs, strict=True)
    ]


def check_pictures(
    prepared: Sequence[PreparedPortrait], model: HeadModel, settings: PortraitsSettings
) -> tuple[list[PreparedPortrait], list[Refused]]:
    """Return the pictures that can be fitted, and the others with the reasons."""
    good, refused = [], []
    for part in prepared:
        try:
            check_landmarks([part], model, settings)
            if settings.photometric:
                check_skin([part])
            good.append(part)
        except UserError as error:
            refused.append(Refused(part.name, part.name, error.what))
    return good, refused


def judge(scene: Scene, found: Unknowns) -> tuple[list[float], list[float]]:
    """Return each picture's landmark error, percent of the eye distance without the outline, and its dB over the skin."""
    with torch.no_grad():
        posed = pose(found, scene.frozen, scene.surface)
        convention = convention_of(scene.prepared[0].convention)
        inner = torch.from_numpy(~on_outline(scene.surface.points.numpy(), convention))
        counted = chosen_places(scene.frozen, found, scene.surface) & inner
        apart = (see_landmarks(posed, scene.surface) - scene.pixels).norm(dim=-1)
        errors = (apart * counted).sum(1) / counted.sum(1) / scene.noise * scene.settings.noise
        pictures = scene.pictures(FINE)
        shown = show(posed, scene.surface, scene.renderer, pictures.skin, scene.frozen.size)
        albedo = skin_albedo(shown, found, scene.surface, scene.space, scene.settings.offset)
        apart = albedo * skin_light(shown, found) - pictures.colours[shown.picture, shown.rows, shown.columns]
        return errors.tolist(), [decibels(apart[shown.picture == row]) for row in range(len(scene.prepared))]


def decibels(differences: Float[Tensor, "n 3"]) -> float:
    """Return the peak signal-to-noise ratio of differences of colours of 0..1; NaN where there are none."""
    return -10 * math.log10(max(float(differences.square().mean()), 1e-12)) if len(differences) else math.nan


def texture_sha256(texture: TextureModel) -> str:
    """Return the hash by which fitted portraits know their texture space: of its mean, however many of its codes are read."""
    return sha256(f"{texture.mean.dtype.str} {texture.mean.shape} ".encode() + texture.mean.tobytes()).hexdigest()
