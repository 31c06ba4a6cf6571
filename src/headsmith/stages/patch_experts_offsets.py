"""How far the points that real frames are labelled with lie from those of a head that bear the same numbers.

A detector's tenth point of the chin is not quite where the tenth point of the head is: such differences are the same on all
people, one to three millimetres (docs/detectors.md), and neither a shape's modes nor its pose explain them.
"""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from headsmith.maths.point_distribution import Placed, PointDistribution, landmarks_of
from headsmith.maths.point_distribution_fit import fit_shapes
from headsmith.stages.patch_experts_training import Sample

NOISE = 2.0
"""Pixels that labels are taken to be off: beyond that, shapes do not bend to meet them."""
ROUNDS = 3


def tell_offsets(model: PointDistribution, samples: list[Sample]) -> Float[ndarray, "L 3"]:
    """Return what to add to a model's mean so that it lies where faces are labelled, millimetres, the model's axes.

    The model is laid through the labels of each face; what is left over on average, as far as it is across the line of sight,
    is added to the mean; and again, since poses are then told better.

    Args:
        model: The model.
        samples: Labelled faces, as many of each person, with their mirror images.
    """
    if not samples:
        return np.zeros(tuple(model.mean.shape))
    points, moved = torch.from_numpy(np.stack([sample.points for sample in samples])), model
    for _ in range(ROUNDS):
        parameters = fit_shapes(moved, points, noise=NOISE).parameters
        placed = Placed.of(parameters)
        miss = (points - landmarks_of(moved, parameters)) / placed.scale[:, None, None]
        moved = moved.moved((miss @ placed.rotation[:, :2]).mean(0))
    return (moved.mean - model.mean).numpy()


def move_labels(model: PointDistribution, samples: list[Sample], offsets: Float[ndarray, "L 3"]) -> list[Sample]:
    """Return faces of a head whose labels are moved by offsets from the model's points, in the pose of each."""
    if not samples:
        return []
    points = torch.from_numpy(np.stack([sample.points for sample in samples]))
    placed = Placed.of(fit_shapes(model, points, noise=1.0).parameters)
    steps = placed.scale[:, None, None] * (torch.from_numpy(offsets) @ placed.rotation[:, :2].mT)
    return [replace(sample, points=sample.points + step) for sample, step in zip(samples, steps.numpy(), strict=True)]
