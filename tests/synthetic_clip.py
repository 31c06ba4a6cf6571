"""A clip whose truth is known: smooth motion of the synthetic head, and its landmarks as a problem to be solved."""

from dataclasses import replace

import numpy as np
import torch
from synthetic_head import synthetic_head

from headsmith.contract.landmark_groups import CONVENTION
from headsmith.contract.settings import TrackingSettings
from headsmith.heads.clip_priors import Hints, build_priors
from headsmith.heads.clip_types import ClipProblem, ClipState, project_landmarks
from headsmith.heads.landmark_model import LandmarkModel
from headsmith.heads.model import HeadModel
from headsmith.maths.rotations import axis_angle_to_matrix

SIZE, FOCAL, FRAMES, LANDMARKS, EYES, EYE_CORNERS = 256, 700.0, 24, 478, 70.0, (33, 263)
NO_HINTS = Hints((), np.zeros((FRAMES, 0)))
FACING = torch.diag(torch.tensor([1.0, -1, -1], dtype=torch.float64))


def landmark_model():
    head = HeadModel.from_container(synthetic_head(identity=3, expression=4), torch.float64)
    embedding = head.container.embeddings[CONVENTION]
    return LandmarkModel.from_head(
        head, torch.from_numpy(embedding.faces).long(), torch.from_numpy(embedding.barycentrics).double()
    )


def waves(count, size, seed):
    """Smooth random curves over the frames."""
    generator = torch.Generator().manual_seed(seed)
    phase, speed = 6 * torch.rand(count, generator=generator), 0.05 + 0.15 * torch.rand(count, generator=generator)
    return (size * torch.sin(torch.arange(FRAMES)[:, None] * speed + phase)).double()


def true_state(landmarks):
    layout = landmarks.layout
    angles = torch.zeros(FRAMES, 9, dtype=torch.float64)
    angles[:, 0] = 0.1 + waves(1, 0.1, 1)[:, 0]
    angles[:, 3:5], angles[:, 6:8] = waves(2, 0.15, 2), waves(2, 0.15, 2)
    codes = torch.cat([waves(layout.linear, 0.2, 3) + 0.4, angles], -1)
    rotation = axis_angle_to_matrix(waves(3, 0.2, 4)) @ FACING
    position = waves(3, 0.02, 5) + torch.tensor([0.0, 0, 0.7], dtype=torch.float64)
    spot = torch.cat([FOCAL * position[:, :2] / position[:, 2:], (FOCAL / position[:, 2:]).log()], -1)
    identity = torch.tensor([0.8, -0.5, 0.3], dtype=torch.float64)
    return ClipState(identity, torch.tensor(FOCAL, dtype=torch.float64).log(), rotation, spot, codes)


def make_problem(landmarks, state, *, noise=0.0, weight=1.0, expected=0.5):
    """The landmarks of a state with noise in pixels; ``weight`` scales all priors."""
    settings = TrackingSettings(identity_weight=weight, expression_weight=max(weight, 1e-9), smoothness=max(weight, 1e-9))
    seen = torch.ones(FRAMES, dtype=torch.bool)
    priors = build_priors(landmarks.layout, ("unit",) * 4, NO_HINTS, seen, SIZE, EYES, settings)
    blank = torch.zeros(FRAMES, LANDMARKS, 2, dtype=torch.float64)
    centre = torch.full((2,), SIZE / 2, dtype=torch.float64)
    weights = torch.ones(FRAMES, LANDMARKS, dtype=torch.float64)
    problem = ClipProblem(landmarks, blank, weights, expected, 1.0, centre, landmarks.base.mean(0), priors)
    generator = torch.Generator().manual_seed(9)
    shaken = noise * torch.randn(blank.shape, generator=generator, dtype=torch.float64)
    return replace(problem, pixels=project_landmarks(problem, state) + shaken)
