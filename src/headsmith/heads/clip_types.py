"""What is known, what is sought and what is believed beforehand when a head is fitted to a whole clip."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from headsmith.heads.embedding_contour import head_yaw, nearest_rows
from headsmith.heads.landmark_model import LandmarkModel


@dataclass(frozen=True)
class ClipState:
    """The unknowns.

    Attributes:
        identity: Codes of the person.
        log_focal: Natural logarithm of the focal length in pixels.
        rotation: Head to camera.
        spot: Where the head's pivot is seen: pixels from the principal point (2), and the logarithm of the pixels that a metre
            measures there. Unlike metres these hardly change with the focal length, which a face shows but weakly.
        codes: Expression, eyelids, jaw, eyes, as ``CodeLayout`` has them.
    """

    identity: Float[Tensor, " K"]
    log_focal: Float[Tensor, ""]
    rotation: Float[Tensor, "T 3 3"]
    spot: Float[Tensor, "T 3"]
    codes: Float[Tensor, "T C"]

    @property
    def position(self) -> Float[Tensor, "T 3"]:
        """The head's pivot in the camera's axes, metres."""
        focal = self.log_focal.exp().expand(len(self.spot), 1)
        return torch.cat([self.spot[:, :2], focal], -1) * (-self.spot[:, 2:]).exp()


@dataclass(frozen=True)
class ClipPriors:
    """What is believed before a landmark is seen, as standard deviations.

    Attributes:
        code_mean: Expected codes.
        code_precision: Inverse covariance of the codes around them.
        code_low: Smallest codes that cost nothing more.
        code_high: Largest codes that cost nothing more.
        code_slack: How far a code may lie beyond its bounds at the cost of one standard deviation.
        code_step: Change of a code from frame to frame.
        tied: Whether each frame is followed by its successor in the video; nothing ties it otherwise. The last is not.
        turn_step: Change of the turn's speed from frame to frame, radians.
        spot_step: Change of the spot's speed from frame to frame: pixels, pixels, logarithm.
        identity: Deviation of the identity codes.
        identity_mean: Expected identity codes: 0, or those that are given.
        log_focal: Expected logarithm of the focal length, and its deviation.
        told: Share of the clip's frames that tell of what all share, 0..1: landmarks err alike in all. The deviations of
            identity and focal length are those of the beliefs times its root, so that they weigh as they would against so few.
    """

    code_mean: Float[Tensor, "T C"]
    code_precision: Float[Tensor, "C C"]
    code_low: Float[Tensor, " C"]
    code_high: Float[Tensor, " C"]
    code_slack: float
    code_step: Float[Tensor, " C"]
    tied: Bool[Tensor, " T"]
    turn_step: float
    spot_step: Float[Tensor, "3"]
    identity: float
    identity_mean: Float[Tensor, " #K"]
    log_focal: tuple[float, float]
    told: float = 1.0


@dataclass(frozen=True)
class Sliding:
    """Landmarks that slide over the skin: of each one's places the problem has them all, and the head's yaw chooses.

    Attributes:
        yaws: At which places hold, radians, ascending.
        rows: Which yaw each of the problem's landmarks belongs to; -1 for those that keep their place.
    """

    yaws: Float[Tensor, " R"]
    rows: Int[Tensor, " L"]

    def chosen(self, state: "ClipState") -> Bool[Tensor, "T L"]:
        """Return which places a camera sees in each frame."""
        near = nearest_rows(self.yaws, head_yaw(state.rotation, state.position))
        return (self.rows < 0) | (self.rows == near[:, None])


@dataclass(frozen=True)
class ClipProblem:
    """A clip's landmarks and the head to be fitted to them.

    Attributes:
        landmarks: The head's landmarks.
        pixels: Where the detector saw them; ignored where the weight is zero, and must be finite.
        weights: Confidence of each landmark in each frame, 0..1.
        noise: Standard deviation of a landmark of weight 1, pixels, along each axis.
        robust: Distance, in units of the noise, at which the loss turns from squared to linear.
        principal: Principal point, pixels.
        pivot: Point of the head about which it turns, metres; keeps turn and shift apart.
        priors: Beliefs.
        sliding: How landmarks slide, or nothing: all keep their places.
    """

    landmarks: LandmarkModel
    pixels: Float[Tensor, "T L 2"]
    weights: Float[Tensor, "T L"]
    noise: float
    robust: float
    principal: Float[Tensor, "2"]
    pivot: Float[Tensor, "3"]
    priors: ClipPriors
    sliding: Sliding | None = None

    @property
    def seen(self) -> Bool[Tensor, " T"]:
        """Frames in which any landmark counts."""
        return self.weights.sum(1) > 0


def turned(state: ClipState, points: Float[Tensor, "T L 3"], pivot: Float[Tensor, "3"]) -> Float[Tensor, "T L 3"]:
    """Return points of the head turned about its pivot into the camera's axes, not yet shifted."""
    return (points - pivot) @ state.rotation.mT


def project_landmarks(problem: ClipProblem, state: ClipState) -> Float[Tensor, "T L 2"]:
    """Return where the state's landmarks are seen, pixels."""
    points = problem.landmarks.points(state.identity, state.codes)
    seen = turned(state, points, problem.pivot) + state.position[:, None]
    return state.log_focal.exp() * seen[..., :2] / seen[..., 2:] + problem.principal


def translation(state: ClipState, pivot: Float[Tensor, "3"]) -> Float[Tensor, "T 3"]:
    """Return t of ``q = R p + t`` for points p of the head's frame, metres."""
    return state.position - state.rotation @ pivot


def take_frames(state: ClipState, frames: slice | Tensor) -> ClipState:
    """Return some frames of a state."""
    return ClipState(state.identity, state.log_focal, state.rotation[frames], state.spot[frames], state.codes[frames])


def at_rest(problem: ClipProblem, focal: float) -> ClipState:
    """Return a state with the expected head at rest in every frame, one metre before the camera."""
    count, priors = len(problem.pixels), problem.priors
    kind = problem.pixels.dtype
    identity = priors.identity_mean.to(kind).expand(len(problem.landmarks.identity)).clone()
    rotation = torch.eye(3, dtype=kind).expand(count, 3, 3)
    spot = torch.tensor([0.0, 0.0, math.log(focal)], dtype=kind)
    codes = torch.zeros_like(priors.code_mean).clamp(priors.code_low, priors.code_high)
    return ClipState(identity, torch.tensor(focal, dtype=kind).log(), rotation, spot.expand(count, 3), codes)
