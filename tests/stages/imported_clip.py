"""A clip that another program has tracked: its parameters, frames that are there in name, and landmarks that agree."""

from dataclasses import replace

import numpy as np
import torch
from synthetic_head import synthetic_head

from headsmith.bridges.track import Track, project_embedded
from headsmith.contract.landmark_groups import CONVENTION
from headsmith.contract.settings import TrackingSettings
from headsmith.heads.container import save_head
from headsmith.heads.model import HeadModel
from headsmith.maths.rotations import axis_angle_to_matrix
from headsmith.media.frames import FrameFolderWriter

FRAMES, SIDE = 30, 512
CONTAINER = replace(synthetic_head(identity=6, expression=8, correctives=True), name="flame2020")
MODEL = HeadModel.from_container(CONTAINER, torch.float64)


def true_track(size=(SIDE, SIDE), seed=0):
    """A slow clip with a bent neck at rest, blinks, and parameters that float32 holds."""
    chance, time = np.random.default_rng(seed), np.arange(FRAMES)[:, None]
    turn = axis_angle_to_matrix(torch.from_numpy(0.2 * np.sin(0.15 * time + np.arange(3)))).numpy() @ np.diag([1.0, -1, -1])
    numbers = {
        "identity": chance.normal(size=6),
        "expression": 0.5 * np.sin(0.2 * time + np.arange(8)),
        "jaw": np.concatenate([0.1 + 0.05 * np.sin(0.3 * time), 0 * time, 0 * time], 1),
        "eyes": 0.05 * np.sin(0.1 * time + np.arange(6)).reshape(FRAMES, 2, 3),
        "neck": np.zeros((FRAMES, 3)),
        "eyelids": np.exp(-0.5 * ((time % 12 - 6) / 1.5) ** 2) * [0.6, 0.55] + 0.1,
        "rotation": turn,
        "translation": 0.02 * np.sin(0.1 * time + np.arange(3)) + [0, 0, 0.8],
        "principal": np.array(size) / 2,
        "residual": np.full(FRAMES, np.nan),
    }
    own = {"focal": 1400.0 * min(size) / SIDE, "size": size, "status": ("ok",) * FRAMES, "ids": np.arange(FRAMES)}
    return Track(**numbers, **own, head_sha256=MODEL.sha256, convention="")


def write_frames(path, numbers, source=(SIDE, SIDE), crop=(0, 0, SIDE), size=64, **details):
    """Frames of one colour, and the manifest that the stage frames writes."""
    with FrameFolderWriter(path) as writer:
        for frame_id in range(len(numbers)):
            writer.add(frame_id, np.zeros((size, size, 3), np.uint8))
        own = {
            "fps": 25.0,
            "source_size": source,
            "crop": list(crop),
            "scale": size / crop[2],
            "source_index": [int(number) for number in numbers],
        }
        writer.details |= own | details


def write_landmarks(path, points, bad=()):
    """The points of all frames as a detector would have them."""
    everything = np.full((len(points), 478, 3), 1.0)
    embedding = CONTAINER.embeddings[CONVENTION]
    everything[:, embedding.points, :2] = points
    status = np.array(["no_face" if t in bad else "ok" for t in range(len(points))])
    arrays = {
        "ids": np.arange(len(points)),
        "points": np.where(status[:, None, None] == "ok", everything, np.nan).astype(np.float32),
        "blendshapes": np.zeros((len(points), 0), np.float32),
        "blendshape_names": np.array([], np.str_),
        "confidence": np.ones(len(points), np.float32),
        "point_confidence": np.ones((len(points), 478), np.float32),
        "status": status,
        "convention": np.array(CONVENTION),
    }
    np.savez(path, **arrays)


def arguments(folder, source, given, **settings):
    """The stage's arguments; heads and results lie in the folder."""
    save_head(CONTAINER, folder / "head.npz")
    outputs = {"output": folder / "tracking.npz", "summary": folder / "tracking.json", "table": folder / "tracking.csv"}
    inputs = {
        word: folder / name for word, name in (("frames", "frames.json"), ("landmarks", "landmarks.npz"), ("head", "head.npz"))
    }
    chosen = TrackingSettings(source=source, **settings)
    return {"clip": "someone", "given": given, "settings": chosen, "threads": 1, **inputs, **outputs}


def seen_points(track):
    """Where the head's landmarks are in the pictures that were tracked."""
    return project_embedded(track, MODEL, CONTAINER.embeddings[CONVENTION])
