"""Which detector, or which file, places which landmarks on a head."""

import logging
from pathlib import Path

import numpy as np

from headsmith.contract.conventions import IBUG68, MEDIAPIPE478
from headsmith.contract.detectors import MEDIAPIPE_MODEL
from headsmith.contract.settings import HeadsSettings
from headsmith.heads.container import HeadContainer
from headsmith.heads.embedding import measure_embedding
from headsmith.heads.embedding_ibug import embed_ibug
from headsmith.heads.model import HeadModel
from headsmith.nets.face_landmarker import FaceLandmarker, read_model
from headsmith.stages.heads_watch import faces_of, watcher

logger = logging.getLogger(__name__)


def check_detectors(detectors: dict[str, Path]) -> None:
    """Refuse detectors that are not there, before a head is made for them to see.

    Raises:
        UserError: A file is missing or broken.
    """
    read_model(detectors[MEDIAPIPE_MODEL])


def embed_head(head: HeadContainer, detectors: dict[str, Path], settings: HeadsSettings) -> HeadContainer:
    """Return a head with the landmarks of MediaPipe's detector, and iBUG's 68 from them.

    Args:
        head: The head, with the regions ``left_eyeball``, ``right_eyeball`` and ``skin``.
        detectors: The detectors' files, by name of the asset.
        settings: The head's settings.

    Raises:
        UserError: A detector's file is missing or broken.
    """
    surfaces = {"eyes": faces_of(head, ("left_eyeball", "right_eyeball")), "skin": faces_of(head, ("skin",))}
    with FaceLandmarker(detectors[MEDIAPIPE_MODEL], max_faces=1) as landmarker:
        watch = watcher(head, landmarker, surfaces)
        embedding, figures = measure_embedding(HeadModel.from_container(head), watch, surfaces)
    logger.info("embedded landmarks: %s", ", ".join(f"{name} {value:.3g}" for name, value in figures.items()))
    mapped = embed_ibug(embedding, head.template.astype(np.float64), head.faces, surfaces["skin"])
    return head.with_embedding(MEDIAPIPE478.name, embedding).with_embedding(IBUG68.name, mapped)
