"""The activation regions of a network: the kinks of its neurons divide the plane into them [1]_.

An activation pattern, the side of its kinks that each neuron is on, determines a region. There the network is
smooth, and linear if all other activations are. So the field and all pre-activations z can be extended
beyond the region, independently of the computed sign of a z near a kink.

References
----------
.. [1] B. Hanin, D. Rolnick, "Deep ReLU networks have surprisingly few activation patterns", NeurIPS (2019).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tracer.arrays import EPS, Array, Indices
from tracer.enclosures.functions.piecewise_linear import Pattern, PiecewiseLinear
from tracer.fields.evaluations import Evaluations
from tracer.fields.networks.activations import Activation
from tracer.fields.networks.layer import Layer
from tracer.fields.networks.network import Network

# A block of a layer: its activation, its neurons, and these among all neurons with kinks; None without kinks.
Part = tuple[Activation, slice, slice | None]
# Rounding errors that a layer carries on count for at most so many times its own.
CARRIED = 64.0


@dataclass(frozen=True, eq=False)
class Extension:
    """A network at m points, each extended from a region that may not contain the point.

    Attributes
    ----------
    value : ndarray, shape (m,)
    gradient : ndarray, shape (m, 2)
    z : ndarray, shape (m, N)
        Pre-activations of all neurons with kinks.
    partials : ndarray, shape (2, m, N)
        The partials of z by x1 and x2.
    """

    value: Array
    gradient: Array
    z: Array
    partials: Array

    def at_kink(self, neuron: Indices, kink: Array, scale: Array) -> tuple[Array, Array]:
        """The values (m, 2) and the gradients (m, 2, 2) of F and of z − `kink`, z of `neuron` (m,).

        Both functions are 0 where the boundary meets the kink. Gradients are in units of `scale` (2,).
        """
        row = np.arange(len(neuron))
        values = np.stack([self.value, self.z[row, neuron] - kink], axis=1)
        return values, np.stack([self.gradient, self.partials[:, row, neuron].T], axis=1) * scale


class ActivationRegions:
    """A network of two inputs and one output, evaluated region by region.

    Attributes
    ----------
    field : Evaluations
        The evaluations of the network.
    kinks : ndarray, shape (N, p)
        The kinks of every neuron that has any, with −∞ before and ∞ after; side k is between k and k + 1.
    linear : bool
        Whether the network is linear in every region.
    """

    def __init__(self, network: Network, field: Evaluations) -> None:
        self.network, self.field = network, field
        rows = [part for _, parts in self._parts() for part in parts]
        sides = 1 + max(len(row.kinks) for row, *_ in rows)
        neurons = sum(among.stop - among.start for _, _, among in rows if among is not None)
        self.linear = all(row.is_linear for row, _, among in rows if among is None)
        self.kinks = np.full((neurons, sides + 1), np.inf)
        self.kinks[:, 0] = -np.inf
        self._slopes, self._offsets = np.zeros((2, neurons, sides))
        for row, _, among in rows:
            function = row.bounds
            if among is not None and isinstance(function, PiecewiseLinear):
                self.kinks[among, 1 : len(function.slopes)] = function.kinks
                self._slopes[among, : len(function.slopes)] = function.slopes
                self._offsets[among, : len(function.slopes)] = function.offsets
        self._steepest = np.abs(self._slopes).max(axis=1, initial=0.0)
        # The index of each neuron's first slope in the flattened table.
        self._first = np.arange(neurons) * sides

    def sides(self, x: Array, towards: Array) -> Pattern:
        """Activation patterns (m, N) of points `x` (m, 2); at a kink, the side that `towards` (m, 2) enters.

        So the region exists even where several neurons have the same kink, unless `towards` is along it.
        """
        return self._sides_and_preactivations(np.stack([x, towards]))[0]

    def kink(self, number: Indices | Pattern) -> Array:
        """Each neuron's kink with the given `number` (m, N) in its row of `kinks`, shape (m, N)."""
        return self.kinks.take(number + np.arange(len(self.kinks)) * self.kinks.shape[1])

    def preactivations(self, x: Array) -> Array:
        """Pre-activations z of all neurons with kinks at points `x` (m, 2), shape (m, N)."""
        return self._sides_and_preactivations(x[None])[1]

    def _sides_and_preactivations(self, h: Array) -> tuple[Pattern, Array]:
        """Activation patterns and pre-activations, (m, N), at the points h[0] (m, 2), towards h[1] if given.

        A pre-activation that is at a kink within the rounding error is at the kink, and a rate within its
        error is 0: where terms cancel on an area, their signs are random. Radii of weights are no part of it;
        bounds of the errors of earlier layers, which grow by |W| from layer to layer, up to `CARRIED` only.
        """
        found = np.empty((h.shape[1], len(self.kinks)))
        sides, errors = np.empty(found.shape, np.int8), np.zeros((len(h), h.shape[2]))
        for layer, parts in self._parts():
            affine, size = layer.affine, np.abs(h).max(axis=1, initial=0.0)
            own = affine.gamma * affine.sizes(size)
            h = self._affine(h, layer)
            own[0] += EPS * np.abs(h[0]).max(axis=0, initial=0.0)
            errors = own + np.minimum(affine.sizes(errors), CARRIED * own)
            for _, part, among in parts:
                if among is not None:
                    rows = h[..., part], self.kinks[among, 1:-1], errors[:, part]
                    sides[:, among], found[:, among] = _placed(*rows)
                    errors[:, part] *= self._steepest[among]
            self._activate(h, parts, sides)
        return sides, found

    def at(self, x: Array, sides: Pattern) -> Extension:
        """The network at points `x` (m, 2), extended from the regions with patterns `sides` (m, N)."""
        self.field.count(len(x))
        h = np.zeros((3, *x.shape))
        h[0], h[1, :, 0], h[2, :, 1] = x, 1.0, 1.0
        found = np.empty((3, *sides.shape))
        for layer, parts in self._parts():
            h = self._affine(h, layer)
            for _, part, among in parts:
                if among is not None:
                    found[:, :, among] = h[:, :, part]
            self._activate(h, parts, sides)
        return Extension(h[0, :, 0], h[1:, :, 0].T, found[0], found[1:])

    # One layer, on values in the first row of h and derivatives in the other rows.

    @staticmethod
    def _affine(h: Array, layer: Layer) -> Array:
        h = layer.affine.product(h)
        h[0] += layer.bias
        return h

    def _activate(self, h: Array, parts: list[Part], sides: Pattern) -> None:
        for row, part, among in parts:
            some = h[:, :, part]
            if among is not None:
                number = sides[:, among] + self._first[among]
                some *= self._slopes.take(number)
                if self._offsets.any():
                    some[0] += self._offsets.take(number)
            elif not row.is_linear:
                some[1:] *= row.slope(some[0])
                some[0] = row.value(some[0])

    def _parts(self) -> Iterator[tuple[Layer, list[Part]]]:
        """Each layer and its blocks, with the slices of their neurons among all neurons with kinks."""
        start = 0
        for layer in self.network.layers:
            parts: list[Part] = []
            for part, row in layer.parts:
                stop = start + (part.stop - part.start) * bool(row.kinks)
                parts.append((row, part, slice(start, stop) if row.kinks else None))
                start = stop
            yield layer, parts


def _placed(h: Array, kinks: Array, errors: Array) -> tuple[Pattern, Array]:
    """The number of `kinks` (n, p) below each z (m, n), one at z if its rate is positive; and z itself.

    h is z, and its rate if there is one, (·, m, n), with rounding `errors` (·, n): a z that may be at a kink
    is moved to it.
    """
    z, *rates = h
    rising = rates[0] > errors[1] if rates else False
    number, exact = np.zeros(z.shape, np.int8), z.copy()
    for kink in kinks.T:
        at_kink = np.abs(z - kink) <= errors[0]
        number += np.where(at_kink, rising, z > kink)
        exact = np.where(at_kink, kink, exact)
    return number, exact
