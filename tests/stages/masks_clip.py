"""A clip of made-up label maps: a face of blocks, and the landmarks that a detector would find on it."""

from pathlib import Path

import numpy as np

from headsmith.contract.conventions import CONVENTIONS, MEDIAPIPE478
from headsmith.contract.labels import LABELS

SIDE = 64


def paint(labels: np.ndarray, name: str, rows: tuple[int, int], columns: tuple[int, int]) -> None:
    labels[slice(*rows), slice(*columns)] = LABELS.index(name)


def face_map(shift: int = 0) -> np.ndarray:
    """Return a label map of blocks: hair, skin, eyes, nose, lips around an open mouth, neck, cloth."""
    labels = np.zeros((SIDE, SIDE), np.uint8)
    paint(labels, "hair", (4, 16), (14 + shift, 50 + shift))
    paint(labels, "skin", (16, 52), (16 + shift, 48 + shift))
    paint(labels, "left_eye", (22, 25), (20 + shift, 28 + shift))
    paint(labels, "right_eye", (22, 25), (36 + shift, 44 + shift))
    paint(labels, "nose", (24, 36), (28 + shift, 36 + shift))
    paint(labels, "upper_lip", (40, 43), (22 + shift, 42 + shift))
    paint(labels, "mouth", (43, 45), (22 + shift, 42 + shift))
    paint(labels, "lower_lip", (45, 48), (22 + shift, 42 + shift))
    paint(labels, "neck", (52, 58), (24, 40))
    paint(labels, "cloth", (58, 64), (8, 56))
    return labels


MAPS = {frame_id: face_map(frame_id % 4) for frame_id in (0, 1, 2, 5, 7)}


def frame_of(frame_id: int) -> np.ndarray:
    """Return a colour image for a frame."""
    return np.full((SIDE, SIDE, 3), (200, 150, 10 * frame_id), np.uint8)


def landmarks_of(shift: int, convention: str) -> np.ndarray:
    """Return points: the lips evenly over the lips' block, the nose down the nose's, the eye corners beside the eyes."""
    groups = CONVENTIONS.get(convention, MEDIAPIPE478)
    points = np.full((groups.count, 3), 2.0, np.float32)
    share = np.linspace(0, 1, len(groups.lips))
    points[list(groups.lips), 0] = 22 + shift + 19.9 * share
    points[list(groups.lips), 1] = 40 + 7.9 * np.abs(np.sin(9 * share))
    points[list(groups.nose_bridge), 0] = 32 + shift
    points[list(groups.nose_bridge), 1] = np.linspace(25, 35, len(groups.nose_bridge))
    points[groups.nose_tip, :2] = 32 + shift, 35
    points[list(groups.outer_eye_corners), 0] = 20 + shift, 44 + shift
    points[list(groups.outer_eye_corners), 1] = 23.5
    return points


def save_landmarks(path: Path, maps: dict, convention: str = "mediapipe478", missing: tuple = (), turn: float = 0.0) -> None:
    """Write ``landmarks.npz`` for maps by frame id, turned about the image's middle; frames that are missing have none."""
    points = np.stack([landmarks_of(frame_id % 4, convention) for frame_id in maps])
    offset = points[..., :2] - SIDE / 2
    cosine, sine = np.cos(turn), np.sin(turn)
    points[..., 0] = SIDE / 2 + cosine * offset[..., 0] - sine * offset[..., 1]
    points[..., 1] = SIDE / 2 + sine * offset[..., 0] + cosine * offset[..., 1]
    status = np.array(["no_face" if frame_id in missing else "ok" for frame_id in maps])
    points[status != "ok"] = np.nan
    np.savez_compressed(path, ids=np.array(list(maps)), points=points, status=status, convention=np.array(convention))
