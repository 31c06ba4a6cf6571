"""Scores of an avatar: its renders of the held-out frames against the truth, beside two baselines that need no avatar.

Every score exists per frame; a file's ``psnr_head`` and the like are means over the frames that have one. Truth is the raw
frame; a render is the avatar over the clip's background plate. ``scores_regions`` says over which pixels, ``scores_perceptual``
what a person would notice, ``scores_landmarks`` whether the face does what the true one does, ``scores_baselines`` what comes
without an avatar; ``scores_protocol`` puts into each file how all of that was done.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from headsmith.contract.conventions import MEDIAPIPE478
from headsmith.contract.errors import UserError
from headsmith.contract.frame_ids import frame_name
from headsmith.contract.manifest import folder_of, read_manifest
from headsmith.contract.settings import ScoresSettings
from headsmith.media.images import read_image
from headsmith.media.progress import progress
from headsmith.nets.face_landmarker import FaceLandmarker
from headsmith.stages.scores_baselines import Baselines, read_training_ids
from headsmith.stages.scores_landmarks import landmark_percent, look_again, read_landmarks
from headsmith.stages.scores_output import write_means, write_table
from headsmith.stages.scores_perceptual import load_metrics, perceptual_scores
from headsmith.stages.scores_protocol import describe_protocol
from headsmith.stages.scores_regions import Row, compare, read_truth


def score_avatar(
    *,
    clip: str,
    renders: Path,
    frames: Path,
    mouth_masks: Path,
    head_masks: Path,
    landmarks: Path,
    dataset: Path,
    detector: Path,
    output: Path,
    table: Path,
    settings: ScoresSettings,
    origins: Mapping[str, str],
    eyes_masks: Path | None = None,
    perceptual: Path | None = None,
    lpips_heads: Path | None = None,
    lpips_backbone: Path | None = None,
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
        detector: ``face_landmarker.task``, run on the renders.
        output: ``scores/{variant}.json``: means, counts, and the protocol.
        table: ``scores/{variant}.csv``: one row a frame, empty where a frame has no such score.
        settings: Which perceptual metrics to use.
        origins: What the masks ``head``, ``mouth`` and ``eyes`` were made of, and how the frames were tracked (``tracking``).
        eyes_masks: Manifest of the masks of the eyes, or None where that set is switched off.
        perceptual: Weights of ST-LPIPS, where it is wanted.
        lpips_heads: Linear heads of LPIPS, where it is wanted.
        lpips_backbone: The network behind it.

    Raises:
        UserError: An input is missing, broken or does not fit the others.
    """
    torch.set_num_threads(1)  # with more, the last bits of the perceptual distances depend on how many
    held_out = read_manifest(renders, clip=clip)
    if read_manifest(frames, clip=clip).size != held_out.size:
        raise UserError("the renders and the frames differ in size", clip=clip, file=renders, remedy="render again")
    manifests = {"head": head_masks, "mouth": mouth_masks} | ({"eyes": eyes_masks} if eyes_masks else {})
    for manifest in manifests.values():
        read_manifest(manifest, clip=clip)
    known, convention = read_landmarks(landmarks, clip)
    training = read_training_ids(dataset, clip)
    baselines = Baselines(folder_of(frames), training, known, clip)
    metrics = load_metrics(settings, perceptual, lpips_heads, lpips_backbone)
    rows: dict[int, Row] = {}
    with FaceLandmarker(detector) as landmarker:
        for frame_id in progress(held_out.ids, held_out.count, f"{clip}: scores"):
            name = frame_name(frame_id)
            masks = {region: folder_of(manifest) / name for region, manifest in manifests.items()}
            truth = read_truth(folder_of(frames) / name, masks, known.get(frame_id))
            if convention != MEDIAPIPE478.name:
                truth = replace(truth, landmarks=look_again(landmarker, truth.picture, truth.landmarks, convention))
            render = read_image(folder_of(renders) / name, clip=clip)
            pictures = {"": render, **baselines.of(frame_id)}
            rows[frame_id] = perceptual_scores(metrics, truth, pictures)
            for prefix, picture in pictures.items():
                rows[frame_id] |= {prefix + score: value for score, value in compare(truth, picture).items()}
            error, faces = landmark_percent(landmarker, truth.landmarks, render)
            rows[frame_id] |= {"landmark_error_percent_iod": error, "faces": faces}
    write_table(table, rows)
    write_means(output, clip, rows, describe_protocol(held_out, len(training), metrics, settings, origins))
