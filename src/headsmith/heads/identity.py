"""Identity components: people sampled from a parametric head, and their principal components."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from headsmith.heads.anny_source import AnnySource
from headsmith.heads.phenotypes import SCALES, macro_weights

LOCAL_SPREAD = 0.3
"""Standard deviation of the local changes, whose full range is -1..1."""

ASYMMETRY = 0.3
"""Standard deviation of the difference of a change between the left and the right side, relative to the change's own."""


def sample_people(source: AnnySource, count: int, seed: int) -> tuple[Float[ndarray, "N V 3"], Float[ndarray, "N B 3"]]:
    """Return vertices and bone heads of random people, in MakeHuman's frame.

    Phenotypes are uniform over their scales (ages from child to old), origins uniform over their mixtures. Local changes are
    normal, cut at their range; left and right of a change share most of it, as faces do.
    """
    chance = np.random.default_rng(seed)
    ranges = {name: (min(scale.values()), max(scale.values())) for name, scale in SCALES.items()}
    phenotypes = {name: chance.uniform(*ends, count) for name, ends in ranges.items()}
    macros = macro_weights(phenotypes, chance.dirichlet((1, 1, 1), count))
    shared = chance.normal(0, LOCAL_SPREAD, (count, source.sides.max() + 1))[:, source.sides]
    own = chance.normal(0, LOCAL_SPREAD * ASYMMETRY / np.sqrt(2), shared.shape)
    return source.people(macros, (shared + own * is_sided(source)).clip(-1, 1))


def is_sided(source: AnnySource) -> Bool[ndarray, " C"]:
    """Return which local changes are one side of a pair."""
    return np.bincount(source.sides)[source.sides] > 1


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
