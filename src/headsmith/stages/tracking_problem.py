"""What a clip's landmarks ask of the head, as a problem to be solved."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from headsmith.contract.conventions import Convention
from headsmith.contract.settings import TrackingSettings
from headsmith.heads.clip_priors import build_priors
from headsmith.heads.clip_types import ClipProblem, ClipState, Sliding
from headsmith.heads.embedding_types import Contour, Embedding
from headsmith.heads.landmark_model import LandmarkModel
from headsmith.heads.model import HeadModel
from headsmith.stages.tracking_input import SeenLandmarks
from headsmith.stages.tracking_output import on_outline

ROBUST = 1.0
"""Distance, in units of the expected error, at which a landmark's loss turns linear."""
OUTLINE_WEIGHT = 0.3
"""Weight of the outline of the face, which the detector sees worst; it counts in the fit but in no error."""
MOST_YAWS = 20
"""Yaws at which a sliding outline is asked for: FLAME's has one a degree, from which a point moves a millimetre or two."""


@dataclass(frozen=True)
class Places:
    """Where landmarks lie on a head: those that keep their place first, then, yaw after yaw, those that slide.

    Attributes:
        points: Which of the detector's points each place is of.
        faces: Triangle of each place.
        barycentrics: Weights of its corners.
        yaws: At which the places of sliding landmarks hold, radians; none where nothing slides.
        kept: How many keep their place.
    """

    points: Int[ndarray, " L"]
    faces: Int[ndarray, " L"]
    barycentrics: Float[ndarray, "L 3"]
    yaws: Float[ndarray, " R"]
    kept: int

    @classmethod
    def of(cls, embedding: Embedding, contour: Contour | None) -> "Places":
        """Return the places of an embedding, and of a contour in place of its points."""
        if contour is None:
            return cls(embedding.points, embedding.faces, embedding.barycentrics, np.zeros(0), len(embedding.points))
        still = ~np.isin(embedding.points, contour.points)
        near = slice(None, None, -(-len(contour.yaws) // MOST_YAWS))
        yaws = contour.yaws[near]
        points = np.concatenate([embedding.points[still], np.tile(contour.points, len(yaws))])
        faces = np.concatenate([embedding.faces[still], contour.faces[near].ravel()])
        weights = np.concatenate([embedding.barycentrics[still], contour.barycentrics[near].reshape(-1, 3)])
        return cls(points, faces, weights, yaws, int(still.sum()))

    @property
    def sliding(self) -> Sliding | None:
        """How landmarks slide."""
        if not len(self.yaws):
            return None
        each = (len(self.points) - self.kept) // len(self.yaws)
        rows = np.concatenate([np.full(self.kept, -1), np.repeat(np.arange(len(self.yaws)), each)])
        return Sliding(torch.from_numpy(self.yaws), torch.from_numpy(rows))

    def seen(self, values: Float[Tensor, "T L"], state: ClipState) -> tuple[Int[ndarray, " P"], Float[Tensor, "T P"]]:
        """Return the detector's points, and their values of a state: of sliding landmarks those of the chosen places."""
        sliding = self.sliding
        if sliding is None:
            return self.points, values
        count = int((sliding.rows == 0).sum())
        chosen = values[:, self.kept :][sliding.chosen(state)[:, self.kept :]].unflatten(0, (len(values), count))
        return self.points[: self.kept + count], torch.cat([values[:, : self.kept], chosen], 1)


def pose_problem(
    model: HeadModel,
    embedding: Embedding,
    seen: SeenLandmarks,
    size: tuple[int, int],
    settings: TrackingSettings,
    contour: Contour | None = None,
) -> ClipProblem:
    """Return what is to be fitted to what: the landmarks of ``Places.of(embedding, contour)``."""
    places = Places.of(embedding, contour)
    faces, corners = torch.from_numpy(places.faces).long(), torch.from_numpy(places.barycentrics).double()
    landmarks = LandmarkModel.from_head(model, faces, corners)
    usable = torch.from_numpy(seen.usable)
    weight = torch.where(torch.from_numpy(on_outline(places.points, seen.convention)), OUTLINE_WEIGHT, 1.0).double()
    units = model.container.expression_names
    return ClipProblem(
        landmarks=landmarks,
        pixels=torch.from_numpy(seen.points[:, places.points]),
        weights=usable[:, None].double() * weight * torch.from_numpy(seen.trust[:, places.points]),
        noise=settings.noise / 100 * seen.eye_distance,
        robust=ROBUST,
        principal=torch.tensor(size, dtype=torch.float64) / 2,
        pivot=landmarks.base[: places.kept].mean(0),
        priors=build_priors(landmarks.layout, units, seen.hints, usable, size[0], seen.eye_distance, settings),
        sliding=places.sliding,
    )


def eye_rows(points: Int[ndarray, " L"], convention: Convention) -> tuple[int, int]:
    """Return which landmarks are the outer corners of the eyes."""
    first, second = (int(np.flatnonzero(points == corner)[0]) for corner in convention.outer_eye_corners)
    return first, second
