"""Training of patch experts: small networks that tell how near a landmark is, from patches near and far from it."""

from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, UInt8
from numpy import ndarray
from torch import Tensor, nn

from headsmith.contract.conventions import IBUG68
from headsmith.maths.point_distribution import PointDistribution, landmarks_of
from headsmith.maths.point_distribution_fit import fit_shapes
from headsmith.media.progress import progress
from headsmith.nets.clnf_reference import Similarity, lay_shape, sample_areas, shrink
from headsmith.nets.patch_experts import Layer, NetworkExperts

SUPPORT = 11
"""Side of the patches, as OpenFace's CEN has it."""
HIDDEN = (32, 12)
PLACES = 24
"""Places around each landmark of each sample."""
NEAR, FAR = 1.5, 8.0
"""Half of the places lie about so near to the landmark (deviation), the others within so far, in pixels of the reference."""
WIDTH = 1.0
"""Deviation of the response that is learned, in pixels of the reference frame."""
TURN, GROW = np.deg2rad(5.0), 0.07
"""Deviations of the turns and relative sizes by which samples are disturbed: those that a first guess is off by."""
STEPS, BATCH, RATE = 1400, 192, 4e-3
REACH = np.deg2rad(10.0)
"""So far beyond their own faces views are taught, so that a fit that looks a little amiss finds the same."""


@dataclass(frozen=True)
class Sample:
    """A face whose landmarks are known.

    Attributes:
        image: Grey picture.
        points: iBUG's 68 landmarks, in pixels (a pixel's centre at +0.5).
        visible: Those whose surroundings show what belongs there.
        covered: Those that something else is before; experts are taught to respond nowhere about them.
    """

    image: UInt8[ndarray, "H W"]
    points: Float[ndarray, "68 2"]
    visible: Bool[ndarray, " 68"]
    covered: Bool[ndarray, " 68"] = field(default_factory=lambda: np.zeros(IBUG68.count, bool))


MIRRORED: tuple[int, ...] = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *(27, 28, 29, 30, 35, 34, 33, 32, 31),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
    *(64, 63, 62, 61, 60, 67, 66, 65),
)
"""Which of the 68 each point is in a mirror."""


def mirror(sample: Sample) -> Sample:
    """Return a sample as a mirror shows it."""
    order = list(MIRRORED)
    points = np.array((sample.image.shape[1], 0.0)) + sample.points[order] * (-1, 1)
    return Sample(np.ascontiguousarray(sample.image[:, ::-1]), points, sample.visible[order], sample.covered[order])


def pose_of(model: PointDistribution, samples: list[Sample]) -> Float[ndarray, "N P"]:
    """Return the parameters of the model at each sample's landmarks, which are taken to be a pixel off."""
    points = torch.from_numpy(np.stack([sample.points for sample in samples]))
    return fit_shapes(model, points, noise=1.0).parameters.numpy()


def reference_of(model: PointDistribution, parameters: Float[ndarray, " P"], scale: float) -> Float[ndarray, "L 2"]:
    """Return a face's landmarks in the reference frame: its own shape, looking straight ahead."""
    straight = torch.from_numpy(np.concatenate([[scale, 0, 0, 0, 0, 0], parameters[6:]]))
    return landmarks_of(model, straight[None])[0].numpy()


@dataclass(frozen=True)
class Patches:
    """What experts are taught by.

    Attributes:
        values: Patches at places around each landmark, flat.
        targets: Response wanted at each place.
        known: Which landmarks of which samples count.
    """

    values: UInt8[ndarray, "N L Q P"]
    targets: Float32[ndarray, "N L Q"]
    known: Bool[ndarray, "N L"]


