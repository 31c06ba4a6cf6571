"""The picture of masks that were refused: the frames that show why, worst first."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headsmith.stages.masks_check import MasksRefused


@contextmanager
def refusal_drawn(sheet: Path) -> Iterator[None]:
    """Run a block; where it refuses masks, draw why and name the picture in the error. An old picture is removed first.

    Args:
        sheet: The PNG.

    Raises:
        MasksRefused: The block's, with a remedy that names the picture.
    """
    sheet.unlink(missing_ok=True)
    try:
        yield
    except MasksRefused as refused:
        from headsmith.stages.quality_refused_sheet import draw_refusal  # here, because good masks need no drawing

        draw_refusal(refused, sheet)
        raise MasksRefused(
            refused.what, clip=str(refused.clip), file=Path(str(refused.file)), evidence=refused.evidence, sheet=sheet
        ) from refused
