"""Stage heads: a head model becomes a container with landmarks that the tracking detector itself placed."""

import logging
from pathlib import Path

from headsmith.contract.settings import HeadsSettings
from headsmith.heads.anny import AnnyReport, read_anny_head
from headsmith.heads.container import JOINTS, save_head
from headsmith.stages.heads_embedding import check_detectors, embed_head

logger = logging.getLogger(__name__)


def build_head(*, detectors: dict[str, Path], output: Path | str, settings: HeadsSettings) -> None:
    """Write the head container, with the landmarks of the detectors.

    Args:
        detectors: The detectors' files, by name of the asset: MediaPipe's, and those of another detector that tracking uses.
        output: The container, ``.npz``.
        settings: The head model and its identity components.

    Raises:
        UserError: A detector's file is missing or broken, or the disk is full.
    """
    check_detectors(detectors)
    head, report = read_anny_head(settings.identity_samples, settings.identity_components)
    tell(report)
    save_head(embed_head(head, detectors, settings), output)


def tell(report: AnnyReport) -> None:
    """Log what was measured while the head was made."""
    kept = (report.components, 100 * report.explained, report.people)
    logger.info("%d identity components hold %.2f %% of the variance of %d people", *kept)
    logger.info("the jaw turns by %.3f rad for jawOpen, within %.2f mm", report.jaw_angle, 1000 * report.jaw_residual)
    spread = ", ".join(f"{name} {1000 * miss:.2f}" for name, miss in zip(JOINTS, report.joint_residual, strict=True))
    logger.info("joints from vertices, rms over people not fitted to, in mm: %s", spread)
