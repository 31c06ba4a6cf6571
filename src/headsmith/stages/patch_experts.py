"""Stage patch_experts: small experts that know what is around each of 68 landmarks, from rendered heads and real frames.

Rendered heads tell where every landmark is, whichever way they look; frames of real people, labelled by MediaPipe, show what
skin, lashes and beards look like. No file of OpenFace's is needed, nor any that its licence covers.
"""

import logging
import math
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from headsmith.heads.model import HeadModel
from headsmith.maths.point_distribution import PointDistribution
from headsmith.media.progress import progress
from headsmith.nets.clnf import Clnf
from headsmith.nets.patch_experts import Expertise
from headsmith.nets.patch_experts_file import write_experts
from headsmith.nets.point_distribution_file import read_point_distribution
from headsmith.stages.patch_experts_frames import frame_samples
from headsmith.stages.patch_experts_offsets import move_labels, tell_offsets
from headsmith.stages.patch_experts_renders import render_samples
from headsmith.stages.patch_experts_training import Sample, mirror, pose_of, train_scale
from headsmith.stages.patch_experts_variety import vary

SCALES = (0.25, 0.35, 0.5, 0.7)
"""Pixels a millimetre: OpenFace's for videos, and a finer one, where its for pictures is 1."""
VIEWS = np.deg2rad([[0.0, 0.0, 0.0], [0.0, 50.0, 0.0], [0.0, -50.0, 0.0]])
RENDERS, FRAMES, COPIES = 800, 100, 2
"""Rendered faces, frames of each video, and how many variations of each frame; all count twice, with their mirror images."""
SEED = 0
JUDGED = 60
"""Samples that the confidence is told from."""
WIDTH, NEAR, BESIDE = 140.0, 0.05, 0.9
"""A face is so many millimetres wide; fits begin so many widths from where it is."""
UNSURE = 0.1

logger = logging.getLogger(__name__)


def train_patch_experts(*, head: Path, model: Path, detector: Path, videos: list[Path], output: Path) -> None:
    """Train experts and write them.

    Args:
        head: The container of the head that is rendered.
        model: The point distribution model of its landmarks.
        detector: ``face_landmarker.task``, which labels real frames.
        videos: Videos of one face each.
        output: The ``.npz``.

    Raises:
        UserError: A file cannot be read.
    """
    torch.set_num_threads(1)
    shapes = read_point_distribution(model)
    drawn = render_samples(HeadModel.load(head), RENDERS, SEED)
    rendered = list(progress(drawn, RENDERS, "patch experts: rendering"))
    real = list(progress(frame_samples(videos, detector, FRAMES), FRAMES * len(videos), "patch experts: labelling frames"))
    logger.info("%d rendered and %d real faces", len(rendered), len(real))
    offsets = tell_offsets(shapes, [face for sample in real for face in (sample, mirror(sample))])
    labelled, moved = move_labels(shapes, rendered, offsets), shapes.moved(torch.from_numpy(offsets))
    samples = varied([*labelled, *(real * COPIES)], SEED)
    trained = tuple(train_scale(moved, samples, scale, VIEWS, SEED, "patch experts") for scale in SCALES)
    certainty = tell_certainty(moved, Expertise(trained, (0.0, 1.0), "trained"), real or labelled, SEED)
    write_experts(output, Expertise(trained, certainty, "trained", offsets))


def varied(samples: list[Sample], seed: int) -> list[Sample]:
    """Return a variation of each face, and one of its mirror image."""
    random = np.random.default_rng(seed)
    return [vary(face, random) for sample in samples for face in (sample, mirror(sample))]


def tell_certainty(model: PointDistribution, expertise: Expertise, samples: list[Sample], seed: int) -> tuple[float, float]:
    """Return offset and slope of the logistic function that makes a confidence of a fit's mean response.

    Fits that begin near a face say what responses are there; fits that begin beside one, what they are where there is none.
    Some of the latter find the face all the same, so that their lower half tells how far they spread: one and a half times as
    far above their median the confidence is a half, and at the median ``UNSURE``.
    """
    random, clnf = np.random.default_rng(seed), Clnf(model, expertise)
    chosen = [samples[row] for row in random.permutation(len(samples))[:JUDGED]]
    there, beside = [], []
    for sample, pose in zip(chosen, pose_of(model, chosen), strict=True):
        there.append(clnf.fit(sample.image, _moved(pose, random, NEAR)).responses.mean())
        beside.append(clnf.fit(sample.image, _moved(pose, random, BESIDE)).responses.mean())
    tail, middle, high = float(np.percentile(beside, 10)), float(np.median(beside)), float(np.median(there))
    low = middle + 1.5 * (middle - tail)
    logger.info("mean responses: at faces %.3f (median), beside them %.3f, hardly above %.3f", high, middle, low)
    slope = math.log(1 / UNSURE - 1) / max(low - middle, 0.005)
    return -slope * low, slope


def _moved(pose: Float[ndarray, " P"], random: np.random.Generator, share: float) -> Float[ndarray, " P"]:
    """Return a pose whose face is moved by a share of its width in some direction, at rest."""
    angle, wide = random.uniform(0, 2 * np.pi), WIDTH * pose[0]
    moved = pose.copy()
    moved[4:6] += share * wide * np.array((np.cos(angle), np.sin(angle)))
    moved[0] *= np.exp(random.normal(0, 0.5 * share))
    moved[6:] = 0
    return moved
