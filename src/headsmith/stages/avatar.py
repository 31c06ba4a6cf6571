"""Training: Gaussians bound to the tracked head learn to reproduce the training frames over the clip's background plate."""

import csv
import hashlib
import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.contract.fingerprint import fingerprint
from headsmith.contract.settings import AvatarSettings
from headsmith.media.atomic import atomic_path
from headsmith.media.progress import note
from headsmith.mesh.rasterize import rasterize_mesh
from headsmith.splat.avatar import AvatarShape
from headsmith.splat.avatars import make_avatar
from headsmith.splat.binding import Binding, bind_texels
from headsmith.stages.avatar_frames import TrainingFrames, TrainingSources, prepare_frames
from headsmith.stages.avatar_training import BATCH, Training, run_training, save_tensors
from headsmith.stages.avatar_views import ClipViews, load_views

UV_SIDE = 512
"""Texels along a side of the UV map that points are chosen from."""

BACK_DENSITY = 0.27
"""Density of points on faces that look backwards, as a share of the front's: a talking head hardly shows them."""


def train_avatar(
    *,
    clip: str,
    dataset: Path,
    frames: Path,
    matte: Path,
    mouth_masks: Path,
    head_masks: Path,
    tracking: Path,
    head: Path,
    output: Path,
    curve: Path,
    settings: AvatarSettings,
    threads: int,
) -> None:
    """Train one variant; killed at any moment, the next run goes on and ends with the same result.

    Args:
        clip: Name of the clip.
        dataset: ``dataset.json``: which frames train.
        frames: Manifest of the frames.
        matte: Manifest of the mattes.
        mouth_masks: Manifest of the mouth masks.
        head_masks: Manifest of the head masks.
        tracking: ``tracking.npz``.
        head: The head container.
        output: ``avatar.pt`` to write: tensors and plain values.
        curve: The training curve to write, CSV.
        settings: The variant's settings.
        threads: Frames in work at once; up to two help.

    Raises:
        UserError: An input is broken, or the tracking belongs to another head.
    """
    torch.set_num_threads(1)
    ids = json.loads(Path(dataset).read_text())["train"]
    views = load_views(clip=clip, tracking=tracking, head=head)
    binding = bind_gaussians(views, settings.gaussians)
    sources = TrainingSources(frames, matte, mouth_masks, head_masks)
    scratch = Path(output).with_suffix(".partial")
    training_frames = prepare_frames(
        clip=clip,
        ids=ids,
        sources=sources,
        views=views,
        binding=binding,
        mouth_weight=settings.mouth_weight,
        folder=scratch,
    )
    training = start_training(views, binding, settings)
    key = training_key(settings, [dataset, frames, matte, mouth_masks, head_masks, tracking, head])
    state = scratch / "state.pt"
    if training.resume(state, key):
        note(f"{clip}: going on after {training.step * BATCH} of {settings.iterations} training images")
    run_training(clip, training, training_frames, settings, threads, state, key)
    write_curve(curve, training.curve)
    write_avatar(output, training, training_frames, binding, settings, clip)
    shutil.rmtree(scratch)


def training_key(settings: AvatarSettings, inputs: list[Path]) -> str:
    """Return what must not change between two parts of one training: settings, code and the inputs' bytes."""
    digest = hashlib.sha256(json.dumps(asdict(settings), sort_keys=True).encode())
    digest.update(fingerprint("stages.avatar").encode())
    for path in inputs:
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()


def bind_gaussians(views: ClipViews, count: int) -> Binding:
    """Choose where the Gaussians lie: evenly over the front of the person's head, more thinly over its back."""
    container = views.head.container
    texels = np.array(container.uv, np.float32)
    used = texels[np.unique(container.uv_faces)]
    texels = (texels - used.min(0)) / (used.max(0) - used.min(0)) * UV_SIDE
    flat = np.concatenate([texels, np.ones((len(texels), 1), np.float32)], 1).astype(np.float32)
    faces, barycentrics, _ = rasterize_mesh(flat, container.uv_faces, UV_SIDE, UV_SIDE, cull=False)
    normals = face_normals(views)
    density = normals.norm(dim=-1) * torch.where(normals[:, 2] > -0.3 * normals.norm(dim=-1), 1.0, BACK_DENSITY)
    return bind_texels(faces, barycentrics, density.numpy(), count)


def face_normals(views: ClipViews) -> Float[Tensor, "F 3"]:
    """Return the normals of the person's head at rest, as long as twice the triangles' areas."""
    corners = views.rest()[views.head.faces]
    return torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def start_training(views: ClipViews, binding: Binding, settings: AvatarSettings) -> Training:
    """Return an untrained avatar and its optimiser."""
    area = float(face_normals(views).norm(dim=-1).sum() / 2)
    shape = AvatarShape(
        deformation=settings.deformation,
        condition_size=views.conditions.shape[1],
        bases=settings.bases,
        hidden=settings.hidden,
        spacing=(area / len(binding.faces)) ** 0.5,
    )
    avatar = make_avatar(binding.points(views.rest(), views.head.faces), shape, settings.seed)
    return Training(avatar, avatar.optimiser())


def write_curve(path: Path, curve: list[tuple[int, float]]) -> None:
    """Write the training curve: images shown, mean loss since the row before."""
    with atomic_path(path) as partial, partial.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["images", "loss"])
        writer.writerows((images, f"{loss:.8f}") for images, loss in curve)


def write_avatar(
    path: Path, training: Training, frames: TrainingFrames, binding: Binding, settings: AvatarSettings, clip: str
) -> None:
    """Write the avatar: everything that renders need beside the head and its parameters."""
    content: dict[str, Any] = {
        "clip": clip,
        "head_sha256": frames.clip_views.head.sha256,
        "settings": asdict(settings),
        "shape": asdict(training.avatar.shape),
        "binding": asdict(binding),
        "plate": frames.plate,
        "state": training.avatar.state_dict(),
    }
    save_tensors(content, path)
