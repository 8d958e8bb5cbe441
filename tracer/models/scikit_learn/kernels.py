"""Support vector machines of at most three classes: sums of kernels,

    F(x) = Σ_i α_i k(x, c_i) + b,    k(x, c) = c·x,  tanh(γ c·x + r),  (γ c·x + r)^d  or  exp(−γ |x − c|²)

with support vectors c_i [1]_. A machine with a linear kernel is a network without hidden layers; with a
sigmoid or polynomial kernel it is a network with one layer of tanh or of powers, else a kernel field.

References
----------
.. [1] C.-C. Chang, C.-J. Lin, "LIBSVM: a library for support vector machines", ACM Transactions on
   Intelligent Systems and Technology 2 (2011).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tracer.arrays import Array
from tracer.enclosures import rounding
from tracer.fields.checks import shown
from tracer.fields.kernels.gaussians import Gaussians
from tracer.fields.kernels.kernel import KernelField
from tracer.fields.networks.layer import Layer
from tracer.fields.networks.network import Network
from tracer.fields.networks.probabilities import VOTES
from tracer.models.lowering.affine import Affine
from tracer.models.scikit_learn.fitted import (
    FIT,
    Unread,
    after,
    dense,
    labels_of,
    name_of,
    of_classes,
)
from tracer.models.scikit_learn.parts import Model, Parts
from tracer.models.scikit_learn.votes import PAIRS, votes_of_three


def classifying_machine(estimator: Any) -> Model:
    """An SVC or NuSVC: of two classes its `decision_function`, of three classes scores that act as votes."""
    classes = labels_of(estimator) or ()
    if len(classes) == 2:
        return support_vector_machine(estimator, classes)
    if len(classes) > 3 or (estimator.break_ties and estimator.decision_function_shape == "ovr"):
        how = "breaks ties of" if len(classes) == 3 else f"of {len(classes)} classes counts"
        raise Unread(f"{name_of(estimator)} {how} votes, which jump")
    parts = Parts.of(estimator, [_machine(estimator, _duels(estimator), None)])
    ((x, network),) = parts
    return parts.model(votes_of_three(after(x, network).times(-1.0)), classes, VOTES)


def _duels(estimator: Any) -> Layer:
    """The decision functions of the three pairs of classes, positive where the first class wins.

    A support vector has a coefficient against each other class, in their order: [1]_, section 7.1.
    """
    coefficients = dense("dual_coef_", estimator.dual_coef_, FIT)
    ends = np.cumsum(estimator.n_support_)
    vectors_of = [slice(end - n, end) for end, n in zip(ends, estimator.n_support_, strict=True)]
    weight = np.zeros((len(PAIRS), ends[-1]))
    for row, (i, j) in zip(weight, PAIRS, strict=True):
        row[vectors_of[i]] = coefficients[j - 1, vectors_of[i]]
        row[vectors_of[j]] = coefficients[i, vectors_of[j]]
    return Layer(weight, estimator.intercept_)


def one_class_machine(estimator: Any) -> Model:
    """A OneClassSVM: `decision_function`, which is positive for inliers, of label 1."""
    return support_vector_machine(estimator, (-1, 1))


def support_vector_machine(estimator: Any, classes: tuple | None = None) -> Model:
    """The sum Σ_i α_i k(x, c_i) + b: a classifier's score, or a regressor's prediction without `classes`."""
    last = Layer(dense("dual_coef_", estimator.dual_coef_, FIT), estimator.intercept_)
    return _machine(estimator, last, classes)


def _machine(estimator: Any, last: Layer, classes: tuple | None) -> Model:
    """The model of a layer `last` of sums of kernels with the support vectors."""
    kernel = estimator.kernel
    if kernel == "precomputed":
        raise ValueError(
            f"kernel must be a function of points, such as {', '.join(MACHINES)}; got {kernel!r}"
        )
    if not isinstance(kernel, str) or kernel not in MACHINES:
        raise Unread(f"the kernel {shown(kernel)} has no bounds")
    vectors = dense("support_vectors_", estimator.support_vectors_, FIT)
    return MACHINES[kernel](estimator, vectors, last, classes)


def _linear_machine(estimator: Any, vectors: Array, last: Layer, classes: tuple | None) -> Network:
    weight, radius = rounding.product(last.weight, np.zeros_like(last.weight), vectors)
    return _scores(classes, Layer(weight, last.bias, weight_radius=radius))


def _sigmoid_machine(estimator: Any, vectors: Array, last: Layer, classes: tuple | None) -> Network:
    return _scores(classes, _hidden(estimator, vectors, "tanh"), last)


def _polynomial_machine(estimator: Any, vectors: Array, last: Layer, classes: tuple | None) -> Network:
    return _scores(classes, _hidden(estimator, vectors, "power", estimator.degree), last)


def _hidden(estimator: Any, vectors: Array, activation: str, degree: int | None = None) -> Layer:
    """The hidden layer ``σ(γ c·x + r)`` of the support vectors c."""
    weight, radius = rounding.times(np.full(vectors.shape, float(estimator._gamma)), 0.0, vectors, 0.0)
    bias = np.full(len(vectors), float(estimator.coef0))
    return Layer(weight, bias, activation, degree=degree, weight_radius=radius)


def _gaussian_machine(estimator: Any, vectors: Array, last: Layer, classes: tuple | None) -> KernelField:
    d = vectors.shape[1]
    terms = Gaussians(vectors, np.full((1, d), float(estimator._gamma)), Affine.identity(d).layer())
    return KernelField(terms, _scores(classes, last))


def _scores(classes: tuple | None, *layers: Layer) -> Network:
    """The network of layers that end in scores, with a row for each class if there are two classes."""
    *hidden, last = layers
    if classes is not None:
        last = of_classes(last.weight, last.bias, last.weight_radius, last.bias_radius)
    return Network([*hidden, last], classes=classes, link="none")


MACHINES: dict[str, Callable[[Any, Array, Layer, tuple | None], Model]] = {
    "linear": _linear_machine,
    "sigmoid": _sigmoid_machine,
    "rbf": _gaussian_machine,
    "poly": _polynomial_machine,
}