def cut_patches(
    model: PointDistribution, samples: list[Sample], poses: Float[ndarray, "N P"], scale: float, seed: int
) -> Patches:
    """Return patches of all samples at a scale, disturbed as a first guess is."""
    random = np.random.default_rng(seed)
    values = np.empty((len(samples), IBUG68.count, PLACES, SUPPORT**2), np.uint8)
    targets = np.empty(values.shape[:3], np.float32)
    for row, (sample, pose) in enumerate(zip(samples, poses, strict=True)):
        back = lay_shape(sample.points, reference_of(model, pose, scale)).inverse()
        back = disturb(back, random)
        offsets = draw_places(random)
        centres = sample.points[:, None] + offsets @ back.matrix.T
        shrunk = shrink(sample.image, 1 / back.scale)
        areas = sample_areas(shrunk, centres.reshape(-1, 2), back.matrix, SUPPORT)
        values[row] = areas.reshape(values.shape[1:]).round().clip(0, 255)
        targets[row] = np.exp(-np.square(offsets).sum(-1) / (2 * WIDTH**2)) * ~sample.covered[:, None]
    return Patches(values, targets, np.stack([sample.visible for sample in samples]))


def disturb(frame: Similarity, random: np.random.Generator) -> Similarity:
    """Return a frame turned and scaled a little."""
    angle, size = random.normal(0, TURN), float(np.exp(random.normal(0, GROW)))
    turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return Similarity(frame.matrix @ turn, frame.shift)


def draw_places(random: np.random.Generator) -> Float[ndarray, "68 Q 2"]:
    """Return offsets from landmarks, near and far."""
    half = PLACES // 2
    near = random.normal(0, NEAR, (IBUG68.count, half, 2))
    far = random.uniform(-FAR, FAR, (IBUG68.count, PLACES - half, 2))
    return np.concatenate([near, far], 1)


class Network(nn.Module):
    """Networks of all landmarks side by side.

    Args:
        count: How many.
        inputs: Entries of a patch.
        seed: Of the weights.
    """

    def __init__(self, count: int, inputs: int, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        sizes = (inputs, *HIDDEN, 1)
        shapes = list(pairwise(sizes))
        # patches of norm 1 have entries of the size of 1 / root of their count: the first layer makes up for it
        spreads = [(2.0 if rank == 0 else 2.0 / a) ** 0.5 for rank, (a, _) in enumerate(shapes)]
        starts = [torch.randn(count, *shape, generator=generator) * by for shape, by in zip(shapes, spreads, strict=True)]
        self.weights = nn.ParameterList(starts)
        self.biases = nn.ParameterList([torch.zeros(count, 1, b) for _, b in shapes])

    def forward(self, patches: Float[Tensor, "L B P"]) -> Float[Tensor, "L B"]:
        """Return what the logistic function is taken of."""
        values = patches
        for rank, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            values = torch.baddbmm(bias, values, weight)
            values = values.relu() if rank < len(HIDDEN) else values
        return values[..., 0]


def train_view(patches: Patches, what: str, seed: int) -> tuple[tuple[Layer, ...], Float[ndarray, " L"]]:
    """Return the layers of a view's experts, and how good each is: the inverse of its squared error, 1 in the mean."""
    count, landmarks, places, size = patches.values.shape
    network = Network(landmarks, size, seed)
    optimiser = torch.optim.Adam(network.parameters(), RATE)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, STEPS)
    generator = torch.Generator().manual_seed(seed)
    values, targets, known = (
        torch.from_numpy(part) for part in (patches.values, patches.targets, patches.known.astype(np.float32))
    )
    errors = torch.zeros(landmarks)
    of_each = max(1, BATCH // places)
    for step in progress(range(STEPS), STEPS, what):
        rows = torch.randint(count, (of_each,), generator=generator)
        chosen = values[rows].permute(1, 0, 2, 3).reshape(landmarks, -1, size).float()
        wanted = targets[rows].permute(1, 0, 2).reshape(landmarks, -1)
        counts = known[rows].T.repeat_interleave(places, 1)
        told = network(normalised(chosen))
        losses = nn.functional.binary_cross_entropy_with_logits(told, wanted, reduction="none") * counts
        optimiser.zero_grad()
        losses.sum().div(counts.sum().clamp_min(1)).mul(landmarks).backward()
        optimiser.step()
        plan.step()
        if step >= STEPS * 3 // 4:
            errors += ((told.detach().sigmoid() - wanted).square() * counts).sum(1) / counts.sum(1).clamp_min(1)
    layers = tuple(
        Layer(weight.detach().numpy(), bias.detach()[:, 0].numpy(), rank < len(HIDDEN))
        for rank, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True))
    )
    trust = 1 / errors.double().clamp_min(1e-6)
    return layers, (trust / trust.mean()).numpy()


