"""More variety of the faces that experts are taught by: other shapes, other light, worse pictures, and hands before them."""

from dataclasses import replace

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8
from numpy import ndarray

from headsmith.stages.patch_experts_training import Sample

STRETCH, BEND = 0.05, 0.02
"""Deviations of a face's stretch along an axis, and of how far its parts are bent away, in its width."""
WAVES = 4
"""Cells a side of the field that bends a picture: parts of about half a face move together."""
HAND = 0.25
"""Share of faces that a hand is before."""
FINGER = (0.09, 0.14)
"""Widths of fingers, in the face's width."""
STEPS = 6


def vary(sample: Sample, random: np.random.Generator) -> Sample:
    """Return a face that is shaped, lit, and photographed otherwise, some with a hand before them."""
    bent = bend(sample, random)
    if random.random() < HAND:
        bent = put_hand(bent, random)
    return replace(bent, image=photograph(bent.image, random))


def bend(sample: Sample, random: np.random.Generator) -> Sample:
    """Return a picture stretched and bent smoothly, its landmarks with it."""
    height, width = sample.image.shape
    wide = float(np.ptp(sample.points[:, 0]))
    middle = sample.points.mean(0)
    stretch = random.normal(0, STRETCH, 2)
    coarse = random.normal(0, BEND * wide, (WAVES, WAVES, 2)).astype(np.float32)
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    field += (np.stack([columns, rows], -1) - middle) * stretch
    from_ = (np.stack([columns, rows], -1) + field).astype(np.float32)
    image = cv2.remap(sample.image, from_, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    # a pixel q shows what was at q + field(q): landmarks p are where q + field(q) = p
    points = sample.points.copy()
    for _ in range(STEPS):
        column, row = np.floor(points).astype(int).T
        points = sample.points - field[row.clip(0, height - 1), column.clip(0, width - 1)]
    return replace(sample, image=image, points=points)


def put_hand(sample: Sample, random: np.random.Generator) -> Sample:
    """Return a face that some fingers are before; landmarks below them are covered."""
    inside, tones = draw_fingers(sample, random)
    share = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 0.7)
    image = (sample.image + share * (tones - sample.image)).round().clip(0, 255).astype(np.uint8)
    column, row = np.floor(sample.points).astype(int).T
    height, width = inside.shape
    there = inside[row.clip(0, height - 1), column.clip(0, width - 1)]
    return replace(sample, image=image, covered=sample.covered | there)


def draw_fingers(sample: Sample, random: np.random.Generator) -> tuple[Bool[ndarray, "H W"], Float[ndarray, "H W"]]:
    """Return where fingers are, which come from beyond the face and end on it, and how bright they are."""
    height, width = sample.image.shape
    wide = float(np.ptp(sample.points[:, 0]))
    tip = sample.points[random.integers(len(sample.points))]
    angle = random.uniform(0, 2 * np.pi) if random.random() < 0.3 else np.pi / 2 + random.normal(0, 0.6)
    along = np.array((np.cos(angle), np.sin(angle)))
    across = np.array((-along[1], along[0]))
    skin = float(np.median(sample.image[tuple(np.floor(sample.points[[29, 30, 33]]).astype(int).clip(0, height - 1).T[::-1])]))
    rows, columns = np.mgrid[:height, :width] + 0.5
    inside, tones = np.zeros((height, width), bool), np.zeros((height, width))
    thick = wide * random.uniform(*FINGER)
    tone = skin * random.uniform(0.75, 1.25)
    for finger in range(random.integers(1, 5)):
        end = tip + across * finger * thick * random.uniform(0.9, 1.1) + along * wide * random.uniform(-0.08, 0.08)
        past = (columns - end[0]) * along[0] + (rows - end[1]) * along[1]
        beside = (columns - end[0]) * across[0] + (rows - end[1]) * across[1]
        away = np.hypot(beside, np.minimum(past, 0)) / (thick / 2)
        here = away < 1
        shade = 1 - random.uniform(0.15, 0.5) * away**2 + 0.1 * np.sin(past / thick * random.uniform(1, 2)) * random.random()
        inside |= here
        tones = np.where(here, tone * shade, tones)
    return inside, tones


def photograph(image: UInt8[ndarray, "H W"], random: np.random.Generator) -> UInt8[ndarray, "H W"]:
    """Return a picture in other light, which falls off to one side, with another contrast, blur and noise, or compressed."""
    height, width = image.shape
    angle, fall = random.uniform(0, 2 * np.pi), random.uniform(0, 0.5)
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    light = 1 + fall * (np.cos(angle) * columns + np.sin(angle) * rows)
    seen = 255 * (image / 255 * light).clip(0, 1) ** np.exp(random.normal(0, 0.25))
    if random.random() < 0.5:
        seen = cv2.GaussianBlur(seen, (0, 0), random.uniform(0.3, 1.5))
    seen = seen + random.uniform(0, 4) * random.normal(size=image.shape)
    result = seen.round().clip(0, 255).astype(np.uint8)
    if random.random() < 0.3:
        quality = int(random.integers(20, 70))
        result = cv2.imdecode(cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_GRAYSCALE)
    return result
