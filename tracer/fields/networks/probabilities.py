"""Where a class has a probability p: the level log(p / (1 − p)) of its log-odds, which are a network.

If the probabilities are the softmax of outputs A, the log-odds of class i are

    log(p_i / (1 − p_i)) = A_i − log Σ_{j≠i} exp A_j,

and log(exp a + exp b) = a + softplus(b − a) exactly, so that the sum over k outputs takes ⌈log₂ k⌉ layers:
one of pairs, one of pairs of these, and so on. Classifiers made of one against the rest have probabilities
σ(A_i) / Σ_j σ(A_j): the same of log σ(A_j) = −softplus(−A_j). Of two classes the log-odds are A_1 − A_0.
Where shares A_i / Σ_j A_j of positive outputs are the probabilities, (1 − p) A_i − p Σ_{j≠i} A_j = 0.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tracer.arrays import Array
from tracer.enclosures import rounding
from tracer.enclosures.rounding import UNIT_ROUNDOFF
from tracer.fields.checks import exact_number, shown
from tracer.fields.networks.layer import Layer

# How outputs become probabilities: by softmax, by normalised logistic functions, as shares of their sum, as
# they are, or not at all: scores, of which those of votes between pairs of classes have corners.
VOTES = "votes"
WITHOUT = (VOTES, "none")
LINKS = ("softmax", "one against rest", "shares", "outputs", *WITHOUT)
# The error of computed log-odds, in unit roundoffs of their size + 1: two logarithms of 4 ulp, and expm1.
LOG_ODDS_ULPS = 16


def link_of(layers: Sequence[Layer], link: str | None) -> str:
    """How the outputs of layers become probabilities, if not by a given `link`.

    Linear outputs are logits, as those of modules that are trained with a cross-entropy; but p and 1 − p of
    one sigmoid p, as converters of classifiers write them, are probabilities.

    Raises
    ------
    ValueError
        If the link is unknown.
    """
    last = layers[-1]
    if link is not None:
        if link not in LINKS:
            raise ValueError(f"link must be one of {', '.join(LINKS)}; got {shown(link)}")
        return link
    if last.activation == "sigmoid" or _is_pair(layers):
        return "outputs"
    return (
        "softmax" if last.outputs > 1 and (last.function.couples or last.activation == "linear") else "none"
    )


def _is_pair(layers: Sequence[Layer]) -> bool:
    """Whether the outputs are p and 1 − p, in either order, of one sigmoid p."""
    last = layers[-1]
    if len(layers) < 2 or layers[-2].activation != "sigmoid" or (last.outputs, last.inputs) != (2, 1):
        return False
    pair = sorted(zip((last.weight @ np.ones(1)).tolist(), last.bias.tolist(), strict=True))
    return last.activation == "linear" and pair == [(-1.0, 1.0), (1.0, 0.0)]


def need_probability(name: str, value: Any) -> float:
    """`value` as a probability, in (0, 1).

    Raises
    ------
    TypeError
        If it is no number.
    ValueError
        If it is outside, or not a float64.
    """
    p = exact_number(name, value)
    if not 0 < p < 1:
        cure = f": for {p:g} % pass {p / 100!r}" if 1 < p < 100 else ""
        raise ValueError(f"{name} must be a probability, between 0 and 1; got {shown(value)}{cure}")
    return p


def log_odds(p: float) -> tuple[float, float]:
    """The log-odds log(p / (1 − p)) of a probability, and an upper bound of their error."""
    return _with_error(float(np.log(p) - np.log1p(-p)))


def log_odds_of_logarithm(v: float) -> tuple[float, float]:
    """The log-odds v − log(1 − exp v) of the probability exp v, and an upper bound of their error."""
    return _with_error(float(v - np.log(-np.expm1(v))))


def _with_error(amount: float) -> tuple[float, float]:
    return amount, LOG_ODDS_ULPS * UNIT_ROUNDOFF * (abs(amount) + 1)


def probability_layers(layers: Sequence[Layer], link: str, i: int, p: float) -> tuple[Layer, ...]:
    """Layers whose single output is positive where class i is more probable than p, and 0 where it is p."""
    *hidden, last = layers
    if link == "shares":
        weight = np.full((1, last.outputs), -p)
        rest, radius = rounding.total(np.ones(1), np.zeros(1), np.array([-p]))
        weight[0, i], radii = rest[0], np.zeros((1, last.outputs))
        radii[0, i] = radius[0]
        return (*layers, Layer(weight, [0.0], weight_radius=radii))
    if link == "outputs" and last.function.inverse is None:
        return (*hidden, last.rows(i), Layer([[1.0]], [-p]))
    if link == "outputs" and last.activation == "linear":
        return (*hidden, last.shifted(i, p, 0.0))
    return log_odds_level(layers, link, i, *log_odds(p))


def log_odds_level(
    layers: Sequence[Layer], link: str, i: int, amount: float, radius: float
) -> tuple[Layer, ...]:
    """Layers whose single output is the log-odds of class i less an `amount`, known to within a radius."""
    *hidden, last = log_odds_layers(layers, link, i)
    return (*hidden, last.shifted(0, amount, radius))


def log_odds_layers(layers: Sequence[Layer], link: str, i: int) -> tuple[Layer, ...]:
    """Layers whose single output is the log-odds of class i; a single sigmoid is that of class 1."""
    *hidden, last = layers
    if link == "outputs":
        row = last.rows(i if last.outputs > 1 else 0)
        return (*hidden, row.linear(negative=last.outputs == 1 and i == 0))
    others = [j for j in range(last.outputs) if j != i]
    if link == "one against rest" and others:
        terms = last.followed_by("softplus", negative=True)
        return (*hidden, terms, *_of_terms(last.outputs, i, others))
    if len(others) == 1:
        return (*hidden, last.difference(i, *others))
    pairs, rest = _pairs(others)
    plus = [b for _, b in pairs] + [a for a, _ in pairs] + rest
    minus = [a for a, _ in pairs] + [i] * (len(pairs) + len(rest))
    blocks = [("softplus", len(pairs)), ("linear", len(pairs) + len(rest))]
    return (*hidden, last.differences(plus, minus, blocks), *_sums(len(pairs), len(rest)))


def _of_terms(n: int, i: int, others: list[int]) -> list[Layer]:
    """Layers from n terms t to the log-odds ``−t_i − log Σ_{j≠i} exp(−t_j)``."""
    unit = -np.eye(n)
    if len(others) == 1:
        return [Layer((unit[i] - unit[others])[:1], [0.0])]
    pairs, rest = _pairs(others)
    first = [unit[b] - unit[a] for a, b in pairs]
    carried = [unit[a] - unit[i] for a, _ in pairs] + [unit[c] - unit[i] for c in rest]
    return [_layer(first, carried), *_sums(len(pairs), len(rest))]


def _sums(pairs: int, rest: int) -> list[Layer]:
    """Layers from softplus(b − a) and a of some `pairs`, and the `rest`, to −log Σ exp of all."""
    layers = []
    while True:
        eye = np.eye(2 * pairs + rest)
        values = [*(eye[:pairs] + eye[pairs : 2 * pairs]), *eye[2 * pairs :]]
        if len(values) == 1:
            return [*layers, Layer(-values[0][None], [0.0])]
        places, left = _pairs(list(range(len(values))))
        carried = [values[a] for a, _ in places] + [values[c] for c in left]
        layers.append(_layer([values[b] - values[a] for a, b in places], carried))
        pairs, rest = len(places), len(left)


def _layer(curved: list[Array], carried: list[Array]) -> Layer:
    weight = np.stack([*curved, *carried])
    return Layer(weight, np.zeros(len(weight)), [("softplus", len(curved)), ("linear", len(carried))])


def _pairs(places: list[int]) -> tuple[list[tuple[int, int]], list[int]]:
    """Pairs of neighbours, and the last place if their number is odd."""
    even = len(places) // 2 * 2
    return list(zip(places[:even:2], places[1:even:2], strict=True)), places[even:]
