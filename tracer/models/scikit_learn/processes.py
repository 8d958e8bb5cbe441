"""Gaussian processes for two classes: mean and variance of the latent function, as networks of kernels [1]_.

A kernel is read if it consists of products and sums of constants and radial basis functions: then it is a sum
of terms ``a exp(−Σ_j w_j (x_j − y_j)²)``.

References
----------
.. [1] C. E. Rasmussen, C. K. I. Williams, "Gaussian Processes for Machine Learning" (2006), algorithm 3.2.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tracer.arrays import Array
from tracer.enclosures import rounding
from tracer.enclosures.rounding import UNDERFLOW, UP
from tracer.fields.checks import shown
from tracer.fields.kernels.gaussians import Gaussians
from tracer.fields.kernels.kernel import KernelField
from tracer.fields.networks.network import Network
from tracer.models.lowering import chain
from tracer.models.lowering.affine import Affine
from tracer.models.scikit_learn.fitted import FIT, Unread, dense, labels_of, name_of, of_classes, row_of

# A number or an array, and its radius.
Ball = tuple[Any, Any]


def gaussian_process(estimator: Any) -> KernelField:
    """The mean of the latent function, Σ_i (y_i − π_i) k(x_i, x), and its variance: lines 4 to 6."""
    if len(estimator.classes_) != 2:
        raise Unread(
            "several Gaussian processes decide together by their probabilities; OneVsRestClassifier("
            "GaussianProcessClassifier()) decides like them, and tracer.partition([tracer.as_network(e)"
            ".probability(1, 0.5) for e in model.estimators_], bounds) proves its regions"
        )
    process = estimator.base_estimator_
    if (unread := _unread(process.kernel_)) is not None:
        raise Unread(f"the kernel {name_of(unread)} in {shown(process.kernel_)} has no bounds")
    centres = dense("X_train_", process.X_train_, FIT)
    n, d = centres.shape
    summands = _products(process.kernel_, d)
    radial = [(a, w) for a, w in summands if np.any(w)]
    if not radial:
        raise ValueError(f"kernel must depend on x; got {shown(process.kernel_)}: fit it with another")
    w, v = (np.repeat([weight[k] for _, weight in radial], n, axis=0) for k in (0, 1))
    terms = Gaussians(np.tile(centres, (len(radial), 1)), w, Affine.identity(d).layer(), v)
    # k(x_i, x) for each i, and k(x, x); the constant terms of the kernel are a shift.
    constant = np.concatenate([np.zeros((2, 1)), *(a for a, w in summands if not np.any(w))], axis=1)
    gaussians, shift = Affine.identity(len(terms)), rounding.added(*constant)
    factors, radii = (np.repeat([a[k] for a, _ in radial], n) for k in (0, 1))
    scaled = gaussians.times(factors, radii)
    kernels = _sum_of([scaled.taken(np.arange(k * n, (k + 1) * n)) for k in range(len(radial))])
    kernels = kernels.plus(*shift)
    itself = rounding.added(*np.concatenate([a for a, _ in summands], axis=1))
    alpha = rounding.total(np.asarray(process.y_train_, dtype=np.float64), np.zeros(n), -process.pi_)
    mean = kernels.matmul(*(part[None] for part in alpha)).layer()
    last = of_classes(mean.weight, mean.bias, mean.weight_radius, mean.bias_radius)
    variance = chain.network(_variance(process, kernels, itself), [gaussians])
    network = Network([last], classes=labels_of(estimator), link="none")
    return KernelField(terms, network, variance=replace(variance, link="none"))


def _variance(process: Any, kernels: Affine, itself: Ball) -> Affine:
    """``k(x, x) − |L⁻¹ W^½ k|²``: lines 5 and 6."""
    inverse, radius = _inverse(dense("L_", process.L_, FIT))
    rows = kernels.times(np.asarray(process.W_sr_, dtype=np.float64)).matmul(inverse, radius)
    return rows.activated("power", 2).matmul(np.full((1, rows.outputs), -1.0)).plus(*itself)


def _inverse(L: Array) -> tuple[Array, Array]:
    """The inverse Y of a matrix, and radii: ``L⁻¹ − Y = Σ_{k≥1} (I − Y L)^k Y``, a geometric series."""
    inverse = np.asarray(np.linalg.inv(L), dtype=np.float64)
    product, error = rounding.product(inverse, np.zeros_like(inverse), L)
    residual = (np.abs(product - np.eye(len(L))) * UP + error).sum(axis=1).max() * UP
    if not residual < 0.5:
        raise Unread("the Cholesky factor of the Gaussian process is nearly singular")
    radius = 2 * residual * np.abs(inverse).max(axis=0) * UP + UNDERFLOW
    return inverse, np.broadcast_to(radius, inverse.shape)


def _sum_of(parts: list[Affine]) -> Affine:
    return sum(parts[1:], parts[0])


def _products(kernel: Any, d: int) -> list[tuple[Ball, Ball]]:
    """The terms ``a exp(−Σ_j w_j (x_j − y_j)²)`` of a kernel: a and w (d,), with radii."""
    return row_of(KERNELS, kernel)(kernel, d)


def _unread(kernel: Any) -> Any:
    """The first part of a kernel that is not in `KERNELS`; None if all parts are."""
    if row_of(KERNELS, kernel) is None:
        return kernel
    parts = (getattr(kernel, name) for name in ("k1", "k2") if hasattr(kernel, name))
    return next((unread for part in parts if (unread := _unread(part)) is not None), None)


def _constant(kernel: Any, d: int) -> list[tuple[Ball, Ball]]:
    return [((np.array([float(kernel.constant_value)]), np.zeros(1)), (np.zeros(d), np.zeros(d)))]


def _radial(kernel: Any, d: int) -> list[tuple[Ball, Ball]]:
    """The RBF kernel of length scale l: ``w = 1 / (2 l²)``."""
    length = np.broadcast_to(np.asarray(kernel.length_scale, dtype=np.float64), d)
    weight = rounding.over(np.full(d, 0.5), 0.0, *rounding.times(length, 0.0, length, 0.0))
    return [((np.ones(1), np.zeros(1)), weight)]


def _sum(kernel: Any, d: int) -> list[tuple[Ball, Ball]]:
    return [*_products(kernel.k1, d), *_products(kernel.k2, d)]


def _product(kernel: Any, d: int) -> list[tuple[Ball, Ball]]:
    return [
        (rounding.times(*a, *b), rounding.total(*v, *w))
        for a, v in _products(kernel.k1, d)
        for b, w in _products(kernel.k2, d)
    ]


KERNELS: dict[str, Callable[[Any, int], list[tuple[Ball, Ball]]]] = {
    "ConstantKernel": _constant,
    "RBF": _radial,
    "Sum": _sum,
    "Product": _product,
}
