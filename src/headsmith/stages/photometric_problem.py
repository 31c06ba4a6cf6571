"""A tracked clip as the start of a new fit: its landmarks, what is believed, and anchors whose shifts will be measured."""

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as nn
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from headsmith.bridges.track import OK, Track
from headsmith.heads.clip_identity import Person, narrow_identity
from headsmith.heads.clip_types import ClipProblem, ClipState, project_landmarks, translation
from headsmith.heads.landmark_model import LandmarkModel
from headsmith.heads.model import HeadModel
from headsmith.heads.photometric_anchors import Anchors, join_landmarks
from headsmith.stages.tracking_given import CERTAIN


@dataclass(frozen=True)
class Task:
    """What is fitted again.

    Attributes:
        track: The clip as it was tracked.
        problem: Its landmarks, and behind them the anchors, which do not count yet.
        person: The identity codes that are sought.
        landmarks: How many landmarks stand before the anchors.
        places: Frames that were tracked well, in whose pictures shifts are measured.
    """

    track: Track
    problem: ClipProblem
    person: Person
    landmarks: int
    places: list[int]

    def first_state(self) -> ClipState:
        """Return the state that the clip was tracked with."""
        track, pivot = self.track, self.problem.pivot
        parts = (track.expression, track.eyelids, track.jaw, track.eyes.reshape(-1, 6))
        codes, rotation, shift, identity = map(
            as_double, (np.concatenate(parts, 1), track.rotation, track.translation, track.identity)
        )
        sought = self.person.directions @ (identity - self.person.mean)
        position, focal = shift + rotation @ pivot, as_double(track.focal)
        scale = focal / position[:, 2:]
        spot = torch.cat([scale * position[:, :2], scale.log()], -1)
        return ClipState(sought, focal.log(), rotation, spot, codes)

    def track_of(self, state: ClipState) -> Track:
        """Return the clip with the parameters of a state."""
        codes, layout = state.codes.numpy(), self.problem.landmarks.layout
        return replace(
            self.track,
            identity=self.person.codes(state.identity).numpy(),
            expression=codes[:, : layout.expression],
            eyelids=codes[:, layout.expression : layout.linear],
            jaw=codes[:, layout.angles(0)],
            eyes=codes[:, layout.linear + 3 :].reshape(-1, 2, 3),
            rotation=state.rotation.numpy(),
            translation=translation(state, self.problem.pivot).numpy(),
            focal=float(state.log_focal.exp()),
        )

    def with_shifts(self, state: ClipState, shifts: Float[Tensor, "T A 2"], weights: Float[Tensor, "T A"]) -> ClipProblem:
        """Return the problem in which anchors are to lie a shift away from where a state has them.

        Args:
            state: Where the shifts were measured.
            shifts: Pixels.
            weights: Inverse variance of the shifts, per pixel squared.
        """
        now = project_landmarks(self.problem, state)[:, self.landmarks :]
        pixels = torch.cat([self.problem.pixels[:, : self.landmarks], now + shifts], 1)
        trust = torch.cat([self.problem.weights[:, : self.landmarks], weights * self.problem.noise**2], 1)
        return replace(self.problem, pixels=pixels, weights=trust)


def open_task(model: HeadModel, anchors: Anchors, problem: ClipProblem, eyes: tuple[int, int], track: Track) -> Task:
    """Return what is fitted again.

    Args:
        model: The head, float64.
        anchors: On the head.
        problem: The landmarks and beliefs that the clip was tracked by.
        eyes: Which of the landmarks are the outer corners of the eyes.
        track: How it was tracked.
    """
    count, more = len(problem.landmarks.base), len(anchors.vertices)
    own = LandmarkModel.from_head(model, *map(torch.from_numpy, (anchors.faces, anchors.barycentrics)))
    zeros = problem.weights.new_zeros(len(track.ids), more)
    ok = np.isin(np.arange(len(track.ids)), tracked_well(track))
    joined = replace(
        problem,
        landmarks=join_landmarks(problem.landmarks, own),
        pixels=torch.cat([problem.pixels, zeros[..., None].expand(-1, -1, 2)], 1),
        weights=torch.cat([problem.weights * torch.from_numpy(ok)[:, None], zeros], 1),
        sliding=problem.sliding and replace(problem.sliding, rows=nn.pad(problem.sliding.rows, (0, more), value=-1)),
    )
    narrowed, person = narrow_identity(joined, eyes, problem.priors.identity <= CERTAIN)
    return Task(track, narrowed, person, count, tracked_well(track))


def tracked_well(track: Track) -> list[int]:
    """Return the places of the frames that were tracked well."""
    return np.flatnonzero(np.array(track.status) == OK).tolist()


def as_double(values: ndarray | float) -> Tensor:
    """Return numbers as a float64 tensor."""
    return torch.from_numpy(np.array(values, np.float64))
