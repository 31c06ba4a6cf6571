"""A clip of a synthetic head before a wall, with everything that training reads, and the truth known."""

import json

import numpy as np

from headsmith.heads.container import save_head
from headsmith.media.frames import FrameFolderWriter
from headsmith.stages.avatar import train_avatar
from tests.synthetic_head import synthetic_head

SIDE, COUNT, HELD_OUT = 32, 10, 3
WALL = np.array([40, 90, 200], np.uint8)
SKIN = np.array([220, 160, 120], np.uint8)
CLOTH = np.array([90, 90, 90], np.uint8)


def pictures(frame):
    """Image, matte, mouth mask and head mask: a square face that moves, a mouth in it, clothes at the bottom."""
    image, matte = np.tile(WALL, (SIDE, SIDE, 1)), np.zeros((SIDE, SIDE), np.uint8)
    mouth, head = matte.copy(), matte.copy()
    left = 8 + frame % 3
    box = (slice(6, 26), slice(left, left + 14))
    image[box], matte[box], head[box] = SKIN, 255, 255
    lips = (slice(19, 22), slice(left + 4, left + 10))
    image[lips], mouth[lips] = (180, 40, 40), 255
    image[28:], matte[28:] = CLOTH, 255
    return image, matte, mouth, head


def write_clip(folder):
    """Write the clip into a folder; return the paths that training and rendering take."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ("frames", "matte", "mouth_masks", "head_masks")
    for place, name in enumerate(names):
        with FrameFolderWriter(folder / f"{name}.json", "toy", details={"fps": 25.0}) as writer:
            for frame in range(COUNT):
                writer.add(frame, pictures(frame)[place])
    head = synthetic_head()
    save_head(head, folder / "head.npz")
    generator = np.random.default_rng(0)
    shift = np.stack([np.arange(COUNT) % 3 * 0.01, np.zeros(COUNT), np.ones(COUNT)], 1)
    np.savez(
        folder / "tracking.npz",
        ids=np.arange(COUNT),
        identity=generator.normal(size=4),
        expression=generator.uniform(0, 1, (COUNT, 6)),
        jaw=np.zeros((COUNT, 3)),
        eyes=np.zeros((COUNT, 2, 3)),
        eyelids=np.zeros((COUNT, 2)),
        neck=np.zeros((COUNT, 3)),
        rotation=np.tile(np.diag([1.0, -1, -1]), (COUNT, 1, 1)),
        translation=shift,
        focal=np.float64(3 * SIDE),
        principal=np.full(2, SIDE / 2),
        size=np.array([SIDE, SIDE]),
        status=np.full(COUNT, "ok"),
        residual=np.zeros(COUNT),
        head_sha256=head.sha256,
        convention="mediapipe478",
    )
    last = COUNT - HELD_OUT
    (folder / "dataset.json").write_text(json.dumps({"train": list(range(last)), "held_out": list(range(last, COUNT))}))
    paths = {name: folder / f"{name}.json" for name in (*names, "dataset")}
    return paths | {"tracking": folder / "tracking.npz", "head": folder / "head.npz", "clip": "toy"}


def train_clip(clip, folder, settings, threads=1):
    """Train on the clip in one process; return the bytes of the avatar and the text of its curve."""
    train_avatar(**clip, output=folder / "avatar.pt", curve=folder / "training.csv", settings=settings, threads=threads)
    return (folder / "avatar.pt").read_bytes(), (folder / "training.csv").read_text()
