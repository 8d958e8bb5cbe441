"""Softplus, SiLU, GELU and ELU: smooth activations with ends that are not bounded.

Softplus and SiLU are composed of the logistic function σ, ``softplus' = σ`` and ``silu(z) = z σ(z)``, GELU of
the normal distribution, ``gelu(z) = z Φ(z)``.
"""

import numpy as np

from tracer.arrays import Array
from tracer.enclosures import special
from tracer.enclosures.functions.sigmoidal import T3, sigmoid_jet
from tracer.enclosures.functions.univariate import Univariate, both


def _softplus(z: Array) -> tuple[Array, Array]:
    value = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))
    (p, s, d, _), (_, ms, md, _) = sigmoid_jet(z)
    jet = np.stack([value, p, s, d])
    return jet, np.stack([value, p, ms, md])


def _silu(z: Array) -> tuple[Array, Array]:
    (p, s, d, t), (mp, ms, md, mt) = sigmoid_jet(z)
    a = np.abs(z)
    jet = np.stack([z * p, p + z * s, 2 * s + z * d, 3 * d + z * t])
    return jet, np.stack([a * mp, mp + a * ms, 2 * ms + a * md, 3 * md + a * mt])


def _gelu(z: Array) -> tuple[Array, Array]:
    z2, a = z * z, np.abs(z)
    e, Phi = np.exp(-0.5 * z2), 0.5 * special.erfc(-z / np.sqrt(2))
    phi = e / np.sqrt(2 * np.pi)
    jet = np.stack([z * Phi, Phi + z * phi, phi * (2 - z2), phi * z * (z2 - 4)])
    # The exponent magnifies the rounding errors of z² and z/√2 by z². erfc magnifies its error in the tail
    # of Φ only: on the other side 1 − Φ is magnified, and either is at most e/2.
    tail, Tail = (1 + z2) * phi, Phi + (1 + z2) * np.minimum(Phi, 0.5 * e)
    return jet, np.stack([a * Tail, Tail + a * tail, tail * (2 + z2), tail * a * (z2 + 4)])


def _elu(z: Array) -> tuple[Array, Array]:
    low = np.minimum(z, 0)
    e = np.exp(low)
    left = z <= 0
    jet = np.stack([np.where(left, np.expm1(low), z), e, np.where(left, e, 0), np.where(left, e, 0)])
    return jet, np.abs(jet)


SOFTPLUS = Univariate(_softplus, ((), (), (0.0,), both(2 * T3)), curvature_bound=0.25)
SILU = Univariate(
    _silu,
    (
        (-1.278464542761073795109,),
        both(2.399357280515467667833),
        (-3.435840993535110688952, 0.0, 3.435840993535110688952),
        both(1.031958241780749123401, 4.429235100557227979566),
    ),
    curvature_bound=0.5,
)
GELU = Univariate(
    _gelu,
    (
        (-0.7517915246935644574579,),
        both(1.414213562373095048802),
        (-2.0, 0.0, 2.0),
        both(0.7922869913932612777937, 2.524337798962138571321),
    ),
    curvature_bound=0.8,
)
ELU = Univariate(_elu, ((), (), (), ()), breaks=(0.0,), curvature_bound=1.0)
