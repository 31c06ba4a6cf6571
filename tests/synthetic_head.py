"""A small head for tests: a bulging face, two eyeballs, smooth random bases, and all of MediaPipe's points on it."""

import numpy as np

from headsmith.contract.landmark_groups import CONVENTION, COUNT, PARTS
from headsmith.heads.container import HeadContainer
from headsmith.heads.embedding_types import Embedding

COLUMNS, ROWS = 13, 15
EYES = ((0.034, 0.03, 0.06), (-0.034, 0.03, 0.06))
EYE_RADIUS = 0.012
LEFT_IRIS_POINTS = (473, 474, 475, 476, 477)


def grid(columns, rows):
    """Triangles of a grid, row by row, counter-clockwise seen from +z when x grows with columns and y with rows."""
    corner = np.arange(columns * rows).reshape(rows, columns)
    a, b, c, d = corner[:-1, :-1].ravel(), corner[:-1, 1:].ravel(), corner[1:, 1:].ravel(), corner[1:, :-1].ravel()
    return np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])


def patches():
    """Vertices and triangles of the face, the left and the right eye."""
    x, y = np.meshgrid(np.linspace(-0.08, 0.08, COLUMNS), np.linspace(-0.1, 0.1, ROWS))
    face = np.stack([x, y, 0.08 * np.sqrt(np.clip(1 - (x / 0.1) ** 2 - (y / 0.14) ** 2, 0, 1))], -1).reshape(-1, 3)
    parts, faces = [face], [grid(COLUMNS, ROWS)]
    for centre in EYES:
        u, v = np.meshgrid(np.linspace(-0.9, 0.9, 5), np.linspace(-0.9, 0.9, 5))
        ball = EYE_RADIUS * np.stack([np.sin(u) * np.cos(v), np.sin(v), np.cos(u) * np.cos(v)], -1).reshape(-1, 3)
        faces.append(grid(5, 5) + sum(map(len, parts)))
        parts.append(ball + centre)
    return parts, faces


def smooth_basis(vertices, count, size, generator):
    """Displacements that vary slowly over the head, metres, about ``size`` each."""
    frequency = generator.normal(size=(count, 3, 3)) * 25
    phase = generator.uniform(0, 6, (count, 3))
    return size * np.sin(np.einsum("kij,vj->kvi", frequency, vertices) + phase[:, None])


def embed(parts, faces, generator):
    """Every point of the convention in a random triangle; irises on the eyes, eye corners apart."""
    triangles = np.concatenate(faces)
    vertices = np.concatenate(parts)
    centres = vertices[triangles].mean(1)
    chosen = generator.integers(0, len(faces[0]), COUNT)
    for point, x in ((33, -0.045), (263, 0.045)):
        chosen[point] = np.linalg.norm(centres[: len(faces[0]), :2] - (x, 0.03), axis=1).argmin()
    for point in PARTS["irises"]:
        left = point in LEFT_IRIS_POINTS
        chosen[point] = len(faces[0]) + (0 if left else len(faces[1])) + generator.integers(0, len(faces[1]))
    weights = generator.dirichlet((2, 2, 2), COUNT).astype(np.float32)
    return Embedding(np.arange(COUNT, dtype=np.int32), chosen.astype(np.int32), weights)


def synthetic_head(*, identity=4, expression=6, correctives=False, seed=0):
    """The container; the same for the same arguments."""
    generator = np.random.default_rng(seed)
    parts, faces = patches()
    vertices = np.concatenate(parts)
    count = len(vertices)
    weights = np.zeros((count, 5))
    weights[:, 2] = np.clip((-0.02 - vertices[:, 1]) / 0.04, 0, 1) * (np.arange(count) < len(parts[0]))
    weights[len(parts[0]) : len(parts[0]) + 25, 3] = 1
    weights[len(parts[0]) + 25 :, 4] = 1
    weights[:, 1] = 1 - weights.sum(1)
    regressor = generator.dirichlet(np.full(count, 0.2), 5)
    regressor[3:] = 0
    regressor[3, len(parts[0]) : len(parts[0]) + 25] = regressor[4, len(parts[0]) + 25 :] = 1 / 25
    lids = smooth_basis(vertices, 2, 0.004, generator) * np.stack([vertices[:, 0] > 0, vertices[:, 0] < 0])[..., None]
    arrays = {
        "template": vertices,
        "identity": smooth_basis(vertices, identity, 0.004, generator),
        "expression": smooth_basis(vertices, expression, 0.004, generator),
        "eyelids": lids,
        "correctives": smooth_basis(vertices, 36 if correctives else 0, 0.002, generator).reshape(-1, count, 3),
        "joint_regressor": regressor,
        "weights": weights,
        "uv": vertices[:, :2] * 4 + 0.5,
    }
    triangles = np.concatenate(faces).astype(np.int32)
    return HeadContainer(
        **{key: value.astype(np.float32) for key, value in arrays.items()},
        parents=np.array([-1, 0, 1, 1, 1], np.int32),
        faces=triangles,
        uv_faces=triangles,
        expression_names=tuple(f"unit{i}" for i in range(expression)),
        name="synthetic",
        licence="none",
        source_sha256="0" * 64,
        embeddings={CONVENTION: embed(parts, faces, generator)},
    )
