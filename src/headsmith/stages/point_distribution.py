"""Stage point_distribution: the model of a head's 68 landmarks that the constrained local model holds them together by."""

import logging
from pathlib import Path

import torch

from headsmith.contract.errors import UserError
from headsmith.heads.container import load_head
from headsmith.heads.model import HeadModel
from headsmith.heads.point_distribution import SAMPLES, make_point_distribution
from headsmith.nets.point_distribution_file import write_point_distribution

logger = logging.getLogger(__name__)


def build_point_distribution(*, head: Path, output: Path) -> None:
    """Write the point distribution model of a head, in OpenFace's text format.

    Args:
        head: The head's container.
        output: The file.

    Raises:
        UserError: The head cannot be read, or lacks some of the 68 points.
    """
    torch.set_num_threads(1)
    container = load_head(head)
    try:
        made = make_point_distribution(HeadModel.from_container(container, torch.float64), SAMPLES)
    except ValueError as error:
        raise UserError(str(error), file=head, remedy="use a head whose 68 points were all found: `anny` has them") from error
    logger.info("%d modes hold %.2f %% of the variance of %d faces", len(made.model.variances), 100 * made.explained, SAMPLES)
    write_point_distribution(output, made.model)
