"""Point distribution models in OpenFace's text format: the user's ``In-the-wild_aligned_PDM_68.txt``, and our own.

Three matrices: the mean ``(3 L, 1)`` with all x, then all y, then all z, in millimetres; the modes ``(3 L, K)``, columns of
length 1; the variances ``(1, K)`` of their parameters.
"""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from headsmith.contract.errors import UserError
from headsmith.maths.point_distribution import PointDistribution
from headsmith.media.atomic import atomic_path
from headsmith.nets.openface_text import FaultyFileError, TextNumbers, read_text, write_matrix

WHAT = "the point distribution model"
REMEDY = "name OpenFace's own In-the-wild_aligned_PDM_68.txt, or remove the file and run snakemake again where it is ours"
LARGEST_FILE = 2**24
"""Bytes; OpenFace's own has 92 thousand."""
MOST_POINTS, MOST_MODES = 1000, 200
FARTHEST = 1e4
"""Millimetres that a mean landmark may be from the origin: anything beyond is no head."""
NOT_ORTHONORMAL = 1e-3
"""Largest accepted difference of the modes' products from those of orthonormal columns; OpenFace writes six digits."""


def read_point_distribution(path: Path) -> PointDistribution:
    """Return the model of a file, float64.

    Raises:
        UserError: The file cannot be read, or does not hold a model.
    """
    numbers = TextNumbers(read_text(path, LARGEST_FILE, WHAT, REMEDY))
    try:
        mean = numbers.matrix("the mean", 3 * MOST_POINTS)
        modes = numbers.matrix("the modes", 3 * MOST_POINTS * MOST_MODES)
        variances = numbers.matrix("the variances", MOST_MODES)
        if numbers.left:
            raise FaultyFileError(f"{numbers.left} numbers follow the last matrix")
        check_model(mean, modes, variances)
    except FaultyFileError as error:
        raise UserError(f"{WHAT} is not sound: {error}", file=path, remedy=REMEDY) from error
    return PointDistribution(_points_first(mean)[..., 0], _points_first(modes), torch.from_numpy(variances.ravel()))


def _points_first(matrix: Float[ndarray, "R C"]) -> Float[Tensor, "L 3 C"]:
    return torch.from_numpy(np.ascontiguousarray(matrix.reshape(3, -1, matrix.shape[1]).transpose(1, 0, 2)))


def check_model(mean: Float[ndarray, "R C"], modes: Float[ndarray, "S K"], variances: Float[ndarray, "A B"]) -> None:
    """Accept the three matrices of a model.

    Raises:
        FaultyFileError: They do not belong together, or no face is like that.
    """
    count, size = modes.shape
    if mean.shape != (count, 1) or count % 3 or count < 12 or variances.size != size or not 0 < size <= MOST_MODES:
        shapes = ", ".join(str(matrix.shape) for matrix in (mean, modes, variances))
        raise FaultyFileError(f"mean, modes and variances are {shapes}, where (3 L, 1), (3 L, K) and (1, K) belong together")
    if not (variances > 0).all():
        raise FaultyFileError("a variance is not above 0")
    if np.abs(mean).max() > FARTHEST or np.ptp(mean) == 0:
        raise FaultyFileError("the mean is no shape of a head in millimetres")
    if np.abs(modes.T @ modes - np.eye(size)).max() > NOT_ORTHONORMAL:
        raise FaultyFileError("the modes are not orthonormal")


def write_point_distribution(path: Path, model: PointDistribution) -> None:
    """Write a model in OpenFace's format; read again, it is the same to the last bit."""
    axes_first = model.modes.permute(1, 0, 2).flatten(0, 1)
    parts = (
        write_matrix(model.mean.T.reshape(-1, 1).numpy(), "The mean values of the components (in mm)"),
        write_matrix(axes_first.numpy(), "The principal components (eigenvectors)"),
        write_matrix(model.variances[None].numpy(), "The variances of the components (eigenvalues)"),
    )
    with atomic_path(path) as partial:
        partial.write_text("".join(parts))
