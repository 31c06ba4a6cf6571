"""From landmarks to the parameters of a point distribution model: all of them together, for many faces at once.

The rule is that of OpenFace's ``CalcParams``: Gauss-Newton over the global and all local parameters, an analytic Jacobian, the
rotation updated on its manifold, three quarters of each step, local parameters pulled towards zero by their variances, nothing
clamped. It differs in two things. The start is the closed form of a rigid shape, where OpenFace begins with a face that looks
straight ahead. And how strong the pull is, which OpenFace fixes for landmarks that are a pixel off, is taken from what is left
over: exact landmarks give exact parameters, noisy ones the most probable.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headsmith.maths.point_distribution import GLOBALS, Placed, PointDistribution, global_jacobian, to_picture
from headsmith.maths.rotations import axis_angle_to_matrix

STEP = 0.75
"""Share of each step that is taken (OpenFace, ``PDM::CalcParams``)."""
IMPROVEMENT, PATIENCE = 1e-3, 3
"""A face is done after so many steps that made its error smaller by less than this share (the same)."""
MOST_STEPS = 200
AT_ONCE = 125
"""Faces whose equations are solved side by side: as many as a core's cache holds, which takes half the time of a thousand."""
EXACT = 1e-4
"""Pixels, root mean square, at which landmarks count as met, and the least noise that is assumed."""


@dataclass(frozen=True)
class FittedShapes:
    """What fits the landmarks of faces.

    Attributes:
        parameters: In OpenFace's order (``maths.point_distribution``).
        error: Root mean square distance of the visible landmarks, in pixels.
        steps: How many steps each face took.
    """

    parameters: Float[Tensor, "B P"]
    error: Float[Tensor, " B"]
    steps: Float[Tensor, " B"]


@dataclass(frozen=True)
class Normal:
    """Normal equations of faces: ``matrix d = side`` for a step ``d`` in all parameters, without the pull of the variances."""

    matrix: Float[Tensor, "B P P"]
    side: Float[Tensor, "B P"]


def fit_shapes(
    model: PointDistribution,
    landmarks: Float[Tensor, "B L 2"],
    visible: Bool[Tensor, "B L"] | None = None,
    noise: float | None = None,
) -> FittedShapes:
    """Return the parameters of faces whose landmarks are known.

    Args:
        model: The model, of float64 as the landmarks.
        landmarks: Where they are seen, in pixels; what is not visible may hold anything finite.
        visible: Which are seen, at least four of each face; None: all.
        noise: How far they are off, standard deviation in pixels; None: told by what is left over of each face.

    Raises:
        ValueError: A face shows fewer than four landmarks, or a number is not finite.
    """
    weights = None if visible is None else visible.to(landmarks)
    check_landmarks(landmarks, visible)
    parts = [slice(first, first + AT_ONCE) for first in range(0, max(len(landmarks), 1), AT_ONCE)]
    found = [_fit(model, landmarks[part], None if weights is None else weights[part], noise) for part in parts]
    return FittedShapes(*(torch.cat(rows) for rows in zip(*found, strict=True)))


def _fit(
    model: PointDistribution, landmarks: Float[Tensor, "B L 2"], weights: Float[Tensor, "B L"] | None, noise: float | None
) -> tuple[Tensor, Tensor, Tensor]:
    ended = Descent(model, landmarks, weights, noise, start_rigid(model, landmarks, weights)).run()
    return ended.placed.parameters(), ended.error, ended.steps


def check_landmarks(landmarks: Float[Tensor, "B L 2"], visible: Bool[Tensor, "B L"] | None) -> None:
    """Refuse what no parameters can be found for.

    Raises:
        ValueError: A face shows fewer than four landmarks, or a number is not finite.
    """
    if not landmarks.isfinite().all():
        raise ValueError("a landmark is not finite")
    if visible is not None and len(visible) and int(visible.sum(1).min()) < 4:
        raise ValueError("a face shows fewer than four landmarks: scale, rotation and shift are six numbers")


