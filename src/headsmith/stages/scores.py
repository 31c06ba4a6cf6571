"""Scores of an avatar: its renders of the held-out frames against the truth, beside two baselines that need no avatar.

Every score exists per frame; a file's ``psnr_head`` and the like are means over the frames that have one. Truth is the raw
frame; a render is the avatar over the clip's background plate. Renders show the head alone, not the shoulders, so scores over
the whole image (``_image``) blame the avatar for the missing clothes; ``_head`` and ``_mouth`` count the pixels of the true
frame's head and mouth mask only. Landmark errors are between MediaPipe's points of truth and render, whatever detector the
clip was tracked with; where that was another, MediaPipe looks at the truth too.
"""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from numpy import ndarray

from headsmith.contract.conventions import MEDIAPIPE478
from headsmith.contract.errors import UserError
from headsmith.contract.frame_ids import frame_name
from headsmith.contract.manifest import folder_of, read_manifest
from headsmith.contract.settings import ScoresSettings
from headsmith.maths.metrics import mean_over, psnr, ssim_map
from headsmith.media.atomic import atomic_path
from headsmith.media.images import read_image
from headsmith.media.progress import progress
from headsmith.nets.face_landmarker import FaceLandmarker
from headsmith.nets.stlpips import SMALLEST_SIDE, StLpips, load_stlpips
from headsmith.stages.scores_landmarks import landmark_percent, look_again, read_landmarks

Row = dict[str, float | int | None]
Picture = UInt8[ndarray, "H W 3"]

COUNTS = {
    "frames_without_head_mask": "psnr_head",
    "frames_without_mouth": "psnr_mouth",
    "frames_without_nearest": "baseline_nearest_psnr_image",
    "frames_without_landmark_error": "landmark_error_percent_iod",
}
"""Name of a count in the file: the score that those frames lack."""


@dataclass(frozen=True)
class Truth:
    """One held-out frame: the picture, the pixels that count by region, its MediaPipe landmarks in pixels where it has any."""

    picture: Picture
    regions: dict[str, Bool[ndarray, "H W"]]
    landmarks: Float[ndarray, "L 2"] | None


def score_avatar(
    *,
    clip: str,
    renders: Path,
    frames: Path,
    mouth_masks: Path,
    head_masks: Path,
    landmarks: Path,
    dataset: Path,
    perceptual: Path | None,
    detector: Path,
    output: Path,
    table: Path,
    settings: ScoresSettings,
) -> None:
    """Score the renders of one variant.

    Args:
        clip: Name of the clip.
        renders: Manifest of the renders of the held-out frames.
        frames: Manifest of the frames.
        mouth_masks: Manifest of the mouth masks.
        head_masks: Manifest of the head masks.
        landmarks: ``landmarks.npz``.
        dataset: ``dataset.json``, which tells the training frames.
        perceptual: Weights of ST-LPIPS, or None to leave ``stlpips_head`` out.
        detector: ``face_landmarker.task``, run on the renders.
        output: ``scores/{variant}.json``: means and counts.
        table: ``scores/{variant}.csv``: one row a frame, empty where a frame has no such score.
        settings: Which perceptual metric to use.

    Raises:
        UserError: An input is missing, broken or does not fit the others.
    """
    held_out = read_manifest(renders, clip=clip)
    if read_manifest(frames, clip=clip).size != held_out.size:
        raise UserError("the renders and the frames differ in size", clip=clip, file=renders, remedy="render again")
    masks = {"head": folder_of(head_masks), "mouth": folder_of(mouth_masks)}
    for manifest in (head_masks, mouth_masks):
        read_manifest(manifest, clip=clip)
    known, convention = read_landmarks(landmarks, clip)
    training = read_training_ids(dataset, clip)
    mean_frame = average(folder_of(frames), training)
    network = load_stlpips(perceptual) if perceptual is not None and settings.perceptual == "stlpips" else None
    rows: dict[int, Row] = {}
    with FaceLandmarker(detector) as landmarker:
        for frame_id in progress(held_out.ids, held_out.count, f"{clip}: scores"):
            name = frame_name(frame_id)
            truth = read_truth(
                folder_of(frames) / name, {kind: folder / name for kind, folder in masks.items()}, known.get(frame_id)
            )
            if convention != MEDIAPIPE478.name:
                truth = replace(truth, landmarks=look_again(landmarker, truth.picture, truth.landmarks, convention))
            render = read_image(folder_of(renders) / name, clip=clip)
            row = compare(truth, render)
            row["stlpips_head"] = perceptual_distance(network, truth, render) if network else None
            row["landmark_error_percent_iod"], row["faces"] = landmark_percent(landmarker, truth.landmarks, render)
            row |= prefixed("baseline_mean_", compare(truth, mean_frame))
            nearest = nearest_frame(frame_id, training, known)
            baseline = None if nearest is None else read_image(folder_of(frames) / frame_name(nearest), clip=clip)
            row |= prefixed("baseline_nearest_", compare(truth, baseline))
            rows[frame_id] = row
    write_table(table, rows)
    write_means(output, clip, rows, len(training))


