"""Masks of a subject's frame against where its parameters put lips and nose."""

import cv2
import numpy as np

from headsmith.bridges.subject_heads import SeenHead
from headsmith.bridges.subject_images import inspect_images

SIDE = 256
LIPS = np.stack(np.meshgrid(np.arange(110.5, 150, 4), [160.5, 168.5]), -1).reshape(-1, 2)


def misplaced(folder, top, nose):
    """Return the faults of a mouth's mask that begins at a row, for a nose at some rows."""
    mouth = np.zeros((SIDE, SIDE), np.uint8)
    mouth[top:180, 100:160] = 255
    whole, image = np.full_like(mouth, 255), np.zeros((SIDE, SIDE, 3), np.uint8)
    pictures = {"image": (image, "jpg"), "alpha": (whole, "jpg"), "neckhead": (whole, "png"), "mouth": (mouth, "png")}
    files = {word: folder / f"{word}.{ending}" for word, (_, ending) in pictures.items()}
    for word, path in files.items():
        path.write_bytes(cv2.imencode(path.suffix, pictures[word][0])[1].tobytes())
    points = np.array([[128.5, row + 0.5] for row in nose])
    head = SeenHead(np.concatenate([LIPS, points]), LIPS, points, 1.0, LIPS.mean(0))
    return inspect_images(0, files, (SIDE, SIDE), head).faults


def test_a_mask_may_touch_the_nose_and_not_hold_it(tmp_path):
    assert misplaced(tmp_path, 150, [148, 149, 120, 110]) == []
    ((kind, word, what),) = misplaced(tmp_path, 150, [148, 150, 120, 110])
    assert (kind, word) == ("mouth_elsewhere", "mouth") and "25% of the nose's" in what


def test_a_mask_must_hold_the_lips(tmp_path):
    ((kind, _, what),) = misplaced(tmp_path, 175, [120])
    assert kind == "mouth_elsewhere" and "0% of the lips' points" in what
