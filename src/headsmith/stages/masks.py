"""Masks of the mouth and of the head, cut from label maps by label name, and checked against the detected face."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.contract.frame_ids import frame_name
from headsmith.contract.labels import LABELS, label_ids
from headsmith.contract.landmark_groups import LIPS, NOSE_BRIDGE
from headsmith.contract.manifest import folder_of
from headsmith.contract.settings import MasksSettings
from headsmith.media.arrays import read_landmark_arrays
from headsmith.media.frames import FrameFolderWriter, iterate_frames

KINDS = ("mouth", "head")
AROUND = 1
"""A point counts as inside a mask up to so many pixels beyond its edge: landmarks lie on the lips' very outline."""

REMEDY = (
    "look at the quality pictures of parsing and landmarks; the parser may not fit this clip (a small or covered face), "
    "or its label order be wrong; masks.min_lips_inside sets the limit"
)


def cut_masks(*, clip: str, kind: str, parsing: Path, landmarks: Path, manifest: Path, settings: MasksSettings) -> None:
    """Write a mask (0 or 255) for every label map.

    Args:
        clip: Name of the clip.
        kind: ``mouth`` (the labels ``settings.mouth``) or ``head`` (all labels but ``settings.not_head``).
        parsing: Manifest of the label maps.
        landmarks: The clip's landmarks.
        manifest: Manifest to write; the masks go into its folder.
        settings: The stage's settings.

    Raises:
        UserError: A label name is unknown, a map holds an unknown label, or the lips lie outside the masks; for the mouth
            also: the nose lies inside, or most of the masks elsewhere.
        ValueError: The kind is unknown.
    """
    table = value_of_labels(labels_of(kind, settings))
    points = read_points(landmarks, clip)
    shares: dict[str, list[float]] = {"lips": [], "nose": [], "around": []}
    with FrameFolderWriter(manifest, clip) as writer:
        for frame_id, labels in iterate_frames(parsing, clip, grey=True):
            check_labels(labels, clip, folder_of(parsing) / frame_name(frame_id))
            mask = table[labels]
            writer.add(frame_id, mask)
            if frame_id in points:
                lips = points[frame_id][list(LIPS)]
                shares["lips"].append(share_inside(mask, lips))
                shares["nose"].append(share_inside(mask, points[frame_id][list(NOSE_BRIDGE)]))
                shares["around"].append(share_around(mask, lips))
        check_lips(shares["lips"], clip, kind, manifest, settings)
        if kind == "mouth":
            check_mouth(shares["nose"], shares["around"], clip, manifest, settings)


def labels_of(kind: str, settings: MasksSettings) -> tuple[int, ...]:
    """Return the ids of a mask's labels.

    Raises:
        UserError: A label name is unknown.
        ValueError: The kind is unknown.
    """
    if kind not in KINDS:
        raise ValueError(f"a mask is one of {KINDS}, not {kind!r}")
    if kind == "mouth":
        return label_ids(settings.mouth)
    left_out = label_ids(settings.not_head)
    return tuple(index for index in range(len(LABELS)) if index not in left_out)


def value_of_labels(ids: Iterable[int]) -> UInt8[ndarray, "256"]:
    """Return a table from label to mask value: 255 for the given labels, else 0."""
    table = np.zeros(256, np.uint8)
    table[list(ids)] = 255
    return table


def check_labels(labels: UInt8[ndarray, "H W"], clip: str, file: Path) -> None:
    """Accept a label map.

    Raises:
        UserError: It holds a label that does not exist.
    """
    largest = int(labels.max())
    if largest >= len(LABELS):
        remedy = "delete the manifest of the parsing and run again: the maps are made anew"
        raise UserError(f"the label map holds label {largest}; there are {len(LABELS)}", clip=clip, file=file, remedy=remedy)


def read_points(landmarks: Path, clip: str) -> dict[int, Float32[ndarray, "L 2"]]:
    """Return the points (x, y in pixels) of the frames whose landmarks are ``ok``, by frame id.

    Raises:
        UserError: The file cannot be read, or there is no such frame.
    """
    content = read_landmark_arrays(landmarks, clip, "ids", "status", "points")
    usable = content["status"] == "ok"
    points = dict(zip(content["ids"][usable].tolist(), content["points"][usable, :, :2], strict=True))
    if not points:
        remedy = "look at landmarks.json for the reasons"
        raise UserError("no frame has landmarks to check the masks with", clip=clip, file=landmarks, remedy=remedy)
    return points


def share_inside(mask: UInt8[ndarray, "H W"], points: Float32[ndarray, "n 2"]) -> float:
    """Return the share of points, corner origin, that lie in a mask or at most ``AROUND`` pixels beside it."""
    height, width = mask.shape
    columns, rows = np.floor(points).astype(int).T
    inside = np.zeros(len(points), bool)
    for down in range(-AROUND, AROUND + 1):
        for right in range(-AROUND, AROUND + 1):
            inside |= mask[(rows + down).clip(0, height - 1), (columns + right).clip(0, width - 1)] > 0
    return float(inside.mean())


def check_lips(shares: list[float], clip: str, kind: str, manifest: Path, settings: MasksSettings) -> None:
    """Accept masks by the share of lip points in them, over the clip.

    Raises:
        UserError: It is below ``settings.min_lips_inside``, or no frame has both a mask and landmarks.
    """
    share = float(np.mean(shares)) if shares else 0.0
    if share < settings.min_lips_inside:
        what = (
            f"only {share:.0%} of the detected lip points lie in the {kind} masks "
            f"(over {len(shares)} frames; at least {settings.min_lips_inside:.0%} must)"
        )
        raise UserError(what, clip=clip, file=folder_of(manifest), remedy=REMEDY)


def share_around(mask: UInt8[ndarray, "H W"], lips: Float32[ndarray, "n 2"]) -> float:
    """Return the share of a mask's pixels that lie in the box of the lips' points, grown by a quarter of its width.

    A mask without pixels gives 1: what is missing is for ``share_inside`` to tell.
    """
    low, high = lips.min(0), lips.max(0)
    reach = (high[0] - low[0]) / 4
    left, top = np.maximum(np.floor(low - reach), 0).astype(int)
    right, bottom = np.maximum(np.ceil(high + reach), 0).astype(int)
    total = np.count_nonzero(mask)
    return np.count_nonzero(mask[top:bottom, left:right]) / total if total else 1.0


def check_mouth(nose: list[float], around: list[float], clip: str, manifest: Path, settings: MasksSettings) -> None:
    """Accept mouth masks that leave out the nose and lie around the lips; label orders that are mixed up do neither.

    Args:
        nose: Share of the points on the nose's bridge and tip in each mask.
        around: Share of each mask around the lips.
        clip: Name of the clip.
        manifest: Manifest of the masks.
        settings: The stage's settings; ``min_lips_inside`` is the least share around the lips, and what it leaves of 1 the
            largest share of the nose.

    Raises:
        UserError: The nose lies in the masks, or too much of them lies elsewhere.
    """
    file, limit = folder_of(manifest), settings.min_lips_inside
    if np.mean(nose) > 1 - limit:
        what = (
            f"{np.mean(nose):.0%} of the detected points on the nose lie in the mouth masks: its label is taken for the mouth's"
        )
        raise UserError(what, clip=clip, file=file, remedy=REMEDY)
    if np.mean(around) < limit:
        what = f"only {np.mean(around):.0%} of the mouth masks lies around the detected lips (at least {limit:.0%} must)"
        raise UserError(what, clip=clip, file=file, remedy=REMEDY)
