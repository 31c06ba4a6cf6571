"""MakeHuman's phenotypes: which macro targets make a person of a given gender, age, build and origin, and how much of each.

A macro target is made for one combination of settings; its weight is the product of the settings' weights, each a hat function
of its phenotype (the rule of MakeHuman and of Anny).
"""

from itertools import product

import numpy as np
from jaxtyping import Float
from numpy import ndarray

SCALES: dict[str, dict[str, float]] = {
    "gender": {"male": 0.0, "female": 1.0},
    "age": {"child": 1 / 3, "young": 2 / 3, "old": 1.0},
    "muscle": {"minmuscle": 0.0, "averagemuscle": 0.5, "maxmuscle": 1.0},
    "weight": {"minweight": 0.0, "averageweight": 0.5, "maxweight": 1.0},
    "height": {"minheight": 0.0, "maxheight": 1.0},
    "proportions": {"idealproportions": 0.0, "uncommonproportions": 1.0},
}
"""Settings of each phenotype and where on its scale they are pure, as in Anny; younger ages (baby, newborn) are left out."""

RACE = "race"
RACES: tuple[str, ...] = ("african", "asian", "caucasian")
"""MakeHuman's names; their weights sum to 1."""

BUILD = ("gender", "age", "muscle", "weight")
MACROS: dict[str, tuple[str, ...]] = {
    "universal-{}-{}-{}-{}.target.gz": BUILD,
    "{}-{}-{}.target.gz": (RACE, "gender", "age"),
    "height/{}-{}-{}-{}-{}.target.gz": (*BUILD, "height"),
    "proportions/{}-{}-{}-{}-{}.target.gz": (*BUILD, "proportions"),
}
"""File names of the macro targets, and what they combine."""

Keys = tuple[str, tuple[str, ...]]


def settings_of(phenotype: str) -> tuple[str, ...]:
    """Return the settings of a phenotype."""
    return RACES if phenotype == RACE else tuple(SCALES[phenotype])


def macro_keys(macros: dict[str, tuple[str, ...]]) -> list[Keys]:
    """Return all macro targets: file name pattern and settings."""
    return [(pattern, keys) for pattern, names in macros.items() for keys in product(*map(settings_of, names))]


def macro_file(keys: Keys) -> str:
    """Return the name of a macro target's file."""
    pattern, settings = keys
    return pattern.format(*settings)


def hat_weights(values: Float[ndarray, " N"], knots: Float[ndarray, " n"]) -> Float[ndarray, "N n"]:
    """Return weights that interpolate linearly between knots: 1 at a knot, 0 at its neighbours, constant beyond the ends."""
    return np.stack([np.interp(values, knots, row) for row in np.eye(len(knots))], 1)


def macro_weights(phenotypes: dict[str, Float[ndarray, " N"]], races: Float[ndarray, "N 3"]) -> Float[ndarray, "N M"]:
    """Return the weight of each macro target for people.

    Args:
        phenotypes: Values on the scales of ``SCALES``, by name.
        races: Weights of ``RACES``, summing to 1.
    """
    weights = dict(zip(RACES, races.T, strict=True))
    for name, scale in SCALES.items():
        hats = hat_weights(phenotypes[name], np.array(list(scale.values())))
        weights |= dict(zip(scale, hats.T, strict=True))
    return np.stack([np.prod([weights[key] for key in keys], 0) for _, keys in macro_keys(MACROS)], 1)
