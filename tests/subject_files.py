"""A FlashAvatar subject folder of a made-up person who moves, written from the format's description alone."""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from synthetic_head import synthetic_head

from headsmith.contract.conventions import MEDIAPIPE478
from headsmith.heads.embedding_types import Embedding
from headsmith.heads.model import HeadModel

SIZE, FRAMES, FOCAL = 96, 45, 260.0
NAME = "someone"


def placed_head():
    """A small head whose lips and nose are where a face has them."""
    head = synthetic_head()
    embedding = head.embeddings[MEDIAPIPE478.name]
    centres = head.template[head.faces].mean(1)
    faces = embedding.faces.copy()
    for points, place in ((MEDIAPIPE478.lips, (0, -0.05)), (MEDIAPIPE478.nose_bridge, (0, 0.0))):
        near = np.linalg.norm(centres[:, :2] - place, axis=1).argsort()[:8]
        faces[list(points)] = np.resize(near, len(points))
    return head.with_embedding(MEDIAPIPE478.name, Embedding(embedding.points, faces, embedding.barycentrics))


@dataclass(frozen=True)
class Folder:
    """A subject on disk, to be spoilt; frames are counted round and round, so that any number is one of them."""

    root: Path
    head: object
    count: int = FRAMES

    @property
    def images(self):
        return self.root / "dataset" / NAME

    @property
    def checkpoint(self):
        return self.root / "metrical-tracker" / "output" / NAME / "checkpoint"

    def frame(self, index):
        return self.checkpoint / f"{index % self.count:05d}.frame"

    def change(self, index, change):
        """Let a function change the content of a frame's parameters."""
        content = torch.load(self.frame(index), weights_only=False)
        change(content)
        torch.save(content, self.frame(index))

    def image(self, kind, index):
        names = {"image": "imgs/{}.jpg", "alpha": "alpha/{}.jpg"}
        return self.images / names.get(kind, f"parsing/{{}}_{kind}.png").format(f"{index % self.count + 1:05d}")


def content_of(index, codes, turn, shift):
    """The dictionary of a ``.frame``: float32 arrays with a leading axis of 1."""
    identity = np.zeros(300)
    identity[:4] = codes["identity"]
    expression = np.zeros(100)
    expression[:6] = codes["expression"]
    unit = np.array([1.0, 0, 0, 0, 1, 0])
    lens = np.array([[FOCAL, 0, SIZE / 2], [0, FOCAL, SIZE / 2], [0, 0, 1]])
    flame = {"shape": identity, "exp": expression, "jaw": unit, "eyes": np.tile(unit, 2), "eyelids": np.array([0.1, 0.2])}
    opencv = {"R": turn, "t": shift, "K": lens}
    single = {
        group: {key: value.astype(np.float32)[None] for key, value in part.items()}
        for group, part in (("flame", flame), ("opencv", opencv))
    }
    return {**single, "img_size": np.array([SIZE, SIZE]), "frame_id": f"{index:05d}", "global_step": 0}


def motion(count):
    """Where the head is in each frame: a smooth walk that never repeats itself."""
    time = np.arange(count)[:, None]
    waves = np.sin(time * [0.9, 1.7] + [0.3, 1.1]) + 0.7 * np.sin(time * [2.3, 0.6])
    return np.concatenate([0.006 * waves, np.full((count, 1), 0.8)], 1)


def write_subject(root, count=FRAMES):
    """Write a folder with nothing wrong but its size, and return it."""
    head = placed_head()
    folder = Folder(root, head, count)
    for place in ("imgs", "alpha", "parsing"):
        (folder.images / place).mkdir(parents=True)
    folder.checkpoint.mkdir(parents=True)
    model = HeadModel.from_container(head, torch.float64)
    generator = np.random.default_rng(4)
    identity, turn = 0.3 * generator.normal(size=4), np.diag([1.0, -1, -1])
    corners = head.faces[head.embeddings[MEDIAPIPE478.name].faces]
    weights = head.embeddings[MEDIAPIPE478.name].barycentrics
    for index, shift in enumerate(motion(count)):
        codes = {"identity": identity, "expression": 0.1 * generator.normal(size=6)}
        torch.save(content_of(index, codes, turn, shift), folder.frame(index))
        neutral = model.neutral()
        parameters = replace(
            neutral,
            identity=torch.tensor(identity),
            expression=torch.tensor(codes["expression"]),
            eyelids=torch.tensor([0.1, 0.2], dtype=torch.float64),
        )
        seen = model(parameters).numpy() @ turn.T + shift
        pixels = FOCAL * seen[:, :2] / seen[:, 2:] + SIZE / 2
        points = (pixels[corners] * weights[..., None]).sum(1)
        write_images(folder, index, points)
    return folder


def write_images(folder, index, points):
    """Write image, matte and masks that fit the points of a frame."""
    head, mouth = hull(points, 4), hull(points[list(MEDIAPIPE478.lips)], 2)
    image = np.full((SIZE, SIZE, 3), 200, np.uint8)
    image[head > 0] = (90, 120, 180)
    image[mouth > 0] = (60, 60, 200)
    cv2.imwrite(str(folder.image("image", index)), image)
    cv2.imwrite(str(folder.image("alpha", index)), head)
    cv2.imwrite(str(folder.image("neckhead", index)), head)
    cv2.imwrite(str(folder.image("mouth", index)), mouth & head)


def hull(points, reach):
    """A mask of 0 and 255: the points' convex hull, grown by some pixels."""
    mask = np.zeros((SIZE, SIZE), np.uint8)
    outline = cv2.convexHull(np.round((points - 0.5) * 16).astype(np.int32))
    cv2.fillConvexPoly(mask, outline, 255, shift=4)
    return cv2.dilate(mask, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
