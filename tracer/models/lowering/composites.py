"""Activations that are made of others, exactly: products with a gate, and sums of pieces.

hardswish(x) = x · min(max(x / 6 + 1/2, 0), 1)
mish(x) = x · tanh(softplus(x))
gelu(x) ≈ x / 2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))
tanhshrink(x) = x − tanh(x)
softshrink(x) = x − min(max(x, −λ), λ)
"""

import numpy as np

from tracer.models.lowering import maxima
from tracer.models.lowering.tensor import Tensor

# The constants of gelu by tanh, the first as torch and Keras compute it.
GELU = float(np.sqrt(2.0) * (2.0 / np.sqrt(np.pi)) * 0.5), 0.044715


def hard_swish(x: Tensor) -> Tensor:
    """``x · min(max(x / 6 + 1/2, 0), 1)``."""
    gate = maxima.clipped(x.affine.over(6.0).plus(0.5), 0.0, 1.0)
    return maxima.product(x, Tensor(gate, x.shape))


def mish(x: Tensor) -> Tensor:
    """``x · tanh(softplus(x))``."""
    return maxima.product(x, x.activated("softplus").activated("tanh"))


def gelu_by_tanh(x: Tensor) -> Tensor:
    """The approximation of gelu by tanh."""
    factor, cubic = GELU
    inner = x.plus(maxima.power(x, 3).times(cubic)).times(factor).activated("tanh")
    return maxima.product(x, Tensor(inner.affine.plus(1.0), x.shape)).times(0.5)


def tanh_shrink(x: Tensor) -> Tensor:
    """``x − tanh(x)``."""
    return x.plus(x.activated("tanh").times(-1.0))


def soft_shrink(x: Tensor, threshold: float = 0.5) -> Tensor:
    """x moved towards 0 by a threshold, and 0 below it."""
    return x.plus(Tensor(maxima.clipped(x.affine, -threshold, threshold).times(-1.0), x.shape))
