"""Feed-forward networks, and the fields of their boundaries.

The boundary between outputs i and j of a network is where ``F = A_i − A_j`` changes sign; ``A`` are the
outputs before the output activation, because the same strictly increasing σ on both sides drops
out. For one hidden layer of sigmoids this is the paper's equation (47), ``Σ_k Δw_k σ(u_k) + Δb = 0``
[1]_. Margins and levels are networks with one output, and restrictions to planes are networks too:
whatever can be done with a network can be done with its boundary's field.

References
----------
.. [1] D. Fishbein, "Solve Z1 = Z2 for x1" (2023), equations (31), (32), (47).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array, Mask, quiet
from tracer.enclosures.arithmetic import in_ieee_arithmetic, refused
from tracer.enclosures.rounding import UNIT_ROUNDOFF
from tracer.fields.checks import exact_number, index, points, shown
from tracer.fields.field import Enclosure
from tracer.fields.labels import Side, checked_sides, labelled, outputs_of, sides
from tracer.fields.model import Model
from tracer.fields.networks import bounds as network_bounds
from tracer.fields.networks.active_neurons import without_constants
from tracer.fields.networks.layer import Layer
from tracer.fields.plane import Plane

# The inverse activations are compositions of a few functions with errors of at most 2 ulp; the sum of their
# errors is at most this many unit roundoffs of |amount| + 1 (level(...) adds it to the radius).
INVERSE_ULPS = 16
# Points are evaluated in chunks whose widest layer has this many numbers: a few such arrays fit the cache.
CACHED_NUMBERS = 2**15


@dataclass(frozen=True, eq=False, repr=False)
class Network(Model):
    """A feed-forward network, ``x ↦ σ_L(W_L … σ_1(W_1 x + b_1) … + b_L)``.

    Parameters
    ----------
    layers : sequence of Layer
        The outputs of each layer are the inputs of the next.
    plane : Plane, optional
        The plane of a restricted network, whose coordinates are its two inputs.
    classes, inputs : sequence, optional
        The labels of the outputs, and of the inputs.
    sides : sequence of pairs, optional
        For a margin or level: the label of each class, and the sign of F where it wins, 0 for neither side.

    Raises
    ------
    ValueError
        If there is no layer, shapes do not chain, softmax stands before the end, or the number
        of labels differs from the number of outputs or inputs.
    """

    layers: tuple[Layer, ...]
    plane: Plane | None = None
    classes: tuple | None = None
    inputs: tuple | None = None
    sides: tuple[Side, ...] | None = None

    kind = "network"

    def __init__(
        self,
        layers: Sequence[Layer],
        plane: Plane | None = None,
        classes: Sequence | None = None,
        inputs: Sequence | None = None,
        sides: Sequence[Sequence] | None = None,
    ) -> None:
        layers = tuple(layers) if isinstance(layers, Sequence) else ()
        if not layers or not all(isinstance(layer, Layer) for layer in layers):
            raise ValueError(f"layers must be one or more tracer.Layer, in a sequence; got {shown(layers)}")
        for k, (before, after) in enumerate(pairwise(layers)):
            if before.outputs != after.inputs:
                raise ValueError(
                    f"layers must chain: layer {k} has {before.outputs} outputs, "
                    f"layer {k + 1} takes {after.inputs} inputs"
                )
            if before.activation == "softmax":
                raise ValueError(f"softmax must be the last layer's activation; got it in layer {k}")
        if layers[-1].activation == "softmax" and layers[-1].outputs < 2:
            raise ValueError("softmax needs two or more outputs; got 1")
        classes = labelled("classes", classes, layers[-1].outputs)
        inputs = labelled("inputs", inputs, layers[0].inputs)
        if plane is not None and not (isinstance(plane, Plane) and layers[0].inputs == 2):
            raise ValueError(
                "plane must be a tracer.Plane, and the network's inputs its 2 coordinates; "
                f"got {shown(plane)}"
            )
        object.__setattr__(self, "layers", layers)
        object.__setattr__(self, "plane", plane)
        object.__setattr__(self, "classes", classes)
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "sides", checked_sides(sides))

    def __reduce__(self) -> tuple:
        return Network, (self.layers, self.plane, self.classes, self.inputs, self.sides)

    @property
    def n_inputs(self) -> int:
        """The number of inputs."""
        return self.layers[0].inputs

    @property
    def n_outputs(self) -> int:
        """The number of outputs."""
        return self.layers[-1].outputs

    @property
    def distinct(self) -> Mask:
        """Which outputs are not duplicates of earlier ones, (outputs,); the first copy is the argmax."""
        _, kept = np.unique(np.stack(self.layers[-1].duplicates, axis=1), axis=0, return_index=True)
        return np.isin(np.arange(self.n_outputs), kept)

    # Evaluation ---------------------------------------------------------------------------------

    @quiet
    def __call__(self, x: ArrayLike) -> Array:
        """The outputs, shape (..., outputs), at points `x` of shape (..., inputs)."""
        h, size = self._points(x), self._values_at_once
        if h.ndim == 2 and len(h) > size:
            return np.concatenate([self(h[start : start + size]) for start in range(0, len(h), size)])
        for layer in self.layers:
            h = layer.function.value(layer.preactivation(h))
        return h

    @quiet
    def preactivations(self, x: ArrayLike) -> tuple[Array, ...]:
        """``W h + b`` of each layer at `x` (..., inputs): the paper's −B, layer by layer."""
        h = self._points(x)
        z = []
        for layer in self.layers:
            z.append(layer.preactivation(h))
            h = layer.function.value(z[-1])
        return tuple(z)

    def value(self, x: ArrayLike) -> Array:
        """The single output at points `x` of shape (..., inputs); shape (...)."""
        self._need_one_output()
        return self(x)[..., 0]

    @cached_property
    def _values_at_once(self) -> int:
        return network_bounds.chunk_size(
            self.layers, network_bounds.LARGEST_ARRAY, network_bounds.FEWEST_POINTS
        )

    @cached_property
    def _points_at_once(self) -> int:
        return network_bounds.chunk_size(self.layers, CACHED_NUMBERS, network_bounds.FEWEST_POINTS)

    def _value_and_gradient(self, x: Array) -> tuple[Array, Array]:
        h, slopes = x, list[Array | float]()
        for layer in self.layers:
            z = layer.preactivation(h)
            linear = layer.function.is_linear
            h = z if linear else layer.function.value(z)
            slopes.append(1.0 if linear else layer.function.slope(z))
        # Reverse mode: one row vector per point, instead of one tangent per input.
        *hidden, last = self.layers
        gradient = np.repeat(last.weight, len(h), axis=0) * slopes.pop()
        for layer, slope in zip(reversed(hidden), reversed(slopes), strict=True):
            gradient = layer.affine.product_back(gradient * slope)
        return h[:, 0], gradient

    @property
    def unenclosable(self) -> str | None:
        """The reason why `enclose` has no bounds; None if it has."""
        softmax = self.layers[-1].activation == "softmax"
        return "softmax couples all outputs" if softmax else None

    @cached_property
    def kinked(self) -> bool:
        """Whether some activation has kinks."""
        return network_bounds.is_kinked(self.layers)

    def _at_points(self, x: Array) -> Enclosure:
        return network_bounds.at_points(self.layers, x)

    def _on_cells(self, lower: Array, upper: Array) -> Enclosure:
        return network_bounds.on_cells(self.layers, lower, upper)

    def _points(self, x: ArrayLike) -> Array:
        return points("x", x, self.n_inputs)

    # Boundaries ---------------------------------------------------------------------------------

    def _difference(self, i: int, j: int) -> dict[str, Any]:
        *hidden, last = self.layers
        if last.function.inverse or last.activation == "softmax":
            return {"layers": (*hidden, last.difference(i, j))}
        return {"layers": (*hidden, last.rows(i, j), Layer([[1.0, -1.0]], [0.0]))}

    def _on_plane(self, plane: Plane) -> dict[str, Any]:
        return {"layers": without_constants((self.layers[0].restricted(plane), *self.layers[1:]))}

    def outputs_of(self, classes: Sequence) -> tuple[int, ...]:
        """The numbers of the outputs with the labels `classes`.

        Raises
        ------
        ValueError
            If the network has no labels, or not these.
        """
        return outputs_of(self.classes, classes)

    @quiet
    def scores(self, *, negative: bool = False) -> "Network":
        """The outputs before a strictly increasing output activation, or their negatives.

        The scores and the outputs have the same argmax.
        """
        *hidden, last = self.layers
        if last.function.inverse or last.activation == "softmax":
            return replace(self, layers=(*hidden, last.linear(negative)))
        if not negative:
            return self
        return replace(self, layers=(*self.layers, Layer(-np.eye(self.n_outputs), np.zeros(self.n_outputs))))

    @quiet
    @in_ieee_arithmetic(refused)
    def level(self, output: int, value: float) -> "Network":
        """The network whose zero set is where `output` has the given `value`.

        A strictly increasing output activation is inverted, ``A − σ⁻¹(value)``; so is a softmax of
        two outputs. relu, hardtanh, gelu and silu stay.

        `value` is a value of the network's output: a probability if the network ends in a sigmoid or a
        softmax, a logit if it ends in logits, as classifiers of scikit-learn and most modules of torch do.
        With two classes, class 1 has the probability p where the margin has the value log(p / (1 − p)):
        ``network.margin(1, 0).level(0, log(p / (1 − p)))``.

        Raises
        ------
        ValueError
            If `output` is not one, `value` is not a float64 or lies outside the open range of the activation,
            or it may be meant as a probability: in (0, 1), for a linear output with the label of a class.

        Examples
        --------
        >>> import tracer
        >>> network, bounds = tracer.example("paper")
        >>> field = network.level(0, 0.5)
        >>> field.n_outputs, len(tracer.trace(field, bounds))
        (1, 3)
        """
        output = index("output", output, self.n_outputs)
        known = sides(self.classes, self.n_outputs, output) if self.n_outputs > 1 else self.sides
        value = exact_number("value", value)
        *hidden, last = self.layers
        if not isinstance(last.activation, str):
            last, output = last.rows(output), 0
        if self.classes is not None and last.activation == "linear" and 0 < value < 1:
            raise ValueError(self._two_meanings(output, value))
        low, high = last.function.range
        if not low < value < high:
            raise ValueError(
                f"value must lie in the open range ({low:g}, {high:g}) of {last.activation}; "
                f"got {shown(value)}"
            )
        if last.activation == "softmax":
            if self.n_outputs > 2:
                raise ValueError(
                    f"a level of a softmax of {self.n_outputs} outputs is no level of a network: trace "
                    "tracer.Function(lambda x1, x2: "
                    f"network(np.stack([x1, x2], -1))[:, {output}] - {value!r})"
                )
            # p_0 = σ(A_0 - A_1): the level of a sigmoid of the margin.
            last = last.difference(output, 1 - output, "sigmoid")
            output = 0
        if last.function.inverse is None:
            end: tuple[Layer, ...] = (last.rows(output), Layer([[1.0]], [-value]))
        else:
            amount = float(last.function.inverse(np.asarray(value)))
            exact = last.activation == "linear"
            radius = 0.0 if exact else INVERSE_ULPS * UNIT_ROUNDOFF * (abs(amount) + 1)
            end = (last.shifted(output, amount, radius),)
        return replace(self, layers=(*hidden, *end), classes=None, sides=known)

    def _two_meanings(self, output: int, value: float) -> str:
        """The message for a level in (0, 1) of a class without an output activation: two possible calls."""
        assert self.classes is not None
        label, plane = shown(self.classes[output]), "" if self.plane is None else ", network.plane"
        itself = f"tracer.Network(network.layers{plane}).level({output}, {value!r})"
        logit = float(np.log(value) - np.log1p(-value))
        probability = f"network.margin({output}, {1 - output}).level(0, {logit!r})"
        if self.n_outputs > 2:
            probability = (
                "tracer.Function(lambda x1, x2: scipy.special.softmax(network(np.stack([x1, x2], -1)), -1)"
                f"[:, {output}] - {value!r})"
            )
        return (
            f"value must be a level of the output itself, a logit or score of {label}, and {value!r} may be "
            f"a probability: where the output is {value!r} is {itself}; where softmax gives the class the "
            f"probability {value!r} is {probability}"
        )

    # Files --------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike) -> None:
        """Write the network as JSON; `tracer.load` reads it back bit for bit.

        Raises
        ------
        ValueError
            If `path` does not end in .json.
        FileNotFoundError
            If its folder does not exist.
        """
        from tracer.fields.networks import serialization as network_json

        network_json.save(self, path)

    def __repr__(self) -> str:
        sizes = "-".join(str(n) for n in (self.n_inputs, *(layer.outputs for layer in self.layers)))
        names = "/".join(dict.fromkeys(map(_names, self.layers)))
        return f"Network({sizes}, {names}{', on a plane' if self.plane is not None else ''})"


def _names(layer: Layer) -> str:
    """The activations of a layer."""
    if isinstance(layer.activation, str):
        return layer.activation
    return "+".join(dict.fromkeys(name for name, *_ in layer.activation))
