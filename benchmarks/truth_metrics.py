"""Distances of a tracked clip from the truth, in units that mean something."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray
from truth_sources import ROOT  # noqa: F401  (puts src on the path)

from headsmith.bridges.track import Track, project_embedded
from headsmith.contract.conventions import MEDIAPIPE478
from headsmith.heads.model import HeadModel, HeadParameters
from headsmith.maths.cameras import to_camera
from headsmith.maths.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from headsmith.maths.smoothness import second_differences, turn_accelerations

MILLI = 1000.0
OTHER_SIZE = 1.05
"""A person so many times as large, so many times as far away, gives the same pictures: what the tracker cannot know."""


def align(
    points: Float[ndarray, "n 3"], target: Float[ndarray, "n 3"], *, scaled: bool
) -> tuple[float, Float[ndarray, "3 3"], Float[ndarray, "3"]]:
    """Return s, R, t of least squares with ``s R p + t = q`` (Umeyama 1991, *Least-squares estimation of transformation
    parameters between two point patterns*, eq. 40 to 42).

    Args:
        points: p.
        target: q.
        scaled: Whether s is free; else it is 1.
    """
    middle, goal = points.mean(0), target.mean(0)
    around, towards = points - middle, target - goal
    left, sizes, right = np.linalg.svd(towards.T @ around)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    rotation = (left * signs) @ right
    scale = float((sizes * signs).sum() / np.square(around).sum()) if scaled else 1.0
    return scale, rotation, goal - scale * rotation @ middle


def aligned_error(points: Float[ndarray, "*b n 3"], target: Float[ndarray, "*b n 3"], *, scaled: bool) -> Float[ndarray, "*b"]:
    """Return the mean distance after one alignment of all points, millimetres where they are metres; one number a frame."""
    scale, rotation, shift = align(points.reshape(-1, 3), target.reshape(-1, 3), scaled=scaled)
    return MILLI * np.linalg.norm(scale * points @ rotation.T + shift - target, axis=-1).mean(-1)


def angle_between(one: Float[ndarray, "*b 3 3"], other: Float[ndarray, "*b 3 3"]) -> Float[ndarray, "*b"]:
    """Return the angles of the turns from one rotation to the other, degrees."""
    turns = torch.from_numpy(np.ascontiguousarray(one @ np.swapaxes(other, -1, -2)))
    return np.rad2deg(matrix_to_axis_angle(turns).norm(dim=-1).numpy())


def turns_of_points(points: Float[ndarray, "T n 3"], target: Float[ndarray, "T n 3"]) -> Float[ndarray, " T"]:
    """Return by how many degrees each frame's points must be turned to lie best on the target, whatever frame they are told in.

    Identity codes may tilt a face against its head's own axes, so rotation matrices of different people do not compare.
    """
    around, towards = (values - values.mean(1, keepdims=True) for values in (points, target))
    left, _, right = np.linalg.svd(np.swapaxes(towards, 1, 2) @ around)
    signs = np.ones((len(points), 1, 3))
    signs[:, 0, 2] = np.sign(np.linalg.det(left @ right))
    return angle_between((left * signs) @ right, np.broadcast_to(np.eye(3), (len(points), 3, 3)))


def whole_runs(used: Bool[ndarray, " T"]) -> Bool[ndarray, " U"]:
    """Return which second differences are over three frames that all count."""
    return used[:-2] & used[1:-1] & used[2:]


def point_jitter(points: Float[ndarray, "T n 3"], used: Bool[ndarray, " T"]) -> float:
    """Return the mean size of the points' second differences in time, millimetres where they are metres."""
    differences = second_differences(torch.from_numpy(np.ascontiguousarray(points))).norm(dim=-1).mean(-1).numpy()
    return float(MILLI * differences[whole_runs(used)].mean())


def turn_jitter(rotation: Float[ndarray, "T 3 3"], used: Bool[ndarray, " T"]) -> float:
    """Return the mean size of the turn's second differences, milliradians."""
    accelerations = turn_accelerations(torch.from_numpy(np.ascontiguousarray(rotation))).norm(dim=-1).numpy()
    return float(MILLI * accelerations[whole_runs(used)].mean())


def gaze(track: Track) -> Float[ndarray, "T 2 3"]:
    """Return where the left and the right eye look, in the head's frame."""
    return axis_angle_to_matrix(torch.from_numpy(np.ascontiguousarray(track.eyes)))[..., 2].numpy()


