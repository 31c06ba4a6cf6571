"""The landmarks of a head, from the few vertices that carry them."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headsmith.heads.embedding_contour import nearest_rows
from headsmith.heads.model import HeadModel, HeadParameters
from headsmith.maths.barycentrics import interpolate_on_faces


@dataclass(frozen=True)
class SlidingPlaces:
    """The places of the landmarks that slide, by yaw.

    Attributes:
        rows: Which of the landmarks they are.
        yaws: Radians, ascending.
        corners: The sliced vertices of each landmark's triangle.
        barycentrics: Their weights.
    """

    rows: Int[Tensor, " M"]
    yaws: Float[Tensor, " R"]
    corners: Int[Tensor, "R M 3"]
    barycentrics: Float[Tensor, "R M 3"]


@dataclass(frozen=True)
class EmbeddedModel:
    """A head's landmarks of one convention as a model: parameters to points, differentiable, any leading shape.

    Attributes:
        model: The head at the vertices that carry landmarks.
        points: Index of each landmark in its convention, ascending.
        corners: The sliced vertices of each landmark's triangle.
        barycentrics: Their weights.
        sliding: The landmarks that slide as the head turns, or nothing: all keep their places.
    """

    model: HeadModel
    points: Int[Tensor, " L"]
    corners: Int[Tensor, "L 3"]
    barycentrics: Float[Tensor, "L 3"]
    sliding: SlidingPlaces | None

    @classmethod
    def from_head(cls, head: HeadModel, convention: str, sliding: bool = False) -> "EmbeddedModel":
        """Return the landmarks of a head, in its precision and on its device.

        Args:
            head: The whole head.
            convention: Name of the landmarks' convention.
            sliding: Whether points of the outline are those that a camera sees; else all are at fixed places.

        Raises:
            KeyError: The head has no landmarks, or no contour, of that convention.
        """
        embedding = head.container.embeddings[convention]
        contour = head.container.contours[convention] if sliding else None
        faces = [torch.as_tensor(part.faces).long().flatten() for part in (embedding, contour) if part is not None]
        corners = head.faces[torch.cat(faces).to(head.template.device)]
        ids, places = torch.unique(corners, return_inverse=True)
        fixed = places[: len(embedding.faces)]
        points = torch.as_tensor(embedding.points).long().to(places.device)
        weights = torch.as_tensor(embedding.barycentrics).to(head.template)
        if contour is None:
            return cls(head.at(ids), points, fixed, weights, None)
        rows = torch.searchsorted(points, torch.as_tensor(contour.points).long().to(points.device))
        sliding_weights = torch.as_tensor(contour.barycentrics).to(head.template)
        moving = places[len(fixed) :].unflatten(0, contour.faces.shape)
        yaws = torch.as_tensor(contour.yaws).to(head.template)
        return cls(head.at(ids), points, fixed, weights, SlidingPlaces(rows, yaws, moving, sliding_weights))

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> "EmbeddedModel":
        """Return the model in another precision, or on another device, or both."""
        slides = self.sliding and SlidingPlaces(
            self.sliding.rows.to(device=device),
            self.sliding.yaws.to(dtype=dtype, device=device),
            self.sliding.corners.to(device=device),
            self.sliding.barycentrics.to(dtype=dtype, device=device),
        )
        kept = {name: getattr(self, name).to(device=device) for name in ("points", "corners")}
        weights = self.barycentrics.to(dtype=dtype, device=device)
        return replace(self, model=self.model.to(dtype, device), barycentrics=weights, sliding=slides, **kept)

    def forward(self, parameters: HeadParameters, yaw: Float[Tensor, "*#b"] | None = None) -> Float[Tensor, "*b L 3"]:
        """Return the landmarks in the head's frame, metres.

        Args:
            parameters: What drives the head.
            yaw: How far each head is turned from the camera, radians (``embedding_contour.head_yaw``); needed where landmarks
                slide. The places that it chooses are those of the nearest yaw; nothing is differentiated through the choice.

        Raises:
            ValueError: Landmarks slide and there is no yaw, or the other way round.
        """
        if (yaw is None) != (self.sliding is None):
            raise ValueError("landmarks that slide need the head's yaw; those that do not, take none")
        vertices = self.model(parameters)
        points = interpolate_on_faces(vertices, self.corners, self.barycentrics)
        return points if self.sliding is None else self._slide(points, vertices, yaw)

    __call__ = forward

    def _slide(
        self, points: Float[Tensor, "*#b L 3"], vertices: Float[Tensor, "*#b V 3"], yaw: Float[Tensor, "*#b"]
    ) -> Float[Tensor, "*b L 3"]:
        batch = torch.broadcast_shapes(points.shape[:-2], yaw.shape)
        chosen = nearest_rows(self.sliding.yaws, yaw).expand(batch)
        corners = self.sliding.corners[chosen].flatten(-2)
        held = vertices.expand(*batch, -1, 3).gather(-2, corners[..., None].expand(*corners.shape, 3)).unflatten(-2, (-1, 3))
        moved = (held * self.sliding.barycentrics[chosen][..., None]).sum(-2)
        return points.expand(*batch, -1, 3).index_copy(-2, self.sliding.rows, moved)
