"""FlashAvatar's own avatar (Xiang et al., CVPR 2024): one evaluation of a network per Gaussian, 4.6 GMAC an image of 13,453.

Where paper and source differ, the source is followed; constants name its file. `docs/flashavatar.md` lists what differs here.
"""

from collections.abc import Callable
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import huber_loss

from headsmith.maths.rotations import quaternion_multiply
from headsmith.splat.avatar import Avatar, AvatarShape, Splats, Target, View
from headsmith.splat.flashavatar_network import DeformationNetwork

ITERATIONS: Final = 150_000
"""Images of the published schedule (`arguments/__init__.py`); its places in other schedules are at the same share."""

BAND_EVERY: Final = 500
"""Images after which one more band of the spherical harmonics is used (`train.py`)."""

DEGREE: Final = 3
"""Of the spherical harmonics, at most (`arguments/__init__.py`)."""

PERCEPTUAL_AFTER: Final = 15_000
"""Images after which the perceptual distance counts (`train.py`): the first tenth goes without."""

PERCEPTUAL_WEIGHT: Final = 0.05
"""Of the perceptual distance (`train.py`)."""

HUBER_DELTA: Final = 0.1
"""Where the loss turns from squared to linear, in 0..1 colour (`train.py`; section 3.3 of the paper)."""

OPACITY: Final = 0.1
"""At the start (`scene/gaussian_model.py`)."""

SMALLEST_SQUARE: Final = 1e-7
"""Square metres that the mean squared distance to the neighbours counts at least (`scene/gaussian_model.py`)."""

NEIGHBOURS: Final = 3
"""Whose distances give the scale at the start (simple-knn's `distCUDA2`)."""

RATES: Final = {"f_dc": 0.0025, "f_rest": 0.0025 / 20, "opacity": 0.05, "scaling": 0.005, "rotation": 0.001}
"""Adam's learning rates of the Gaussians, in the order of its groups (`arguments/__init__.py`, `scene/gaussian_model.py`)."""

GAUSSIANS_EPSILON: Final = 1e-15
"""Adam's epsilon of the Gaussians (`scene/gaussian_model.py`); the network has torch's own, 1e-8."""

NETWORK_RATE: Final = 1e-4
"""Adam's learning rate of the network (`src/deform_model.py`)."""

Perceptual = Callable[[Float[Tensor, "H W 3"], Float[Tensor, "H W 3"]], Float[Tensor, ""]]
"""A distance of two pictures in 0..1."""


def neighbour_scale(points: Float[Tensor, "N 3"], rows: int = 1024) -> Float[Tensor, " N"]:
    """Return the root of the mean squared distance from each point to its three nearest neighbours, metres.

    Args:
        points: At least two.
        rows: Points whose distances are in memory at once.
    """
    nearest = []
    for part in torch.arange(len(points)).split(rows):
        squares = (points[part, None] - points).square().sum(-1)
        squares[torch.arange(len(part)), part] = torch.inf
        nearest.append(squares.topk(min(NEIGHBOURS, len(points) - 1), largest=False).values.mean(-1))
    return torch.cat(nearest).clamp(min=SMALLEST_SQUARE).sqrt()


def start_gaussians(points: Float[Tensor, "N 3"]) -> dict[str, Tensor]:
    """Return untrained Gaussians by the names of FlashAvatar's optimiser: grey, faint, round, as large as their spacing.

    The scale is that of the head at rest; FlashAvatar takes the first image's, moved by the untrained network.
    """
    count = len(points)
    return {
        "f_dc": torch.zeros(count, 1, 3),
        "f_rest": torch.zeros(count, (DEGREE + 1) ** 2 - 1, 3),
        "opacity": torch.full((count, 1), OPACITY).logit(),
        "scaling": neighbour_scale(points).log()[:, None].repeat(1, 3),
        "rotation": torch.tensor([1.0, 0.0, 0.0, 0.0]).repeat(count, 1),
    }


