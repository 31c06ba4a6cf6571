"""Identity components: people sampled from a parametric head, and their principal components."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.heads.anny_source import AnnySource

YOUNGEST = 0.3
"""Anny's age runs from -1/3 (newborn) over 1/3 (child) and 2/3 (young) to 1 (old): heads from about a child's up."""

LOCAL_SPREAD = 0.3
"""Standard deviation of the local changes, whose full range is -1..1."""

SMALLEST_MOVE = 1e-4
"""A local change that moves no vertex of the head by this much, in metres, is one of the body."""


def sample_identities(source: AnnySource, count: int, seed: int) -> tuple[Float[ndarray, "N V 3"], Float[ndarray, "N B 3"]]:
    """Return vertices and bone heads of random people, in the frame of Anny's root.

    Phenotypes are uniform in 0..1 (age from ``YOUNGEST``), local changes of the head normal, cut at their range.
    """
    chance = np.random.default_rng(seed)
    labels = source.model.phenotype_labels
    phenotypes = chance.random((count, len(labels)))
    age = labels.index("age")
    phenotypes[:, age] = YOUNGEST + (1 - YOUNGEST) * phenotypes[:, age]
    moving = changes_of_head(source)
    changes = chance.normal(0, LOCAL_SPREAD, (count, len(moving))).clip(-1, 1) * moving
    return source.identities(phenotypes, changes)


def changes_of_head(source: AnnySource) -> Float[ndarray, " C"]:
    """Return 1 for each local change that moves the head, 0 for those of the body."""
    labels = source.model.local_change_labels
    neutral = np.full((1, len(source.model.phenotype_labels)), 0.5)
    still = source.identities(neutral, np.zeros((1, len(labels))))[0][0]
    moved = source.identities(np.repeat(neutral, len(labels), 0), np.eye(len(labels)))[0]
    return (np.linalg.norm(moved - still, axis=-1).max(1) > SMALLEST_MOVE).astype(np.float64)


def principal_components(
    samples: Float[ndarray, "N V 3"], count: int
) -> tuple[Float[ndarray, "V 3"], Float[ndarray, "K V 3"], Float[ndarray, " N"]]:
    """Return mean, components and the variance of all components, largest first.

    A component is scaled to one standard deviation of its code over the samples, and signed so that its largest entry is
    positive. Found from the N x N matrix of inner products, which has the same non-zero eigenvalues as the covariance
    (Turk and Pentland 1991, *Eigenfaces for Recognition*, section 2).
    """
    mean = samples.mean(0)
    centred = (samples - mean).reshape(len(samples), -1)
    variances, directions = np.linalg.eigh(centred @ centred.T / (len(samples) - 1))
    variances, directions = variances[::-1], directions[:, ::-1]
    components = directions[:, :count].T @ centred / np.sqrt(len(samples) - 1)
    largest = np.take_along_axis(components, np.abs(components).argmax(1)[:, None], 1)
    return mean, (components * np.sign(largest)).reshape(count, *mean.shape), variances.clip(0)