def start_rigid(model: PointDistribution, landmarks: Float[Tensor, "B L 2"], weights: Float[Tensor, "B L"] | None) -> Placed:
    """Return the mean shape where it lies best: the affine camera of least squares, and the rotation nearest to it.

    The two rows of a weak-perspective camera are ``scale`` times two rows of a rotation; the nearest such pair to rows ``A`` is
    their polar factor (Horn, Hilden and Negahdaripour 1988, Closed-form solution of absolute orientation, section 3).
    """
    count = len(landmarks)
    shares = landmarks.new_full(landmarks.shape[:2], 1 / len(model.mean)) if weights is None else weights / weights.sum(1, True)
    shares = shares[..., None]
    centre, middle = (shares * model.mean).sum(1), (shares * landmarks).sum(1)
    shape, seen = model.mean - centre[:, None], landmarks - middle[:, None]
    spread = shape.mT @ (shares * shape)
    # a trace's share keeps flat sets of points solvable: eyes, nose and mouth corners lie nearly in a plane
    ridge = 1e-9 * spread.diagonal(dim1=1, dim2=2).sum(1)[:, None, None] * torch.eye(3, dtype=shape.dtype)
    rows = torch.linalg.solve(spread + ridge, shape.mT @ (shares * seen)).mT
    left, sizes, right = torch.linalg.svd(rows, full_matrices=False)
    pair = left @ right
    rotation = torch.cat([pair, torch.linalg.cross(pair[:, 0], pair[:, 1])[:, None]], 1)
    scale = sizes.mean(1).clamp_min(torch.finfo(shape.dtype).eps)
    shift = middle - scale[:, None] * (rotation[:, :2] @ centre[..., None])[..., 0]
    return Placed(scale, rotation, shift, landmarks.new_zeros(count, len(model.variances)))


@dataclass(frozen=True)
class Descended:
    """Where a descent ended: the parameters, their error in pixels (root mean square), and the steps taken."""

    placed: Placed
    error: Float[Tensor, " B"]
    steps: Float[Tensor, " B"]


class Descent:
    """Gauss-Newton from a start; faces that are done take no further part.

    Args:
        model: The model.
        landmarks: Where landmarks are seen.
        weights: 0 or 1 of each; None: all 1.
        noise: As ``fit_shapes``.
        start: Where it begins.
    """

    def __init__(
        self,
        model: PointDistribution,
        landmarks: Float[Tensor, "B L 2"],
        weights: Float[Tensor, "B L"] | None,
        noise: float | None,
        start: Placed,
    ) -> None:
        self._model, self._landmarks, self._weights, self._noise = model, landmarks, weights, noise
        self._placed = Placed(*(part.clone() for part in (start.scale, start.rotation, start.shift, start.local)))
        self._moments = None if weights is not None else moments_of(model)

    def run(self) -> Descended:
        """Return where it ends."""
        count = len(self._landmarks)
        error, steps = self._landmarks.new_full((count,), torch.inf), self._landmarks.new_zeros(count)
        idle = torch.zeros(count, dtype=torch.long)
        active = torch.arange(count)
        for _ in range(MOST_STEPS):
            misses, rms = self._misses(active)
            idle[active] += (rms > error[active] * (1 - IMPROVEMENT)).long()
            error[active] = rms
            going = (idle[active] < PATIENCE) & (rms > EXACT)
            active, misses, rms = active[going], misses[going], rms[going]
            if not len(active):
                break
            self._step(active, misses, rms)
            steps[active] += 1
        return Descended(self._placed, error, steps)

    def _misses(self, active: Tensor) -> tuple[Float[Tensor, "b L 2"], Float[Tensor, " b"]]:
        placed = _some(self._placed, active)
        misses = self._landmarks[active] - to_picture(placed, self._model.shapes(placed.local))
        weights = self._weight(active)
        squares, count = misses.square().sum(2), misses.shape[1]
        if weights is None:
            return misses, (squares.sum(1) / count).sqrt()
        return misses * weights[..., None], ((squares * weights).sum(1) / weights.sum(1)).sqrt()

    def _step(self, active: Tensor, misses: Float[Tensor, "b L 2"], rms: Float[Tensor, " b"]) -> None:
        placed, weights = _some(self._placed, active), self._weight(active)
        equations = normal_equations(self._model, placed, misses, weights, self._moments)
        pull = self._variance(rms, weights)[:, None] / self._model.variances
        step = STEP * solve_step(equations, pull, placed.local)
        moved = move(placed, step)
        for name in ("scale", "rotation", "shift", "local"):
            getattr(self._placed, name)[active] = getattr(moved, name)

    def _variance(self, rms: Float[Tensor, " b"], weights: Float[Tensor, "b L"] | None) -> Float[Tensor, " b"]:
        """Return the variance of a coordinate: given, or what is left over, shared among the numbers that remain free."""
        if self._noise is not None:
            return torch.full_like(rms, self._noise**2)
        seen = torch.full_like(rms, self._landmarks.shape[1]) if weights is None else weights.sum(1)
        free = (2 * seen - GLOBALS - len(self._model.variances)).clamp_min(1)
        return (rms.square() * seen / free).clamp_min(EXACT**2)

    def _weight(self, active: Tensor) -> Float[Tensor, "b L"] | None:
        return None if self._weights is None else self._weights[active]


