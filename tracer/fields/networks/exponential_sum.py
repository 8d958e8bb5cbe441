"""The paper's exponential sum: a boundary without a fraction in it.

With ``B_k = −u_k`` for the pre-activations u of h hidden sigmoids, multiplying
``F = Σ_k Δw_k σ(u_k) + Δb`` by all denominators gives equations (64)-(69) of [1]_,

    E = Σ_{S ⊆ {1..h}} C_S exp(Σ_{k∈S} B_k),    C_S = Δb + Σ_{k∉S} Δw_k,

2^h terms with the same zero set as F, as ``E = F · Π_k (1 + e^{B_k})``. The exponentials overflow even for
ordinary boundaries, so E is divided by that product:

    F = Σ_S C_S Π_{k∈S} σ(B_k) Π_{k∉S} σ(−B_k),

a convex combination of the constants; the logarithm of the product is computed separately. The sum factors:
with the neurons in two halves, and p and q the products of each half's subsets, ``F = pᵀ C q``, so h = 20
costs a product with a 1024 × 1024 matrix and not a million exponentials.

References
----------
.. [1] D. Fishbein, "Solve Z1 = Z2 for x1" (2023).
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array, chunks, quiet
from tracer.enclosures import special
from tracer.fields.checks import points as checked
from tracer.fields.checks import shown
from tracer.fields.field import Enclosure
from tracer.fields.labels import Side
from tracer.fields.networks.network import Network
from tracer.fields.plane import Plane
from tracer.pickles import OfOneVersion

MOST_NEURONS = 20
# Points are evaluated in chunks of at most this many numbers: 16 MB.
CHUNK_NUMBERS = 2**21


class ExponentialSum(OfOneVersion):
    r"""Equation (69) of the paper, for the boundary of a network with one hidden layer of sigmoids.

    The field's value is E divided by ``Π_k (1 + e^{B_k}) > 0``, which is F; `log_factor` returns the
    logarithm of the divisor.

    Parameters
    ----------
    margin : Network
        Two inputs, one hidden layer of 1 to 20 sigmoids, one linear output, such as
        ``network.margin(i, j)`` of the paper's network.

    Raises
    ------
    TypeError
        If `margin` is not a network.
    ValueError
        If the network has another shape.

    Notes
    -----
    Errata to the paper, where it is compared with this class: (5) drops the minus inside the hidden
    σ; (6)-(8) and (70) negate only the first term of ``B_k``; (49) re-uses the names A_1, A_2 of
    (19), (23); (54), first line, lacks the factor ``1 + exp[B_1]``; (62) lacks ``+`` at its line
    ends; the decoupling remark after (69) holds off the boundary only: on it x1 and x2 are tied by
    F = 0. The count in the conclusion, ``(256·3)^(1280·720) ≈ 10^2659148.9``, gives each pixel 768
    values; 3 channels of 256 give ``256^(3·1280·720) ≈ 10^6658301.9``. The paper's ``C_4, C_5, C_6``
    belong to the subsets {2, 3}, {1, 3}, {1, 2}.
    """

    def __init__(self, margin: Network) -> None:
        if not isinstance(margin, Network):
            raise TypeError(f"margin must be a Network; got {shown(margin)}")
        names = [layer.activation for layer in margin.layers]
        if names != ["sigmoid", "linear"] or margin.n_outputs != 1 or margin.n_inputs != 2:
            raise ValueError(
                "margin must have two inputs, one hidden layer of sigmoids and one linear output; "
                f"got {shown(margin)}"
            )
        if margin.layers[0].outputs > MOST_NEURONS:
            raise ValueError(
                f"margin must have at most {MOST_NEURONS} hidden neurons, the sum has 2^h terms; "
                f"got {margin.layers[0].outputs}"
            )
        self.margin = margin

    @property
    def plane(self) -> Plane | None:
        """The plane of the margin."""
        return self.margin.plane

    @property
    def inputs(self) -> tuple | None:
        """The labels of the margin's inputs."""
        return self.margin.inputs

    @property
    def sides(self) -> tuple[Side, ...] | None:
        """The label of each class, and the sign of F where it wins, as in the margin."""
        return self.margin.sides

    @cached_property
    def constants(self) -> Array:
        """``C_S``, shape (2,) * h: index 1 on axis k where neuron k is in S, else 0."""
        weights, offset = self.margin.layers[1].weight[0], self.margin.layers[1].bias[0]
        h = len(weights)
        C = np.full((2,) * h, offset)
        for k, w in enumerate(weights):
            C = C + np.array([w, 0.0]).reshape([2 if axis == k else 1 for axis in range(h)])
        C.flags.writeable = False
        return C

    def exponents(self, x: ArrayLike) -> Array:
        """``B_k = −u_k`` at points `x` of shape (..., 2); shape (..., h)."""
        return -self.margin.preactivations(x)[0]

    @quiet
    def log_factor(self, x: ArrayLike) -> Array:
        """``log Π_k (1 + e^{B_k})``: E is the field's value times the exponential of this; shape (...)."""
        return np.logaddexp(0, self.exponents(x)).sum(axis=-1)

    def value(self, x: ArrayLike) -> Array:
        """``E / Π_k (1 + e^{B_k})`` at points `x` of shape (..., 2); shape (...)."""
        return self.value_and_gradient(x)[0]

    @quiet
    def value_and_gradient(self, x: ArrayLike) -> tuple[Array, Array]:
        """The scaled sum at points `x` of shape (..., 2), shape (...), and its gradient, (..., 2)."""
        points = checked("x", x, 2)
        flat = points.reshape(-1, 2)
        h = self.margin.layers[0].outputs
        size = max(1, CHUNK_NUMBERS >> (h - h // 2 + 2))
        value, gradient = np.empty(len(flat)), np.empty((len(flat), 2))
        for chunk in chunks(len(flat), size):
            value[chunk], gradient[chunk] = self._scaled(flat[chunk])
        return value.reshape(points.shape[:-1]), gradient.reshape(points.shape)

    @property
    def unenclosable(self) -> str | None:
        """The reason why `enclose` has no bounds: None, as the margin's sigmoids have bounds."""
        return self.margin.unenclosable

    def enclose(self, lower: Array, upper: Array) -> Enclosure:
        """Bounds of the scaled sum and its gradient on cells: see `EnclosedField.enclose`.

        ``E / Π_k (1 + e^{B_k})`` equals F, so these are the margin's bounds: of h sigmoids instead of 2^h
        terms.
        """
        return self.margin.enclose(lower, upper)

    def _scaled(self, x: Array) -> tuple[Array, Array]:
        B = self.exponents(x)
        dB = -self.margin.layers[0].weight  # (h, 2)
        half = B.shape[1] // 2
        C = self.constants.reshape(2**half, -1)
        p, dp = _subset_products(B[:, :half], dB[:half])
        q, dq = _subset_products(B[:, half:], dB[half:])
        Cq = q @ C.T
        value = np.einsum("ni,ni->n", p, Cq)
        gradient = np.einsum("nia,ni->na", dp, Cq) + np.einsum("ni,nia->na", p @ C, dq)
        return value, gradient

    def __repr__(self) -> str:
        h = self.margin.layers[0].outputs
        return f"ExponentialSum({2**h} terms of {h} neurons)"


def _subset_products(B: Array, dB: Array) -> tuple[Array, Array]:
    """``Π_{k∈S} σ(B_k) Π_{k∉S} σ(−B_k)`` for every S, shape (n, 2^h), and its gradient (n, 2^h, 2)."""
    n = len(B)
    p, dp = np.ones((n, 1)), np.zeros((n, 1, 2))
    for b, db in zip(B.T, dB, strict=True):
        # (n, 1, 2): k not in S, k in S.
        factor = np.stack([special.expit(-b), special.expit(b)], axis=-1)[:, None]
        slope = (factor[..., 1] * factor[..., 0])[..., None] * np.array([-1.0, 1.0])
        dp = (dp[:, :, None] * factor[..., None] + p[:, :, None, None] * slope[..., None] * db).reshape(
            n, -1, 2
        )
        p = (p[:, :, None] * factor).reshape(n, -1)
    return p, dp
