"""The licensed file of FLAME, read once: by our own machine, or by chumpy in an environment of its own."""

import logging
from pathlib import Path

from headsmith.contract.errors import UserError
from headsmith.contract.settings import HeadsSettings
from headsmith.heads.flame_chumpy import read_flame_by_chumpy
from headsmith.heads.flame_file import save_source
from headsmith.heads.flame_releases import find_mismatch
from headsmith.heads.flame_source import read_flame as read_flame_restricted
from headsmith.media.atomic import atomic_path

logger = logging.getLogger(__name__)


def read_flame(*, head: str, model: Path | str, output: Path | str, settings: HeadsSettings) -> None:
    """Write what a file of FLAME holds; the same bytes whoever reads it.

    Args:
        head: The head that the file is to be: one of ``contract.exchange.FLAME_HEADS``.
        model: The licensed file, ``.pkl``.
        output: Its arrays, ``.npz``.
        settings: Who reads it.

    Raises:
        UserError: The file is missing or refused, is known to be another head, or chumpy is asked for and cannot be imported.
    """
    read = read_flame_restricted if settings.reader == "restricted" else read_flame_by_chumpy
    source = read(model)
    mismatch = find_mismatch(source.release, head)
    if mismatch is not None:
        remedy = f"name the right file as `heads.{head}`; if only its name is wrong, give it the name that it came with"
        raise UserError(mismatch, file=model, remedy=remedy)
    logger.info("FLAME %s, told by its %s; sha256 %s", source.release.name, source.release.told_by, source.sha256)
    with atomic_path(output) as partial:
        save_source(source, partial)
