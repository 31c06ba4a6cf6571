"""Training: Gaussians bound to the tracked head learn to reproduce the training frames over the clip's background plate."""

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

from headsmith.contract.errors import UserError
from headsmith.contract.fingerprint import fingerprint
from headsmith.contract.settings import AvatarSettings
from headsmith.media.atomic import remove_leftovers
from headsmith.media.progress import note
from headsmith.mesh.rasterize import rasterize_mesh
from headsmith.splat.avatar import AvatarShape
from headsmith.splat.avatars import make_avatar
from headsmith.splat.basis import BasisAvatar
from headsmith.splat.binding import Binding, bind_texels
from headsmith.splat.flashavatar import FlashAvatar
from headsmith.stages.avatar_frames import TrainingFrames, TrainingSources, prepare_frames
from headsmith.stages.avatar_progress import SHOWN, clear_previews, spread, write_curve
from headsmith.stages.avatar_published import kept_optimiser, start_published
from headsmith.stages.avatar_silhouettes import turn_heads
from headsmith.stages.avatar_state import Training, save_tensors
from headsmith.stages.avatar_targets import FramePlan
from headsmith.stages.avatar_texels import bind_all_texels
from headsmith.stages.avatar_training import TrainingFiles, run_training
from headsmith.stages.avatar_views import ClipViews, load_views

UV_SIDE = 512
"""Texels along a side of the UV map that points are chosen from."""

COLOUR_FRAMES = 16
"""Training frames, spread evenly, whose heads give Gaussians their first colour; those that no frame sees keep it."""

HOW = ("device", "precision", "save_every", "preview_every")
"""Settings that say how to train, not what: a training may go on under others."""

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
    parsing: Path | None = None,
    perceptual: Path | None = None,
    backbone: Path | None = None,
    start_checkpoint: Path | None = None,
) -> None:
    """Train one variant; killed at any moment, the next run goes on and ends with the same result.

    Beside the avatar, the folder ``progress`` gets pictures of held-out frames while it trains: truth, render, difference.

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
        threads: Frames in work at once; up to ``settings.batch`` help.
        parsing: Manifest of the label maps, which tell of hair; None where the clip has none.
        perceptual: Weights of ``settings.perceptual``, where there is one.
        backbone: The network behind LPIPS, where that is it.
        start_checkpoint: FlashAvatar's checkpoint to go on from.

    Raises:
        UserError: An input is broken, the tracking belongs to another head, there is no GPU where one is asked for, numbers are
            no longer finite, or the disk is full.
    """
    torch.set_num_threads(1)
    device = find_device(settings.device, clip)
    scratch = Path(output).with_suffix(".partial")
    remove_leftovers(scratch / "state.pt", Path(output), Path(curve))
    split = json.loads(Path(dataset).read_text())
    inputs = [dataset, frames, matte, mouth_masks, head_masks, parsing, tracking, head, perceptual, start_checkpoint]
    key = training_key(settings, [path for path in inputs if path is not None])
    views = load_views(clip=clip, tracking=tracking, head=head)
    by_texel = settings.deformation == "mlp"
    binding = bind_all_texels(views.head.container, settings.texels) if by_texel else bind_gaussians(views, settings.gaussians)
    training_frames = prepare_frames(
        clip=clip,
        ids=split["train"],
        previews=spread(split["held_out"], SHOWN),
        sources=TrainingSources(frames, matte, mouth_masks, head_masks),
        views=views,
        binding=binding,
        plan=FramePlan(settings.background, settings.mouth_weight),
        folder=scratch / "frames",
        key=key,
        device=device,
    )
    files = TrainingFiles(scratch / "state.pt", key, scratch / "training.csv", Path(output).with_name("progress"))
    with torch.random.fork_rng():
        training = start_training(views, binding, settings, device)
        silhouettes = []
        if isinstance(training.avatar, BasisAvatar):
            familiarise(training.avatar, training_frames)
            silhouettes = turn_heads(clip, views, binding, split["train"], head_masks, parsing, settings.seed, device)
        start_published(training, settings, clip, perceptual, backbone, start_checkpoint)
        if training.resume(files.state, key):
            note(f"{clip}: going on after {training.step * settings.batch} of {settings.iterations} training images")
        else:
            clear_previews(files.pictures)
        run_training(clip, training, training_frames, silhouettes, settings, threads, files)
    write_curve(curve, training.curve)
    write_avatar(output, training, views, training_frames, binding, settings, clip)
    shutil.rmtree(scratch)


def find_device(name: str, clip: str) -> torch.device:
    """Return the device of a name.

    Raises:
        UserError: A GPU is asked for, and torch has none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        build = (
            f"torch {torch.__version__} was built {f'for CUDA {torch.version.cuda}' if torch.version.cuda else 'without CUDA'}"
        )
        remedy = (
            "set the variant's `device: cpu`, or run where `nvidia-smi` shows a GPU and torch was built for CUDA "
            "(docs/troubleshooting.md)"
        )
        raise UserError(f"training is to run on a GPU, and none can be used: {build}", clip=clip, remedy=remedy)
    return torch.device(name)


def training_key(settings: AvatarSettings, inputs: list[Path]) -> str:
    """Return what must not change between two parts of one training: settings, code and the inputs' bytes."""
    what = {name: value for name, value in asdict(settings).items() if name not in HOW}
    digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode())
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


def start_training(views: ClipViews, binding: Binding, settings: AvatarSettings, device: torch.device) -> Training:
    """Return an untrained avatar on a device, and its optimiser."""
    area = float(face_normals(views).norm(dim=-1).sum() / 2)
    shape = AvatarShape(
        deformation=settings.deformation,
        condition_size=views.conditions.shape[1],
        bases=settings.bases,
        hidden=settings.hidden,
        spacing=(area / len(binding.faces)) ** 0.5,
    )
    torch.manual_seed(settings.seed)
    avatar = make_avatar(binding.points(views.rest(), views.head.faces), shape, settings.seed).to(device)
    if isinstance(avatar, FlashAvatar):
        avatar.mixed = settings.precision == "mixed" and device.type == "cuda"
    return Training(avatar, avatar.optimiser())


def familiarise(avatar: BasisAvatar, frames: TrainingFrames) -> None:
    """Let an untrained avatar take in what the training frames show: the range of its drivers, and the head's mean colour."""
    shown = slice(frames.count)
    pixels = []
    for row in spread(list(range(frames.count)), COLOUR_FRAMES):
        _, target = frames.deliver(row, frames.load(row))
        pixels.append(target.image[target.head > 0.5])
    seen = torch.cat(pixels)
    colour = seen.mean(0) if len(seen) else torch.full((3,), 0.5, device=frames.device)
    avatar.familiarise(frames.conditions[shown], frames.cameras.rotation[shown], colour)


def write_avatar(
    path: Path,
    training: Training,
    views: ClipViews,
    frames: TrainingFrames,
    binding: Binding,
    settings: AvatarSettings,
    clip: str,
) -> None:
    """Write the avatar: everything that renders need beside the head and its parameters, readable without a GPU."""
    content: dict[str, Any] = {
        "clip": clip,
        "head_sha256": views.head.sha256,
        "settings": asdict(settings),
        "shape": asdict(training.avatar.shape),
        "binding": asdict(binding),
        "plate": frames.plate,
        "optimiser": kept_optimiser(training),
        "images": training.step * settings.batch,
        "state": {name: value.cpu() for name, value in training.avatar.state_dict().items()},
    }
    save_tensors(content, path)
