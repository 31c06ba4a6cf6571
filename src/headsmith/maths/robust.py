"""Robust losses of distances: quadratic near zero, gentler for large ones, with the weights of reweighted least squares."""

from jaxtyping import Float
from torch import Tensor


def charbonnier(squared: Float[Tensor, "*n"], scale: float) -> tuple[Float[Tensor, "*n"], Float[Tensor, "*n"]]:
    """Return loss and weight of squared distances: ``2 s^2 (sqrt(1 + d^2 / s^2) - 1)``, near ``d^2``, then near ``2 s d``.

    The weight is the loss' derivative by ``d^2``. (Charbonnier et al., Two deterministic half-quadratic regularization
    algorithms, 1994; the loss is pseudo-Huber's, Hartley and Zisserman, Multiple View Geometry, appendix 6.8.)
    """
    root = (1 + squared / scale**2).sqrt()
    return 2 * scale**2 * (root - 1), 1 / root
