"""A tracked clip, as ``tracking.npz`` has it: what every bridge reads into, and writes from.

World to camera, OpenCV's axes; the world is the head's own frame with the root joint at rest, so that a program that turns or
shifts the root has that in its camera here.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from headsmith.heads.embedding_types import Embedding
from headsmith.heads.model import HeadModel, HeadParameters
from headsmith.maths.barycentrics import interpolate_on_faces
from headsmith.maths.cameras import Camera, project

OK, MISSING, OUTLIER, UNCERTAIN = STATUSES = ("ok", "missing", "outlier", "uncertain")
"""What became of a frame: fitted; without landmarks; with landmarks that do not fit; with landmarks that tell too little."""
BATCH = 256
"""Frames whose vertices are in memory at once."""


@dataclass(frozen=True)
class Track:
    """The parameters and the camera of every frame of a clip, float64.

    Attributes:
        ids: The frame's place in what was tracked, from 0, ascending.
        identity: Codes of the person.
        expression: Codes of each frame.
        jaw: Axis-angle, radians; opening is positive about +x.
        eyes: Axis-angle of the left and the right eye, radians.
        neck: Axis-angle of the head against the root, radians.
        eyelids: Left, right; 0 open, 1 closed.
        rotation: Head to camera.
        translation: Head to camera, metres.
        focal: Focal length, pixels; one for the clip.
        principal: Principal point, pixels from the image's upper left corner; one for the clip.
        size: Width and height of the images, pixels.
        status: Of ``STATUSES``.
        residual: Mean distance of the landmarks from where they were seen, percent of the eye distance; NaN where unknown.
        head_sha256: The head that the codes are of.
        convention: The landmarks it was tracked by.
    """

    ids: Int[ndarray, " T"]
    identity: Float[ndarray, " K"]
    expression: Float[ndarray, "T E"]
    jaw: Float[ndarray, "T 3"]
    eyes: Float[ndarray, "T 2 3"]
    neck: Float[ndarray, "T 3"]
    eyelids: Float[ndarray, "T 2"]
    rotation: Float[ndarray, "T 3 3"]
    translation: Float[ndarray, "T 3"]
    focal: float
    principal: Float[ndarray, "2"]
    size: tuple[int, int]
    status: tuple[str, ...]
    residual: Float[ndarray, " T"]
    head_sha256: str
    convention: str

    @classmethod
    def from_arrays(cls, arrays: dict[str, ndarray]) -> "Track":
        """Return the clip of the arrays of a ``tracking.npz``.

        Raises:
            KeyError: An array is missing.
        """
        words = {name: str(arrays[name]) for name in ("head_sha256", "convention")}
        width, height = arrays["size"].tolist()
        own = {"focal": float(arrays["focal"]), "size": (width, height), "status": tuple(arrays["status"].tolist())}
        names = [item.name for item in fields(cls) if item.name not in {*words, *own, "ids"}]
        numbers = {name: np.asarray(arrays[name], np.float64) for name in names}
        return cls(ids=np.asarray(arrays["ids"], np.int64), **numbers, **own, **words)

    def arrays(self) -> dict[str, ndarray]:
        """Return the arrays of a ``tracking.npz``: numbers as float32."""
        values = {item.name: np.asarray(getattr(self, item.name)) for item in fields(self)}
        return {name: value.astype(np.float32) if value.dtype == np.float64 else value for name, value in values.items()}

    def take(self, places: Int[ndarray, " n"] | list[int]) -> "Track":
        """Return some of the frames, by their places in the clip."""
        names = ("ids", "expression", "jaw", "eyes", "neck", "eyelids", "rotation", "translation", "residual")
        rows = {name: getattr(self, name)[places] for name in names}
        return replace(self, **rows, status=tuple(self.status[int(place)] for place in places))

    def parameters(self) -> HeadParameters:
        """Return what drives the head, float64, the frames first."""
        frames = (self.expression, self.jaw, self.eyes, self.eyelids, self.neck)
        return HeadParameters(*(torch.from_numpy(np.ascontiguousarray(values)) for values in (self.identity[None], *frames)))

    def cameras(self) -> Camera:
        """Return the camera of each frame, float64."""
        count = len(self.ids)
        rotation, translation = (torch.from_numpy(np.ascontiguousarray(part)) for part in (self.rotation, self.translation))
        focal = torch.full((count, 2), self.focal, dtype=torch.float64)
        return Camera(rotation, translation, focal, torch.from_numpy(self.principal).expand(count, 2), self.size)


def project_vertices(track: Track, model: HeadModel) -> Float[ndarray, "T V 2"]:
    """Return where each vertex is seen in each frame, pixels from the upper left corner.

    Args:
        track: The clip.
        model: The head, float64.
    """
    return _projected(track, lambda some: model(some.parameters()))


def project_embedded(track: Track, model: HeadModel, embedding: Embedding) -> Float[ndarray, "T M 2"]:
    """Return where the landmarks of an embedding are seen in each frame, pixels; memory does not grow with the head.

    Args:
        track: The clip.
        model: The head, float64.
        embedding: Of that head.
    """
    corners = model.faces[torch.from_numpy(embedding.faces).long()]
    used, places = corners.unique(return_inverse=True)
    small, weights = model.at(used), torch.from_numpy(embedding.barycentrics)
    return _projected(track, lambda some: interpolate_on_faces(small(some.parameters()), places, weights))


def _projected(track: Track, points: Callable[[Track], Float[Tensor, "_b n 3"]]) -> Float[ndarray, "T n 2"]:
    parts = [track.take(np.arange(start, min(start + BATCH, len(track.ids)))) for start in range(0, len(track.ids), BATCH)]
    return np.concatenate([project(points(part), part.cameras())[0].numpy() for part in parts])
