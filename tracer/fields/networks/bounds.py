"""Bounds of networks, on cells and at points.

Smooth networks are enclosed by mean value forms, which are cheap, and by Taylor forms where these decide
more: on small cells, and in deep networks, on which mean value forms decide nothing. Networks with kinks are
enclosed by linear relaxations. benchmarks/enclosures.py compares all of them.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from tracer.arrays import Array, Indices
from tracer.enclosures.forms.mean_value import MeanValueForm
from tracer.enclosures.forms.taylor import TaylorForm
from tracer.enclosures.rounding import UNIT_ROUNDOFF
from tracer.fields.field import Enclosure
from tracer.fields.networks.kink_cases import linear_relaxations
from tracer.fields.networks.layer import Layer

Form = TypeVar("Form", MeanValueForm, TaylorForm)

# Cells are evaluated in chunks whose widest layer has this many numbers; a form has eight or nine such
# arrays.
CACHED_FORMS = 2**14
FEWEST_CELLS = 64
# Points are enclosed in chunks whose widest layer has this many numbers: 8 MB.
LARGEST_ARRAY = 2**20
# Relaxations gather unstable neurons in many short steps: more cells at once need fewer steps.
CACHED_RELAXATIONS = 2**15
# Mean value forms are not worth their time if they decide less than this share of cells. With at least
# `MANY_CELLS` a sample of about `SAMPLE` cells tells.
LEAST_DECIDED = 0.125
MANY_CELLS, SAMPLE = 512, 64
# The time of a Taylor form in times of a mean value form: alone it must decide so many times as many cells.
TAYLOR_COST = 1.5
# If at most this share of cells is undecided, bisecting them is faster than a second enclosure.
FEW_UNDECIDED = 0.125
# Taylor forms are better where the arguments of most activations hardly vary on a cell: their radius,
# relative to the length on which the function bends, is below this.
NARROW_SPREAD = 0.6
# After a large array has been freed once, glibc keeps freed memory, up to twice as much, for the next
# array: else page faults take half the time of enclosing many cells. The array is never written: it is free.
np.empty(2**21)


def is_kinked(layers: Sequence[Layer]) -> bool:
    """Whether some activation has kinks."""
    return any(layer.function.kinks for layer in layers)


def on_cells(layers: Sequence[Layer], lower: Array, upper: Array) -> Enclosure:
    """Bounds of the single output and its gradient on cells with corners `lower` and `upper`, (k, 2) each."""
    if is_kinked(layers):
        return linear_relaxations(layers, lower, upper, chunk_size(layers, CACHED_RELAXATIONS))
    if all(layer.function.mean_values for layer in layers):
        return mean_values_or_taylor_forms(layers, lower, upper)
    return taylor_forms(layers, lower, upper)


def at_points(layers: Sequence[Layer], x: Array, radius: Array | None = None) -> Enclosure:
    """Bounds of the single output at points `x` (k, inputs), exact or known to within a `radius`.

    The bounds of the gradient are nan.
    """
    size = chunk_size(layers, LARGEST_ARRAY, fewest=1)
    radius = np.zeros_like(x) if radius is None else radius
    if len(x) > size:
        parts = (slice(start, start + size) for start in range(0, len(x), size))
        return Enclosure.joined([at_points(layers, x[part], radius[part]) for part in parts])
    for layer in layers:
        x, radius = layer.at(x, radius)
        if layer.function.bounds is not None and not layer.function.is_linear:
            x, radius = layer.function.bounds.at(x, radius)
    unknown = np.full((len(x), 2), np.nan)
    outward = (radius + 2 * UNIT_ROUNDOFF * np.abs(x))[:, 0]
    return Enclosure(x[:, 0] - outward, x[:, 0] + outward, unknown, unknown, np.ones(len(x), dtype=bool))


def mean_values_or_taylor_forms(layers: Sequence[Layer], lower: Array, upper: Array) -> Enclosure:
    """Bounds of a network without kinks, as `on_cells`: by mean value forms, Taylor forms or both."""
    if len(lower) >= MANY_CELLS:
        every = len(lower) // SAMPLE
        if _taylor_forms_are_faster(layers, lower[::every], upper[::every]):
            return taylor_forms(layers, lower, upper)
    return _with_taylor_forms(layers, lower, upper, *_mean_values(layers, lower, upper))


def _with_taylor_forms(
    layers: Sequence[Layer], lower: Array, upper: Array, found: Enclosure, spread: Array
) -> Enclosure:
    """Bounds by mean value forms of the given spread, narrowed by Taylor forms where that is faster."""
    undecided = np.flatnonzero(~found.decided())
    if len(undecided) <= FEW_UNDECIDED * len(lower):
        return found
    wide = 2 * np.count_nonzero(spread[undecided] > NARROW_SPREAD) > len(undecided)
    if len(undecided) <= (1 - LEAST_DECIDED) * len(lower) and wide:
        return found
    return found.narrowed(undecided, taylor_forms(layers, lower[undecided], upper[undecided]))


def share_hidden_layers(networks: Sequence[Sequence[Layer]]) -> bool:
    """Whether `on_cells_together` may be used: smooth networks that differ in their last layer only."""
    (*hidden, last), *others = networks
    return (
        len(hidden) > 0
        and all(layer.function.mean_values and not layer.function.kinks for layer in (*hidden, last))
        and all(len(some) == len(hidden) + 1 for some in others)
        and all(a is b for some in others for a, b in zip(some, hidden, strict=False))
    )


def on_cells_together(
    networks: Sequence[Sequence[Layer]], rows: Sequence[tuple[Indices, Indices]], lower: Array, upper: Array
) -> Enclosure:
    """Bounds of networks that share their hidden layers, whose forms are computed once on each cell.

    Parameters
    ----------
    networks : sequence
        The layers of each network; see `share_hidden_layers`.
    rows : sequence
        For each network its rows of the result, and their cells.
    lower, upper : ndarray, shape (k, 2)
        The corners of the cells.
    """
    size, parts, order = chunk_size(networks[0], CACHED_FORMS), [], []
    for start in range(0, len(lower), size):
        form, radius = _form(
            MeanValueForm, networks[0][:-1], *(x[start : start + size] for x in (lower, upper))
        )
        for layers, (row, cell) in zip(networks, rows, strict=True):
            here = np.flatnonzero((cell >= start) & (cell < start + size))
            some, at = cell[here], cell[here] - start
            if not len(here):
                continue
            last = MeanValueForm(form.midpoints[:, at], form.radii[:, at], form.spread[at])
            found = _bounds(through(last, layers[-1:]), radius[at])
            parts.append(_with_taylor_forms(layers, lower[some], upper[some], found, last.spread))
            order.append(row[here])
    place = np.empty(sum(map(len, order)), dtype=np.intp)
    place[np.concatenate(order)] = np.arange(len(place))
    return Enclosure.joined(parts).rows(place)


def _taylor_forms_are_faster(layers: Sequence[Layer], lower: Array, upper: Array) -> bool:
    """Whether Taylor forms alone decide cells like these faster."""
    share = mean_values(layers, lower, upper).decided().mean()
    if share < LEAST_DECIDED or TAYLOR_COST * share > 1:
        return bool(share < LEAST_DECIDED)
    return bool(taylor_forms(layers, lower, upper).decided().mean() > TAYLOR_COST * share)


def mean_values(layers: Sequence[Layer], lower: Array, upper: Array) -> Enclosure:
    """Bounds of a network without kinks by mean value forms alone, as `on_cells`."""
    return _mean_values(layers, lower, upper)[0]


def _mean_values(layers: Sequence[Layer], lower: Array, upper: Array) -> tuple[Enclosure, Array]:
    """Bounds by mean value forms, and the forms' spread, (k,)."""
    forms = [_form(MeanValueForm, layers, *corners) for corners in _in_chunks(layers, lower, upper)]
    return Enclosure.joined([_bounds(*form) for form in forms]), np.concatenate([f.spread for f, _ in forms])