def read_training_ids(dataset: Path, clip: str) -> list[int]:
    """Return the ids of the frames that the avatar was trained on.

    Raises:
        UserError: The file is missing or broken, or lists none.
    """
    try:
        ids = [int(frame_id) for frame_id in json.loads(Path(dataset).read_text())["train"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"cannot be read: {error!r}", clip=clip, file=dataset, remedy="make the dataset again") from error
    if not ids:
        raise UserError("there is no training frame", clip=clip, file=dataset, remedy="make `dataset.held_out` smaller")
    return ids


def read_truth(frame: Path, masks: dict[str, Path], landmarks: Float[ndarray, "L 2"] | None) -> Truth:
    """Read one frame with its masks; the whole image is a region as well."""
    picture = read_image(frame)
    regions = {kind: read_image(path, grey=True) > 127 for kind, path in masks.items()}
    return Truth(picture, {**regions, "image": np.ones(picture.shape[:2], bool)}, landmarks)


def average(folder: Path, ids: Sequence[int]) -> Picture:
    """Return the mean of some frames, rounded to 8 bits as a picture of it would be."""
    total: ndarray | float = 0.0
    for frame_id in ids:
        total = total + read_image(folder / frame_name(frame_id)).astype(np.float64)
    return np.round(total / len(ids)).astype(np.uint8)


def nearest_frame(frame_id: int, training: Sequence[int], known: dict[int, Float[ndarray, "L 2"]]) -> int | None:
    """Return the training frame with the smallest squared distance of landmarks in pixels; None if there is none to compare."""
    candidates = [other for other in training if other in known]
    if frame_id not in known or not candidates:
        return None
    distances = [float(((known[other] - known[frame_id]) ** 2).sum()) for other in candidates]
    return candidates[int(np.argmin(distances))]


def compare(truth: Truth, picture: Picture | None) -> Row:
    """Return PSNR and SSIM over each region; None where the region is empty or there is no picture."""
    scores: Row = {f"{kind}_{region}": None for kind in ("psnr", "ssim") for region in ("head", "image", "mouth")}
    if picture is None:
        return scores
    true, shown = truth.picture / 255.0, picture / 255.0
    similarity = ssim_map(true, shown)
    for region, mask in truth.regions.items():
        if mask.any():
            scores[f"psnr_{region}"] = psnr(true, shown, mask)
            scores[f"ssim_{region}"] = mean_over(similarity, mask)
    return scores


def prefixed(prefix: str, row: Row) -> Row:
    """Return a row with longer names."""
    return {prefix + name: value for name, value in row.items()}


def perceptual_distance(network: StLpips, truth: Truth, picture: Picture) -> float | None:
    """Return ST-LPIPS of the head: both pictures black outside the true head mask, cut to its box, scaled to -1..1."""
    mask = truth.regions["head"]
    if not mask.any():
        return None
    rows, columns = (span(mask.any(axis), SMALLEST_SIDE) for axis in (1, 0))
    pair = [torch.from_numpy((p * mask[..., None])[rows, columns] / np.float32(127.5) - 1) for p in (truth.picture, picture)]
    with torch.no_grad():
        return network(*(p.float().permute(2, 0, 1)[None] for p in pair)).item()


def span(used: Bool[ndarray, "n"], smallest: int) -> slice:
    """Return the range of the true entries, grown inside the array to a smallest length where it is shorter."""
    first, last = int(used.argmax()), len(used) - int(used[::-1].argmax())
    first = max(0, min(first, (first + last - smallest) // 2))
    return slice(min(first, max(0, len(used) - smallest)), min(len(used), max(last, first + smallest)))


def write_table(path: Path, rows: dict[int, Row]) -> None:
    """Write the scores of each frame as CSV."""
    names = list(next(iter(rows.values())))
    with atomic_path(path) as partial, partial.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["frame", *names])
        for frame_id, row in rows.items():
            writer.writerow([frame_id, *(_short(row[name]) for name in names)])


def write_means(path: Path, clip: str, rows: dict[int, Row], training: int) -> None:
    """Write means over the frames that have a score, null where no frame has one, and how many lack which."""
    names = [name for name in next(iter(rows.values())) if name != "faces"]
    content: dict[str, object] = {"clip": clip, "frames": len(rows), "training_frames": training}
    content |= {name: _mean(rows, name) for name in names}
    content |= {count: sum(row[name] is None for row in rows.values()) for count, name in COUNTS.items()}
    content["renders_without_face"] = sum(row["faces"] == 0 for row in rows.values())
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")


def _mean(rows: dict[int, Row], name: str) -> float | None:
    values = [row[name] for row in rows.values() if row[name] is not None]
    return float(np.mean(values)) if values else None


def _short(value: float | int | None) -> str:
    return "" if value is None else f"{value:.6g}"
