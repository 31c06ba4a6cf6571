"""What each choice of the `basis` avatar is worth on held-out frames: one training a line, one choice undone or changed.

    snakemake --cores 2 --configfile config/benchmark.yaml -- dataset     # the clips, made ready
    python benchmarks/avatar_ablations.py [--clip franck] [--images 3000] [--only default "no noise"]

Prints a line a training (dB over head, mouth, and the training frames' heads; mean pixels of holes and spikes of the orbit) and
JSON last.
"""

import argparse
import json
import os
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from avatar_lab import open_clip, train

from headsmith.contract.settings import AvatarSettings
from headsmith.splat import basis
from headsmith.stages.avatar_file import TrainedAvatar
from headsmith.stages.novel_views_soundness import soundness_of

CHOICES = {
    "default": {},
    "what drives the bases as it is: no noise, units or limits": {"SHAKE": 0.0, "familiar": False},
    "no noise": {"SHAKE": 0.0},
    "half the noise": {"SHAKE": 0.25},
    "deviations however small": {"SMALLEST_UNIT": 0.02},
    "no leeway beyond the clip": {"LEEWAY": 0.0},
    "twice the noise": {"SHAKE": 1.0},
    "8 bases": {"bases": 8},
    "32 bases": {"bases": 32},
    "no bases": {"bases": 1, "BASES_RATE": 0.0},
    "mouth weighs 1 more": {"mouth_weight": 1.0},
    "mouth weighs 40 more": {"mouth_weight": 40.0},
    "no offsets: the tracked identity as it is": {"offset": 0.0},
    "offsets a hundred times freer": {"OFFSET_WEIGHT": 1e-5},
    "no swapped backgrounds": {"SWAP_EVERY": 10**9},
    "no turned heads": {"SILHOUETTE_WEIGHT": 0.0},
    "offsets a thousand times stiffer": {"OFFSET_WEIGHT": 1.0},
    "6,500 Gaussians": {"gaussians": 6500},
    "26,000 Gaussians": {"gaussians": 26000},
    "rates that do not fall": {"LAST_RATE": 1.0},
    "tracking tuned while training": {"tuned": True},
}
"""What each line changes: constants of `splat.basis` in capitals, settings, or what this script does itself."""


class Tuning(torch.nn.Module):
    """A turn and a shift of the head for each training frame, learned with the avatar; held-out frames stay as tracked."""

    def __init__(self, count):
        super().__init__()
        self.turns, self.shifts = (torch.nn.Parameter(torch.zeros(count, 3)) for _ in range(2))

    def forward(self, row, view):
        """Return a frame's view with its head moved a little."""
        turned = torch.linalg.cross(self.turns[row].expand_as(view.points), view.points)
        return replace(view, points=view.points + turned + self.shifts[row])

    def groups(self):
        """Return what the optimiser learns: radians, and metres."""
        return [{"params": [self.turns], "lr": 5e-4}, {"params": [self.shifts], "lr": 5e-5}]


def measured(name, clip_name, options, folder):
    """Train with one choice changed; return its figures."""
    changes = dict(CHOICES[name])
    familiar, tuned, offset = (
        changes.pop(key, value) for key, value in (("familiar", True), ("tuned", False), ("offset", None))
    )
    constants = {key: changes.pop(key) for key in list(changes) if key.isupper()}
    settings = AvatarSettings(iterations=options.images, **changes)
    place = Path(folder) / f"{settings.gaussians}-{settings.mouth_weight}"
    clip = open_clip(options.results, clip_name, options.head, settings, place, options.frames)
    tuning = Tuning(clip.frames.count) if tuned else None
    with ExitStack() as stack:
        for constant, value in constants.items():
            stack.enter_context(patch.object(basis, constant, value))
        if offset is not None:
            stack.enter_context(patch.dict(basis.RATES, offset=offset))
        result = train(clip, settings, familiar=familiar, moved=tuning, extra=tuning.groups() if tuned else ())
    return result.figures() | faults_of_orbit(result.avatar, clip, Path(options.results) / clip_name)


def faults_of_orbit(avatar, clip, results):
    """Return the mean pixels of holes and of spikes in views from 30 degrees to either side."""
    trained = TrainedAvatar(avatar.eval(), clip.binding, clip.frames.plate.float() / 255)
    ids = clip.frames.ids[: clip.frames.count]
    labels = results / "parsing.json"
    given = {"head_masks": results / "masks/head.json", "parsing": labels if labels.exists() else None}
    found = soundness_of(trained, clip.views, ids, clip=clip.name, **given, threads=2)["orbit"]
    return {fault: found[fault]["mean"] for fault in ("holes", "spikes")}


def main():
    """Print a line a choice and JSON last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", default="results")
    parser.add_argument("--head", default="resources/heads/anny.npz")
    parser.add_argument("--clip", default="franck")
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--frames", type=int, default=100, help="held-out frames measured, spread evenly")
    parser.add_argument("--only", nargs="+", choices=CHOICES, default=list(CHOICES))
    parser.add_argument("--folder", help="keeps the prepared frames here; else they are removed")
    options = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.only:
            found[name] = measured(name, options.clip, options, options.folder or scratch)
            shown = "  ".join(f"{key[5:]} {found[name][key]:6.2f}" for key in ("psnr_head", "psnr_mouth", "psnr_train"))
            faults = f"holes {found[name]['holes']:4.0f}  spikes {found[name]['spikes']:4.0f}"
            print(f"{name:50} {shown}  {faults}  {found[name]['seconds']:5.0f} s", flush=True)
    print(json.dumps({"benchmark": "avatar_ablations", "clip": options.clip, "images": options.images, "choices": found}))


if __name__ == "__main__":
    main()