def taylor_forms(layers: Sequence[Layer], lower: Array, upper: Array) -> Enclosure:
    """Bounds of a network without kinks by Taylor forms alone, as `on_cells`."""
    forms = (_form(TaylorForm, layers, *corners) for corners in _in_chunks(layers, lower, upper))
    return Enclosure.joined([_bounds(*form) for form in forms])


def _form(kind: type[Form], layers: Sequence[Layer], lower: Array, upper: Array) -> tuple[Form, Array]:
    """A network's form of the given kind on cells, and the cells' radii (k, 2)."""
    form, radius = kind.of_cells(lower, upper)
    return through(form, layers), radius


def through(form: Form, layers: Sequence[Layer]) -> Form:
    """The form behind some layers."""
    for layer in layers:
        form = form.affine(layer.affine)
        function: Any = layer.function.bounds
        if function is not None and not layer.function.is_linear:
            form = form.apply(function)
    return form


def of_form(form: TaylorForm, layers: Sequence[Layer], radius: Array) -> Enclosure:
    """Bounds of layers behind a Taylor form on cells of the given radii (k, 2)."""
    return _bounds(through(form, layers), radius)


def _bounds(form: MeanValueForm | TaylorForm, radius: Array) -> Enclosure:
    (low, high), gradient = form.value_bounds(), form.gradient_bounds(radius)
    return Enclosure(low[:, 0], high[:, 0], *gradient, np.ones(len(radius), dtype=bool))


def _in_chunks(layers: Sequence[Layer], lower: Array, upper: Array) -> Iterator[tuple[Array, Array]]:
    """Chunks of the cells that fit the cache."""
    size = chunk_size(layers, CACHED_FORMS)
    for start in range(0, max(len(lower), 1), size):
        yield lower[start : start + size], upper[start : start + size]


def chunk_size(layers: Sequence[Layer], numbers: int, fewest: int = FEWEST_CELLS) -> int:
    """The number of cells or points for which the widest layer has so many numbers, at least `fewest`."""
    return max(fewest, numbers // max(layer.outputs for layer in layers))
