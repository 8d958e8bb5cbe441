"""Radii of neurons, by a backward pass through the layers that they depend on.

A neuron g is p + δ, with δ and both its partials at most e. The layers map these errors linearly, but for
what each adds: an activation s δ + f, the affine layer behind it W δ + f', with bounds of f, f' and of their
partials. So the error of a sum q·g over the last layer is Σ q f over all layers, with q → q W and q → q s on
the way back, as in linear relaxations [1]_: terms cancel within q before absolute values are taken. Where
the pass ends, |q| e is added. An activation and the affine layer before it are one term, |q| (f + |s| f').
Radii of the output need one pass. In narrow layers passes through the last few layers keep all radii small,
which would grow by |W| from layer to layer in a forward pass alone.

The computed q has rounding errors; relative to q and to e they are at most γ of q W, and one rounding of q s.
They are part of the bounds of f'.

References
----------
.. [1] H. Zhang et al., "Efficient neural network robustness certification with general activation
   functions", NeurIPS (2018): CROWN.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tracer.arrays import Array, Indices
from tracer.enclosures.affine_map import AffineMap
from tracer.enclosures.rounding import UNIT_ROUNDOFF, UP

# Below all numbers that matter; products with it are normal numbers.
TINY = 2.0**-900
# Roundings of q s, with room.
SLOPE_ROUNDINGS = 8
# Radii are refined after so many layers, in layers of at most so many neurons: each is a row of a pass.
WINDOW, WIDEST = 2, 32


class Activation(NamedTuple):
    """An activation: its slopes s, (k, n), and bounds of f, (3, k, n)."""

    slope: Array
    fresh: Array

    def rows(self, cell: Indices) -> "Activation":
        """The activation on the cells of some rows, (r,)."""
        return Activation(self.slope[cell], self.fresh[:, cell])


class Place(NamedTuple):
    """A number of steps, and the radii of the neurons behind them, (·, k, n)."""

    steps: int
    radii: Array


Places = tuple[Place, ...]


class Step(NamedTuple):
    """An affine layer, and the activation before it, if there is one.

    Attributes
    ----------
    activation : Activation or None
    function : AffineMap
    errors : ndarray, shape (3, k, out)
        Bounds of f', and of what the rounding of a product q W adds, relative to q.
    lost : ndarray, shape (3, k, 1)
        The effect of underflow in a product q W.
    """

    activation: Activation | None
    function: AffineMap
    errors: Array
    lost: Array

    @classmethod
    def of_layer(
        cls, activation: Activation | None, function: AffineMap, before: Array, radii: Array, fresh: Array
    ) -> "Step":
        """A layer that adds `fresh`, with radii (3, k, in) `before` it, and `radii` (3, k, out) behind it."""
        errors = fresh + (function.gamma_back + SLOPE_ROUNDINGS * UNIT_ROUNDOFF) * radii
        lost = before.sum(axis=2, keepdims=True) * (len(function.bias) * TINY)
        return cls(activation, function, errors, lost)

    def rows(self, cell: Indices) -> "Step":
        """The layer on the cells of some rows, (r,)."""
        activation = None if self.activation is None else self.activation.rows(cell)
        return Step(activation, self.function, self.errors[:, cell], self.lost[:, cell])

    def before_affine(self, earlier: Array) -> Array:
        """Bounds of s δ + f for errors `earlier` of the activation's arguments."""
        if self.activation is None:
            return earlier
        return self.activation.fresh + np.abs(self.activation.slope) * earlier


def backward_radii(steps: Sequence[Step], radii: Array) -> Array:
    """Radii (·, k, n) of the outputs of the last of `steps`, for `radii` (·, k, m) before the first one."""
    found, terms = steps[-1].errors + steps[-1].lost, 1
    q = steps[-1].function.product_back(np.eye(found.shape[-1]))[None]
    for j in reversed(range(len(steps))):
        step, before = steps[j], steps[j - 1] if j else None
        earlier = step.before_affine(radii if before is None else before.errors)
        terms += q.shape[2]
        found += np.matmul(np.abs(q) + TINY, earlier.transpose(1, 2, 0)).transpose(2, 0, 1)
        if before is not None:
            if step.activation is not None:
                q = q * step.activation.slope[:, None]
            q = before.function.product_back(q)
            found += before.lost
    return found * (1 + 8 * terms * UNIT_ROUNDOFF) + TINY


def refined(radii: Array, steps: Sequence[Step], places: Places) -> tuple[Array, Places]:
    """The `radii` behind all steps, smaller ones after each `WINDOW` of narrow layers; and the places."""
    last = places[-1]
    if len(steps) - last.steps < WINDOW or radii.shape[2] > WIDEST:
        return radii, places
    # nan in either means that nothing is known.
    radii = np.minimum(radii, backward_radii(steps[last.steps :], last.radii))
    return radii, (*places, Place(len(steps), radii))


def output_radii(steps: Sequence[Step], activation: Activation | None, place: Place) -> Array:
    """Radii (·, k, n) of the outputs behind all steps, by one pass to the coordinates at the `place`."""
    found = backward_radii(steps, place.radii)
    if activation is None:
        return found
    return (np.abs(activation.slope) * found + activation.fresh) * UP