def normalised(patches: Float[Tensor, "L B P"]) -> Float[Tensor, "L B P"]:
    """Return patches less their mean, divided by their norm, as ``nets.patch_experts.normalise``."""
    centred = patches - patches.mean(-1, keepdim=True)
    length = centred.norm(dim=-1, keepdim=True)
    return centred / torch.where(length > 1e-3, length, torch.inf)


def train_scale(
    model: PointDistribution, samples: list[Sample], scale: float, views: Float[ndarray, "V 3"], seed: int, what: str
) -> NetworkExperts:
    """Return the experts of a scale; of views to either side only those to the left are trained, the others are their mirror.

    A view is taught by the samples whose turn about y is at most ``REACH`` beyond the middle between its own and the next. It
    sees the landmarks that are visible in half of them.

    Args:
        model: The model that lies in the samples' landmarks.
        samples: Faces, with their mirror images.
        scale: Pixels a millimetre.
        views: Turns of the views, radians: straight ahead, and the same to either side.
        seed: Of places, weights and order.
        what: For the progress.
    """
    poses = pose_of(model, samples)
    taught = {
        number: _train(model, samples, poses, scale, (number, views), seed, what)
        for number, view in enumerate(views)
        if view[1] >= 0
    }
    for number, view in enumerate(views):
        if view[1] < 0:
            twin = next(other for other in taught if np.allclose(views[other], view * (1, -1, -1)))
            taught[number] = mirrored_view(*taught[twin])
    layers, trust, visible = zip(*(taught[number] for number in range(len(views))), strict=True)
    return NetworkExperts(scale, SUPPORT, views, np.stack(visible), np.stack(trust), layers)


Taught = tuple[tuple[Layer, ...], Float[ndarray, " L"], Bool[ndarray, " L"]]
"""A view's layers, and each expert's trust and whether it has been taught anything."""


def _train(
    model: PointDistribution,
    samples: list[Sample],
    poses: Float[ndarray, "N P"],
    scale: float,
    view: tuple[int, Float[ndarray, "V 3"]],
    seed: int,
    what: str,
) -> Taught:
    number, views = view
    chosen = np.flatnonzero(taught_by(poses[:, 2], views[:, 1], number))
    patches = cut_patches(model, [samples[row] for row in chosen], poses[chosen], scale, seed + number)
    layers, trust = train_view(patches, f"{what}, scale {scale:g}, view {number}", seed)
    return layers, trust, patches.known.mean(0) > 0.5


def taught_by(turns: Float[ndarray, " N"], views: Float[ndarray, " V"], number: int) -> Bool[ndarray, " N"]:
    """Return which samples, by their turn about y, teach a view: those that it sees, and some that a neighbour does."""
    away = np.abs(turns[:, None] - views)
    return away[:, number] <= away.min(1) + 2 * REACH


def mirrored_view(layers: tuple[Layer, ...], trust: Float[ndarray, " L"], visible: Bool[ndarray, " L"]) -> Taught:
    """Return a view as a mirror shows it: another landmark's experts, which see patches from right to left."""
    order = list(MIRRORED)
    first, *others = layers
    weights = first.weights[order].reshape(len(order), SUPPORT, SUPPORT, -1)[:, :, ::-1].reshape(first.weights.shape)
    turned = [replace(layer, weights=layer.weights[order], biases=layer.biases[order]) for layer in others]
    start = replace(first, weights=np.ascontiguousarray(weights), biases=first.biases[order])
    return (start, *turned), trust[order], visible[order]
