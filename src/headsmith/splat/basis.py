"""The ``basis`` avatar: learned per-Gaussian bases, weighed by a small network.

The idea is RGBAvatar's (Li et al., CVPR 2025, section 3.2). No network runs per Gaussian, so it is the default on a CPU.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headsmith.splat.avatar import Avatar, AvatarShape, Silhouette, Splats, Target, View
from headsmith.splat.compiled_basis import FEWEST, BasisSplats
from headsmith.splat.compiled_loss import weighted_huber
from headsmith.splat.gaussians import Gaussians, initial_gaussians
from headsmith.splat.rasterize import rasterize

BASIS_UNITS = (0.025, 0.025, 0.025, 1.0, 1.0, 1.0, 2.5, 1.0, 1.0, 1.0)
"""Unit of a basis' ten numbers: three of offset (metres), three of log scale, one of opacity, three of colour. With them one
learning rate fits all ten."""

ROTATION = 9
"""Numbers of the head's rotation to the camera, which the weights see beside the condition: shading and the neck follow the
head's turn by them. Without them the held-out frames of a talking head lose about 0.9 dB."""

SHAKE = 0.5
"""Standard deviation of the noise on what drives the weights while training, in standard deviations of the clip: Gaussian noise
on an input is a Tikhonov regulariser (Bishop, Neural Computation 7(1), 1995)."""

SMALLEST_UNIT = 0.1
"""What drives the weights is counted in its standard deviation, but at least in this: what hardly moves is not blown up. With
0.02 in its place, held-out frames of two clips of three lose 0.1 to 0.4 dB."""

LEEWAY = 0.2
"""How far beyond the clip's range a driver may go, as a share of that range."""

SWAP_EVERY = 4
"""One of so many training images stands over a random colour: with 2, held-out frames over the plate lose 0.2 dB."""

SILHOUETTE_WEIGHT = 0.1
"""Weight of what is thin inside of a turned head's outline, or thick outside of it: mean squared alpha. Holes close with it;
with 0.3, half as many spikes are left, and a short clip of a head with frizzy hair loses 0.8 dB on held-out frames in place of
0.4."""

HUBER_DELTA = 0.1
"""Where the loss turns from squared to linear, in 0..1 colour (FlashAvatar, Xiang et al., CVPR 2024, section 3.3)."""

OFFSET_WEIGHT = 1e-3
"""Weight of the mean squared offset, per square metre: keeps Gaussians that no frame sees where they are."""

FARTHEST, LARGEST = 0.0299, 0.009
"""Metres: how far a Gaussian may go from its surface point, and its largest standard deviation. `splat.soundness` counts what
is beyond as floaters and needles."""

LAST_RATE = 0.03
"""Learning rates at the end, as a share of those at the start."""

RATES = {"offset": 1e-4, "log_scale": 5e-3, "rotation": 2e-3, "opacity": 2e-2, "colour": 1e-2}
"""Adam's learning rates of the Gaussians' raw numbers."""

BASES_RATE, WEIGHTS_RATE = 2e-3, 1e-3
"""Adam's learning rates of the bases, and of the network that weighs them."""


class BasisDeformation(nn.Module):
    """Adds ``sum_k w_k(condition) B_k`` to offset, log scale, opacity and colour of every Gaussian.

    Args:
        count: Number of Gaussians N.
        condition_size: Length of the condition.
        bases: Number of bases.
        hidden: Width of the two hidden layers that map the condition to weights.
    """

    def __init__(self, count: int, condition_size: int, bases: int, hidden: int) -> None:
        super().__init__()
        self.weights = nn.Sequential(
            nn.Linear(condition_size, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, bases)
        )
        self.bases = nn.Parameter(torch.zeros(bases, count * len(BASIS_UNITS)))

    def forward(self, gaussians: Gaussians, condition: Float[Tensor, " C"]) -> Gaussians:
        """Return the Gaussians under a condition."""
        units = self.bases.new_tensor(BASIS_UNITS)
        change = (self.weights(condition) @ self.bases).view(-1, len(BASIS_UNITS)) * units
        return Gaussians(
            offset=gaussians.offset + change[:, :3],
            log_scale=gaussians.log_scale + change[:, 3:6],
            rotation=gaussians.rotation,
            opacity=gaussians.opacity + change[:, 6],
            colour=gaussians.colour + change[:, 7:],
        )


