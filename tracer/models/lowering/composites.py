"""Activations that are exactly sums, products and compositions of others.

    hardsigmoid(x) = min(max(x / 6 + 1/2, 0), 1),    hardswish(x) = x · hardsigmoid(x)      [1]_
    logsigmoid(x) = −softplus(−x)
    mish(x) = x · tanh(softplus(x))                                                         [2]_
    gelu by tanh(x) = x / 2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))                          [3]_
    tanhshrink(x) = x − tanh(x)
    softshrink(x) = x − min(max(x, −λ), λ)

References
----------
.. [1] A. Howard et al., "Searching for MobileNetV3", arXiv:1905.02244 (2019).
.. [2] D. Misra, "Mish: a self regularized non-monotonic activation function", arXiv:1908.08681 (2019).
.. [3] D. Hendrycks, K. Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415 (2016).
.. [4] G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter, "Self-normalizing neural networks",
   arXiv:1706.02515 (2017).
"""

import numpy as np

from tracer.models.lowering import maxima
from tracer.models.lowering.tensor import Tensor

# The constants of gelu by tanh, the first as torch and Keras compute it.
GELU = float(np.sqrt(2.0) * (2.0 / np.sqrt(np.pi)) * 0.5), 0.044715


# The α and γ of selu with which mean 0 and variance 1 are a fixed point [4]_.
SELU = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def hard_sigmoid(x: Tensor, divisor: float = 6.0) -> Tensor:
    """``min(max(x / divisor + 1/2, 0), 1)``."""
    return Tensor(maxima.clipped(x.affine.over(divisor).plus(0.5), 0.0, 1.0), x.shape)


def hard_swish(x: Tensor) -> Tensor:
    """``x · hardsigmoid(x)``."""
    return maxima.product(x, hard_sigmoid(x))


def log_sigmoid(x: Tensor) -> Tensor:
    """``log σ(x) = −softplus(−x)``."""
    return x.times(-1.0).activated("softplus").times(-1.0)


def mish(x: Tensor) -> Tensor:
    """``x · tanh(softplus(x))``."""
    return maxima.product(x, x.activated("softplus").activated("tanh"))


def gelu_by_tanh(x: Tensor) -> Tensor:
    """The approximation of gelu by tanh."""
    factor, cubic = GELU
    inner = x.plus(maxima.power(x, 3).times(cubic)).times(factor).activated("tanh")
    return maxima.product(x, inner.plus(1.0)).times(0.5)


def tanh_shrink(x: Tensor) -> Tensor:
    """``x − tanh(x)``."""
    return x.plus(x.activated("tanh").times(-1.0))


def soft_shrink(x: Tensor, threshold: float = 0.5) -> Tensor:
    """x moved towards 0 by a threshold, and 0 below it."""
    return x.plus(Tensor(maxima.clipped(x.affine, -threshold, threshold).times(-1.0), x.shape))
