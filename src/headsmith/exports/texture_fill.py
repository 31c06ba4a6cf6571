"""What no frame showed of a head, coloured from what they did: smooth over the surface, whatever the unwrapping's seams.

The unseen vertices get the colours of least change along the triangles' edges: Laplace's equation on the mesh with the seen
ones as its border (Zhu, Ghahramani and Lafferty 2003, *Semi-supervised learning using Gaussian fields and harmonic functions*,
section 2). Edges between two regions hardly count, so the back of the head takes the hair's colour and not the neck's. Parts
of the mesh of which nothing was seen (teeth in a clip of a closed mouth) get their regions' plain colours.
"""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float32, Int
from numpy import ndarray
from scipy.sparse import coo_matrix, csr_matrix, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import spsolve

from headsmith.exports.texture_layout import Texels

DOUBT: Final = 0.05
"""Weight at which a texel is half its own colour and half its surroundings'; a look from straight ahead weighs 1."""

ACROSS: Final = 1e-3
"""Weight of an edge between two regions; one within a region weighs 1."""


def fill(
    texels: Texels,
    faces: Int[ndarray, "F 3"],
    colours: Float[ndarray, "M 3"],
    weights: Float[ndarray, " M"],
    plain: Float[ndarray, "V 3"],
) -> Float32[ndarray, "M 3"]:
    """Return the colours of all texels, those seen badly or never from their surroundings on the head.

    Args:
        texels: Of the texture.
        faces: Triangles of the head.
        colours: Of the texels, where they were seen.
        weights: How well they were seen; 0 where never.
        plain: Colours of the vertices for parts of which nothing was seen; one colour is one region.
    """
    own, known = gather_colours(texels, faces, colours, weights, len(plain))
    around = texels.spread(complete(faces, own, known, plain), faces)
    trust = (weights / (weights + DOUBT))[:, None]
    return (trust * colours + (1 - trust) * around).astype(np.float32)


def gather_colours(
    texels: Texels, faces: Int[ndarray, "F 3"], colours: Float[ndarray, "M 3"], weights: Float[ndarray, " M"], count: int
) -> tuple[Float[ndarray, "V 3"], Bool[ndarray, " V"]]:
    """Return each vertex' colour, the mean over the seen texels of its triangles, and which vertices have one."""
    shares = texels.barycentrics * np.minimum(weights, 10 * DOUBT)[:, None]
    corners = faces[texels.faces]
    total, weight = np.zeros((count, 3)), np.zeros(count)
    for corner in range(3):
        place, share = corners[:, corner], shares[:, corner]
        weight += np.bincount(place, share, count)
        total += np.stack([np.bincount(place, share * colours[:, band], count) for band in range(3)], 1)
    known = weight > DOUBT
    return total / np.maximum(weight, 1e-12)[:, None], known


def complete(
    faces: Int[ndarray, "F 3"], colours: Float[ndarray, "V 3"], known: Bool[ndarray, " V"], plain: Float[ndarray, "V 3"]
) -> Float[ndarray, "V 3"]:
    """Return colours for all vertices: the known ones as they are, the others in between."""
    edges = adjacency(faces, plain)
    _, part = connected_components(edges, directed=False)
    seen_parts = np.bincount(part, known) > 0
    known = known | ~seen_parts[part]
    result = np.where(seen_parts[part][:, None], colours, plain)
    laplacian = csr_matrix(diags_array(np.asarray(edges.sum(1)).ravel()) - edges)
    free = np.flatnonzero(~known)
    if len(free):
        system, border = laplacian[free][:, free], laplacian[free][:, np.flatnonzero(known)]
        result[free] = spsolve(system.tocsc(), -border @ result[known]).reshape(-1, 3)
    return result


def adjacency(faces: Int[ndarray, "F 3"], plain: Float[ndarray, "V 3"]) -> csr_matrix:
    """Return the weight of each edge between two vertices: 1 where they have one plain colour, else ``ACROSS``."""
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    ends = np.unique(np.sort(ends, 1), axis=0)
    weights = np.where((plain[ends[:, 0]] == plain[ends[:, 1]]).all(1), 1.0, ACROSS)
    half = coo_matrix((weights, ends.T), (len(plain), len(plain)))
    return csr_matrix(half + half.T)
