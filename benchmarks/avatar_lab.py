"""Training an avatar under watch: the steps of the stage, with the clock stopped while held-out frames are measured."""

import json
import math
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import torch

from headsmith.splat.basis import BasisAvatar
from headsmith.stages.avatar import bind_gaussians, familiarise, start_training
from headsmith.stages.avatar_faults import Place
from headsmith.stages.avatar_frames import TrainingFrames, TrainingSources, prepare_frames
from headsmith.stages.avatar_order import MOST_OF_A_PASS, batches
from headsmith.stages.avatar_progress import head_psnr, spread
from headsmith.stages.avatar_silhouettes import turn_heads
from headsmith.stages.avatar_targets import FramePlan
from headsmith.stages.avatar_texels import bind_all_texels
from headsmith.stages.avatar_training import Loop, TrainingFiles
from headsmith.stages.avatar_views import ClipViews, load_views

CPU = torch.device("cpu")


@dataclass
class Trained:
    """What a training came to.

    Attributes:
        avatar: The avatar.
        psnr_head: Mean over the measured held-out frames, of the head mask, dB.
        psnr_mouth: The same of the mouth; frames without one are left out.
        psnr_train: As ``psnr_head``, of as many training frames.
        seconds: Wall time of the steps alone.
        curve: Seconds, images and ``psnr_head`` at several moments.
    """

    avatar: torch.nn.Module
    psnr_head: float = math.nan
    psnr_mouth: float = math.nan
    psnr_train: float = math.nan
    seconds: float = 0.0
    curve: list[tuple[float, int, float]] = field(default_factory=list)

    def figures(self):
        """Return the figures as they are printed."""
        quality = {name: round(getattr(self, name), 2) for name in ("psnr_head", "psnr_mouth", "psnr_train", "seconds")}
        return quality | {"iterations_per_second": round(self.curve[-1][1] / self.seconds, 1)}


@dataclass(frozen=True)
class Clip:
    """A clip on disk, as training takes it: frames to train with, and held-out ones after them."""

    name: str
    views: ClipViews
    binding: object
    frames: TrainingFrames
    silhouettes: list

    @property
    def held_out(self):
        """Rows of the held-out frames."""
        return list(range(self.frames.count, len(self.frames.ids)))


def open_clip(results, name, head, settings, folder, most=100):
    """Read a clip from ``results/{name}``; its records are kept in a folder and used again.

    Args:
        results: Folder of the workflow's results.
        name: Of the clip.
        head: The head container.
        settings: Of the variant: what becomes of frames and Gaussians depends on them.
        folder: For the records.
        most: Held-out frames that are measured, spread evenly.
    """
    root, split = Path(results) / name, json.loads((Path(results) / name / "dataset.json").read_text())
    views = load_views(clip=name, tracking=root / "tracking.npz", head=Path(head))
    mlp = settings.deformation == "mlp"
    binding = bind_all_texels(views.head.container, settings.texels) if mlp else bind_gaussians(views, settings.gaussians)
    named = [root / "frames.json", root / "matte.json", root / "masks/mouth.json", root / "masks/head.json"]
    key = f"{settings.background} {settings.mouth_weight} {len(binding.faces)} {split['sha256']}"
    frames = prepare_frames(
        clip=name,
        ids=split["train"],
        previews=spread(split["held_out"], most),
        sources=TrainingSources(*named),
        views=views,
        binding=binding,
        plan=FramePlan(settings.background, settings.mouth_weight),
        folder=Path(folder) / f"{name}-{settings.deformation}",
        key=key,
        device=CPU,
    )
    labels = root / "parsing.json"
    given = (name, views, binding, split["train"], root / "masks/head.json", labels if labels.exists() else None)
    silhouettes = [] if mlp else turn_heads(*given, settings.seed, CPU)
    return Clip(name, views, binding, frames, silhouettes)


@torch.no_grad()
def measure(avatar, frames, rows, pool):
    """Return mean PSNR of head and of mouth, dB: 8-bit renders over the plate, each frame's mask; empty ones are left out."""
    avatar.eval()
    plate = frames.plate.float() / 255

    def one(row):
        with torch.no_grad():
            view, target = frames.deliver(row, frames.load(row))
            drawn = (avatar(view, plate)[0].clamp(0, 1) * 255).round() / 255
        mouth = (target.head > 0.5) & (target.weight > 1.5)
        return head_psnr(drawn, target.image, target.head), head_psnr(drawn, target.image, mouth.float())

    values = [[value for value in column if not math.isnan(value)] for column in zip(*pool.map(one, rows), strict=True)]
    avatar.train()
    return [sum(column) / len(column) if column else math.nan for column in values]


def train(clip, settings, marks=1, familiar=True, moved=None, extra=(), threads=2):
    """Train a variant; measure held-out frames at ``marks`` moments, the last one at the end.

    Args:
        clip: From ``open_clip``.
        settings: The variant's.
        marks: Moments, evenly spaced in images.
        familiar: Whether a basis avatar learns what the clip shows; ablations leave it out.
        moved: A module that changes a training view, given its row, and learns with the avatar: for ablations.
        extra: Its parameter groups.
        threads: Images at once.
    """
    torch.set_num_threads(1)
    training = start_training(clip.views, clip.binding, settings, CPU)
    frames, avatar = clip.frames, training.avatar
    if familiar and isinstance(avatar, BasisAvatar):
        familiarise(avatar, frames)
    if moved is not None:
        avatar.add_module("moved", moved)
    for group in extra:
        training.optimiser.add_param_group(group | {"first_lr": group["lr"]})
    nowhere = Path("nowhere")
    steps, result = -(-settings.iterations // settings.batch), Trained(avatar)
    due = {round(steps * (number + 1) / marks) for number in range(marks)}
    with ThreadPoolExecutor(threads) as pool, frames_moved(frames, moved):
        files = TrainingFiles(nowhere, "", nowhere, nowhere)
        loop = Loop(training, frames, settings, files, Place(clip.name, nowhere, settings.iterations), pool, clip.silhouettes)
        order = batches(frames.count, settings.seed, 0, steps, settings.batch, MOST_OF_A_PASS[settings.deformation])
        for step, rows in order:
            begin = time.perf_counter()
            loop.step(rows, [frames.load(row) for row in rows])
            result.seconds += time.perf_counter() - begin
            if step + 1 in due:
                loop.look()
                result.psnr_head, result.psnr_mouth = measure(avatar, frames, clip.held_out, pool)
                result.curve.append((round(result.seconds, 1), (step + 1) * settings.batch, round(result.psnr_head, 2)))
        result.psnr_train = measure(avatar, frames, spread(list(range(frames.count)), len(clip.held_out)), pool)[0]
    return result


def frames_moved(frames, moved):
    """Context in which the training frames' views are changed by ``moved(row, view)``; held-out ones stay."""
    return nullcontext() if moved is None else _Moved(frames, moved)


class _Moved:
    def __init__(self, frames, moved):
        self.frames, self.moved, self.deliver = frames, moved, frames.deliver

    def __enter__(self):
        def deliver(row, content):
            view, target = self.deliver(row, content)
            return (self.moved(row, view) if row < self.frames.count and torch.is_grad_enabled() else view), target

        object.__setattr__(self.frames, "deliver", deliver)

    def __exit__(self, *_):
        object.__delattr__(self.frames, "deliver")
