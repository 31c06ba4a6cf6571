"""A small head whose unwrapping has a seam, and a clip of it."""

from dataclasses import replace

import numpy as np
from synthetic_head import synthetic_head

from headsmith.bridges.track import Track


def seamed_head(**options):
    """The synthetic head with its two halves apart in the texture: vertices between them have two texture coordinates."""
    head = synthetic_head(correctives=True, **options)
    right = head.template[head.faces][:, :, 0].mean(1) > 0
    uv = np.concatenate([head.uv * [0.5, 1], head.uv * [0.5, 1] + [0.25, 0]]).clip(0, 1)
    used, places = np.unique(head.uv_faces + len(head.uv) * right[:, None], return_inverse=True)
    return replace(head, uv=uv[used].astype(np.float32), uv_faces=places.reshape(-1, 3).astype(np.int32))


def moving_clip(head, count=5, bad=(), seed=0, size=(96, 96)):
    """A clip in which everything moves; frames at the places ``bad`` are lost."""
    generator = np.random.default_rng(seed)
    turns = generator.normal(size=(count, 3)) * 0.15
    rotation = np.stack([np.diag([1.0, -1.0, -1.0]) @ turn(vector) for vector in turns])
    arrays = {
        "expression": generator.normal(size=(count, len(head.expression))) * 0.5,
        "jaw": generator.normal(size=(count, 3)) * 0.2,
        "eyes": generator.normal(size=(count, 2, 3)) * 0.2,
        "neck": generator.normal(size=(count, 3)) * 0.1,
        "eyelids": generator.uniform(size=(count, 2)),
        "rotation": rotation,
        "translation": generator.normal(size=(count, 3)) * 0.02 + [0, 0, 0.8],
        "residual": generator.uniform(0.5, 1.5, count),
    }
    status = ["missing" if place in bad else "ok" for place in range(count)]
    for place in bad:
        for name in arrays:
            arrays[name][place] = np.nan
    return Track(
        ids=np.arange(count) * 2,
        identity=generator.normal(size=len(head.identity)),
        **arrays,
        focal=1.9 * size[0],
        principal=np.array(size) / 2,
        size=size,
        status=tuple(status),
        head_sha256=head.sha256,
        convention="mediapipe478",
    )


def turn(vector):
    """Rodrigues' formula, for one axis-angle."""
    angle = np.linalg.norm(vector)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
