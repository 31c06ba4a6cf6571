"""How far a fitted portrait is from what is true of it, and a texture space from the textures that it was learned from."""

from typing import Any

import cv2
import numpy as np
import torch
from portrait_family import Family
from portrait_people import Person, person_of
from truth_motion import SIZE

from headsmith.contract.portraits_fit import PERSPECTIVE
from headsmith.contract.settings import LIGHT_SHARES, TextureSpaceSettings
from headsmith.heads.model import HeadModel
from headsmith.maths.irradiance import irradiance
from headsmith.maths.low_rank import learn_low_rank
from headsmith.mesh.shading import vertex_normals
from headsmith.stages.portraits_file import FittedPortrait
from headsmith.stages.portraits_prepared import PreparedPortrait
from headsmith.stages.texture_space_completion import Textures, compare
from headsmith.stages.texture_space_learning import Seen, learn_space, lights_aligned, seen_by_enough
from headsmith.stages.texture_space_unwrap import Sheet, divided, unwrap

COMPONENTS = 10
SKIN = 0.5
TOWARDS = 0.3
"""Cosine to the camera of the normals over which light is compared."""


def true_portrait(prepared: PreparedPortrait, person: Person, model: HeadModel) -> FittedPortrait:
    """Return the truth in the form of a fit: in the crop's pixels, with the nine harmonics that are nearest to the light."""
    scale, shift = prepared.crop[0, 0], prepared.crop[:2, 2]
    normals = towards_camera(person.seen(model), model)
    waves = irradiance(torch.from_numpy(normals)).numpy()
    light = np.linalg.lstsq(waves, person.shading(normals), rcond=None)[0]
    parts = {
        name: np.asarray(getattr(person.parameters, name)) for name in ("identity", "expression", "eyelids", "jaw", "eyes")
    }
    return FittedPortrait(
        name=prepared.name,
        head_sha256=model.container.sha256,
        texture_sha256="",
        camera=PERSPECTIVE,
        convention=prepared.convention,
        **parts,
        neck=np.asarray(person.parameters.neck),
        rotation=person.rotation,
        translation=person.translation,
        focal=person.focal * scale,
        principal=SIZE / 2 * scale + shift,
        size=len(prepared.picture),
        texture=np.zeros(0),
        offset=np.zeros((0, 0, 3), np.float32),
        colour=np.full(3, 0.5),
        light=light,
        landmark_error=0.0,
        psnr=np.nan,
    )


def towards_camera(seen: np.ndarray, model: HeadModel) -> np.ndarray:
    """Return the normals of the face that look at the camera, in its axes."""
    normals = vertex_normals(seen, model.container.faces)[model.container.regions["face"]]
    points = seen[model.container.regions["face"]]
    cosine = -(normals * points).sum(1) / np.linalg.norm(points, axis=1)
    return normals[cosine > TOWARDS]


def measure_albedo(prepared: PreparedPortrait, fit: FittedPortrait, person: Person, family: Family) -> dict[str, float]:
    """Return the dB of the fit's own albedo, of the picture divided by its light, and of one colour, on visible texels."""
    sheet, truth = family.sheet, family.texture(person.codes)
    found = unwrap(sheet, prepared, fit)
    shown = (found.weights > 0) & (family.skin > SKIN)
    own = fit.colour + offset_at(fit, sheet)
    flat = np.broadcast_to(truth[shown].mean(0), truth[shown].shape)
    return {
        "albedo_psnr": decibels(own[shown], truth[shown]),
        "unwrapped_psnr": decibels(found.albedo[shown], truth[shown]),
        "flat_psnr": decibels(flat, truth[shown]),
        "texels": float(shown.sum()),
    }


def offset_at(fit: FittedPortrait, sheet: Sheet) -> np.ndarray:
    """Return the fit's offset at the texels, 0 where it has none."""
    if not fit.offset.size:
        return np.zeros((len(sheet.texels.faces), 3), np.float32)
    side = sheet.texels.covered.shape[0]
    return cv2.resize(fit.offset, (side, side), interpolation=cv2.INTER_LINEAR)[sheet.texels.covered]


