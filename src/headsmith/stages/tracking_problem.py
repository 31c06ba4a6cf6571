"""What a clip's landmarks ask of the head, as a problem to be solved."""

import torch

from headsmith.contract.settings import TrackingSettings
from headsmith.heads.clip_priors import build_priors
from headsmith.heads.clip_types import ClipProblem
from headsmith.heads.embedding_types import Embedding
from headsmith.heads.landmark_model import LandmarkModel
from headsmith.heads.model import HeadModel
from headsmith.stages.tracking_input import SeenLandmarks
from headsmith.stages.tracking_output import on_outline

ROBUST = 1.0
"""Distance, in units of the expected error, at which a landmark's loss turns linear."""
OUTLINE_WEIGHT = 0.3
"""Weight of the outline of the face, which the detector sees worst; it counts in the fit but in no error."""


def pose_problem(
    model: HeadModel, embedding: Embedding, seen: SeenLandmarks, size: tuple[int, int], settings: TrackingSettings
) -> ClipProblem:
    """Return what is to be fitted to what."""
    faces, weights = torch.from_numpy(embedding.faces).long(), torch.from_numpy(embedding.barycentrics).double()
    landmarks = LandmarkModel.from_head(model, faces, weights)
    usable = torch.from_numpy(seen.usable)
    weight = torch.where(torch.from_numpy(on_outline(embedding.points, seen.convention)), OUTLINE_WEIGHT, 1.0).double()
    units = model.container.expression_names
    return ClipProblem(
        landmarks=landmarks,
        pixels=torch.from_numpy(seen.points[:, embedding.points]),
        weights=usable[:, None].double() * weight * torch.from_numpy(seen.trust[:, embedding.points]),
        noise=settings.noise / 100 * seen.eye_distance,
        robust=ROBUST,
        principal=torch.tensor(size, dtype=torch.float64) / 2,
        pivot=landmarks.base.mean(0),
        priors=build_priors(landmarks.layout, units, seen.hints, usable, size[0], seen.eye_distance, settings),
    )
