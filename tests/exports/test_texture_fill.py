"""Unseen parts take the colours of their surroundings on the head, and nothing of beyond their region."""

import numpy as np
from synthetic_head import grid

from headsmith.exports.surface import Surface
from headsmith.exports.texture_fill import ACROSS, adjacency, complete, fill
from headsmith.exports.texture_layout import lay_out

FACES = grid(9, 5)
PLAIN = np.full((45, 3), 100.0)


def test_colours_in_between_are_the_harmonic_ones() -> None:
    """With the two ends known and all rows alike, the colour grows evenly from one end to the other."""
    faces = np.concatenate([FACES, FACES[:, ::-1]])
    column = np.arange(45) % 9
    colours = np.where(column == 8, 80.0, 0.0)[:, None] * np.ones(3)
    known = (column == 0) | (column == 8)
    found = complete(faces, colours, known, PLAIN)
    slow = np.where(known[:, None], colours, 40.0)
    edges = {tuple(sorted(pair)) for face in FACES for pair in ((face[0], face[1]), (face[1], face[2]), (face[2], face[0]))}
    around = [[b if a == vertex else a for a, b in edges if vertex in (a, b)] for vertex in range(45)]
    for _ in range(4000):
        slow = np.where(known[:, None], slow, np.stack([slow[near].mean(0) for near in around]))
    np.testing.assert_allclose(found, slow, atol=1e-6)


def test_a_part_of_which_nothing_was_seen_gets_its_plain_colour() -> None:
    faces, plain = np.concatenate([FACES, FACES + 45]), np.concatenate([PLAIN, PLAIN + 7])
    known = np.zeros(90, bool)
    known[0] = True
    colours = np.full((90, 3), 33.0)
    found = complete(faces, colours, known, plain)
    np.testing.assert_allclose(found[:45], 33)
    np.testing.assert_allclose(found[45:], 107)


def test_a_region_takes_little_from_the_next() -> None:
    column = np.arange(45) % 9
    plain = np.where(column < 4, 10.0, 20.0)[:, None] * np.ones(3)
    known = (column == 0) | (column == 8)
    colours = np.where(column == 8, 200.0, 0.0)[:, None] * np.ones(3)
    found = complete(FACES, colours, known, plain)
    assert found[column < 4].max() < 2 and found[column >= 4].min() > 198
    weights = adjacency(FACES, plain)
    assert weights[3, 4] == ACROSS and weights[2, 3] == weights[12, 3] == 1
    assert (weights != weights.T).nnz == 0


def test_what_was_seen_well_stays_and_the_rest_follows() -> None:
    uv = np.stack(np.meshgrid(np.linspace(0.1, 0.9, 9), np.linspace(0.1, 0.9, 5)), -1).reshape(-1, 2)
    texels = lay_out(Surface(45, FACES, uv, FACES), 90)
    across = texels.spread(uv, FACES)[:, 0]
    weights = np.where(across < 0.5, 3.0, 0.0)
    colours = np.where(across < 0.5, 60.0, 255.0)[:, None] * np.ones(3)
    found = fill(texels, FACES, colours.astype(np.float32), weights, PLAIN)
    np.testing.assert_allclose(found, 60, atol=1)
    picture = texels.picture(found)
    np.testing.assert_allclose(picture, 60, atol=1)
