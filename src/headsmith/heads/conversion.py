"""Carrying a clip's parameters over to another head by fitting its vertices, or the landmarks that both heads have.

Codes of one head model mean something else on another, FLAME 2020 and 2023 included, so they are never copied. The person at
rest is fitted first: ridge least squares on the identity codes, whose unit is a standard deviation, and a rigid motion. Then
every frame: Gauss-Newton on expression, eyelids, jaw and eyes, and a rigid motion that goes into the camera.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headsmith.heads.conversion_places import LANDMARKS, Places, shared_places
from headsmith.heads.conversion_sums import MILLIMETRES, HeadState, PersonSums, normal_equations
from headsmith.heads.landmark_model import LandmarkModel
from headsmith.heads.model import HeadModel, HeadParameters
from headsmith.maths.rotations import axis_angle_to_matrix, skew

ANGLE_DEVIATION, LID_DEVIATION = 0.1, 0.2
"""How far, in radians and shares of closing, joints and lids go from where they were on the first head for a unit of ridge."""
LID_RANGE = (0.0, 1.0)
MOST_STEPS, SETTLED = 30, 1e-6
"""Steps of a fit, and the largest change of a code, radian or metre at which it ends."""
DAMPING = 1e-9
"""Square millimetres added so that codes which move nothing stay; it slows the fit, and does not move where it ends."""
LANDMARK_RIDGE = 100.0
"""The identity's ridge is so many times larger where landmarks are matched: ears and neck are what the codes make of them.
Between Anny's heads of 60 and of 40 components (a real clip) face, scalp and whole head miss by 0.7, 2.0 and 2.6 mm; without
the skull's places by 0.8, 4.6 and 2.8 mm, and without the larger ridge either by 0.8, 9.0 and 3.3 mm, with codes up to 4
deviations."""
BATCH = 32
"""Frames that are fitted together."""


@dataclass(frozen=True)
class ConvertedFrames:
    """Frames on the second head.

    Attributes:
        state: Codes, and the rigid motion from the second head's frame into the first's, the neck at rest.
        distances: Between the places of both heads, metres.
    """

    state: HeadState
    distances: Float[Tensor, "B L"]


@dataclass(frozen=True)
class Conversion:
    """A person's way from one head to another.

    Attributes:
        places: Places that both heads share.
        source: The places on the first head.
        target: The places on the second head.
        person: The identity codes on the first head.
        identity: The identity codes on the second head.
        turn: Rotation from the second head's frame into the first's, of the person at rest.
        shift: The same, metres.
        distances: Between the places of both heads, the person at rest, metres.
        sums: What fitting frames needs.
        ridge: Weight of the codes' own prior, square millimetres a squared deviation.
    """

    places: Places
    source: LandmarkModel
    target: LandmarkModel
    person: Float[Tensor, " K"]
    identity: Float[Tensor, " M"]
    turn: Float[Tensor, "3 3"]
    shift: Float[Tensor, "3"]
    distances: Float[Tensor, " L"]
    sums: PersonSums
    ridge: float

    @classmethod
    def between(cls, source: HeadModel, target: HeadModel, person: Float[Tensor, " K"], ridge: float) -> "Conversion":
        """Fit the person at rest.

        Args:
            source: The head that the codes are of, float64.
            target: The head that codes are wanted of, float64.
            person: The identity codes.
            ridge: Weight of the codes' own prior, square millimetres a squared deviation.

        Raises:
            UserError: The heads share neither triangles nor landmarks.
        """
        places = shared_places(source.container, target.container)
        models = [LandmarkModel.from_head(head, *at) for head, at in ((source, places.source), (target, places.target))]
        given = models[0].points(person, person.new_zeros(1, models[0].layout.count))[0]
        for_person = ridge * (LANDMARK_RIDGE if places.kind == LANDMARKS else 1)
        identity, turn, shift = fit_person(models[1], given, places.weights, for_person)
        found = models[1].points(identity, person.new_zeros(1, models[1].layout.count))[0]
        distances = (found @ turn.mT + shift - given).norm(dim=-1)
        sums = PersonSums.of_person(models[1], identity, places.weights)
        return cls(places, *models, person, identity, turn, shift, distances, sums, ridge)

    def frames(self, parameters: HeadParameters) -> Iterator[ConvertedFrames]:
        """Yield the frames of a clip on the second head, some at a time.

        Args:
            parameters: The first head's, float64, frames first; identity and neck are not looked at.
        """
        flat = (parameters.expression, parameters.eyelids, parameters.jaw, parameters.eyes.flatten(1))
        for codes in torch.cat(flat, 1).split(BATCH):
            yield self._fit(codes)

    def _fit(self, codes: Float[Tensor, "B C"]) -> ConvertedFrames:
        points = self.source.points(self.person, codes)
        own, count = self.target.layout, len(codes)
        lids, angles = codes[:, self.source.layout.expression : self.source.layout.linear], codes[:, -9:]
        linear = torch.cat([codes.new_zeros(count, own.expression), lids], 1)
        state = HeadState(linear, angles.unflatten(1, (3, 3)), self.turn.expand(count, 3, 3), self.shift.expand(count, 3))
        state = fit_frames(self.sums, points, state, self.ridge)
        found = self.target.points(self.identity, torch.cat([state.linear, state.angles.flatten(1)], 1))
        seen = found @ state.turn.mT + state.shift[:, None]
        return ConvertedFrames(state, (seen - points).norm(dim=-1))


def fit_person(
    model: LandmarkModel, given: Float[Tensor, "L 3"], weights: Float[Tensor, " L"], ridge: float
) -> tuple[Float[Tensor, " K"], Float[Tensor, "3 3"], Float[Tensor, "3"]]:
    """Return the identity codes of a person at rest, and the rigid motion from the model's frame into that of ``given``.

    Gauss-Newton in the model's frame, where the identity basis, and so its part of the matrix, stays as it is.
    """
    base, basis = _at_rest(model)
    loaded = MILLIMETRES * weights[:, None] * basis
    count = len(basis)
    matrix = basis.new_zeros(count + 6, count + 6)
    matrix[:count, :count] = loaded.flatten(1) @ basis.flatten(1).mT
    prior = torch.cat([torch.full((count,), ridge, dtype=basis.dtype), basis.new_zeros(6)])
    identity, turn, shift = basis.new_zeros(count), torch.eye(3, dtype=basis.dtype), basis.new_zeros(3)
    for _ in range(MOST_STEPS):
        own = (given - shift) @ turn
        miss = base + torch.tensordot(identity, basis, 1) - own
        rigid = torch.cat([-skew(own), torch.eye(3, dtype=basis.dtype).expand(len(own), 3, 3)], 2)
        weighed = MILLIMETRES * weights[:, None, None] * rigid
        matrix[:count, count:] = torch.einsum("kna,nar->kr", basis, weighed)
        matrix[count:, :count] = matrix[:count, count:].mT
        matrix[count:, count:] = torch.einsum("nar,nas->rs", rigid, weighed)
        slope = torch.cat([torch.einsum("kna,na->k", loaded, miss), torch.einsum("nar,na->r", weighed, miss)])
        slope[:count] += ridge * identity
        step = -torch.linalg.solve(matrix + torch.diag(prior + DAMPING), slope)
        identity = identity + step[:count]
        shift = shift + turn @ step[count + 3 :]
        turn = turn @ axis_angle_to_matrix(step[count : count + 3])
        if step.abs().max() < SETTLED:
            break
    return identity, turn, shift


def fit_frames(sums: PersonSums, points: Float[Tensor, "B L 3"], start: HeadState, ridge: float) -> HeadState:
    """Return the frames that meet given points best, lids kept in 0..1.

    Expression is drawn to zero by the ridge; joints and lids mean the same on all heads, so they are drawn to where they start.
    """
    moments, mean = sums.moments(points), torch.einsum("n,bna->ba", sums.weights, points)
    expression = start.linear.shape[1] - 2
    deviations = [torch.ones(expression), torch.full((2,), LID_DEVIATION), torch.full((9,), ANGLE_DEVIATION)]
    prior = torch.cat([ridge / torch.cat(deviations).to(points) ** 2, points.new_zeros(6)])
    home = torch.cat([torch.zeros_like(start.linear[:, :-2]), start.linear[:, -2:], start.angles.flatten(1)], 1)
    state = start
    for _ in range(MOST_STEPS):
        matrix, slope = normal_equations(sums, state, moments, mean)
        away = torch.cat([state.linear, state.angles.flatten(1)], 1) - home
        slope = slope + prior * torch.nn.functional.pad(away, (0, 6))
        step = _bounded_step(matrix + torch.diag(prior + DAMPING), slope, state.linear[:, -2:], expression)
        state = state.moved(step)
        if step.abs().max() < SETTLED:
            break
    return state


def _bounded_step(
    matrix: Float[Tensor, "B U U"], slope: Float[Tensor, "B U"], lids: Float[Tensor, "B 2"], first: int
) -> Float[Tensor, "B U"]:
    """Return the step downhill; a lid at an end of its range that would go beyond stays there, and the others know."""
    low, high = LID_RANGE
    toward = slope[:, first : first + 2]
    stuck = torch.zeros_like(slope, dtype=torch.bool)
    stuck[:, first : first + 2] = ((lids <= low) & (toward > 0)) | ((lids >= high) & (toward < 0))
    step = _free_step(matrix, slope, stuck)
    inside = (lids + step[:, first : first + 2]).clamp(low, high) - lids
    return torch.cat([step[:, :first], inside, step[:, first + 2 :]], 1)


def _free_step(matrix: Float[Tensor, "B U U"], slope: Float[Tensor, "B U"], stuck: Bool[Tensor, "B U"]) -> Float[Tensor, "B U"]:
    free = (~stuck).to(matrix)
    held = matrix * free[:, :, None] * free[:, None] + torch.diag_embed(1 - free)
    return -torch.linalg.solve(held, slope * free)


def _at_rest(model: LandmarkModel) -> tuple[Float[Tensor, "L 3"], Float[Tensor, "K L 3"]]:
    """Return the places of the mean head at rest, and of its identity basis."""
    base, basis = model.base.clone(), model.identity.clone()
    for part in model.parts:
        base[part.rows] += part.base
        basis[:, part.rows] += part.identity
    return base, basis
