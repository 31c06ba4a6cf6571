"""Peak memory of training over the length of the clip, and what FlashAvatar's own code would hold on the device.

A tracked clip's frames are repeated, by links, to clips of several lengths; each is trained on by a process of its own, whose
highest resident memory the system tells (``VmHWM`` of ``/proc/self/status``: Linux). Everything is deleted afterwards.

    PYTHONPATH=src python benchmarks/training_memory.py results/franck resources/heads/anny.npz
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from headsmith.contract.frame_ids import frame_name
from headsmith.contract.manifest import Manifest, folder_of, hash_frames, read_manifest, write_manifest
from headsmith.contract.settings import AvatarSettings
from headsmith.stages.avatar import train_avatar

LENGTHS = (100, 1000, 4000)
HELD_OUT = 10
FOLDERS = {"frames": "frames.json", "matte": "matte.json", "mouth_masks": "masks/mouth.json", "head_masks": "masks/head.json"}
PER_FRAME = ("ids", "expression", "jaw", "eyes", "neck", "eyelids", "rotation", "translation", "status", "residual")
PUBLISHED_PLANES = 5
"""Float32 planes that FlashAvatar's ``Scene_mica`` keeps of each frame on the device: three of the image, one a mask."""
MEGABYTE = 1e6
PAUSE = 0.5
"""Seconds between two looks at the disk."""


def repeat_folder(source: Path, target: Path, count: int) -> None:
    """Write a manifest of so many frames whose files are links to those of a shorter clip, round and round."""
    manifest = read_manifest(source, verify=False)
    folder = folder_of(target)
    folder.mkdir(parents=True)
    for frame_id in range(count):
        there = folder_of(source) / frame_name(manifest.ids[frame_id % manifest.count])
        (folder / frame_name(frame_id)).symlink_to(there.resolve())
    ids = tuple(range(count))
    write_manifest(target, Manifest(manifest.size, ids, hash_frames(folder, ids), (), manifest.details))


def repeat_clip(source: Path, target: Path, count: int) -> None:
    """Write a clip of so many frames, as far as training reads it, and its split."""
    for name in FOLDERS.values():
        repeat_folder(source / name, target / name, count)
    with np.load(source / "tracking.npz", allow_pickle=False) as content:
        arrays = dict(content)
    rows = np.arange(count) % len(arrays["ids"])
    repeated = {name: arrays[name][rows] for name in PER_FRAME} | {"ids": np.arange(count)}
    np.savez(target / "tracking.npz", **{name: value for name, value in (arrays | repeated).items() if "deviation" not in name})
    first = count - HELD_OUT
    (target / "dataset.json").write_text(json.dumps({"train": list(range(first)), "held_out": list(range(first, count))}))


def train(clip: Path, head: Path, iterations: int) -> dict[str, float]:
    """Train for a while, and return the peak of this process, megabytes, and its time, seconds."""
    inputs = {word: clip / name for word, name in FOLDERS.items()}
    inputs |= {"dataset": clip / "dataset.json", "tracking": clip / "tracking.npz", "head": head}
    settings = AvatarSettings(iterations=iterations, save_every=iterations)
    started = time.monotonic()
    train_avatar(clip="clip", output=clip / "avatar.pt", curve=clip / "curve.csv", settings=settings, threads=1, **inputs)
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(status["VmHWM"].split()[0]) * 1024 / MEGABYTE
    return {"peak_mb": peak, "seconds": time.monotonic() - started}


def disk_of(folder: Path) -> float:
    """Return the size of all files below a folder, megabytes; what vanishes meanwhile does not count."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += path.stat().st_size if path.is_file() else 0
    return total / MEGABYTE


def measure(source: Path, head: Path, count: int, iterations: int, scratch: Path) -> dict[str, float]:
    """Make a clip of so many frames, train on it in a process of its own, delete it, and return what that took.

    ``disk_mb`` is the most that the training's own working folder held.
    """
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        repeat_clip(source, Path(folder), count)
        command = [sys.executable, __file__, str(source), str(head), "--clip", folder, "--iterations", str(iterations)]
        used = 0.0
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}) as child:
            while child.poll() is None:
                used = max(used, disk_of(Path(folder) / "avatar.partial"))
                time.sleep(PAUSE)
            told = child.stdout.read().splitlines() if child.stdout else []
    if child.returncode:
        sys.exit(child.returncode)
    return json.loads(told[-1]) | {"disk_mb": used}


def main() -> None:
    """Measure all lengths; the last line is JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="results/{clip} of a tracked clip")
    parser.add_argument("head", type=Path, help="its head's container")
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS, help="frames of the clips")
    parser.add_argument("--iterations", type=int, default=300, help="training images")
    parser.add_argument(
        "--scratch", type=Path, default=None, help="where the clips are made and deleted; the system's own place"
    )
    parser.add_argument("--clip", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.clip:
        print(json.dumps(train(options.clip, options.head, options.iterations)))
        return
    width, height = read_manifest(options.source / "frames.json", verify=False).size
    found = {}
    for count in options.lengths:
        found[count] = measure(options.source, options.head, count, options.iterations, options.scratch)
        published = count * PUBLISHED_PLANES * 4 * width * height / MEGABYTE
        row = found[count]
        print(
            f"{count:6d} frames: peak {row['peak_mb']:7.0f} MB, disk {row['disk_mb']:7.0f} MB, {row['seconds']:6.1f} s; "
            f"FlashAvatar's frames on the device: {published:7.0f} MB at {width}x{height}, "
            f"{count * PUBLISHED_PLANES * 4 * 512 * 512 / MEGABYTE:7.0f} MB at 512x512",
            flush=True,
        )
    peaks = {str(count): round(row["peak_mb"], 1) for count, row in found.items()}
    first, last = found[options.lengths[0]]["peak_mb"], found[options.lengths[-1]]["peak_mb"]
    disks = {str(count): round(row["disk_mb"], 1) for count, row in found.items()}
    facts = {"size": [width, height], "iterations": options.iterations, "peak_mb": peaks, "ratio": round(last / first, 3)}
    print(json.dumps(facts | {"disk_mb": disks}))


if __name__ == "__main__":
    main()
