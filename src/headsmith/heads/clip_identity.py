"""What of a person's identity codes landmarks can show: the rest keeps its expected value, and need not be sought."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.heads.clip_types import ClipProblem
from headsmith.heads.landmark_model import LandmarkModel

LEAST_EFFECT = 2e-5
"""Metres. Directions of identity whose one standard deviation moves the landmarks by less, in the root mean square, are not
sought. On the head anny 92 of 150 directions move them more; a detector's errors are some 40 times as large."""


@dataclass(frozen=True)
class Person:
    """The identity codes that are sought: all codes are ``mean + z @ directions``, directions orthonormal."""

    mean: Float[Tensor, " K"]
    directions: Float[Tensor, "D K"]

    def codes(self, sought: Float[Tensor, " D"]) -> Float[Tensor, " K"]:
        """Return all identity codes."""
        return self.mean + sought @ self.directions


def narrow_identity(problem: ClipProblem, fixed: bool) -> tuple[ClipProblem, Person]:
    """Return the problem in the directions of identity that its landmarks show; in none, where the person is fixed.

    The prior is the same along all directions, so leaving out those without effect changes nothing else.
    """
    landmarks, priors = problem.landmarks, problem.priors
    mean = priors.identity_mean.expand(len(landmarks.identity))
    directions = mean.new_zeros(0, len(mean)) if fixed else shown_directions(landmarks)
    narrowed = replace(priors, identity_mean=mean.new_zeros(len(directions)))
    person = Person(mean, directions)
    return replace(problem, landmarks=landmarks.from_person(mean, directions), priors=narrowed), person


def shown_directions(landmarks: LandmarkModel) -> Float[Tensor, "D K"]:
    """Return the orthonormal directions of identity codes that move landmarks, strongest first."""
    parts = [landmarks.identity, *(part.identity for part in landmarks.parts)]
    effect = torch.cat([part.flatten(1) for part in parts], 1) / len(landmarks.base) ** 0.5
    left, sizes, _ = torch.linalg.svd(effect, full_matrices=False)
    return left.mT[sizes > LEAST_EFFECT].contiguous()
