"""Kernel models: networks of kernels ``k(x, c_i)``.

Support vector machines and Gaussian processes [1]_ are sums ``F(x) = Σ_i α_i k(x, c_i) + b``, a network of
one layer; several of them, calibrated or averaged, and models of Nyström's features are networks of more.

Radial basis functions ``exp(−γ |z − c|²)``, z = A x + a, are exponentials of polynomials. On a plane such a
polynomial is quadratic in the plane's two coordinates. Its coefficients, and the radii of their rounding, are
computed once. On a cell the polynomial is a Taylor form; the exponential is applied to the form, and the
network to that. So bounds cost as much as for a network with one more hidden layer, for any number of
inputs. Kernels that are functions of c·z alone, such as tanh and powers, are networks.

References
----------
.. [1] B. Schölkopf, A. J. Smola, "Learning with Kernels", MIT Press (2002).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array, Mask, chunks, quiet
from tracer.enclosures.arithmetic import in_ieee_arithmetic, refused
from tracer.enclosures.cores import on_cores
from tracer.fields.checks import index, points, shown
from tracer.fields.field import Enclosure
from tracer.fields.kernels.gaussians import DECAY, Gaussians
from tracer.fields.kernels.latent import LatentProbability
from tracer.fields.labels import Side, labelled, output_of, sides
from tracer.fields.model import Model
from tracer.fields.networks import bounds as network_bounds
from tracer.fields.networks.network import Network
from tracer.fields.networks.probabilities import need_probability
from tracer.fields.plane import Plane

# Points and cells are evaluated in chunks of this many numbers, but at least so many cells.
CACHED_NUMBERS = 2**13
FEWEST_CELLS = 32


@dataclass(frozen=True, eq=False, repr=False)
class KernelField(Model):
    """A network of kernels, as a classifier or as a field.

    Parameters
    ----------
    terms : Gaussians
        The kernels k(·, c_i).
    network : Network
        What becomes of them: its inputs are the kernels, and its outputs, labels and sides are the model's.
    plane : Plane, optional
        The plane of a restricted model, whose coordinates are its two inputs.
    inputs : sequence, optional
        The labels of the inputs.
    variance : Network, optional
        Of a Gaussian process of two classes: the variance of the latent function, a network of the kernels.

    Raises
    ------
    ValueError
        If shapes do not chain, or the number of labels differs from the number of inputs.
    """

    terms: Gaussians
    network: Network
    plane: Plane | None = None
    inputs: tuple | None = None
    variance: Network | None = None
    # The network's.
    classes: tuple | None = field(init=False, default=None)
    sides: tuple[Side, ...] | None = field(init=False, default=None)

    kind = "model"

    def __post_init__(self) -> None:
        if not isinstance(self.network, Network) or self.network.n_inputs != len(self.terms):
            raise ValueError(
                f"network must be a Network of the {len(self.terms)} kernels; got {shown(self.network)}"
            )
        object.__setattr__(self, "inputs", labelled("inputs", self.inputs, self.n_inputs))
        object.__setattr__(self, "classes", self.network.classes)
        object.__setattr__(self, "sides", self.network.sides)

    @property
    def n_inputs(self) -> int:
        """The number of inputs."""
        return self.terms.inputs

    @property
    def n_outputs(self) -> int:
        """The number of outputs."""
        return self.network.n_outputs

    @property
    def distinct(self) -> Mask:
        """Which outputs are not duplicates of earlier ones, (outputs,)."""
        return self.network.distinct

    @property
    def votes(self) -> bool:
        """Whether the outputs are scores made of votes, each between two classes."""
        return self.network.votes

    @property
    def unenclosable(self) -> str | None:
        """The reason why `enclose` has no bounds; None if it has."""
        return self.network.unenclosable

    # Evaluation ---------------------------------------------------------------------------------

    @quiet
    def __call__(self, x: ArrayLike) -> Array:
        """The outputs, shape (..., outputs), at points `x` of shape (..., inputs)."""
        at = points("x", x, self.n_inputs)
        flat = at.reshape(-1, self.n_inputs)
        every = chunks(max(len(flat), 1), self._chunk_size(1))
        parts = on_cores(lambda chunk: self.network(self.terms.value(flat[chunk])), every)
        return np.concatenate(parts).reshape(*at.shape[:-1], self.n_outputs)

    @cached_property
    def _points_at_once(self) -> int:
        return self._chunk_size(1)

    def _value_and_gradient(self, x: Array) -> tuple[Array, Array]:
        self._need_two_inputs()
        kernels, *partials = self.terms.jet(x)
        value, by_kernels = self.network.value_and_gradient(kernels)
        return value, np.stack([np.einsum("kn,kn->k", by_kernels, part) for part in partials], axis=1)

    def _at_points(self, x: Array) -> Enclosure:
        every, layers = chunks(max(len(x), 1), self._chunk_size(FEWEST_CELLS)), self.network.layers
        parts = on_cores(lambda chunk: network_bounds.at_points(layers, *self.terms.at(x[chunk])), every)
        return Enclosure.joined(parts)

    def _on_cells(self, lower: Array, upper: Array) -> Enclosure:
        every = chunks(max(len(lower), 1), self._chunk_size(FEWEST_CELLS))
        return Enclosure.joined(on_cores(lambda c: self._form_bounds(lower[c], upper[c]), every))

    def _form_bounds(self, lower: Array, upper: Array) -> Enclosure:
        form, radius = self.terms.polynomials.on_cells(lower, upper)
        return network_bounds.of_form(form.apply(DECAY), self.network.layers, radius)

    def _chunk_size(self, fewest: int) -> int:
        return max(fewest, CACHED_NUMBERS // len(self.terms))

    # Boundaries ---------------------------------------------------------------------------------

    def _difference(self, i: int, j: int) -> dict[str, Any]:
        return {"network": self.network.margin(i, j), "variance": None}

    def _labels_of_margin(self, i: int, j: int) -> dict[str, Any]:
        return {}  # the network's margin has them

    def _on_plane(self, plane: Plane) -> dict[str, Any]:
        return {"terms": self.terms.restricted(plane)}

    def scores(self, *, negative: bool = False) -> KernelField:
        """The model before a strictly increasing output activation, or with negative outputs."""
        return replace(self, network=self.network.scores(negative=negative))

    @quiet
    @in_ieee_arithmetic(refused)
    def level(self, output: int, value: float) -> KernelField:
        """The field whose zero set is where the single output, number 0, has the given `value`.

        Raises
        ------
        TypeError
            If the model has classes: their margins have levels, and they may have probabilities.
        """
        if self.n_outputs != 1:
            raise TypeError(
                "level takes the value of one output, this model has several classes: take "
                "model.margin(1, 0).level(0, value), a level of F, or, where the classifier has "
                "probabilities, model.probability(label, p)"
            )
        return replace(self, network=self.network.level(index("output", output, 1), value))

    @quiet
    @in_ieee_arithmetic(refused)
    def probability(self, output: Any, p: float) -> KernelField | LatentProbability:
        """The field whose zero set is where a class has the probability p: see `Network.probability`."""
        if self.variance is None:
            return replace(self, network=self.network.probability(output, p))
        p, k = need_probability("p", p), output_of(output, self.classes, 2)
        mean, known = self.network.margin(1, 0), sides(self.classes, 2, k)
        return LatentProbability(self.terms, mean, self.variance, k, p, self.plane, self.inputs, known)

    def __repr__(self) -> str:
        title = "" if self.network.title is None else f", {self.network.title}"
        where = ", on a plane" if self.plane is not None else ""
        return f"KernelField({self.n_inputs} inputs, {self.terms}{where}{title})"
