"""One interface for what draws attributes of a mesh, differentiably: our own compiled rasterizer, and PyTorch3D's."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Drawn:
    """What a renderer draws.

    Attributes:
        image: Attributes at each pixel, 0 where there is no face; carries gradients to vertices and attributes.
        face_ids: Index of the face, -1 where there is none.
        barycentrics: Perspective-correct weights of the face's corners, 0 where there is no face; no gradient.
    """

    image: Float[Tensor, "B H W C"]
    face_ids: Int[Tensor, "B H W"]
    barycentrics: Float[Tensor, "B H W 3"]

    @property
    def mask(self) -> Bool[Tensor, "B H W"]:
        """Pixels with a face."""
        return self.face_ids >= 0


@runtime_checkable
class Renderer(Protocol):
    """Draws a mesh' attributes."""

    def interpolate(
        self,
        vertices: Float[Tensor, "B V 3"],
        faces: Int[Tensor, "F 3"],
        attributes: Float[Tensor, "B V C"],
        size: tuple[int, int],
    ) -> Drawn:
        """Return the attributes of the nearest front face at each pixel centre.

        Args:
            vertices: x and y in pixels (y down, the centre of the first pixel at 0.5, 0.5), depth along the viewing direction.
            faces: Corner indices; outward faces counter-clockwise to the eye.
            attributes: Of the vertices.
            size: Width and height of the image.

        Raises:
            ValueError: Vertices are not finite, or the mesh is not sound.
        """
        ...
