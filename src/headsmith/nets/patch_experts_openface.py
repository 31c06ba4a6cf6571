"""Patch experts of OpenFace, from the user's own copy of its files: CEN, CCNF and SVR, one file for each scale.

CEN and CCNF are binary: the scale (double), the number of views (int), of each view its rotation in degrees (a matrix), of each
view which landmarks it sees (a matrix). CEN goes on with two matrices that say which landmark, and which view, is the mirror of
which; CCNF with the windows it knows and, for each, the matrices that its smoothing is a sum of. Then come the experts, view by
view. SVR files are text of the same order.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from headsmith.contract.archives import file_size
from headsmith.contract.errors import UserError
from headsmith.nets.openface_bytes import LARGEST_SUPPORT, Bytes, Header, read_header
from headsmith.nets.openface_text import FaultyFileError, TextNumbers, read_text
from headsmith.nets.patch_experts import (
    CorrelationExpert,
    CorrelationExperts,
    Correlator,
    Expertise,
    NetworkExperts,
    PatchExperts,
)
from headsmith.nets.patch_experts_cen import parse_cen

LARGEST_FILE = 2**29
"""Bytes; OpenFace's largest, CEN at full scale, has 60 million."""
MOST_NEURONS = 256
LARGEST_WINDOW = 41
CEN, CCNF, SVR = "cen_patches_*_of.dat", "ccnf_patches_*.txt", "svr_patches_*.txt"
"""Names of OpenFace's files; those of CCNF are binary all the same."""
NEURON = 2
CERTAINTY = (-4.0, 40.0)
"""Of faces fitted by these experts: half sure at a mean response of a tenth."""
REMEDY = "name OpenFace's own folder of patch experts (model/patch_experts), as its download script makes it"


def read_expertise(folder: Path) -> Expertise:
    """Return the experts of a folder of OpenFace's: CEN where there are such, else CCNF, else SVR.

    Raises:
        UserError: There are none, or a file is not sound.
    """
    for pattern, reader in ((CEN, read_cen), (CCNF, read_ccnf), (SVR, read_svr)):
        paths = sorted(folder.glob(pattern)) if folder.is_dir() else []
        if paths:
            scales = sorted((reader(path) for path in paths), key=lambda experts: experts.scale)
            if len({experts.visible.shape[1] for experts in scales}) > 1:
                raise UserError("the experts of several scales have several numbers of points", file=folder, remedy=REMEDY)
            return Expertise(tuple(scales), CERTAINTY, pattern.partition("_")[0].upper())
    raise UserError(f"there are no patch experts ({CEN}, {CCNF}, {SVR})", file=folder, remedy=REMEDY)


def read_cen(path: Path) -> NetworkExperts:
    """Return the convolutional experts of a file.

    Raises:
        UserError: The file cannot be read, or is none.
    """
    return _read_binary(path, parse_cen)


def read_ccnf(path: Path) -> CorrelationExperts:
    """Return the continuous conditional neural fields of a file.

    Raises:
        UserError: The file cannot be read, or is none.
    """
    return _read_binary(path, _ccnf)


def read_svr(path: Path) -> CorrelationExperts:
    """Return the support vector regressors of a file.

    Raises:
        UserError: The file cannot be read, or is none.
    """
    return _explained(path, lambda: _svr(TextNumbers(read_text(path, LARGEST_FILE, "the patch experts", REMEDY))))


def _read_binary(path: Path, parse: Callable[[Bytes], PatchExperts]) -> PatchExperts:
    def read() -> PatchExperts:
        file_size(path, LARGEST_FILE)
        stream = Bytes(path.read_bytes())
        experts = parse(stream)
        if stream.left:
            raise FaultyFileError(f"{stream.left} bytes follow the last expert")
        return experts

    return _explained(path, read)


def _explained(path: Path, read: Callable[[], PatchExperts]) -> PatchExperts:
    try:
        return read()
    except (FaultyFileError, OSError, ValueError) as error:
        raise UserError(f"the patch experts are not sound: {error}", file=path, remedy=REMEDY) from error


def _ccnf(stream: Bytes) -> CorrelationExperts:
    header = read_header(stream)
    edges: dict[int, list[ndarray]] = {}
    for _ in range(stream.whole("the number of windows", 0, 64)):
        side = stream.whole("the side of a window", 1, LARGEST_WINDOW)
        count = stream.whole("the number of kinds of edges", 0, 16)
        edges[side] = [stream.matrix("the edges of a window") for _ in range(count)]
        if any(part.shape != (side**2, side**2) for part in edges[side]):
            raise FaultyFileError(f"the edges of a window of {side} pixels have another size")
    betas = len(next(iter(edges.values()), []))
    if any(len(parts) != betas for parts in edges.values()):
        raise FaultyFileError("windows have several numbers of kinds of edges")
    told = [[_field(stream, edges, betas) for _ in range(header.visible.shape[1])] for _ in header.views]
    return _correlating(header, told)


