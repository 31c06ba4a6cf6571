"""Shades of a face's skin: darker and paler places, smooth over a centimetre, and alike on both sides of the face.

Whoever seeks the light of one picture sees albedo times light, and both are smooth over the face. They differ in this: albedo
is nearly the same on both sides of a face, light need not be, and few lights make places a centimetre wide. So shades are
believed to be normal, with a covariance that falls with the distance of two places after both are brought to one side; what
differs between the sides is then left to the light alone.
"""

from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Float, Int
from torch import Tensor

WIDTH: Final = 0.01
"""Metres over which shades are alike: the deviation of the bell curve that is their covariance."""
DEVIATION: Final = 0.3
"""How much darker or paler a place is than the mean, as a share of it."""
PLACES: Final = 120
"""Places of one side of the face whose shades tell those of all others: some 1.2 cm apart."""
JITTER: Final = 1e-6
"""Share of the variance by which places differ from their neighbours, so that the covariance can be inverted."""


@dataclass(frozen=True)
class Shades:
    """Shades by codes of deviation 1.

    Attributes:
        places: On the mean head, of x >= 0, metres.
        mixing: From covariances with these places to shades' changes by each code.
    """

    places: Float[Tensor, "P 3"]
    mixing: Float[Tensor, "P P"]

    def at(self, points: Float[Tensor, "n 3"]) -> Float[Tensor, "n P"]:
        """Return what each code changes at points of the mean head, as a share of the albedo."""
        return covariance(one_side(points.to(self.places)), self.places) @ self.mixing


def open_shades(vertices: Float[Tensor, "V 3"]) -> Shades:
    """Return the shades of a face.

    The codes are those of the process at some places, in the order of their Cholesky factor L: at the places themselves shades
    are L by the codes; elsewhere they are expected from these (kriging).

    Args:
        vertices: Of the face, on the mean head, whose plane of symmetry is x = 0, metres.
    """
    points = one_side(vertices.double())
    places = points[farthest(points, min(PLACES, len(points)))]
    own = covariance(places, places) + JITTER * DEVIATION**2 * torch.eye(len(places), dtype=places.dtype)
    inverse = torch.linalg.inv(torch.linalg.cholesky(own))
    return Shades(places, inverse.mT)


def one_side(points: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3"]:
    """Return points with those of the right side mirrored to the left."""
    return torch.cat([points[:, :1].abs(), points[:, 1:]], 1)


def covariance(points: Float[Tensor, "n 3"], others: Float[Tensor, "m 3"]) -> Float[Tensor, "n m"]:
    """Return the covariance of the shades of points."""
    return DEVIATION**2 * (-torch.cdist(points, others).square() / (2 * WIDTH**2)).exp()


def farthest(points: Float[Tensor, "n 3"], count: int) -> Int[Tensor, " count"]:
    """Return which points are chosen one by one, each the farthest from those before; the first is the first."""
    chosen, away = [0], (points - points[0]).square().sum(1)
    for _ in range(count - 1):
        chosen.append(int(away.argmax()))
        away = torch.minimum(away, (points - points[chosen[-1]]).square().sum(1))
    return torch.tensor(chosen)
