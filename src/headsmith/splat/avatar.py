"""What every avatar is: Gaussians bound to a head, moved by its condition, drawn over a background, and trained by a loss."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from headsmith.maths.cameras import Camera
from headsmith.maths.rotations import axis_angle_to_matrix, matrix_to_6d
from headsmith.splat.rasterize import rasterize


@dataclass(frozen=True)
class AvatarShape:
    """What fixes the sizes of an avatar's tensors; kept in its file.

    Attributes:
        deformation: Which model moves the Gaussians.
        condition_size: Length of the condition.
        bases: Bases of the ``basis`` model.
        hidden: Width of the ``basis`` model's network.
        spacing: Distance between neighbouring Gaussians at the start, metres.
    """

    deformation: Literal["basis", "mlp"]
    condition_size: int
    bases: int
    hidden: int
    spacing: float


@dataclass(frozen=True)
class View:
    """A frame as the avatar sees it.

    Attributes:
        points: The bound surface points, posed, in the head's frame, metres.
        condition: Expression, jaw, eyes and eyelids, from ``make_condition``.
        camera: Head to camera.
    """

    points: Float[Tensor, "N 3"]
    condition: Float[Tensor, " C"]
    camera: Camera


@dataclass(frozen=True)
class Target:
    """A true frame and how much each pixel counts.

    Attributes:
        image: RGB in 0..1, over the background that the avatar is drawn over.
        weight: 0 where the picture shows what the avatar does not model (clothes), more than 1 in the mouth.
        head: The head's mask, 0..1.
        alpha: How much of a pixel the person fills, 0..1; what is left shows the background.
    """

    image: Float[Tensor, "H W 3"]
    weight: Float[Tensor, "H W"]
    head: Float[Tensor, "H W"]
    alpha: Float[Tensor, "H W"]


@dataclass(frozen=True)
class Silhouette:
    """Where a head must be seen, and where it must not, in a view that no frame showed.

    Attributes:
        view: The head, turned further than the clip shows it.
        inside: Pixels that it must cover.
        outside: Pixels that it must leave free.
    """

    view: View
    inside: Bool[Tensor, "H W"]
    outside: Bool[Tensor, "H W"]


class Splats(NamedTuple):
    """Gaussians as they are drawn in one view, in the head's frame; what ``rasterize`` takes.

    Attributes:
        means: Centres, metres.
        scales: Standard deviations along the own axes, metres.
        quats: Rotations wxyz, of any length but 0.
        opacities: 0..1.
        colours: RGB, or coefficients of spherical harmonics of the viewing direction, K of (degree + 1)^2 a channel.
    """

    means: Float[Tensor, "N 3"]
    scales: Float[Tensor, "N 3"]
    quats: Float[Tensor, "N 4"]
    opacities: Float[Tensor, " N"]
    colours: Float[Tensor, "N 3"] | Float[Tensor, "N K 3"]


def make_condition(
    expression: Float[Tensor, "*b E"],
    jaw: Float[Tensor, "*b 3"],
    eyes: Float[Tensor, "*b 2 3"],
    eyelids: Float[Tensor, "*b 2"],
) -> Float[Tensor, "*b C"]:
    """Return FlashAvatar's condition: expression, jaw and eyes as 6D rotations, eyelids (120 numbers on FLAME)."""
    joints = [matrix_to_6d(axis_angle_to_matrix(part)) for part in (jaw, eyes[..., 0, :], eyes[..., 1, :])]
    return torch.cat([expression, *joints, eyelids], -1)


class Avatar(nn.Module, ABC):
    """An avatar of either deformation.

    Attributes:
        shape: Its sizes.
    """

    shape: AvatarShape

    @abstractmethod
    def splats(self, view: View) -> Splats:
        """Return the Gaussians as a view shows them."""

    @abstractmethod
    def loss(self, view: View, target: Target, background: Tensor, progress: float, image: int = 0) -> Float[Tensor, ""]:
        """Return the loss of one frame.

        Args:
            view: How the frame sees the avatar.
            target: What it shows.
            background: What the avatar is drawn over.
            progress: Point of the training, from 0 at its start to 1 at its end.
            image: Images that training has shown before; what is random goes by it, so that a resumed training repeats itself.
        """

    @abstractmethod
    def optimiser(self) -> torch.optim.Adam:
        """Return the optimiser of all parameters."""

    @abstractmethod
    def set_rates(self, optimiser: torch.optim.Adam, progress: float) -> None:
        """Set the learning rates for a point of the training."""

    def forward(
        self, view: View, background: Float[Tensor, "3"] | Float[Tensor, "H W 3"], threads: int = 1
    ) -> tuple[Float[Tensor, "H W 3"], Float[Tensor, "H W"]]:
        """Draw the avatar.

        Args:
            view: Posed points, condition, camera.
            background: One colour, or a plate of the image's size, 0..1.
            threads: Threads that share the image; keep 1 where gradients are wanted.

        Returns:
            The image over the background, and its alpha.
        """
        return rasterize(*self.splats(view), view.camera, background, threads=threads)