_Told = tuple[CorrelationExpert | None, int, float]
"""An expert, the side of its patch, and its confidence."""


def _field(stream: Bytes, edges: dict[int, list[Float[ndarray, "_ _"]]], betas: int) -> _Told:
    if stream.whole("the mark of an expert", 5, 5) != 5:
        raise FaultyFileError("an expert has no mark")
    width, height = (stream.whole("the side of a patch", 0, LARGEST_SUPPORT) for _ in range(2))
    count = stream.whole("the number of neurons", 0, MOST_NEURONS)
    if not count:
        stream.whole("the end of an empty expert", -(2**31), 2**31 - 1)
        return None, 0, 1.0
    correlators = [_neuron(stream, width, height) for _ in range(count)]
    weights = [stream.number("the weight of an edge") for _ in range(betas)]
    trust = stream.number("an expert's confidence")
    total = sum(item.height / 2 for item in correlators)
    smoothing = {side: _smoothing(total, weights, parts) for side, parts in edges.items()} if edges else None
    return CorrelationExpert(tuple(correlators), smoothing=smoothing), width, trust


def _neuron(stream: Bytes, width: int, height: int) -> Correlator:
    stream.whole("the mark of a neuron", NEURON, NEURON)
    stream.whole("the kind of a neuron", 0, 0)
    slope, offset, alpha = (stream.number(f"a neuron's {name}") for name in ("norm", "bias", "alpha"))
    return Correlator(_template(stream.matrix("a neuron's weights"), width, height), slope, offset, 2 * alpha)


def _template(matrix: Float[ndarray, "R C"], width: int, height: int) -> Float32[ndarray, "S S"]:
    if matrix.shape != (height, width) or width != height or width % 2 == 0:
        raise FaultyFileError(f"a template is {matrix.shape}, not an odd square of the patch's size ({height}, {width})")
    centred = matrix - matrix.mean()
    return (centred / max(float(np.linalg.norm(centred)), 1e-12)).astype(np.float32)


def _smoothing(total: float, weights: list[float], parts: list[Float[ndarray, "_ _"]]) -> Float32[ndarray, "_ _"]:
    """Return ``(2 (sum of alphas I + sum of betas edges))^-1`` (Baltrusaitis et al. 2013, eq. 8 to 12)."""
    size = parts[0].shape[0] if parts else 1
    inner = total * np.eye(size) + sum(
        (weight * part for weight, part in zip(weights, parts, strict=True)), np.zeros((size, size))
    )
    try:
        return np.linalg.inv(2 * inner).astype(np.float32)
    except np.linalg.LinAlgError as error:
        raise FaultyFileError("an expert's smoothing cannot be inverted") from error


def _svr(stream: TextNumbers) -> CorrelationExperts:
    header = read_header(stream)
    told = [[_regressors(stream) for _ in range(header.visible.shape[1])] for _ in header.views]
    if stream.left:
        raise FaultyFileError(f"{stream.left} numbers follow the last expert")
    return _correlating(header, told)


def _regressors(stream: TextNumbers) -> _Told:
    stream.whole("the mark of an expert", 3, 3)
    width, height = (stream.whole("the side of a patch", 0, LARGEST_SUPPORT) for _ in range(2))
    correlators, trust = [], 1.0
    for _ in range(stream.whole("the number of modalities", 0, 8)):
        stream.whole("the mark of a regressor", 2, 2)
        gradient = bool(stream.whole("the kind of a regressor", 0, 1))
        trust, slope, offset = (stream.number(f"a regressor's {name}") for name in ("confidence", "scaling", "bias"))
        # MATLAB, which wrote it, stores matrices column by column
        template = _template(stream.matrix("a regressor's weights").T, width, height)
        correlators.append(Correlator(template, slope, offset, 1.0, gradient))
    return (CorrelationExpert(tuple(correlators), multiplied=True) if correlators else None), width, trust


def _correlating(header: Header, told: list[list[_Told]]) -> CorrelationExperts:
    supports = {side for row in told for expert, side, _ in row if expert is not None}
    if len(supports) != 1:
        raise FaultyFileError(f"experts see patches of several sizes: {sorted(supports)}")
    present = np.array([[expert is not None for expert, _, _ in row] for row in told])
    trust = np.array([[max(value, 1e-3) for _, _, value in row] for row in told])
    experts = tuple(tuple(expert for expert, _, _ in row) for row in told)
    return CorrelationExperts(header.scale, supports.pop(), header.views, header.visible & present, trust, experts)
