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

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer._version import __version__
from tracer.arrays import Array, Mask, chunks, quiet
from tracer.enclosures.arithmetic import in_ieee_arithmetic, refused
from tracer.enclosures.cores import on_cores
from tracer.enclosures.rounding import UNIT_ROUNDOFF
from tracer.fields.checks import exact_number, points, shown
from tracer.fields.field import Enclosure
from tracer.fields.labels import Side, checked_sides, labelled, output_number, output_of, outputs_of, sides
from tracer.fields.model import Model
from tracer.fields.networks import bounds as network_bounds
from tracer.fields.networks.active_neurons import without_constants
from tracer.fields.networks.layer import Layer
from tracer.fields.networks.probabilities import (
    VOTES,
    WITHOUT,
    link_of,
    log_odds,
    log_odds_level,
    log_odds_of_logarithm,
    need_probability,
    probability_layers,
)
from tracer.fields.plane import Plane
from tracer.pickles import rebuilt

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
    link : str, optional
        How the outputs become probabilities: "softmax", "one against rest" (logistic functions, normalised),
        "shares" (of their sum), "outputs" (they are probabilities), "votes" (scores made of votes, each
        between two classes) or "none". By default "outputs" after a sigmoid, "softmax" for several outputs
        after a softmax or log-softmax or without an activation, else "none".
    title : str, optional
        What F is, for a margin or level; its `repr` ends with it.

    Raises
    ------
    ValueError
        If there is no layer, shapes do not chain, a softmax stands before the end, or the number
        of labels differs from the number of outputs or inputs.
    """

    layers: tuple[Layer, ...]
    plane: Plane | None = None
    classes: tuple | None = None
    inputs: tuple | None = None
    sides: tuple[Side, ...] | None = None
    link: str = "none"
    title: str | None = None

    kind = "network"

    def __init__(
        self,
        layers: Sequence[Layer],
        plane: Plane | None = None,
        classes: Sequence[Any] | None = None,
        inputs: Sequence[Any] | None = None,
        sides: Sequence[Sequence[Any]] | None = None,
        link: str | None = None,
        title: str | None = None,
    ) -> None:
        given, layers = layers, tuple(layers) if isinstance(layers, Sequence) else ()
        if not layers or not all(isinstance(layer, Layer) for layer in layers):
            raise ValueError(
                f"layers must be one or more tracer.Layer, in a sequence; got {shown(given)}: pass "
                "[tracer.Layer(weight, bias, activation), …]"
            )
        for k, (before, after) in enumerate(pairwise(layers)):
            if before.outputs != after.inputs:
                raise ValueError(
                    f"layers must chain: layer {k} has {before.outputs} outputs, "
                    f"layer {k + 1} takes {after.inputs} inputs"
                )
            if before.function.couples:
                raise ValueError(
                    f"{before.activation} must be the last layer's activation; got it in layer {k}"
                )
        if layers[-1].function.couples and layers[-1].outputs < 2:
            raise ValueError(f"{layers[-1].activation} needs two or more outputs; got 1")
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
        object.__setattr__(self, "link", link_of(layers, link))
        object.__setattr__(self, "title", None if title is None else str(title))

    def __reduce__(self) -> tuple:
        parts = self.layers, self.plane, self.classes, self.inputs, self.sides, self.link, self.title
        return rebuilt, (__version__, Network, *parts)

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
            return np.concatenate(on_cores(lambda chunk: self(h[chunk]), chunks(len(h), size)))
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
        last = self.layers[-1]
        return f"{last.activation} couples all outputs" if last.function.couples else None

    @property
    def votes(self) -> bool:
        """Whether the outputs are scores made of votes, each between two classes."""
        return self.link == VOTES

    @property
    def advice(self) -> str | None:
        """What else may be meant, if F is never 0; None if it may be."""
        if self.n_outputs == 1 and self.layers[-1].activation == "sigmoid":
            return "a sigmoid is never 0: did you mean level(0, 0.5)?"
        return None

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
        if last.function.inverse or last.function.couples:
            layers = (*hidden, last.difference(i, j))
        else:
            layers = (*hidden, last.rows(i, j), Layer([[1.0, -1.0]], [0.0]))
        names = [f"output {k}" if self.classes is None else shown(self.classes[k]) for k in (i, j)]
        title = " minus ".join(names) if self.classes is None else "margin of {} over {}".format(*names)
        return {"layers": layers, "link": None, "title": title}

    def _on_plane(self, plane: Plane) -> dict[str, Any]:
        return {"layers": without_constants((self.layers[0].restricted(plane), *self.layers[1:]))}

    def outputs_of(self, classes: Sequence[Any]) -> tuple[int, ...]:
        """The numbers of the outputs with the labels `classes`.

        Raises
        ------
        ValueError
            If the network has no labels, or not these.
        """
        return outputs_of(self.classes, classes)

    @quiet
    def scores(self, *, negative: bool = False) -> Network:
        """The outputs before a strictly increasing output activation, or their negatives.

        The scores and the outputs have the same argmax.
        """
        *hidden, last = self.layers
        if last.function.inverse or last.function.couples:
            return replace(self, layers=(*hidden, last.linear(negative)))
        if not negative:
            return self
        return replace(self, layers=(*self.layers, Layer(-np.eye(self.n_outputs), np.zeros(self.n_outputs))))

    @quiet
    @in_ieee_arithmetic(refused)
    def level(self, output: int, value: float) -> Network:
        """The network whose zero set is where `output` has the given `value`, in units of that output.

        A strictly increasing output activation is inverted, ``A − σ⁻¹(value)``; so are a softmax and its
        logarithm. relu, hardtanh, gelu and silu stay.

        `value` is a probability if the network ends in a sigmoid or a softmax, the logarithm of one if it
        ends in a log-softmax, and a logit or score if it ends without an activation, as classifiers of
        scikit-learn and most modules of torch do: their probabilities have `probability`. The `repr` of the
        result says which quantity it is a level of.

        Raises
        ------
        ValueError
            If `output` is not one, `value` is not a float64 or lies outside the open range of the activation,
            or it may be meant as a probability: in (0, 1), for a logit or score of a labelled class.

        Examples
        --------
        >>> import tracer
        >>> network, bounds = tracer.example("paper")
        >>> field = network.level(0, 0.5)
        >>> field.n_outputs, len(tracer.trace(field, bounds))
        (1, 3)
        >>> field
        Network(2-3-1, sigmoid/linear, probability of 'z1' minus 0.5)
        """
        output, value = output_number(output, self.classes, self.n_outputs), exact_number("value", value)
        link, (*hidden, last) = self.link, self.layers
        if self.classes is not None and link != "outputs" and last.activation == "linear" and 0 < value < 1:
            raise ValueError(self._two_meanings(output, value))
        if self.classes is not None and link == "outputs" and last.activation == "linear":
            need_probability("value", value)
        row = last if last.function.couples else last.rows(output)
        low, high = row.function.range
        if not low < value < high:
            cure = f": pass math.log({value!r})" if row.activation == "log_softmax" and 0 < value < 1 else ""
            raise ValueError(
                f"value must lie in the open range ({low:g}, {high:g}) of {_names(row)}; "
                f"got {shown(value)}{cure}"
            )
        if last.function.couples:
            amount = log_odds(value) if last.activation == "softmax" else log_odds_of_logarithm(value)
            layers = log_odds_level(self.layers, "softmax", output, *amount)
        elif (inverse := row.function.inverse) is None:
            layers = (*hidden, row, Layer([[1.0]], [-value]))
        else:
            amount = float(inverse(np.asarray(value)))
            exact = row.activation == "linear"
            radius = 0.0 if exact else INVERSE_ULPS * UNIT_ROUNDOFF * (abs(amount) + 1)
            layers = (*hidden, last.shifted(output, amount, radius))
        known = sides(self.classes, self.n_outputs, output) if self.n_outputs > 1 else self.sides
        title = f"{self._quantity(output)} minus {value!r}"
        return self._replaced(layers=layers, classes=None, sides=known, link=None, title=title)

    @quiet
    @in_ieee_arithmetic(refused)
    def probability(self, output: Any, p: float) -> Network:
        """The network whose zero set is where a class has the probability p; positive where it has more.

        For a classifier of scikit-learn the probability is that of `predict_proba`. Outputs of other networks
        are probabilities after a sigmoid or a softmax, their logarithms after a log-softmax, and logits of a
        softmax if they have no activation. A single sigmoid is the probability of class 1, and class 0 has
        the rest. The result is a network like any margin: it is traced with proof, and can be restricted,
        saved and pickled.

        Parameters
        ----------
        output : label or int
            A label of `classes`; or the number of an output, if no label is a number.
        p : float
            Between 0 and 1.

        Raises
        ------
        TypeError
            If the network has no probabilities; the message says what has.
        ValueError
            If `output` is no class, or p is not in (0, 1).

        Examples
        --------
        >>> import tracer
        >>> network, bounds = tracer.example("iris")
        >>> field = network.probability("virginica", 0.9)
        >>> field
        Network(2-16-2-1, tanh/softplus+linear/linear, log-odds of 'virginica' minus those of 0.9)
        >>> boundary = tracer.trace(field, bounds)
        >>> boundary.status.name, len(boundary)
        ('PROVEN', 1)
        """
        p, link = need_probability("p", p), self.link
        single = self.n_outputs == 1 and link == "outputs"
        if link in WITHOUT:
            raise TypeError(self._no_probabilities())
        n = 2 if single else self.n_outputs
        i = output_of(output, self.classes, n)
        layers = probability_layers(self.layers, link, i, p)
        label = shown(i if self.classes is None else self.classes[i])
        title = f"log-odds of {label} minus those of {p!r}"
        if link == "outputs" and not single and self.layers[-1].activation == "linear":
            title = f"probability of {label} minus {p!r}"
        known = sides(self.classes, n, i)
        return self._replaced(layers=layers, classes=None, sides=known, link=None, title=title)

    def _quantity(self, output: int) -> str:
        """What an output is, as a text."""
        if self.n_outputs == 1 and self.title is not None:
            return self.title
        kind = {"softmax": "logit", "outputs": "probability"}.get(self.link, "score")
        if self.layers[-1].function.couples:
            kind = "probability" if self.layers[-1].activation == "softmax" else "log-probability"
        return f"output {output}" if self.classes is None else f"{kind} of {shown(self.classes[output])}"

    def _no_probabilities(self) -> str:
        """The message for a probability of a network that has none."""
        if self.classes is not None:
            return (
                "this classifier has no predict_proba, or none that is a function of its outputs: pass "
                "tracer.as_network(CalibratedClassifierCV(estimator, ensemble=False).fit(X, y)), or take "
                "network.margin(i, j).level(0, value), a level of its scores"
            )
        return (
            "a probability needs a classifier, whose outputs are probabilities or logits: take "
            "network.level(0, value), for a logit with value = np.log(p / (1 - p))"
        )

    def _two_meanings(self, output: int, value: float) -> str:
        """The message for a level in (0, 1) of a class without an output activation: two possible calls."""
        assert self.classes is not None
        label, plane = shown(self.classes[output]), "" if self.plane is None else ", network.plane"
        itself = f"tracer.Network(network.layers{plane}).level({output}, {value!r})"
        text = (
            f"value must be a level of the output itself, a logit or score of {label}, and {value!r} may be "
            f"a probability: where the output is {value!r} is {itself}; "
        )
        if self.link in WITHOUT:
            return text + (
                "probabilities this classifier has none, and network = tracer.as_network("
                "CalibratedClassifierCV(estimator, ensemble=False).fit(X, y)) has"
            )
        probability = f"network.probability({self.classes[output]!r}, {value!r})"
        return text + f"where {label} has the probability {value!r} is {probability}"

    # Files --------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
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
        title = "" if self.title is None else f", {self.title}"
        return f"Network({sizes}, {names}{', on a plane' if self.plane is not None else ''}{title})"


def _names(layer: Layer) -> str:
    """The activations of a layer."""
    if isinstance(layer.activation, str):
        return layer.activation
    return "+".join(dict.fromkeys(name for name, *_ in layer.activation))
