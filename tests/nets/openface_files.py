"""Files of patch experts as OpenFace writes them, with random content of the right form."""

import struct

import numpy as np

POINTS, SUPPORT = 68, 5


def matrix(values, kind=6):
    """A matrix: rows, columns, OpenCV's type, entries."""
    values = np.atleast_2d(values)
    return struct.pack("<3i", *values.shape, kind) + values.astype({4: "<i4", 5: "<f4", 6: "<f8"}[kind]).tobytes()


def header(scale, centres, visible):
    parts = [struct.pack("<di", scale, len(centres)), *(matrix(np.reshape(centre, (3, 1))) for centre in centres)]
    return b"".join([*parts, *(matrix(np.reshape(row, (-1, 1)), 4) for row in visible)])


def cen_expert(weights, biases, kinds, trust=0.7):
    """An expert of CEN: ``weights`` as they are stored, the constant's column first."""
    parts = [struct.pack("<4i", 6, SUPPORT, SUPPORT, len(kinds))]
    for kind, weight, bias in zip(kinds, weights, biases, strict=True):
        parts += [struct.pack("<i", kind), matrix(np.reshape(bias, (-1, 1)), 5), matrix(weight, 5)]
    return b"".join([*parts, struct.pack("<d", trust)])


def empty_cen(trust=0.0):
    """An expert that is not stored, since it is not seen or another's mirror stands for it; its confidence is."""
    return struct.pack("<4id", 6, 0, 0, 0, trust)


def random_network(random, hidden=4):
    weights = [random.normal(size=(hidden, SUPPORT**2 + 1)), random.normal(size=(1, hidden))]
    return [part.astype(np.float32) for part in weights], [random.normal(size=hidden), random.normal(size=1)], (2, 0)


def cen_file(scale=0.5, mirrored=(3, 5), hidden=None, trust=0.0):
    """A file of one view, in which one point is the mirror of another; and its networks by point."""
    random = np.random.default_rng(0)
    networks = [random_network(random, (hidden or {}).get(point, 4)) for point in range(POINTS)]
    first, second = mirrored
    twins = list(range(POINTS))
    twins[first], twins[second] = second, first
    experts = [empty_cen(trust) if point == first else cen_expert(*network) for point, network in enumerate(networks)]
    content = header(scale, [(0, 0, 0)], [np.ones(POINTS)]) + matrix(np.reshape(twins, (1, -1)), 4) + matrix([[0]], 4)
    return content + b"".join(experts), networks


def neuron(random):
    weights = random.normal(size=(SUPPORT, SUPPORT)).astype(np.float32)
    facts = random.normal(), random.normal(), random.random()
    return struct.pack("<2i3d", 2, 0, *facts) + matrix(weights, 5), (weights, *facts)


def edges(side):
    """The edges between neighbours, as a Laplacian."""
    size = side * side
    result = np.zeros((size, size))
    for a in range(size):
        for b in range(size):
            if abs(a // side - b // side) + abs(a % side - b % side) == 1:
                result[a, b] = -1
    return result - np.diag(result.sum(1))


def ccnf_file(scale=0.35, sides=(3, 7), count=2):
    """A file of two views, the second of which does not see point 0; and the neurons of each expert of the first."""
    random = np.random.default_rng(1)
    visible = np.ones((2, POINTS))
    visible[1, 0] = 0
    content = header(scale, [(0, 0, 0), (0, 30, 0)], visible) + struct.pack("<i", len(sides))
    for side in sides:
        content += struct.pack("<2i", side, 1) + matrix(edges(side), 5)
    told = []
    for view in range(2):
        for point in range(POINTS):
            if not visible[view, point]:
                content += struct.pack("<5i", 5, 0, 0, 0, 0)
                continue
            parts = [neuron(random) for _ in range(count)]
            content += struct.pack("<4i", 5, SUPPORT, SUPPORT, count) + b"".join(part for part, _ in parts)
            content += struct.pack("<2d", 0.3, 0.9)
            told.append([facts for _, facts in parts])
    return content, told[:POINTS]


def svr_file(scale=1.0):
    """A text file of one view; and its regressors by point: kind, scaling, bias and template."""
    random = np.random.default_rng(2)
    lines = ["# scaling factor of training", f"{scale}", "# number of views", "1", "# centers of the views", "3 1 6 0 0 0"]
    lines += ["# visibility indices per view", f"{POINTS} 1 4 " + " ".join(["1"] * POINTS), "# Patches themselves"]
    told = []
    for point in range(POINTS):
        kinds = (0, 1) if point == 2 else (0,)
        parts = [(kind, *random.normal(size=2), random.normal(size=(SUPPORT, SUPPORT))) for kind in kinds]
        words = [f"3 {SUPPORT} {SUPPORT} {len(kinds)}"]
        for kind, scaling, bias, template in parts:
            entries = " ".join(map(repr, template.T.ravel().tolist()))
            words.append(f"2 {kind} 0.8 {scaling!r} {bias!r} {SUPPORT} {SUPPORT} 6 {entries}")
        lines.append(" ".join(words).replace("np.float64(", "").replace(")", ""))
        told.append(parts)
    return "\n".join(lines) + "\n", told