def gaze_angle(one: Float[ndarray, "*b 3"], other: Float[ndarray, "*b 3"]) -> Float[ndarray, "*b"]:
    """Return the angle between unit vectors, degrees."""
    return np.rad2deg(2 * np.arcsin((np.linalg.norm(one - other, axis=-1) / 2).clip(0, 1)))


def head_vertices(track: Track, model: HeadModel, identity: ndarray | None = None, *, still: bool = False) -> ndarray:
    """Return the vertices of each frame in the head's frame, metres; ``still``: of the person at rest, one frame."""
    given = track.parameters()
    person = given.identity if identity is None else torch.from_numpy(identity)[None]
    rest = model.neutral(1)
    rows = (rest.expression, rest.jaw, rest.eyes, rest.eyelids, rest.neck)
    moving = (given.expression, given.jaw, given.eyes, given.eyelids, given.neck)
    with torch.no_grad():
        return model(HeadParameters(person, *(rows if still else moving))).numpy()


def camera_vertices(track: Track, model: HeadModel) -> Float[ndarray, "T V 3"]:
    """Return the vertices of each frame in the camera's axes, metres."""
    with torch.no_grad():
        return to_camera(model(track.parameters()), track.cameras()).numpy()


def measure(found: Track, truth: Track, model: HeadModel, seen: Float[ndarray, "T L 2"], used: Bool[ndarray, " T"]) -> dict:
    """Return the errors of a tracked clip over the frames that count: means, and for some medians and the true value beside.

    Args:
        found: What the tracker says.
        truth: What is so.
        model: The head, float64.
        seen: What the detector saw, pixels.
        used: Frames that count.
    """
    face = model.at(torch.from_numpy(model.container.regions["face"].astype(np.int64)))
    here, there = camera_vertices(found, face), camera_vertices(truth, face)
    shape = [head_vertices(track, face, still=True) for track in (found, truth)]
    moving = [head_vertices(track, face, truth.identity) for track in (found, truth)]
    at_rest = head_vertices(truth, face, still=True)
    turned = align(here[used].reshape(-1, 3), there[used].reshape(-1, 3), scaled=False)[1]
    return {
        "vertex_error_mm": float(aligned_error(here[used], there[used], scaled=False).mean()),
        "vertex_error_scaled_mm": float(aligned_error(here[used], there[used], scaled=True).mean()),
        "vertex_error_camera_mm": float(MILLI * np.linalg.norm(here[used] - there[used], axis=-1).mean()),
        "vertex_error_other_size_mm": float(aligned_error(here[used], OTHER_SIZE * there[used], scaled=False).mean()),
        "vertex_error_head_mm": float(
            aligned_error(*(head_vertices(t, face)[used] for t in (found, truth)), scaled=False).mean()
        ),
        "shape_error_mm": float(aligned_error(*shape, scaled=False).mean()),
        "shape_error_scaled_mm": float(aligned_error(*shape, scaled=True).mean()),
        "expression_error_mm": float(MILLI * np.linalg.norm(moving[0][used] - moving[1][used], axis=-1).mean()),
        "expression_size_mm": float(MILLI * np.linalg.norm(moving[1][used] - at_rest, axis=-1).mean()),
        "pose_degrees": float(angle_between(found.rotation[used], truth.rotation[used]).mean()),
        "face_turn_degrees": float(turns_of_points(here[used], there[used]).mean()),
        "face_turn_aligned_degrees": float(turns_of_points(here[used] @ turned.T, there[used]).mean()),
        "focal_percent": 100 * abs(found.focal / truth.focal - 1),
        "jitter_mm": point_jitter(here, used),
        "jitter_ratio_to_truth": point_jitter(here, used) / point_jitter(there, used),
        "turn_jitter_mrad": turn_jitter(found.rotation, used),
        "turn_jitter_ratio_to_truth": turn_jitter(found.rotation, used) / turn_jitter(truth.rotation, used),
        **measure_joints(found, truth, used),
        **measure_landmarks(found, truth, model, seen, used),
    }


def measure_joints(found: Track, truth: Track, used: Bool[ndarray, " T"]) -> dict:
    """Return the errors of jaw, eyes and lids, and the size of what is to be found."""
    jaws = [axis_angle_to_matrix(torch.from_numpy(np.ascontiguousarray(track.jaw[used]))).numpy() for track in (found, truth)]
    looks = [gaze(track)[used] for track in (found, truth)]
    return {
        "jaw_degrees": float(angle_between(*jaws).mean()),
        "jaw_size_degrees": float(np.rad2deg(np.linalg.norm(truth.jaw[used], axis=-1)).mean()),
        "gaze_degrees": float(gaze_angle(*looks).mean()),
        "gaze_size_degrees": float(gaze_angle(looks[1], np.array([0.0, 0, 1])).mean()),
        "eyelid_percent": float(100 * np.abs(found.eyelids[used] - truth.eyelids[used]).mean()),
        "eyelid_size_percent": float(100 * truth.eyelids[used].mean()),
    }


