"""Carrying a clip's parameters over to another head by fitting its vertices, or the landmarks that both heads have.

Codes of one head model mean something else on another, FLAME 2020 and 2023 included, so they are never copied. The person at
rest is fitted first: ridge least squares on the identity codes, whose unit is a standard deviation, and a rigid motion. Then
every frame: Gauss-Newton on expression, eyelids, jaw and eyes, and a rigid motion that goes into the camera.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.heads.conversion_equations import HeadState
from headsmith.heads.conversion_fit import fit_frames, fit_person
from headsmith.heads.conversion_places import LANDMARKS, Places, shared_places
from headsmith.heads.conversion_sums import PersonSums
from headsmith.heads.landmark_model import LandmarkModel
from headsmith.heads.model import HeadModel, HeadParameters

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