def _some(placed: Placed, active: Tensor) -> Placed:
    return Placed(placed.scale[active], placed.rotation[active], placed.shift[active], placed.local[active])


def moments_of(model: PointDistribution) -> Float[Tensor, "9 Q"]:
    """Return ``sum_l modes[l, a] modes[l, b]'`` of each pair of axes, flat: what the local block of every face is made of."""
    return torch.einsum("lak,lbm->abkm", model.modes, model.modes).reshape(9, -1)


def normal_equations(
    model: PointDistribution,
    placed: Placed,
    misses: Float[Tensor, "B L 2"],
    weights: Float[Tensor, "B L"] | None = None,
    moments: Float[Tensor, "9 Q"] | None = None,
) -> Normal:
    """Return ``J' W J`` and ``J' misses`` of faces.

    The local columns of J are ``scale R_{1,2} modes``, so that their block is ``scale^2 modes' (R_{1,2}' R_{1,2}) modes``: with
    all weights equal, nine numbers of each face times moments that are the model's own. Their products with other columns are
    taken through ``modes`` once, and J itself is never formed.

    Args:
        model: The model.
        placed: Where the faces are.
        misses: How far the landmarks are off, already times their weights.
        weights: Of the landmarks; None: 1.
        moments: ``moments_of(model)``, used where there are no weights.
    """
    rows = placed.scale[:, None, None] * placed.rotation[:, :2]
    outer = global_jacobian(placed, model.shapes(placed.local))
    loaded = outer if weights is None else outer * weights[..., None, None]
    columns = torch.cat([loaded, misses[..., None]], -1)
    modes = model.modes.flatten(0, 1)
    lifted = (rows.mT[:, None] @ columns).flatten(1, 2)
    inner = lifted.mT @ modes
    size = modes.shape[1]
    if weights is None:
        known = moments_of(model) if moments is None else moments
        block = ((rows.mT @ rows).flatten(1) @ known).unflatten(1, (size, size))
    else:
        seen = torch.einsum("bij,ljk->blik", rows, model.modes)
        block = (seen * weights[..., None, None]).flatten(1, 2).mT @ seen.flatten(1, 2)
    corner = outer.flatten(1, 2).mT @ loaded.flatten(1, 2)
    upper = torch.cat([corner, inner[:, :GLOBALS]], -1)
    lower = torch.cat([inner[:, :GLOBALS].mT, block], -1)
    side = torch.cat([(outer * misses[..., None]).sum((1, 2)), inner[:, GLOBALS]], -1)
    return Normal(torch.cat([upper, lower], 1), side)


def solve_step(equations: Normal, pull: Float[Tensor, "B K"], local: Float[Tensor, "B K"]) -> Float[Tensor, "B P"]:
    """Return the step of all parameters, the local ones pulled towards zero.

    Args:
        equations: Of the landmarks.
        pull: Strength of the pull on each local parameter: the noise's variance over the parameter's.
        local: Local parameters.

    Raises:
        torch.linalg.LinAlgError: The landmarks do not settle scale, rotation and shift.
    """
    whole = torch.nn.functional.pad(pull, (GLOBALS, 0))
    side = equations.side - whole * torch.nn.functional.pad(local, (GLOBALS, 0))
    matrix = equations.matrix + torch.diag_embed(whole)
    # scales of parameters differ by orders of magnitude: a unit diagonal keeps small faces solvable
    size = matrix.diagonal(dim1=1, dim2=2).clamp_min(torch.finfo(matrix.dtype).tiny).rsqrt()
    factor = torch.linalg.cholesky(matrix * size[:, :, None] * size[:, None])
    return torch.cholesky_solve((side * size)[..., None], factor)[..., 0] * size


def move(placed: Placed, step: Float[Tensor, "B P"]) -> Placed:
    """Return parameters after a step; the scale stays above half of what it was."""
    scale = torch.maximum(placed.scale + step[:, 0], placed.scale / 2)
    rotation = placed.rotation @ axis_angle_to_matrix(step[:, 1:4])
    return Placed(scale, rotation, placed.shift + step[:, 4:GLOBALS], placed.local + step[:, GLOBALS:])
