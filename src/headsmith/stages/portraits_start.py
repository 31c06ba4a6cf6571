"""Where the fit of portraits begins: the head fitted to their landmarks alone, by the solver that fits clips.

Several pictures are a clip whose frames nothing ties but the person. A weak camera is a pinhole so far away that a head shows
no perspective.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from headsmith.contract.conventions import Convention, convention_of
from headsmith.contract.errors import UserError
from headsmith.contract.portraits_fit import WEAK
from headsmith.contract.settings import PortraitsSettings, TrackingSettings
from headsmith.heads.clip_fit import fit_clip, start_clip
from headsmith.heads.clip_identity import Person, narrow_identity
from headsmith.heads.clip_priors import Hints
from headsmith.heads.clip_types import ClipProblem, ClipState, project_landmarks, take_frames
from headsmith.heads.model import HeadModel
from headsmith.stages.portraits_file import FittedPortrait
from headsmith.stages.portraits_prepared import PreparedPortrait
from headsmith.stages.tracking_given import CERTAIN
from headsmith.stages.tracking_input import SeenLandmarks
from headsmith.stages.tracking_output import on_outline
from headsmith.stages.tracking_problem import Places, eye_rows, pose_problem

FAR: Final = 1000.0
"""Focal length, in sides of the crop, at which a head shows no perspective: it stands some 250 m away."""
WEAK_DEPTH: Final = 100.0
"""Metres before a weak camera: of no effect, but that what draws in perspective draws nearly the same."""
STEPS, TOLERANCE = 40, 1e-4
"""Most steps of the solver, and the share of the cost by which the last one lowered it."""
FEWEST: Final = 6
"""Landmarks from which a head's pose follows."""
PLAIN: Final = 0.5
"""Albedo of a skin whose colour was not yet looked at."""


def fewer_codes(model: HeadModel, identity: int, expression: int) -> HeadModel:
    """Return the head with its first identity and expression codes alone, in the precision of the model."""
    head = model.container
    names = head.expression_names[:expression]
    fewer = replace(head, identity=head.identity[:identity], expression=head.expression[:expression], expression_names=names)
    return HeadModel.from_container(fewer, model.template.dtype)


def start_portraits(
    prepared: Sequence[PreparedPortrait], model: HeadModel, settings: PortraitsSettings, threads: int = 1
) -> list[FittedPortrait]:
    """Return the pictures of one person with the head fitted to their landmarks; colours and light are not looked at.

    Args:
        prepared: The pictures; of one size and one convention.
        model: The head, in any precision.
        settings: Which codes are sought, the camera, what is believed of the landmarks.
        threads: Threads; the result does not depend on them.

    Raises:
        UserError: The pictures do not go together, the head lacks their landmarks, or too few landmarks count.
    """
    fewer = fewer_codes(model.to(torch.float64), settings.identity, settings.expression)
    case = _pose(prepared, fewer, settings)
    state = start_clip(case.problem, math.exp(case.problem.priors.log_focal[0]))
    state = fit_clip(case.problem, state, iterations=STEPS, tolerance=TOLERANCE, threads=threads).state
    low, high = case.problem.priors.code_low, case.problem.priors.code_high
    state = replace(state, codes=state.codes.clamp(low, high))
    return [
        _fitted(part, case, take_frames(state, slice(row, row + 1)), row, model, settings) for row, part in enumerate(prepared)
    ]


@dataclass(frozen=True)
class Case:
    """What is to be fitted."""

    problem: ClipProblem
    person: Person
    places: Places
    convention: Convention


def _pose(prepared: Sequence[PreparedPortrait], model: HeadModel, settings: PortraitsSettings) -> Case:
    side, convention = _together(prepared, model)
    points = np.stack([part.landmarks for part in prepared]).astype(np.float64)
    trust = landmark_trust(prepared, settings, convention)
    usable = np.ones(len(points), bool)
    hints = Hints((), np.zeros((len(points), 0)))
    seen = SeenLandmarks(tuple(range(len(points))), points, trust, usable, {}, hints, convention)
    known = TrackingSettings(noise=settings.noise)
    embedding, contour = (kept.get(convention.name) for kept in (model.container.embeddings, model.container.contours))
    problem = pose_problem(model, embedding, seen, (side, side), known, contour)
    places = Places.of(embedding, contour)
    priors = replace(problem.priors, tied=torch.zeros(len(points), dtype=torch.bool))
    if settings.camera == WEAK:
        priors = replace(priors, log_focal=(math.log(FAR * side), CERTAIN))
    weights = torch.from_numpy(trust[:, places.points])
    problem, person = narrow_identity(
        replace(problem, priors=priors, weights=weights), eye_rows(places.points, convention), fixed=not settings.identity
    )
    return Case(problem, person, places, convention)


def check_landmarks(prepared: Sequence[PreparedPortrait], model: HeadModel, settings: PortraitsSettings) -> None:
    """Accept pictures from whose landmarks a pose follows.

    Raises:
        UserError: They share no convention, the head lacks it, or too few landmarks count.
    """
    _, convention = _together(prepared, model)
    landmark_trust(prepared, settings, convention)


