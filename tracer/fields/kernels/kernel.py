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
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array
from tracer.enclosures.arithmetic import in_ieee_arithmetic, refused
from tracer.enclosures.rounding import UNIT_ROUNDOFF
from tracer.fields.checks import exact_number, index, points
from tracer.fields.field import Enclosure
from tracer.fields.float_errors import quiet
from tracer.fields.kernels.gaussians import DECAY, Gaussians
from tracer.fields.labels import Side, checked_sides, labelled, pair, restricted, sides
from tracer.fields.networks.layer import Layer
from tracer.fields.plane import Plane

# Points and cells are evaluated in chunks of this many numbers, but at least so many cells.
CACHED_NUMBERS = 2**13
FEWEST_CELLS = 32


@dataclass(frozen=True, eq=False, repr=False)
class KernelField:
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

    @quiet
    def value_and_gradient(self, x: ArrayLike) -> tuple[Array, Array]:
        """F at points `x` of shape (..., 2), shape (...), and its gradient, shape (..., 2)."""
        self._need_one_output()
        at = points("x", x, self._two_inputs())
        flat = at.reshape(-1, 2)
        jet = np.empty((3, len(flat)))
        for chunk in self._chunks(len(flat), 1):
            for row, part in zip(jet, self.terms.jet(flat[chunk]), strict=True):
                row[chunk] = part @ self.last.weight[0]
        return (jet[0] + self.last.bias).reshape(at.shape[:-1]), jet[1:].T.reshape(at.shape)

    def enclose(self, lower: Array, upper: Array) -> Enclosure:
        """Bounds of F and its gradient on cells.

        Parameters
        ----------
        lower, upper : ndarray, shape (k, 2)
            The cells' corners.

        Returns
        -------
        Enclosure
            Bounds of the exact model: they include the radii of folded numbers.

        Raises
        ------
        TypeError
            If the model has two outputs, or not two inputs.
        """
        self._need_one_output()
        self._two_inputs()
        if np.array_equal(lower, upper):
            return Enclosure.joined([self._at(lower[c]) for c in self._chunks(len(lower), FEWEST_CELLS)])
        chunks = self._chunks(len(lower), FEWEST_CELLS)
        return Enclosure.joined([self._on_cells(lower[chunk], upper[chunk]) for chunk in chunks])

    def _on_cells(self, lower: Array, upper: Array) -> Enclosure:
        form, radius = self.terms.polynomials.on_cells(lower, upper)
        form = form.apply(DECAY).affine(self.last.affine)
        (low, high), gradient = form.value_bounds(), form.gradient_bounds(radius)
        return Enclosure(low[:, 0], high[:, 0], *gradient, np.ones(len(lower), dtype=bool))

    def _at(self, x: Array) -> Enclosure:
        value, radius = (part[:, 0] for part in self.last.at(*self.terms.at(x)))
        outward = radius + 2 * UNIT_ROUNDOFF * np.abs(value)
        unknown = np.full((len(x), 2), np.nan)
        return Enclosure(value - outward, value + outward, unknown, unknown, np.ones(len(x), dtype=bool))

    def _values(self, x: ArrayLike) -> Array:
        at = points("x", x, self.n_inputs)
        flat = at.reshape(-1, self.n_inputs)
        F = np.empty(len(flat))
        for chunk in self._chunks(len(flat), 1):
            F[chunk] = self.terms.value(flat[chunk]) @ self.last.weight[0] + self.last.bias
        return F.reshape(at.shape[:-1])

    def _chunks(self, n: int, fewest: int) -> list[slice]:
        size = max(fewest, CACHED_NUMBERS // len(self.terms))
        return [slice(start, start + size) for start in range(0, max(n, 1), size)]

    def _need_one_output(self) -> None:
        if self.n_outputs != 1:
            raise TypeError("a field has one output, this model has two classes: take .margin(0, 1)")

    def _two_inputs(self) -> int:
        if self.n_inputs != 2:
            raise TypeError(
                f"a field has two inputs, this model has {self.n_inputs}: take .restrict(tracer.Plane(…))"
            )
        return 2

    # Boundaries ---------------------------------------------------------------------------------

    @quiet
    def margin(self, i: int | None = None, j: int | None = None, *, classes: Any = None) -> "KernelField":
        """The field whose zero set is the boundary between the two classes: F for (1, 0), −F for (0, 1).

        Parameters
        ----------
        i, j : int
            0 and 1, or 1 and 0.
        classes : pair, optional
            The labels of the two classes instead.

        Raises
        ------
        TypeError
            If both pairs are given, or neither.
        ValueError
            If the model has no classes, i = j, or one of them is no class.
        """
        if self.classes is None:
            raise ValueError("margin needs two classes, this model has one output: take it as it is")
        i, j = pair(i, j, classes, self.classes, 2)
        last = self.last if i == 1 else self.last.linear(negative=True)
        return replace(self, last=last, classes=None, sides=sides(self.classes, 2, i, j))

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

    @quiet
    @in_ieee_arithmetic(refused)
    def restrict(self, plane: Plane) -> "KernelField":
        """The model on a plane: its two inputs are the plane's coordinates.

        Raises
        ------
        ValueError
            If the plane does not lie in this model's input space.
        """
        outer, labels = restricted(plane, self.plane, self.inputs, self.n_inputs)
        return replace(self, terms=self.terms.restricted(plane), plane=outer, inputs=labels)

    def __repr__(self) -> str:
        where = ", on a plane" if self.plane is not None else ""
        return f"KernelField({self.n_inputs} inputs, {self.terms}{where})"
