"""A point distribution model made from a head: 68 landmarks of many people with many faces, and their principal components."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.contract.conventions import IBUG68
from headsmith.heads.landmark_model import LandmarkModel
from headsmith.heads.model import HeadModel
from headsmith.maths.cameras import FLIP
from headsmith.maths.point_distribution import PointDistribution

MODES = 34
"""As many as OpenFace's own model of 68 points has."""
SAMPLES = 20_000
MILLIMETRES = 1000.0
STILL = 0.25
"""Share of samples whose face is at rest."""
ACTIVE = 0.15
"""Share of the expression's units that play in a face that moves; each 0..1."""
JAW = (0.30, 0.05, 0.03)
"""Largest opening of the jaw, and deviations of its two other turns, in radians."""
ALIGNMENTS = 5


@dataclass(frozen=True)
class MadeModel:
    """A model, and how much of the samples' variance its modes hold, 0..1."""

    model: PointDistribution
    explained: float


def make_point_distribution(head: HeadModel, samples: int = SAMPLES, seed: int = 0) -> MadeModel:
    """Return the model of a head's 68 landmarks, in millimetres, OpenCV's axes.

    Identity codes are drawn from their distribution; a quarter of the faces is at rest, in the others some units of expression,
    the lids and the jaw play. Samples are laid over each other by rotation, scale and shift, which the model's global
    parameters are for (generalised Procrustes analysis: Gower 1975), and the mean keeps the samples' mean size.

    Args:
        head: The head, float64, with an embedding of ``ibug68``.
        samples: How many faces, more than modes.
        seed: Of the samples.

    Raises:
        ValueError: The head lacks some of the 68 points.
    """
    embedding = head.container.embeddings.get(IBUG68.name)
    if embedding is None or len(embedding.points) < IBUG68.count:
        raise ValueError(f"the head {head.container.name} does not have all of iBUG's 68 points")
    faces = torch.from_numpy(embedding.faces).long()
    marks = LandmarkModel.from_head(head, faces, torch.from_numpy(embedding.barycentrics).to(head.template))
    generator = torch.Generator().manual_seed(seed)
    points = torch.cat([_draw(marks, head, generator) for _ in range(samples)])
    return principal_modes(MILLIMETRES * points * torch.from_numpy(FLIP).to(points))


def _draw(marks: LandmarkModel, head: HeadModel, generator: torch.Generator) -> Float[Tensor, "1 L 3"]:
    """Return the landmarks of one person with one face, in the head's own axes, metres."""
    identity = torch.randn(len(head.identity), generator=generator, dtype=head.template.dtype)
    codes = head.template.new_zeros(1, marks.layout.count)
    if torch.rand((), generator=generator) > STILL:
        codes[0, : marks.layout.linear] = _play(marks, head, generator)
        jaw = torch.randn(3, generator=generator, dtype=codes.dtype) * codes.new_tensor(JAW)
        jaw[0] = torch.rand((), generator=generator) ** 2 * JAW[0]
        codes[0, marks.layout.angles(0)] = jaw
    return marks.points(identity, codes)


def _play(marks: LandmarkModel, head: HeadModel, generator: torch.Generator) -> Float[Tensor, " n"]:
    """Return codes of expression and lids: units between 0 and 1 where a head has units, deviations where it has codes."""
    count = marks.layout.expression
    if "jawOpen" in head.container.expression_names or "browInnerUp" in head.container.expression_names:
        plays = torch.rand(count, generator=generator) < ACTIVE
        expression = plays * torch.rand(count, generator=generator)
    else:
        expression = torch.randn(count, generator=generator)
    lids = torch.rand(2, generator=generator).square()
    return torch.cat([expression, lids]).to(head.template)


def principal_modes(points: Float[Tensor, "B L 3"]) -> MadeModel:
    """Return the mean and the first modes of shapes, laid over each other by rotation, scale and shift.

    Raises:
        ValueError: There are fewer shapes than modes.
    """
    if len(points) <= MODES:
        raise ValueError(f"{len(points)} shapes do not tell {MODES} modes")
    points = points - points.mean(1, keepdim=True)
    size = points.square().sum((1, 2)).sqrt().mean()
    mean = points[0] / points[0].norm()
    for _ in range(ALIGNMENTS):
        laid = lay_over(points, mean)
        mean = laid.mean(0)
        mean = mean / mean.norm()
    # towards the first shape's own pose the mean may have drifted: it is turned to the mean pose of all
    mean = lay_over(mean[None], points.mean(0) / points.mean(0).norm())[0]
    laid = lay_over(points, mean) * size
    mean = laid.mean(0)
    rest = (laid - mean).flatten(1)
    values, vectors = torch.linalg.eigh(rest.mT @ rest / (len(rest) - 1))
    order = values.argsort(descending=True)[:MODES]
    modes, variances = vectors[:, order], values[order]
    signs = modes.gather(0, modes.abs().argmax(0, keepdim=True)).sign()
    model = PointDistribution(mean, (modes * signs).unflatten(0, mean.shape), variances)
    return MadeModel(model, float(variances.sum() / values.sum()))


def lay_over(points: Float[Tensor, "B L 3"], mean: Float[Tensor, "L 3"]) -> Float[Tensor, "B L 3"]:
    """Return centred shapes turned and scaled so that each lies nearest to a mean shape of norm 1.

    Umeyama, Least-squares estimation of transformation parameters between two point patterns, 1991, eq. 40 to 42.
    """
    left, sizes, right = torch.linalg.svd(points.mT @ mean)
    signs = torch.ones_like(sizes)
    signs[:, 2] = torch.linalg.det(left @ right).sign()
    turned = points @ (left * signs[:, None]) @ right
    return turned * ((sizes * signs).sum(1) / points.square().sum((1, 2)))[:, None, None]
