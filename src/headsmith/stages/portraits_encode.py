"""Portraits by DECA's network in the place of a fit: its codes as they are, and the same as a fitted portrait."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy import ndarray

from headsmith.contract.conventions import convention_of
from headsmith.contract.errors import UserError
from headsmith.contract.portraits import DECA_HEAD
from headsmith.contract.settings import PortraitsSettings
from headsmith.heads.embedding_model import EmbeddedModel
from headsmith.heads.model import HeadModel
from headsmith.maths.cameras import FLIP
from headsmith.maths.rotations import axis_angle_to_matrix
from headsmith.media.atomic import atomic_folder
from headsmith.media.progress import progress
from headsmith.nets.deca import SIDE, Deca, load_deca
from headsmith.stages.portraits_codes import LIGHT_SIGNS
from headsmith.stages.portraits_device import open_device
from headsmith.stages.portraits_file import WEAK, FittedPortrait, write_portrait
from headsmith.stages.portraits_fits import FitFacts, FitsManifest, write_fits_manifest
from headsmith.stages.portraits_manifest import read_prepared_manifest
from headsmith.stages.portraits_prepared import PreparedPortrait, read_prepared

DISTANCE = 100.0
"""Metres before a weak camera: of no effect, but that what draws in perspective draws nearly the same."""


def encode_portraits(
    *, portrait: str, prepared: Path, head: Path, network: Path, manifest: Path, settings: PortraitsSettings, threads: int
) -> None:
    """Write what DECA's network tells of each picture.

    Args:
        portrait: Name of the portrait.
        prepared: ``prepared.json``.
        head: The container of FLAME 2020.
        network: ``deca_model.tar``.
        manifest: ``fits.json``; fitted portraits go to the folder beside it, with DECA's own codes and displacements.
        settings: Where it runs.
        threads: Of torch.

    Raises:
        UserError: The network cannot be read or cannot run there, or the head is another.
    """
    torch.set_num_threads(threads)
    told, model = read_prepared_manifest(prepared), HeadModel.load(head, torch.float64)
    if model.container.name != DECA_HEAD or told.size != SIDE:
        what = f"DECA's network is of {DECA_HEAD} and {SIDE} pixels, and these are {model.container.name} and {told.size}"
        raise UserError(what, file=head, remedy=f"set heads.model to {DECA_HEAD} and portraits.size to {SIDE}")
    device = open_device(settings.device)
    deca = load_deca(network).to(device)
    facts = []
    with atomic_folder(manifest.with_suffix("")) as folder:
        for name in progress(told.names, len(told.names), f"{portrait}: DECA's network"):
            part = read_prepared(prepared.with_suffix(""), name)
            codes = run(deca, part, device)
            fitted = as_fitted(codes, part, model)
            write_portrait(folder / f"{name}.npz", fitted)
            np.savez(folder / f"{name}.detail.npz", **codes)
            facts.append(FitFacts.of(fitted))
    write_fits_manifest(manifest, FitsManifest(portrait, told.person, model.container.name, model.sha256, tuple(facts), ()))


def run(deca: Deca, prepared: PreparedPortrait, device: torch.device) -> dict[str, ndarray]:
    """Return DECA's codes of a picture, without a leading shape, and ``displacement``."""
    picture = torch.from_numpy(np.ascontiguousarray(prepared.picture.transpose(2, 0, 1)))[None].to(device).float() / 255
    codes = deca.encode(picture)
    return {name: part[0].cpu().numpy() for name, part in (codes | {"displacement": deca.displacement(codes)}).items()}


def as_fitted(codes: dict[str, ndarray], prepared: PreparedPortrait, model: HeadModel) -> FittedPortrait:
    """Return DECA's codes as a fitted portrait, seen by the weak camera that its own is (``portraits_codes``).

    Args:
        codes: Without a leading shape.
        prepared: The picture.
        model: FLAME 2020, float64.
    """
    numbers = {name: values.astype(np.float64) for name, values in codes.items()}
    side = prepared.picture.shape[0]
    turn = axis_angle_to_matrix(torch.from_numpy(numbers["pose"][:3])).numpy()
    head = model.container
    fitted = FittedPortrait(
        name=prepared.name,
        head_sha256=model.sha256,
        texture_sha256="",
        camera=WEAK,
        convention=prepared.convention,
        identity=filled(numbers["shape"], len(head.identity)),
        expression=filled(numbers["exp"], len(head.expression)),
        eyelids=np.zeros(2),
        jaw=numbers["pose"][3:],
        eyes=np.zeros((2, 3)),
        neck=np.zeros(3),
        rotation=FLIP[:, None] * turn,
        translation=np.zeros(3),
        focal=float(numbers["cam"][0] * side / 2),
        principal=np.full(2, side / 2),
        size=side,
        texture=np.zeros(0),
        offset=np.zeros((0, 0, 3), np.float32),
        colour=np.ones(3),
        light=LIGHT_SIGNS[:, None] * numbers["light"],
        landmark_error=0.0,
        psnr=math.nan,
    )
    return placed(fitted, numbers["cam"], prepared, model)


def placed(fitted: FittedPortrait, cam: ndarray, prepared: PreparedPortrait, model: HeadModel) -> FittedPortrait:
    """Return the portrait where DECA's camera sees it, with the error of its landmarks."""
    joint = model.places(fitted.parameters())[0].numpy()
    turned = joint - (FLIP[:, None] * fitted.rotation) @ joint
    there = FLIP * np.array([cam[1] + turned[0], cam[2] + turned[1], -DISTANCE])
    fitted = replace(fitted, translation=there)
    return replace(fitted, landmark_error=landmark_error(fitted, prepared, model))


def landmark_error(fitted: FittedPortrait, prepared: PreparedPortrait, model: HeadModel) -> float:
    """Return the mean distance of the landmarks that are not on the outline, percent of the eye distance; 0 without any."""
    convention = convention_of(prepared.convention)
    if convention.name not in model.container.embeddings:
        return 0.0
    marks = EmbeddedModel.from_head(model, convention.name)
    found = fitted.seen_at(fitted.in_camera(marks(fitted.parameters()).numpy()))[:, :2]
    points = marks.points.numpy()
    right, left = convention.outer_eye_corners
    apart = np.linalg.norm(found - prepared.landmarks[points], axis=1)[~np.isin(points, convention.outline)]
    return 100 * float(apart.mean() / np.linalg.norm(prepared.landmarks[right] - prepared.landmarks[left]))


def filled(codes: ndarray, count: int) -> ndarray:
    """Return codes with zeros behind them."""
    whole = np.zeros(count)
    whole[: len(codes)] = codes
    return whole