def measure_landmarks(
    found: Track, truth: Track, model: HeadModel, seen: Float[ndarray, "T L 2"], used: Bool[ndarray, " T"]
) -> dict:
    """Return how far the head's inner points are from where the detector saw them and from where they are, and how far those
    are apart, percent of the distance between the outer eye corners as the detector saw them."""
    errors, unit = landmark_errors(found, model, seen, used)
    true_errors, _ = landmark_errors(truth, model, seen, used)
    embedding = inner_embedding(model)
    places = [project_embedded(track, model, embedding)[used] for track in (found, truth)]
    return {
        "landmark_error_percent": float(errors.mean()),
        "landmark_error_to_truth_percent": float(100 * np.linalg.norm(places[0] - places[1], axis=-1).mean() / unit),
        "detector_error_percent": float(true_errors.mean()),
    }


def inner_embedding(model: HeadModel):
    """Return the embedding of the points that are not on the face's outline."""
    embedding = model.container.embeddings[MEDIAPIPE478.name]
    return embedding.take(tuple(point for point in embedding.points.tolist() if point not in MEDIAPIPE478.outline))


def landmark_errors(
    track: Track, model: HeadModel, seen: Float[ndarray, "T L 2"], used: Bool[ndarray, " T"]
) -> tuple[Float[ndarray, "U M"], float]:
    """Return the distances of the inner points from where they were seen, percent of the eye distance, and that in pixels."""
    embedding = inner_embedding(model)
    right, left = MEDIAPIPE478.outer_eye_corners
    unit = float(np.linalg.norm(seen[used, right] - seen[used, left], axis=-1).mean())
    places = project_embedded(track, model, embedding)[used]
    return 100 * np.linalg.norm(places - seen[used][:, embedding.points], axis=-1) / unit, unit


def calibration(
    arrays: dict[str, ndarray], found: Track, truth: Track, used: Bool[ndarray, " T"], model: HeadModel
) -> dict[str, float]:
    """Return the shares of true errors within one and two of the deviations that the tracker tells, where it tells them.

    A normal distribution has 68 % and 95 %.
    """
    if "parameter_deviation" not in arrays:
        return {}
    deviation = np.asarray(arrays["parameter_deviation"], np.float64)[used]
    turn = torch.from_numpy(np.ascontiguousarray(found.rotation @ np.swapaxes(truth.rotation, 1, 2)))
    errors = {
        "expression": found.expression - truth.expression,
        "eyelids": found.eyelids - truth.eyelids,
        "jaw": found.jaw - truth.jaw,
        "eyes": (found.eyes - truth.eyes).reshape(len(found.ids), -1),
        "turn": matrix_to_axis_angle(turn).numpy(),
        "shift": pivot_places(found, model) - pivot_places(truth, model),
    }
    shares, column = {}, 0
    for name, error in errors.items():
        ratio = np.abs(error[used]) / np.maximum(deviation[:, column : column + error.shape[1]], 1e-12)
        shares |= {f"within_{times}_deviations_{name}": float((ratio <= times).mean()) for times in (1, 2)}
        column += error.shape[1]
    if "focal_deviation" in arrays:
        shares["focal_error_in_deviations"] = abs(np.log(found.focal / truth.focal)) / float(arrays["focal_deviation"])
    if "identity_deviation" in arrays:
        ratio = np.abs(found.identity - truth.identity) / np.maximum(arrays["identity_deviation"], 1e-12)
        shares |= {f"within_{times}_deviations_identity": float((ratio <= times).mean()) for times in (1, 2)}
    return shares


def pivot_places(track: Track, model: HeadModel) -> Float[ndarray, "T 3"]:
    """Return where the middle of the mean head's landmarks is, about which tracking turns heads, metres."""
    embedding = model.container.embeddings[MEDIAPIPE478.name]
    corners = model.template.numpy()[model.container.faces[embedding.faces]]
    pivot = (corners * embedding.barycentrics[..., None]).sum(1).mean(0)
    return track.rotation @ pivot + track.translation
