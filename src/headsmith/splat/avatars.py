"""The two kinds of avatar by their names."""

from jaxtyping import Float
from torch import Tensor

from headsmith.splat.avatar import Avatar, AvatarShape
from headsmith.splat.basis import BasisAvatar
from headsmith.splat.flashavatar import FlashAvatar


def make_avatar(points: Float[Tensor, "N 3"], shape: AvatarShape, seed: int) -> Avatar:
    """Return an untrained avatar.

    Args:
        points: Bound points of the person's head at rest, metres.
        shape: Its kind and sizes.
        seed: Seed of the start.
    """
    return (BasisAvatar if shape.deformation == "basis" else FlashAvatar)(points, shape, seed)
