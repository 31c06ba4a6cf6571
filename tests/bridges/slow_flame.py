"""FLAME as its paper has it (Li et al. 2017, section 3), in numpy, from a container's arrays and by nothing else of ours."""

from dataclasses import replace

import numpy as np

JAW, WHOLE = 2, 256


def whole_weights(head):
    """The head with skinning weights in steps of 1/256 that sum to 1 exactly, as no float32 file's quite do."""
    weights = np.round(head.weights * WHOLE)
    weights[np.arange(len(weights)), weights.argmax(1)] += WHOLE - weights.sum(1)
    return replace(head, weights=(weights / WHOLE).astype(np.float32))


def turn(vector):
    """Rodrigues' formula."""
    angle = np.linalg.norm(vector)
    x, y, z = vector / angle if angle else vector
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def pose_flame(head, shape, expression, pose, translation=0.0, offset=0.0, lids=(0.0, 0.0)):
    """Vertices of FLAME with all five joints turned: ``pose`` is axis-angle of root, neck, jaw, left eye, right eye."""
    parts = {name: getattr(head, name).astype(np.float64) for name in ("template", "identity", "expression", "joint_regressor")}
    shaped = parts["template"] + offset
    shaped = shaped + np.tensordot(shape[: len(head.identity)], parts["identity"], 1)
    shaped = shaped + np.tensordot(expression[: len(head.expression)], parts["expression"], 1)
    joints = parts["joint_regressor"] @ shaped
    turns = [turn(vector) for vector in np.reshape(pose, (5, 3))]
    features = np.concatenate([(matrix - np.eye(3)).ravel() for matrix in turns[1:]])
    shaped = shaped + np.tensordot(np.asarray(lids), head.eyelids.astype(np.float64), 1)
    if len(head.correctives):
        shaped = shaped + np.tensordot(features, head.correctives.astype(np.float64), 1)
    chain = []
    for joint, parent in enumerate(head.parents):
        local = np.eye(4)
        local[:3, :3], local[:3, 3] = turns[joint], joints[joint] - (joints[parent] if parent >= 0 else 0)
        chain.append(local if parent < 0 else chain[parent] @ local)
    moved = 0
    for joint, matrix in enumerate(chain):
        there = (shaped - joints[joint]) @ matrix[:3, :3].T + matrix[:3, 3]
        moved = moved + head.weights[:, joint, None].astype(np.float64) * there
    return moved + translation
