"""OpenFace's convolutional experts (CEN): small networks, of which one side of the face is stored and the other its mirror."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from headsmith.nets.openface_bytes import LARGEST_SUPPORT, Bytes, read_header
from headsmith.nets.openface_text import FaultyFileError
from headsmith.nets.patch_experts import Layer, NetworkExperts

MOST_LAYERS = 16
PATCH = 6
SIGMOID, RECTIFIED = 0, 2


@dataclass(frozen=True)
class _Network:
    """An expert of CEN; without layers where another's mirror stands for it."""

    support: int
    kinds: tuple[int, ...]
    weights: tuple[Float[ndarray, "_ _"], ...]
    biases: tuple[Float[ndarray, " _"], ...]
    trust: float

    def mirrored(self) -> "_Network":
        """Return the network that sees in a picture what this one sees in its mirror image."""
        first = self.weights[0].reshape(-1, self.support, self.support)[:, :, ::-1].reshape(self.weights[0].shape)
        return _Network(self.support, self.kinds, (first, *self.weights[1:]), self.biases, self.trust)


def parse_cen(stream: Bytes) -> NetworkExperts:
    """Return the experts of a file.

    Raises:
        FaultyFileError: It is cut off, or is none.
    """
    header = read_header(stream)
    points, count = header.visible.shape[1], len(header.views)
    mirrors = _indices(stream.matrix("the mirrored points"), points)
    views = _indices(stream.matrix("the mirrored views"), count)
    experts = [[_network(stream) for _ in range(points)] for _ in range(count)]
    visible = header.visible.copy()
    for view in range(count):
        for point in range(points):
            if not experts[view][point].kinds and visible[view, point]:
                twin = experts[views[view]][mirrors[point]]
                if not twin.kinds:
                    raise FaultyFileError(f"point {point} of view {view} is seen, and neither it nor its mirror has an expert")
                # the confidence of an expert that is not stored is all the same
                own = experts[view][point].trust
                experts[view][point] = replace(twin.mirrored(), trust=own if own > 0 else twin.trust)
    supports = {expert.support for row in experts for expert in row if expert.kinds}
    if len(supports) != 1:
        raise FaultyFileError(f"experts see patches of several sizes: {sorted(supports)}")
    layers = tuple(_stacked(row, seen) for row, seen in zip(experts, visible, strict=True))
    trust = np.array([[max(expert.trust, 1e-3) for expert in row] for row in experts])
    return NetworkExperts(header.scale, supports.pop(), header.views, visible, trust, layers)


def _indices(matrix: Float[ndarray, "R C"], count: int) -> list[int]:
    indices = matrix.ravel().astype(int).tolist()
    if len(indices) != count or any(not 0 <= index < count for index in indices):
        raise FaultyFileError(f"mirrors are {len(indices)} indices, not {count} of their own number")
    return indices


def _network(stream: Bytes) -> _Network:
    if stream.whole("the mark of an expert", PATCH, PATCH) != PATCH:
        raise FaultyFileError("an expert has no mark")
    width, height = (stream.whole("the side of a patch", 0, LARGEST_SUPPORT) for _ in range(2))
    count = stream.whole("the number of layers", 0, MOST_LAYERS)
    kinds, weights, biases = [], [], []
    for rank in range(count):
        kinds.append(stream.whole("the kind of a layer", 0, 2))
        biases.append(stream.matrix("biases").ravel())
        weights.append(stream.matrix("weights"))
        entries = width * height + 1 if rank == 0 else weights[-2].shape[0]
        if weights[-1].shape != (biases[-1].size, entries):
            raise FaultyFileError(
                f"a layer's weights are {weights[-1].shape}, for {biases[-1].size} biases and {entries} inputs"
            )
    trust = stream.number("an expert's confidence")
    if count and (width != height or width % 2 == 0 or kinds[-1] != SIGMOID or weights[-1].shape[0] != 1 or 1 in kinds):
        raise FaultyFileError("an expert's patch is no odd square, or its layers are none that are known")
    if count:
        # the first entry is a constant 1, and patches are stored column by column
        biases[0] = biases[0] + weights[0][:, 0]
        weights[0] = weights[0][:, 1:].reshape(-1, width, height).transpose(0, 2, 1).reshape(-1, width * height)
    return _Network(width, tuple(kinds), tuple(weights), tuple(biases), trust)


def _stacked(experts: list[_Network], seen: Bool[ndarray, " L"]) -> tuple[Layer, ...]:
    """Return the layers of a view's experts side by side; narrower ones are filled up by units that do nothing."""
    chosen = [expert for expert, is_seen in zip(experts, seen, strict=True) if is_seen and expert.kinds]
    if len({expert.kinds for expert in chosen}) > 1:
        raise FaultyFileError("the experts of a view have several kinds of layers")
    if not chosen:
        return ()
    layers = []
    for rank, kind in enumerate(chosen[0].kinds):
        shapes = [expert.weights[rank].shape for expert in chosen]
        outputs, inputs = (max(shape[axis] for shape in shapes) for axis in (0, 1))
        weights, biases = np.zeros((len(experts), inputs, outputs), np.float32), np.zeros((len(experts), outputs), np.float32)
        for point, expert in enumerate(experts):
            if expert.kinds and seen[point]:
                rows, columns = expert.weights[rank].shape
                weights[point, :columns, :rows], biases[point, :rows] = expert.weights[rank].T, expert.biases[rank]
        layers.append(Layer(weights, biases, kind == RECTIFIED))
    return tuple(layers)