def published_iteration(progress: float) -> float:
    """Return where in the published schedule a point of the training lies; the first image is 1."""
    return round(progress * ITERATIONS + 1, 6)


class FlashAvatar(Avatar):
    """Gaussians whose colour and opacity stay, moved, turned and stretched by a network.

    Args:
        points: Bound points of the person's head at rest, metres.
        shape: Sizes.
        seed: Seed of the network.

    Attributes:
        degree: Of the spherical harmonics in use; grows with ``set_rates``, and is part of the state.
        perceptual: Distance that joins the loss after the first tenth, on head-masked pictures; none unless it is set.
        mixed: Whether the network is worked out in bfloat16; what it gives, and all else, is float32.
    """

    def __init__(self, points: Float[Tensor, "N 3"], shape: AvatarShape, seed: int) -> None:
        super().__init__()
        self.shape = shape
        self.degree = 0
        self.perceptual: Perceptual | None = None
        self.mixed = False
        self.gaussians = nn.ParameterDict({name: nn.Parameter(value) for name, value in start_gaussians(points).items()})
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.deformation = DeformationNetwork(points, shape.condition_size)

    def splats(self, view: View) -> Splats:
        """Return the Gaussians as a view shows them."""
        raw = self.gaussians
        with torch.autocast(view.points.device.type, torch.bfloat16, enabled=self.mixed):
            change = self.deformation(view.condition)
        return Splats(
            view.points + change.offset,
            (raw["scaling"] * change.factor).exp(),
            quaternion_multiply(raw["rotation"], change.turn),
            torch.sigmoid(raw["opacity"][:, 0]),
            self.coefficients(),
        )

    def coefficients(self) -> Float[Tensor, "N K 3"]:
        """Return the coefficients of the colours, of the bands in use."""
        return torch.cat([self.gaussians["f_dc"], self.gaussians["f_rest"][:, : (self.degree + 1) ** 2 - 1]], 1)

    def loss(self, view: View, target: Target, background: Tensor, progress: float, image: int = 0) -> Float[Tensor, ""]:
        """Return the weighted Huber loss, averaged over all pixels, and the perceptual distance's share.

        FlashAvatar adds ``40 x`` the loss of both pictures times the mouth's mask; with a mask of 0 and 1 that is the weight
        ``1 + 40 mask`` in ``target.weight``. Nothing here is random, so ``image`` has no use.
        """
        drawn, _ = self(view, background)
        difference = huber_loss(drawn, target.image, reduction="none", delta=HUBER_DELTA)
        total = (difference * target.weight[..., None]).mean()
        if self.perceptual is not None and published_iteration(progress) > PERCEPTUAL_AFTER:
            head = target.head[..., None]
            total = total + PERCEPTUAL_WEIGHT * self.perceptual(drawn * head, target.image * head)
        return total

    def optimiser(self) -> torch.optim.Adam:
        """Return Adam with FlashAvatar's groups, rates and epsilons; what it keeps in two optimisers is one here."""
        groups = [
            {"params": [self.gaussians[name]], "lr": rate, "eps": GAUSSIANS_EPSILON, "name": name}
            for name, rate in RATES.items()
        ]
        groups.append({"params": list(self.deformation.parameters()), "lr": NETWORK_RATE, "name": "network"})
        return torch.optim.Adam(groups, fused=True)

    def set_rates(self, optimiser: torch.optim.Adam, progress: float) -> None:
        """Use one more band of colour where it is due. Learning rates do not fall."""
        due = int(published_iteration(progress) // BAND_EVERY)
        self.degree = max(self.degree, min(DEGREE, due))

    def get_extra_state(self) -> Tensor:
        """Return what the state has beside the parameters: the degree in use."""
        return torch.tensor(self.degree)

    def set_extra_state(self, state: Tensor) -> None:
        """Take the degree in use from a state."""
        self.degree = int(state)
