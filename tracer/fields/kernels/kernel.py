"""Kernel models: ``F(x) = Σ_i α_i k(x, c_i) + b``, as in support vector machines and Gaussian processes [1]_.

Radial basis functions ``exp(−γ |z − c|²)``, z = A x + a, are exponentials of polynomials. On a plane such a
polynomial is quadratic in the plane's two coordinates. Its coefficients, and the radii of their rounding, are
computed once. On a cell the polynomial is a Taylor form; the exponential is applied to the form, and the
results are summed over i. So bounds cost as much as for a network with one hidden layer, for any number of
inputs. Kernels that are functions of c·z alone, such as tanh and powers, are networks.

Class 1 of two wins where F > 0: the outputs are 0 and F, and margin(1, 0) is F.

References
----------
.. [1] B. Schölkopf, A. J. Smola, "Learning with Kernels", MIT Press (2002).
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array, quiet
from tracer.enclosures.arithmetic import in_ieee_arithmetic, refused
from tracer.enclosures.rounding import UNIT_ROUNDOFF
from tracer.fields.checks import exact_number, index, points
from tracer.fields.field import Enclosure
from tracer.fields.kernels.gaussians import DECAY, Gaussians
from tracer.fields.labels import Side, checked_sides, labelled
from tracer.fields.model import Model
from tracer.fields.networks.layer import Layer
from tracer.fields.plane import Plane

# Points and cells are evaluated in chunks of this many numbers, but at least so many cells.
CACHED_NUMBERS = 2**13
FEWEST_CELLS = 32


@dataclass(frozen=True, eq=False, repr=False)
class KernelField(Model):
    """A sum of kernels, as the model of two classes or as a field.

    Parameters
    ----------
    terms : Gaussians
        The kernels k(·, c_i).
    last : Layer
        α and b, with their radii: a linear layer with one output.
    plane : Plane, optional
        The plane of a restricted model, whose coordinates are its two inputs.
    classes, inputs : sequence, optional
        The labels of the two classes, and of the inputs. Without classes F is the single output.
    sides : sequence of pairs, optional
        For a margin: the label of each class, and the sign of F where it wins.

    Raises
    ------
    ValueError
        If shapes do not chain, or the number of labels differs from the number of outputs or inputs.
    """

    terms: Gaussians
    last: Layer
    plane: Plane | None = None
    classes: tuple | None = None
    inputs: tuple | None = None
    sides: tuple[Side, ...] | None = None

    kind = "model"
    unenclosable = None

    def __post_init__(self) -> None:
        if (self.last.inputs, self.last.outputs, self.last.activation) != (len(self.terms), 1, "linear"):
            raise ValueError(
                f"last must be a linear layer from {len(self.terms)} kernels to 1; got {self.last}"
            )
        object.__setattr__(self, "classes", labelled("classes", self.classes, 2))
        object.__setattr__(self, "inputs", labelled("inputs", self.inputs, self.n_inputs))
        object.__setattr__(self, "sides", checked_sides(self.sides))

    @property
    def n_inputs(self) -> int:
        """The number of inputs."""
        return self.terms.inputs

    @property
    def n_outputs(self) -> int:
        """Two if there are classes; else one."""
        return 1 if self.classes is None else 2

    # Evaluation ---------------------------------------------------------------------------------

    @quiet
    def __call__(self, x: ArrayLike) -> Array:
        """The outputs, shape (..., outputs), at points `x` of shape (..., inputs)."""
        F = self._values(x)
        return F[..., None] if self.classes is None else np.stack([np.zeros_like(F), F], axis=-1)

    @quiet
    def value(self, x: ArrayLike) -> Array:
        """F at points `x` of shape (..., inputs); shape (...)."""
        self._need_one_output()
        return self._values(x)

    @cached_property
    def _points_at_once(self) -> int:
        return self._chunk_size(1)

    def _value_and_gradient(self, x: Array) -> tuple[Array, Array]:
        self._need_two_inputs()
        value, *partials = (part @ self.last.weight[0] for part in self.terms.jet(x))
        return value + self.last.bias, np.stack(partials, axis=1)

    def _at_points(self, x: Array) -> Enclosure:
        return Enclosure.joined([self._at(x[chunk]) for chunk in self._chunks(len(x), FEWEST_CELLS)])

    def _at(self, x: Array) -> Enclosure:
        value, radius = (part[:, 0] for part in self.last.at(*self.terms.at(x)))
        outward = radius + 2 * UNIT_ROUNDOFF * np.abs(value)
        unknown = np.full((len(x), 2), np.nan)
        return Enclosure(value - outward, value + outward, unknown, unknown, np.ones(len(x), dtype=bool))

    def _on_cells(self, lower: Array, upper: Array) -> Enclosure:
        chunks = self._chunks(len(lower), FEWEST_CELLS)
        return Enclosure.joined([self._form_bounds(lower[chunk], upper[chunk]) for chunk in chunks])

    def _form_bounds(self, lower: Array, upper: Array) -> Enclosure:
        form, radius = self.terms.polynomials.on_cells(lower, upper)
        form = form.apply(DECAY).affine(self.last.affine)
        (low, high), gradient = form.value_bounds(), form.gradient_bounds(radius)
        return Enclosure(low[:, 0], high[:, 0], *gradient, np.ones(len(lower), dtype=bool))

    def _values(self, x: ArrayLike) -> Array:
        at = points("x", x, self.n_inputs)
        flat = at.reshape(-1, self.n_inputs)
        F = np.empty(len(flat))
        for chunk in self._chunks(len(flat), 1):
            F[chunk] = self.terms.value(flat[chunk]) @ self.last.weight[0] + self.last.bias
        return F.reshape(at.shape[:-1])

    def _chunks(self, n: int, fewest: int) -> list[slice]:
        size = self._chunk_size(fewest)
        return [slice(start, start + size) for start in range(0, max(n, 1), size)]

    def _chunk_size(self, fewest: int) -> int:
        return max(fewest, CACHED_NUMBERS // len(self.terms))

    # Boundaries ---------------------------------------------------------------------------------

    def _difference(self, i: int, j: int) -> dict[str, Any]:
        return {"last": self.last if i == 1 else self.last.linear(negative=True)}

    def _on_plane(self, plane: Plane) -> dict[str, Any]:
        return {"terms": self.terms.restricted(plane)}

    def scores(self, *, negative: bool = False) -> "KernelField":
        """The model, or the one with negative outputs."""
        return replace(self, last=self.last.linear(negative=True)) if negative else self

    @quiet
    @in_ieee_arithmetic(refused)
    def level(self, output: int, value: float) -> "KernelField":
        """The field whose zero set is where the single output, number 0, has the given `value`.

        Raises
        ------
        TypeError
            If the model has two classes: F is the output of their margin.
        """
        if self.n_outputs != 1:
            raise TypeError(
                "level takes the value of one output, this model has two classes: take "
                "model.margin(1, 0).level(0, value), the value of F"
            )
        k = index("output", output, 1)
        return replace(self, last=self.last.shifted(k, exact_number("value", value), 0.0))

    def __repr__(self) -> str:
        where = ", on a plane" if self.plane is not None else ""
        return f"KernelField({self.n_inputs} inputs, {self.terms}{where})"
