"""What of a person's identity codes the landmarks of one camera can show: the rest keeps its expected value.

A head twice as large and twice as far away gives the same picture, so its size is not sought: the eyes are as far apart as the
expected person's. Where it is left to the priors, they choose it for the sake of other codes: heads of known size came out a
quarter too small, even from points without error, because a small head moves farther by the same codes (docs/accuracy.md).
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.heads.clip_types import ClipProblem
from headsmith.heads.landmark_model import LandmarkModel

LEAST_EFFECT = 1e-4
"""Metres. Directions of identity whose one standard deviation moves the landmarks by less, in the root mean square, are not
sought. On the head anny 57 of 150 directions move them more; a detector's errors are some 20 times as large."""


@dataclass(frozen=True)
class Person:
    """The identity codes that are sought: all codes are ``mean + z @ directions``, directions orthonormal."""

    mean: Float[Tensor, " K"]
    directions: Float[Tensor, "D K"]

    def codes(self, sought: Float[Tensor, " D"]) -> Float[Tensor, " K"]:
        """Return all identity codes."""
        return self.mean + sought @ self.directions


def narrow_identity(problem: ClipProblem, eyes: tuple[int, int], fixed: bool) -> tuple[ClipProblem, Person]:
    """Return the problem in the directions of identity that its landmarks show; in none, where the person is fixed.

    The prior is the same along all directions, so leaving out those without effect changes nothing else.

    Args:
        problem: The problem.
        eyes: Which of its landmarks are the outer corners of the eyes, whose distance is not sought.
        fixed: Whether the person is known.
    """
    landmarks, priors = problem.landmarks, problem.priors
    mean = priors.identity_mean.expand(len(landmarks.identity))
    directions = mean.new_zeros(0, len(mean)) if fixed else shown_directions(landmarks, size_slope(problem, eyes))
    narrowed = replace(priors, identity_mean=mean.new_zeros(len(directions)))
    person = Person(mean, directions)
    return replace(problem, landmarks=landmarks.from_person(mean, directions), priors=narrowed), person


def size_slope(problem: ClipProblem, eyes: tuple[int, int]) -> Float[Tensor, " K"]:
    """Return the derivative of the distance of two landmarks of the head at rest by the identity codes, metres."""
    landmarks, mean = problem.landmarks, problem.priors.identity_mean.expand(len(problem.landmarks.identity))
    rest = landmarks.jacobian(mean, mean.new_zeros(1, landmarks.layout.count))
    apart = rest.points[0, eyes[0]] - rest.points[0, eyes[1]]
    return (apart / apart.norm()) @ (rest.identity[0, :, eyes[0]] - rest.identity[0, :, eyes[1]])


def shown_directions(landmarks: LandmarkModel, size: Float[Tensor, " K"]) -> Float[Tensor, "D K"]:
    """Return the orthonormal directions of identity codes that move landmarks and keep the size, strongest first.

    Args:
        landmarks: The landmarks.
        size: What the codes do to the head's size.
    """
    parts = [landmarks.identity, *(part.identity for part in landmarks.parts)]
    effect = torch.cat([part.flatten(1) for part in parts], 1) / len(landmarks.base) ** 0.5
    along = size / size.norm().clamp(min=1e-12)
    left, sizes, _ = torch.linalg.svd(effect - along[:, None] * (along @ effect), full_matrices=False)
    return left.mT[sizes > LEAST_EFFECT].contiguous()
