"""Training: Gaussians bound to the tracked head learn to reproduce the training frames over the clip's background plate."""

import csv
import hashlib
import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.contract.fingerprint import fingerprint
from headsmith.contract.settings import AvatarSettings
from headsmith.media.atomic import atomic_path
from headsmith.media.progress import note, progress
from headsmith.mesh.rasterize import rasterize_mesh
from headsmith.splat.avatar import Avatar, AvatarShape
from headsmith.splat.binding import Binding, bind_texels
from headsmith.splat.fitting import frame_loss, make_optimiser, set_rates
from headsmith.stages.avatar_frames import TrainingFrames, TrainingSources, prepare_frames
from headsmith.stages.avatar_views import ClipViews, load_views

BATCH = 2
"""Images a step, always, so that the number of threads changes no result."""

CURVE_EVERY = 100
"""Steps between rows of the training curve."""

UV_SIDE = 512
"""Texels along a side of the UV map that points are chosen from."""

BACK_DENSITY = 0.27
"""Density of points on faces that look backwards, as a share of the front's: a talking head hardly shows them."""


@dataclass
class Training:
    """A training under way.

    Attributes:
        avatar: What is trained.
        optimiser: Its optimiser.
        step: Steps done.
        curve: Rows of the training curve: images shown, mean loss since the last row.
        losses: Losses since the last row.
    """

    avatar: Avatar
    optimiser: torch.optim.Adam
    step: int = 0
    curve: list[tuple[int, float]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    def save(self, path: Path, key: str) -> None:
        """Write a resumable state."""
        state = {"key": key, "step": self.step, "curve": self.curve, "losses": self.losses}
        state |= {"avatar": self.avatar.state_dict(), "optimiser": self.optimiser.state_dict()}
        save_tensors(state, path)

    def resume(self, path: Path, key: str) -> bool:
        """Go on from a state of the same training, if there is one; tell whether there was."""
        if not path.exists():
            return False
        state = torch.load(path, weights_only=True)
        if state["key"] != key:
            return False
        self.avatar.load_state_dict(state["avatar"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.losses = state["step"], state["losses"]
        self.curve = [tuple(row) for row in state["curve"]]
        return True


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
    avatar = Avatar(binding.points(views.rest(), views.head.faces), shape, settings.seed)
    return Training(avatar, make_optimiser(avatar))


def batches(count: int, seed: int, first: int, last: int) -> Iterator[tuple[int, list[int]]]:
    """Yield step and rows of each batch from step ``first`` to before ``last``.

    Every pass over the frames has an order of its own, fixed by seed and pass, so a resumed training sees the same frames.
    """
    order: list[int] = []
    loaded = -1
    for step in range(first, last):
        rows = []
        for position in range(step * BATCH, (step + 1) * BATCH):
            epoch, place = divmod(position, count)
            if epoch != loaded:
                generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
                order, loaded = torch.randperm(count, generator=generator).tolist(), epoch
            rows.append(order[place])
        yield step, rows


def run_training(
    clip: str, training: Training, frames: TrainingFrames, settings: AvatarSettings, threads: int, state: Path, key: str
) -> None:
    """Do the steps that are left, a thread for each image of a batch, saving a resumable state now and then."""
    plate = frames.plate.float() / 255
    steps = -(-settings.iterations // BATCH)

    def learn(row: int) -> float:
        loss = frame_loss(training.avatar, frames.view(row), frames.target(row), plate) / BATCH
        loss.backward()
        return loss.item() * BATCH

    todo = batches(len(frames.ids), settings.seed, training.step, steps)
    with ThreadPoolExecutor(min(threads, BATCH)) as pool:
        for step, rows in progress(todo, steps - training.step, f"{clip}: training, steps of {BATCH} images"):
            set_rates(training.optimiser, step / steps)
            training.losses += pool.map(learn, rows)
            training.optimiser.step()
            training.optimiser.zero_grad(set_to_none=True)
            training.step = step + 1
            if training.step % CURVE_EVERY == 0 or training.step == steps:
                training.curve.append((training.step * BATCH, sum(training.losses) / len(training.losses)))
                training.losses.clear()
            if training.step % max(1, settings.save_every // BATCH) == 0:
                training.save(state, key)


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


def save_tensors(content: dict[str, Any], path: Path) -> None:
    """Write tensors and plain values; through an open file, for given a name ``torch.save`` writes it into the file."""
    with atomic_path(path) as partial, partial.open("wb") as stream:
        torch.save(content, stream)