def decibels(found: np.ndarray, truth: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio, with the best gain for all texels and colours."""
    gain = (found * truth).sum() / np.square(found).sum()
    return float(-10 * np.log10(np.square(gain * found - truth).mean()))


def measure_light(fit: FittedPortrait, person: Person, model: HeadModel) -> dict[str, float]:
    """Return the relative error of the light over the true normals that are seen, with the best gain, in percent."""
    normals = towards_camera(person.seen(model), model)
    turn = fit.rotation @ person.rotation.T
    found, truth = irradiance(torch.from_numpy(normals @ turn.T)).numpy() @ fit.light, person.shading(normals)
    gain = (found * truth).sum() / np.square(found).sum()
    even = truth.mean()
    relative = lambda other: 100 * float(np.sqrt(np.square(other - truth).mean() / np.square(truth).mean()))  # noqa: E731
    return {"light_error_percent": relative(gain * found), "even_light_error_percent": relative(np.full_like(truth, even))}


def measure_vertices(fit: FittedPortrait, person: Person, model: HeadModel) -> float:
    """Return the mean distance of the face's vertices after the best similarity, mm."""
    face = model.container.regions["face"]
    with torch.no_grad():
        found, truth = (model(one).numpy()[face] for one in (fit.parameters(), person.parameters))
    return 1000 * float(np.linalg.norm(similar(found, truth) - truth, axis=1).mean())


def similar(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return points after the similarity that brings them nearest to others (Umeyama 1991, equations 40 to 42)."""
    middle, aim = points.mean(0), target.mean(0)
    left, size, right = np.linalg.svd((target - aim).T @ (points - middle))
    turn = np.diag([1, 1, np.sign(np.linalg.det(left @ right))])
    scale = (size * np.diag(turn)).sum() / np.square(points - middle).sum()
    return scale * (points - middle) @ (left @ turn @ right).T + aim


def measure_space(
    sheet: Sheet,
    family: Family,
    prepared: dict[str, PreparedPortrait],
    fits: dict[str, FittedPortrait],
    methods: list[str],
) -> dict[str, Any]:
    """Return how a texture space of portraits does: the share of the true variance in its components, as the stage learns it.

    Where ways of completion are named, also those ways' errors, and the same share by principal components of the seen texels
    alone, by how much of the fits' light is divided out, and with light aligned.
    """
    seen = Seen.of(unwrap(sheet, one, fits[name]) for name, one in prepared.items())
    space, rows = (
        learn_space(seen, sheet, TextureSpaceSettings(components=COMPONENTS)),
        np.flatnonzero(seen_by_enough(seen.weights)),
    )
    truth, skin = (part[..., rows, :] if part.ndim > 1 else part[rows] for part in true_textures(sheet, family, prepared))
    judged, weights = skin > SKIN, seen.weights[:, rows]
    results = {"pictures": len(prepared), "visible_share": float((weights > 0).mean()), "light": space.light}
    results |= {"completion": space.method, "recovered": share_within(truth[:, judged], space.components[rows][judged])}
    results |= {f"kept_back_{name}": error for name, error in (space.light_errors | space.errors).items()}
    if not methods:
        return results
    whole = divided(seen.colours, seen.light, LIGHT_SHARES[space.light])
    variants = {name: divided(seen.colours, seen.light, share)[:, rows] for name, share in LIGHT_SHARES.items()}
    variants["aligned"] = lights_aligned(whole, seen.weights, sheet)[:, rows]
    for name, values in variants.items():
        apart = np.square(values - truth)[:, judged][weights[:, judged] > 0]
        components = learn_low_rank(values, weights, COMPONENTS).components
        results[f"error_{name}"] = 255 * float(np.sqrt(apart.mean()))
        results[f"recovered_{name}"] = share_within(truth[:, judged], components[judged])
    textures = Textures(sheet, variants[space.light], weights, rows, COMPONENTS)
    return results | {f"completion_{name}": error for name, error in compare(textures, methods).items()}


def true_textures(sheet: Sheet, family: Family, prepared: dict[str, PreparedPortrait]) -> tuple[np.ndarray, np.ndarray]:
    """Return the true albedos at a sheet's texels, and where the family is: the mean of the family's finer texels."""
    side = sheet.texels.covered.shape[0]

    def at_sheet(values: np.ndarray) -> np.ndarray:
        picture = cv2.resize(family.sheet.texels.picture(values), (side, side), interpolation=cv2.INTER_AREA)
        return picture.reshape(side, side, -1)[sheet.texels.covered]

    codes = [person_of(name, family.sheet.model).codes for name in prepared]
    return np.stack([at_sheet(family.texture(one)) for one in codes]), at_sheet(family.skin[:, None])[:, 0]


def share_within(truth: np.ndarray, components: np.ndarray) -> float:
    """Return the share of the variance of true textures that lies in the span of components."""
    basis, _ = np.linalg.qr(components.reshape(-1, components.shape[2]).astype(np.float64))
    apart = (truth - truth.mean(0)).reshape(len(truth), -1).astype(np.float64)
    return float(np.square(apart @ basis).sum() / np.square(apart).sum())
