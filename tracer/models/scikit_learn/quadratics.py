"""Quadratic discriminants and naive Bayes with normal densities: networks with one layer of squares.

The logarithm of a class's posterior probability is, up to a term that all classes share,

    log p(k | x) = −½ Σ_j ((v_kj · (x − μ_k)) / s_kj)² − Σ_j log s_kj + log π_k

with principal axes v_kj and standard deviations s_kj of the class [1]_; naive Bayes has the coordinate axes.

References
----------
.. [1] T. Hastie, R. Tibshirani, J. Friedman, "The Elements of Statistical Learning", 2nd ed., Springer
   (2009), equation (4.12).
"""

from typing import Any

import numpy as np

from tracer.arrays import Array
from tracer.enclosures import rounding
from tracer.enclosures.rounding import UNIT_ROUNDOFF
from tracer.fields.networks.network import Network
from tracer.models.lowering import chain
from tracer.models.lowering.affine import Affine
from tracer.models.scikit_learn.fitted import labels_of

# Upper bound of the error of a computed logarithm and its sum with others, in unit roundoffs of their sizes.
LOGARITHM_ULPS = 16


def quadratic_discriminant(estimator: Any) -> Network:
    """A QuadraticDiscriminantAnalysis: the logarithms of its posterior probabilities."""
    return _network(
        estimator,
        estimator.priors_,
        estimator.means_,
        estimator.scalings_,
        [rotation.T for rotation in estimator.rotations_],
    )


def naive_bayes(estimator: Any) -> Network:
    """A GaussianNB: the logarithms of its posterior probabilities."""
    axes: list[Array | None] = [None] * len(estimator.theta_)
    return _network(estimator, estimator.class_prior_, estimator.theta_, estimator.var_, axes)


def _network(
    estimator: Any, priors: Array, means: Array, variances: Any, axes: list[Array | None]
) -> Network:
    x = Affine.identity(estimator.n_features_in_)
    parts = []
    for mean, variance, axis in zip(means, variances, axes, strict=True):
        centred = x.plus(-mean)
        along = centred if axis is None else centred.matmul(axis)
        parts.append(along.over(*rounding.root(np.asarray(variance, dtype=np.float64), 0.0)))
    ends = np.cumsum([part.outputs for part in parts])
    weight = np.zeros((len(parts), ends[-1]))
    for k, end in enumerate(ends):
        weight[k, end - parts[k].outputs : end] = -0.5
    squares = Affine.stacked(parts).activated("power", 2)
    y = squares.matmul(weight).plus(*_constants(priors, variances))
    return Network(chain.network(y, [x]).layers, classes=labels_of(estimator))


def _constants(priors: Array, variances: Any) -> tuple[Array, Array]:
    """``log π_k − ½ Σ_j log s_kj²``, and radii."""
    logs = [np.append(np.log(prior), -0.5 * np.log(s)) for prior, s in zip(priors, variances, strict=True)]
    sizes = np.array([(np.abs(log) + 1).sum() * len(log) for log in logs])
    return np.array([log.sum() for log in logs]), LOGARITHM_ULPS * UNIT_ROUNDOFF * sizes
