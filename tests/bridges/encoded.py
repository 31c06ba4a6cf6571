"""Made-up outputs of face encoders for a made-up head, and where their own cameras see it (field guide 5.3, 5.4, 6.4)."""

import numpy as np
import torch
from bridges.slow_flame import whole_weights
from synthetic_head import synthetic_head

from headsmith.heads.model import HeadModel

CODES, EXPRESSIONS = 5, 4


def small_model():
    """A head with correctives and a few codes more than the made-up encoders know."""
    head = whole_weights(synthetic_head(identity=CODES + 1, expression=EXPRESSIONS + 2, correctives=True))
    return HeadModel.from_container(head, torch.float64)


def random_tform(chance):
    """A similarity from a whole image's pixels to those of a crop of 224 pixels, turned a little."""
    angle, scale = 0.2 * chance.normal(), chance.uniform(0.2, 1.5)
    turned = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    tform = np.eye(3)
    tform[:2, :2], tform[:2, 2] = turned, 112 - turned @ chance.uniform(200, 500, 2)
    return tform


def orthographic(vertices, camera, tform=None):
    """Pixels of the whole image where DECA and SMIRK draw vertices: crop's -1..1, y down; then back through the warp."""
    scale, *shift = camera
    drawn = scale * (vertices[:, :2] + shift) * [1, -1]
    crop = (drawn + 1) * 112
    if tform is None:
        return crop
    back = np.linalg.inv(tform)
    return np.c_[crop, np.ones(len(crop))] @ back[:2].T


def write_frames(folder, frames, first=0):
    """Write one .npz a frame, numbered."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, values in enumerate(frames, first):
        np.savez(folder / f"{number:05d}.npz", **values)
    return folder
