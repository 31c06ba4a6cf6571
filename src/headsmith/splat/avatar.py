"""The avatar: Gaussians bound to a head, a deformation, and the picture that they make over a background plate."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headsmith.maths.cameras import Camera
from headsmith.maths.rotations import axis_angle_to_matrix, matrix_to_6d
from headsmith.splat.deformation import BasisDeformation, MlpDeformation
from headsmith.splat.gaussians import Gaussians, initial_gaussians
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
        condition: What drives the deformation, from ``make_condition``.
        camera: Head to camera.
    """

    points: Float[Tensor, "N 3"]
    condition: Float[Tensor, " C"]
    camera: Camera


def make_condition(
    expression: Float[Tensor, "*b E"],
    jaw: Float[Tensor, "*b 3"],
    eyes: Float[Tensor, "*b 2 3"],
    eyelids: Float[Tensor, "*b 2"],
    rotation: Float[Tensor, "*b 3 3"],
) -> Float[Tensor, "*b C"]:
    """Return what drives the deformation: FlashAvatar's condition and the head's rotation to the camera as its nine numbers.

    Jaw and eyes are 6D rotations as in FlashAvatar. The rotation lets shading and the neck follow the head's turn: without it
    the held-out frames of a talking head lose about 0.9 dB.
    """
    joints = [matrix_to_6d(axis_angle_to_matrix(part)) for part in (jaw, eyes[..., 0, :], eyes[..., 1, :])]
    return torch.cat([expression, *joints, eyelids, rotation.flatten(-2)], -1)


class Avatar(nn.Module):
    """Learned Gaussians and their deformation.

    Args:
        points: Bound points of the person's head at rest, metres.
        shape: Sizes.
        seed: Seed of the start.
    """

    def __init__(self, points: Float[Tensor, "N 3"], shape: AvatarShape, seed: int) -> None:
        super().__init__()
        self.shape = shape
        generator = torch.Generator().manual_seed(seed)
        start = initial_gaussians(len(points), shape.spacing, generator)
        self.gaussians = nn.ParameterDict({name: nn.Parameter(value) for name, value in start._asdict().items()})
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.deformation: nn.Module = (
                BasisDeformation(len(points), shape.condition_size, shape.bases, shape.hidden)
                if shape.deformation == "basis"
                else MlpDeformation(points, shape.condition_size)
            )

    def deformed(self, condition: Float[Tensor, " C"]) -> Gaussians:
        """Return the raw Gaussians under a condition, in the head's frame."""
        return self.deformation(Gaussians(**dict(self.gaussians.items())), condition)

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
        raw = self.deformed(view.condition)
        return rasterize(
            view.points + raw.offset,
            raw.log_scale.exp(),
            raw.rotation,
            torch.sigmoid(raw.opacity),
            torch.sigmoid(raw.colour),
            view.camera,
            background,
            threads=threads,
        )