def _together(prepared: Sequence[PreparedPortrait], model: HeadModel) -> tuple[int, Convention]:
    """Return the side and the landmarks' convention that pictures share.

    Raises:
        UserError: They share none, or the head lacks these landmarks.
    """
    sides, names = {part.picture.shape[0] for part in prepared}, {part.convention for part in prepared}
    if len(sides) != 1 or len(names) != 1:
        what = f"pictures fitted together are of sides {sorted(sides)} and landmarks {sorted(names)}"
        raise UserError(what, clip=prepared[0].name, remedy="prepare them anew with the same settings")
    name = names.pop()
    if name not in model.container.embeddings:
        known = ", ".join(sorted(model.container.embeddings)) or "none"
        what = f"the landmarks are {name}, the head {model.container.name} has points of: {known}"
        remedy = "delete the head's file and run snakemake again, so that its landmarks are measured with this detector"
        raise UserError(what, clip=prepared[0].name, remedy=remedy)
    return sides.pop(), convention_of(name)


def landmark_trust(
    prepared: Sequence[PreparedPortrait], settings: PortraitsSettings, convention: Convention
) -> Float[ndarray, "T L"]:
    """Return the weight of each landmark in each picture: its confidence times the weight of its part of the face.

    Raises:
        UserError: A part is unknown, or so few count that no pose follows from them.
    """
    weight = np.ones(convention.count)
    for part, value in settings.landmark_parts.items():
        if part not in convention.parts and part != "irises":
            remedy = f"use some of: {', '.join(convention.parts)}"
            raise UserError(f"portraits.landmark_parts: no part of the face is called {part!r}", remedy=remedy)
        weight[list(convention.parts.get(part, ()))] = value
    sure = np.stack([part.confidence for part in prepared]).astype(np.float64)
    trust = np.where(sure >= settings.least_confidence, sure, 0) * weight
    together = (trust > 0).all(0).sum()
    for part, count in zip(prepared, (trust > 0).sum(1), strict=True):
        if min(count, together) < FEWEST:
            told = f"only {count} landmarks of the picture count" + (
                f", {together} in all pictures" if len(prepared) > 1 else ""
            )
            remedy = "name a better picture, bring landmarks of your own, or lower portraits.least_confidence"
            raise UserError(told, clip=part.name, remedy=remedy)
    return trust


def eye_distance(part: PreparedPortrait, convention: Convention) -> float:
    """Return the distance of the outer corners of the eyes, pixels."""
    right, left = convention.outer_eye_corners
    return float(np.linalg.norm(part.landmarks[right] - part.landmarks[left]))


def _fitted(
    part: PreparedPortrait, case: Case, state: ClipState, row: int, model: HeadModel, settings: PortraitsSettings
) -> FittedPortrait:
    """Return one picture's parameters, its codes filled up with zeros to the head's own number."""
    codes, layout, head = state.codes[0].numpy(), case.problem.landmarks.layout, model.container
    weak = settings.camera == WEAK
    scale, focal = float(state.spot[0, 2].exp()), float(state.log_focal.exp())
    position = state.position[0].numpy() if not weak else np.array([*(state.spot[0, :2].numpy() / scale), WEAK_DEPTH])
    rotation = state.rotation[0].numpy()
    return FittedPortrait(
        name=part.name,
        head_sha256=model.sha256,
        texture_sha256="",
        camera=settings.camera,
        convention=case.convention.name,
        identity=filled(case.person.codes(state.identity), len(head.identity)),
        expression=filled(state.codes[0, : layout.expression], len(head.expression)),
        eyelids=codes[layout.expression : layout.linear],
        jaw=codes[layout.angles(0)],
        eyes=codes[layout.linear + 3 :].reshape(2, 3),
        neck=np.zeros(3),
        rotation=rotation,
        translation=position - rotation @ case.problem.pivot.numpy(),
        focal=scale if weak else focal,
        principal=case.problem.principal.numpy(),
        size=part.picture.shape[0],
        texture=np.zeros(0),
        offset=np.zeros((0, 0, 3), np.float32),
        colour=np.full(3, PLAIN),
        light=_even_light(),
        landmark_error=_error(part, case, state, row),
        psnr=math.nan,
    )


def filled(codes: Float[Tensor, " n"], count: int) -> Float[ndarray, " m"]:
    """Return codes with zeros behind them, float64."""
    whole = np.zeros(count)
    whole[: len(codes)] = codes.detach().double().numpy()
    return whole


def _even_light() -> Float[ndarray, "9 3"]:
    light = np.zeros((9, 3))
    light[0] = math.sqrt(4 * math.pi)
    return light


def _error(part: PreparedPortrait, case: Case, state: ClipState, row: int) -> float:
    one = replace(case.problem, pixels=case.problem.pixels[row : row + 1], weights=case.problem.weights[row : row + 1])
    points, found = case.places.seen((project_landmarks(one, state) - one.pixels).norm(dim=-1), state)
    inner = ~on_outline(points, case.convention)
    return 100 * float(found[0, torch.from_numpy(inner)].mean()) / eye_distance(part, case.convention)
