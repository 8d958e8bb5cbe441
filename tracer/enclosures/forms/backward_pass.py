"""Radii of sums of neurons, by a backward pass through the layers that neurons depend on.

A neuron g is p + δ, with δ and both its partials at most e. The layers map these errors linearly, but for
what each adds: an affine layer W δ + f, an activation s δ + f, with bounds of f and of its partials. A sum
q·δ over the last layer is then Σ q f over all layers, with q → q W and q → q s on the way back, as in linear
relaxations [1]_: terms cancel within q before absolute values are taken. Where the pass ends, |q| e is added.

The computed q has rounding errors; relative to q and to e they are at most γ of q W, and one rounding of q s.
They are part of the bounds of f.

References
----------
.. [1] H. Zhang et al., "Efficient neural network robustness certification with general activation
   functions", NeurIPS (2018): CROWN.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tracer.arrays import Array
from tracer.enclosures.affine_map import AffineMap
from tracer.enclosures.rounding import UNIT_ROUNDOFF

# Below all numbers that matter; products with it are normal numbers.
TINY = 2.0**-900
# Roundings of q s, with room.
SLOPE_ROUNDINGS = 8


class AffineStep(NamedTuple):
    """An affine layer, as stored for the backward pass.

    Attributes
    ----------
    function : AffineMap
    errors : ndarray, shape (3, k, out)
        What the layer adds to the outputs' radii, and what the rounding of a product q W adds, relative to q.
    lost : ndarray, shape (3, k)
        The effect of underflow in a product q W.
    """

    function: AffineMap
    errors: Array
    lost: Array


class ActivationStep(NamedTuple):
    """An activation, as stored for the backward pass: its slopes s, (k, n), and bounds of f, (3, k, n)."""

    slope: Array
    fresh: Array


def backward_radii(steps: Sequence[AffineStep | ActivationStep], place: tuple[int, Array], q: Array) -> Array:
    """Radii (3, k, r) of r sums of the last step's n outputs, by a backward pass.

    Parameters
    ----------
    steps : sequence
    place : (int, ndarray)
        The number of steps where the pass ends, and the radii there.
    q : ndarray, shape (k, r, n)
        The factors of the sums.
    """
    start, radii = place
    found, terms = np.zeros((3, *q.shape[:2])), 1
    for step in reversed(steps[start:]):
        size = np.abs(q) + TINY
        terms += q.shape[2]
        if isinstance(step, ActivationStep):
            found += np.einsum("krn,ikn->ikr", size, step.fresh)
            q = q * step.slope[:, None]
        else:
            found += np.einsum("krn,ikn->ikr", size, step.errors)
            found += step.lost[..., None]
            q = step.function.product_back(q)
    found += np.einsum("krn,ikn->ikr", np.abs(q) + TINY, radii)
    return found * (1 + 8 * (terms + q.shape[2]) * UNIT_ROUNDOFF) + TINY
