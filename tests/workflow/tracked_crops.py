"""What flame-head-tracker would leave of a real video: its crops, and the parameters of a made-up head that fit them."""

from pathlib import Path

import numpy as np
from flame_files import write_flame
from PIL import Image

from headsmith.contract.conventions import IBUG68_FROM_MEDIAPIPE
from headsmith.contract.landmark_groups import CONVENTION
from headsmith.contract.settings import TrackingSettings
from headsmith.heads.container import HeadContainer, save_head
from headsmith.heads.embedding_files import read_mediapipe
from headsmith.heads.flame_head import FlameFiles, read_flame_head
from headsmith.media.frames import FrameFolderWriter
from headsmith.media.sources import open_source
from headsmith.nets.face_landmarker import FaceLandmarker
from headsmith.stages.tracking import track_head

SIDE, SMALL, LOST = 512, 32, 11
"""Sides of the crops and of the blank frames that the head is fitted to; the frame that the tracker lost."""
EYE_DISTANCE = 0.09
POINTS = (
    *(276, 282, 283, 285, 293, 295, 296, 300, 334, 336, 46, 52, 53, 55, 63, 65, 66, 70, 105, 107),
    *(263, 362, 374, 386, 33, 133, 145, 159, 168, 6, 197, 195, 5, 4, 98, 97, 2, 326, 327),
    *(0, 13, 14, 17, 61, 78, 291, 308, 39, 269, 181, 405),
)


def cut(image, points):
    """The crop of one frame, turned with the face, and its points there (field guide 3.1, item 3).

    By Pillow and in the tracker's steps: white around the picture, the square at twice the side, and then halved.
    """
    sixty_eight = np.stack([points[list(group)].mean(0) for group in IBUG68_FROM_MEDIAPIPE])
    right, left, mouth = sixty_eight[36:42].mean(0), sixty_eight[42:48].mean(0), sixty_eight[[48, 54]].mean(0)
    middle = (right + left) / 2
    across, down = left - right, mouth - middle
    axis = across - down[::-1] * [-1, 1]
    axis = axis / np.hypot(*axis) * 1.3 * max(2 * np.hypot(*across), 1.8 * np.hypot(*down))
    other, centre = axis[::-1] * [-1, 1], middle + 0.1 * down + 0.5
    upper_left = centre - axis - other
    corners = np.concatenate([upper_left, centre - axis + other, centre + axis + other, centre + axis - other])
    padded = Image.fromarray(np.pad(image, ((SIDE, SIDE), (SIDE, SIDE), (0, 0)), constant_values=255))
    large = padded.transform((2 * SIDE, 2 * SIDE), Image.Transform.QUAD, (corners + SIDE).tolist(), Image.Resampling.BILINEAR)
    there = np.linalg.solve(2 * np.stack([axis, other], 1), (points - upper_left).T).T * SIDE
    return np.asarray(large.resize((SIDE, SIDE), Image.Resampling.LANCZOS)), there


def real_crops(video, model, count):
    """Crops of a video's first frames and the detector's points in them."""
    crops, seen = [], []
    with FaceLandmarker(model, 1, plain=True) as detector:
        for frame in open_source(video, end=count / 24):
            points = detector.detect(frame.image)[0].points[:, :2]
            crop, there = cut(frame.image, points.astype(np.float64))
            crops.append(crop)
            seen.append(there)
    return np.stack(crops), np.stack(seen)


def write_embedding(path, container, points):
    """MediaPipe's points on the made-up head: where the face's own lie on its front, in the published file's format."""
    middle = points[:, [33, 263]].mean(1, keepdims=True)
    size = EYE_DISTANCE / np.linalg.norm(points[:, 33] - points[:, 263], axis=-1)
    face = np.median((points - middle) * size[:, None, None], axis=0)[list(POINTS)] * [1, -1] + [0, 0.03]
    corners = container.template[container.faces[:9976]].mean(1)
    front = np.flatnonzero(corners[:, 2] > 0.02)
    nearest = np.linalg.norm(corners[front, None, :2] - face, axis=-1).argmin(0)
    thirds = np.full((len(POINTS), 3), 1 / 3)
    np.savez(path, landmark_indices=np.array(POINTS), lmk_face_idx=front[nearest], lmk_b_coords=thirds)


def make_head(folder, points):
    """The made-up head as the workflow will have it, its licensed file and its landmarks written for the workflow to read."""
    write_flame(folder / "generic_model.pkl")
    container: HeadContainer = read_flame_head(FlameFiles(model=folder / "generic_model.pkl", head="flame2020"))[0]
    write_embedding(folder / "landmarks.npz", container, points)
    return container.with_embedding(CONVENTION, read_mediapipe(folder / "landmarks.npz"))


def fit(folder: Path, container, points):
    """Our own tracking of the crops, from their points."""
    count = len(points)
    save_head(container, folder / "head.npz")
    with FrameFolderWriter(folder / "frames.json") as writer:
        for frame_id in range(count):
            writer.add(frame_id, np.zeros((SMALL, SMALL, 3), np.uint8))
    arrays = {
        "ids": np.arange(count),
        "points": np.concatenate([points * SMALL / SIDE, np.zeros((count, 478, 1))], 2).astype(np.float32),
        "blendshapes": np.zeros((count, 0), np.float32),
        "blendshape_names": np.array([], np.str_),
        "point_confidence": np.ones((count, 478), np.float32),
        "status": np.array(["ok"] * count),
        "convention": np.array(CONVENTION),
    }
    np.savez(folder / "seen.npz", **arrays)
    outputs = {"output": folder / "fit.npz", "summary": folder / "fit.json", "table": folder / "fit.csv"}
    inputs = {"frames": folder / "frames.json", "landmarks": folder / "seen.npz", "head": folder / "head.npz"}
    settings = TrackingSettings(iterations=6, max_residual=50.0)
    track_head(clip="egg", settings=settings, threads=1, **inputs, **outputs)