class BasisAvatar(Avatar):
    """Learned Gaussians, and the bases that move them.

    What drives the weights is the condition and the head's rotation. Each number is clamped to little more than the clip shows,
    so that no novel view or expression leaves what was learned, then counted in standard deviations from the clip's mean.

    Args:
        points: Bound points of the person's head at rest, metres.
        shape: Sizes.
        seed: Seed of the start, and of the noise while training.
    """

    lowest: Tensor
    highest: Tensor
    mean: Tensor
    unit: Tensor
    shake: Tensor

    def __init__(self, points: Float[Tensor, "N 3"], shape: AvatarShape, seed: int) -> None:
        super().__init__()
        self.shape, self.seed = shape, seed
        generator = torch.Generator().manual_seed(seed)
        start = initial_gaussians(len(points), shape.spacing, generator)
        self.gaussians = nn.ParameterDict({name: nn.Parameter(value) for name, value in start._asdict().items()})
        drivers = shape.condition_size + ROTATION
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.deformation = BasisDeformation(len(points), drivers, shape.bases, shape.hidden)
        for name, value in {"lowest": -torch.inf, "highest": torch.inf, "mean": 0.0, "unit": 1.0, "shake": 0.0}.items():
            self.register_buffer(name, torch.full((drivers,), value))

    @torch.no_grad()
    def familiarise(
        self, conditions: Float[Tensor, "T C"], rotations: Float[Tensor, "T 3 3"], colour: Float[Tensor, "3"]
    ) -> None:
        """Take in, before training, what its frames show.

        Args:
            conditions: Theirs.
            rotations: Of the head to the camera.
            colour: The head's mean colour, 0..1: with it Gaussians begin, and those that no frame sees stay.
        """
        self.gaussians["colour"].copy_(torch.logit(colour, eps=0.02).expand_as(self.gaussians["colour"]))
        drivers = torch.cat([conditions, rotations.flatten(1)], 1)
        lowest, highest, deviation = drivers.min(0).values, drivers.max(0).values, drivers.std(0, correction=0)
        self.lowest.copy_(lowest - LEEWAY * (highest - lowest))
        self.highest.copy_(highest + LEEWAY * (highest - lowest))
        self.mean.copy_(drivers.mean(0))
        self.unit.copy_(deviation.clamp(min=SMALLEST_UNIT))
        self.shake.copy_(SHAKE * deviation / self.unit)

    def drivers(self, view: View) -> Float[Tensor, " D"]:
        """Return what drives the weights, clamped and counted in its units from the clip's mean."""
        raw = torch.cat([view.condition, view.camera.rotation.flatten()])
        return (raw.clamp(self.lowest, self.highest) - self.mean) / self.unit

    def splats(self, view: View) -> Splats:
        """Return the Gaussians as a view shows them."""
        return self.driven(view, self.drivers(view))

    def driven(self, view: View, drivers: Float[Tensor, " D"]) -> Splats:
        """Return a view's Gaussians under given drivers."""
        if view.points.device.type != "cpu" or len(view.points) < FEWEST:
            return self.driven_plainly(view, drivers)
        learned = [self.gaussians[name] for name in ("offset", "log_scale", "opacity", "colour")]
        weighted = self.deformation.weights(drivers), self.deformation.bases, BASIS_UNITS
        means, scales, opacities, colours = BasisSplats.apply(view.points, *learned, *weighted, FARTHEST, LARGEST)
        return Splats(means, scales, self.gaussians["rotation"], opacities, colours)

    def driven_plainly(self, view: View, drivers: Float[Tensor, " D"]) -> Splats:
        """Return the same by torch's own operations, on any device."""
        raw = self.deformation(Gaussians(**dict(self.gaussians.items())), drivers)
        distance = raw.offset.norm(dim=-1, keepdim=True)
        return Splats(
            view.points + raw.offset * (FARTHEST / distance.clamp(min=FARTHEST)),
            raw.log_scale.exp().clamp(max=LARGEST),
            raw.rotation,
            torch.sigmoid(raw.opacity),
            torch.sigmoid(raw.colour),
        )

    def loss(self, view: View, target: Target, background: Tensor, progress: float, image: int = 0) -> Float[Tensor, ""]:
        """Return the Huber loss (1964), weighted, averaged over all pixels, and the offsets' prior.

        Every fourth image is shown over a colour in the background's place: else Gaussians of the wall's colour cost nothing,
        and stand beside the head where it turns farther than in the clip, or before another background.
        """
        drivers = self.drivers(view)
        random = torch.Generator().manual_seed(self.seed * 1_000_003 + image)
        drawn = self.driven(view, drivers + self.shake * torch.randn(drivers.shape, generator=random).to(drivers.device))
        goal = target.image
        if image % SWAP_EVERY == SWAP_EVERY - 1:
            colour = torch.rand(3, generator=random).to(drivers.device)
            goal = goal + (1 - target.alpha)[..., None] * (colour - background)
            background = colour
        picture, _ = rasterize(*drawn, view.camera, background)
        weighted = weighted_huber(picture, goal, target.weight, HUBER_DELTA)
        return weighted + OFFSET_WEIGHT * self.gaussians["offset"].square().mean()

    def silhouette_loss(self, silhouette: Silhouette) -> Float[Tensor, ""]:
        """Return how far the avatar's alpha is from a head that it was turned to: whole inside, nothing outside.

        No frame tells of those views; without them hair that was learned from the front gapes from the side.
        """
        view = silhouette.view
        _, alpha = rasterize(*self.splats(view), view.camera, torch.zeros(3, device=view.points.device))
        wrong = torch.where(silhouette.inside, 1 - alpha, torch.where(silhouette.outside, alpha, 0.0))
        return SILHOUETTE_WEIGHT * wrong.square().mean()

    def optimiser(self) -> torch.optim.Adam:
        """Return Adam with a learning rate for each kind of number."""
        groups = [{"params": [self.gaussians[name]], "lr": rate} for name, rate in RATES.items()]
        groups.append({"params": [self.deformation.bases], "lr": BASES_RATE})
        groups.append({"params": list(self.deformation.weights.parameters()), "lr": WEIGHTS_RATE})
        for group in groups:
            group["first_lr"] = group["lr"]
        return torch.optim.Adam(groups, fused=True)

    def set_rates(self, optimiser: torch.optim.Adam, progress: float) -> None:
        """Lower the learning rates along half a cosine, from the first ones to ``LAST_RATE`` of them."""
        factor = LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * progress))
        for group in optimiser.param_groups:
            group["lr"] = group["first_lr"] * factor
