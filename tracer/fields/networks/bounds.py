"""Bounds of networks, on cells and at points.

Smooth networks are enclosed by mean value forms, which are cheap, and by Taylor forms where these decide
more: on small cells, and in deep networks, on which mean value forms decide nothing. There polynomial forms
decide still more, and take their place from three hidden layers on. Networks with kinks are enclosed by
linear relaxations. Floats at points have radii by a forward pass, and in deep networks by point forms, where
the sign may depend on it. benchmarks/enclosures.py compares all of them.
"""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, TypeVar

import numpy as np

from tracer.arrays import Array, Indices, chunks
from tracer.enclosures.clock import look
from tracer.enclosures.cores import on_cores
from tracer.enclosures.forms.mean_value import MeanValueForm
from tracer.enclosures.forms.taylor import TaylorForm
from tracer.enclosures.functions.blocks import Blocks
from tracer.enclosures.interpolation.analytic import row_of
from tracer.enclosures.polynomials.point_form import PointForm
from tracer.enclosures.polynomials.polynomial import POINTS, PolynomialForm
from tracer.enclosures.rounding import FEWEST_ROWS, UNIT_ROUNDOFF
from tracer.fields.field import Enclosure
from tracer.fields.networks.kink_cases import OutputsOnCells, linear_relaxations, relaxations_of_rows
from tracer.fields.networks.layer import Layer

Form = TypeVar("Form", MeanValueForm, TaylorForm, PolynomialForm, PointForm)
CellForm = TypeVar("CellForm", MeanValueForm, TaylorForm, PolynomialForm)
CurvedForm = TypeVar("CurvedForm", TaylorForm, PolynomialForm)
R = TypeVar("R")

# Cells are evaluated in chunks whose widest layer has this many numbers; a form has eight or nine such
# arrays.
CACHED_FORMS = 2**14
# But not fewer cells, unless the widest layer has more numbers: relaxations keep a dozen arrays a layer.
FEWEST_CELLS, LARGEST_LAYER = 64, 2**18
# A polynomial form has one such array for each of its points.
CACHED_POLYNOMIALS = 2**17 // POINTS
# Curved layers from which on polynomial forms are tried, and point forms where radii exceed this share of F.
DEEP, CLEAR = 3, 1e-3
# Where F may be 0 radii are so many times those of point forms: forms on cells round more, and where F is
# nothing but rounding they are to be hardly wider.
DOUBT = 4.0
# Points are evaluated in chunks whose widest layer has this many numbers: arrays of 512 kB fit the cache.
LARGEST_ARRAY = 2**16
# But not fewer: each weight of a sparse matrix is read once for all of them.
FEWEST_POINTS = FEWEST_ROWS
# Relaxations gather unstable neurons in many short steps: more cells at once need fewer steps.
CACHED_RELAXATIONS = 2**15
# Mean value forms are not worth their time if they decide less than this share of cells. With at least
# `MANY_CELLS` a sample of about `SAMPLE` cells tells.
LEAST_DECIDED = 0.125
# Nor, where polynomial forms may be used and layers are at least so wide, if they decide less than this
# share: there a polynomial form takes only a few times their time, and saves the parts of the others.
LEAST_OF_WIDE, WIDE = 0.4, 32
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
    size = chunk_size(layers, LARGEST_ARRAY, FEWEST_POINTS)
    radius = np.zeros_like(x) if radius is None else radius
    if len(x) > size:
        parts = on_cores(lambda part: at_points(layers, x[part], radius[part]), chunks(len(x), size))
        return Enclosure.joined(parts)
    value, reach = x, radius
    for layer in layers:
        value, reach = layer.at(value, reach)
        if layer.function.bounds is not None and not layer.function.is_linear:
            value, reach = layer.function.bounds.at(value, reach)
    value, reach = value[:, 0], reach[:, 0]
    doubtful = np.flatnonzero(~(reach < CLEAR * np.abs(value)))
    if len(doubtful) and len(_curved_parts(layers)) >= DEEP and not is_kinked(layers):
        some = (part[doubtful] for part in (x, radius, value, reach))
        value[doubtful], reach[doubtful] = _narrower(layers, *some)
    unknown = np.full((len(x), 2), np.nan)
    outward = reach + 2 * UNIT_ROUNDOFF * np.abs(value)
    return Enclosure(value - outward, value + outward, unknown, unknown, np.ones(len(x), dtype=bool))


def _narrower(
    layers: Sequence[Layer], x: Array, radius: Array, value: Array, reach: Array
) -> tuple[Array, Array]:
    """Values at points in a deep network and their radii, or those of point forms where they are narrower.

    A radius is that of its own value: among other points the same sums may be rounded in another way.
    """
    with np.errstate(all="ignore"):
        form = through(PointForm.of_points(x, radius), layers)
        found, own = form.output_radii(), form.values[:, 0]
    found *= np.where(found < np.abs(own), 1.0, DOUBT)
    smallest = np.fmin(found, reach)
    return np.where(found == smallest, own, value), smallest


def mean_values_or_taylor_forms(layers: Sequence[Layer], lower: Array, upper: Array) -> Enclosure:
    """Bounds of a network without kinks, as `on_cells`: by mean value forms, Taylor forms or both."""
    if len(lower) >= MANY_CELLS:
        every = len(lower) // SAMPLE
        sample = lower[::every], upper[::every]
        found, spread = _mean_values(layers, *sample)
        share, least = found.decided().mean(), _least_decided(layers)
        if share < least and _are_wide(spread) and _polynomials_apply(layers, lower, upper):
            return polynomial_forms(layers, lower, upper)
        if _taylor_forms_are_faster(layers, *sample, share):
            return taylor_forms(layers, lower, upper)
    return _narrowed(layers, lower, upper, *_mean_values(layers, lower, upper))


def _narrowed(
    layers: Sequence[Layer], lower: Array, upper: Array, found: Enclosure, spread: Array
) -> Enclosure:
    """Bounds by mean value forms of the given spread, narrowed by other forms where that is faster."""
    open_ = _worth_other_forms(found, spread, _least_decided(layers))
    if not len(open_):
        return found
    some = lower[open_], upper[open_]
    deep = _are_wide(spread[open_]) and _polynomials_apply(layers, *some)
    return found.narrowed(open_, (polynomial_forms if deep else taylor_forms)(layers, *some))


def _least_decided(layers: Sequence[Layer]) -> float:
    """The share of wide cells that mean value forms must decide: else other forms are worth their time."""
    wide = max(layer.outputs for layer in layers) >= WIDE
    return LEAST_OF_WIDE if wide and _are_deep(layers) else LEAST_DECIDED


def _worth_other_forms(found: Enclosure, spread: Array, least: float) -> Indices:
    """The cells that other forms are to enclose too: the undecided ones; none if bisecting is faster."""
    undecided, none = np.flatnonzero(~found.decided()), np.zeros(0, dtype=np.intp)
    if len(undecided) <= FEW_UNDECIDED * len(spread):
        return none
    few = len(undecided) <= (1 - least) * len(spread)
    return none if few and _are_wide(spread[undecided]) else undecided


def _are_wide(spread: Array) -> bool:
    """Whether most cells, with forms of the given spread, are too wide for Taylor forms."""
    return bool(2 * np.count_nonzero(spread > NARROW_SPREAD) > len(spread))


def _polynomials_apply(layers: Sequence[Layer], lower: Array, upper: Array) -> bool:
    """Whether polynomial forms may be used: a deep network of analytic activations, on cells and edges."""
    return _are_deep(layers) and bool((lower < upper).any(axis=1).all())


def _are_deep(layers: Sequence[Layer]) -> bool:
    """Whether a network is deep enough for polynomial forms, and its activations are analytic."""
    parts = _curved_parts(layers)
    return len(parts) >= DEEP and all(row_of(function) for some in parts for function in some)


def _curved_parts(layers: Sequence[Layer]) -> list[list[Any]]:
    """The functions of each layer that is not linear."""
    functions = [layer.function.bounds for layer in layers if not layer.function.is_linear]
    parts = [[f for _, f in some.curved] if isinstance(some, Blocks) else [some] for some in functions]
    return [some for some in parts if some]


def share_hidden_layers(networks: Sequence[Sequence[Layer]]) -> bool:
    """Whether `on_cells_together` may be used: networks that differ in their last, linear layer only."""
    (*hidden, last), *others = networks
    bounded = is_kinked(hidden) or all(layer.function.mean_values for layer in hidden)
    return (
        len(hidden) > 0
        and bounded
        and last.function.is_linear
        and all(len(some) == len(hidden) + 1 and some[-1].function.is_linear for some in others)
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
    if is_kinked(networks[0]):
        found, order = _relaxations_together(networks, [cell for _, cell in rows], lower, upper)
        order = np.concatenate([row for row, _ in rows])[order]
    else:
        found, order = _smooth_forms_together(networks, rows, lower, upper)
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(place))
    return found.rows(place)


def _relaxations_together(
    networks: Sequence[Sequence[Layer]], cells: Sequence[Indices], lower: Array, upper: Array
) -> tuple[Enclosure, Indices]:
    """Bounds of networks with kinks, each on some of the cells, by one network with all of their outputs.

    Also returns the number of each row among those of all networks, one after another.
    """
    *hidden, _ = networks[0]
    layers = (*hidden, Layer.stacked([layers[-1] for layers in networks]))
    cell = np.concatenate(cells)
    order = np.argsort(cell, kind="stable")
    output = np.repeat(np.arange(len(networks)), list(map(len, cells)))
    rows = OutputsOnCells(lower, upper, cell[order], output[order])
    return relaxations_of_rows(layers, rows, chunk_size(layers, CACHED_RELAXATIONS)), order


def _smooth_forms_together(
    networks: Sequence[Sequence[Layer]], rows: Sequence[tuple[Indices, Indices]], lower: Array, upper: Array
) -> tuple[Enclosure, Indices]:
    """Bounds of networks without kinks, and the number of each row in the result."""

    def on_chunk(chunk: slice) -> tuple[list[Enclosure], list[Indices]]:
        here = [np.flatnonzero((cell >= chunk.start) & (cell < chunk.stop)) for _, cell in rows]
        columns = zip(networks, rows, here, strict=True)
        some = [(layers, cell[k] - chunk.start) for layers, (_, cell), k in columns]
        order = [row[k] for (row, _), k in zip(rows, here, strict=True)]
        return _on_chunk_together(some, lower[chunk], upper[chunk]), order

    found = on_cores(on_chunk, chunks(max(len(lower), 1), chunk_size(networks[0], CACHED_FORMS)))
    parts, order = (list(chain.from_iterable(column)) for column in zip(*found, strict=True))
    return Enclosure.joined(parts), np.concatenate(order)


def _on_chunk_together(
    networks: Sequence[tuple[Sequence[Layer], Indices]], lower: Array, upper: Array
) -> list[Enclosure]:
    """Bounds of networks that share their hidden layers, each on some of a chunk of cells.

    First by mean value forms; then by Taylor or polynomial forms of the hidden layers on all cells that some
    network needs them on.
    """
    layers = networks[0][0]
    form, radius = _form(MeanValueForm, layers[:-1], lower, upper)
    found, open_, least = [], [], _least_decided(layers)
    for (*_, last), cell in networks:
        rows = MeanValueForm(form.midpoints[:, cell], form.radii[:, cell], form.spread[cell])
        found.append(_bounds(through(rows, [last]), radius[cell]))
        open_.append(_worth_other_forms(found[-1], rows.spread, least))
    left = [n for n, k in enumerate(open_) if len(k)]
    if not left:
        return found
    some = [(networks[n][0], networks[n][1][open_[n]]) for n in left]
    if _are_wide(form.spread) and _polynomials_apply(layers, lower, upper):
        with np.errstate(all="ignore"):
            size = chunk_size(layers, CACHED_POLYNOMIALS, fewest=1)
            others = _forms_together(PolynomialForm, some, lower, upper, size)
        others = [
            _or_taylor_forms(layers, lower[cell], upper[cell], bounds)
            for (layers, cell), bounds in zip(some, others, strict=True)
        ]
    else:
        others = _forms_together(TaylorForm, some, lower, upper, len(lower))
    for n, bounds in zip(left, others, strict=True):
        found[n] = found[n].narrowed(open_[n], bounds)
    return found


def _forms_together(
    kind: type[CurvedForm],
    networks: Sequence[tuple[Sequence[Layer], Indices]],
    lower: Array,
    upper: Array,
    size: int,
) -> list[Enclosure]:
    """Bounds by forms of the given kind, those of hidden layers on at most `size` cells at a time."""
    every = np.unique(np.concatenate([cell for _, cell in networks]))
    parts: list[list[Enclosure]] = [[] for _ in networks]
    order: list[list[Indices]] = [[] for _ in networks]
    for part in chunks(len(every), size):
        cells = every[part]
        form, radius = _form(kind, networks[0][0][:-1], lower[cells], upper[cells])
        for n, (layers, cell) in enumerate(networks):
            row = np.flatnonzero((cell >= cells[0]) & (cell <= cells[-1]))
            if not len(row):
                continue
            at = np.searchsorted(cells, cell[row])
            parts[n].append(_bounds(through(form.rows(at), layers[-1:]), radius[at]))
            order[n].append(row)
    places = [np.argsort(np.concatenate(rows)) for rows in order]
    return [Enclosure.joined(bounds).rows(place) for bounds, place in zip(parts, places, strict=True)]


def _taylor_forms_are_faster(layers: Sequence[Layer], lower: Array, upper: Array, share: float) -> bool:
    """Whether Taylor forms alone decide cells like these faster; mean values decide a `share`."""
    if share < LEAST_DECIDED or TAYLOR_COST * share > 1:
        return bool(share < LEAST_DECIDED)
    return bool(taylor_forms(layers, lower, upper).decided().mean() > TAYLOR_COST * share)


def mean_values(layers: Sequence[Layer], lower: Array, upper: Array) -> Enclosure:
    """Bounds of a network without kinks by mean value forms alone, as `on_cells`."""
    return _mean_values(layers, lower, upper)[0]


def _mean_values(layers: Sequence[Layer], lower: Array, upper: Array) -> tuple[Enclosure, Array]:
    """Bounds by mean value forms, and the forms' spread, (k,)."""

    def found(form: MeanValueForm, radius: Array) -> tuple[Enclosure, Array]:
        return _bounds(form, radius), form.spread

    size = chunk_size(layers, CACHED_FORMS)
    bounds, spread = zip(*_by_forms(MeanValueForm, found, layers, lower, upper, size), strict=True)
    return Enclosure.joined(bounds), np.concatenate(spread)


def taylor_forms(layers: Sequence[Layer], lower: Array, upper: Array) -> Enclosure:
    """Bounds of a network without kinks by Taylor forms alone, as `on_cells`."""
    size = chunk_size(layers, CACHED_FORMS)
    return Enclosure.joined(_by_forms(TaylorForm, _bounds, layers, lower, upper, size))


def polynomial_forms(layers: Sequence[Layer], lower: Array, upper: Array) -> Enclosure:
    """Bounds of an analytic network by polynomial forms, as `on_cells`; by Taylor forms too, if they fail.

    Around many points polynomials round more than Taylor forms do, so cells on which F is nothing but
    rounding are left to these.
    """
    size = chunk_size(layers, CACHED_POLYNOMIALS, fewest=1)
    with np.errstate(all="ignore"):
        found = Enclosure.joined(_by_forms(PolynomialForm, _bounds, layers, lower, upper, size))
    return _or_taylor_forms(layers, lower, upper, found)


def _or_taylor_forms(layers: Sequence[Layer], lower: Array, upper: Array, found: Enclosure) -> Enclosure:
    """Bounds by polynomial forms, narrowed by Taylor forms if these leave nearly all cells undecided."""
    undecided = np.flatnonzero(~found.decided())
    if len(undecided) <= (1 - LEAST_DECIDED) * len(lower):
        return found
    return found.narrowed(undecided, taylor_forms(layers, lower[undecided], upper[undecided]))


def _by_forms(
    kind: type[CellForm],
    result: Callable[[CellForm, Array], R],
    layers: Sequence[Layer],
    lower: Array,
    upper: Array,
    size: int,
) -> list[R]:
    """The `result` of the forms on cells, and of the cells' radii, for at most `size` cells at a time."""

    def on_chunk(chunk: slice) -> R:
        return result(*_form(kind, layers, lower[chunk], upper[chunk]))

    return on_cores(on_chunk, chunks(max(len(lower), 1), size))


def _form(
    kind: type[CellForm], layers: Sequence[Layer], lower: Array, upper: Array
) -> tuple[CellForm, Array]:
    """A network's form of the given kind on cells, and the cells' radii (k, 2)."""
    form, radius = kind.of_cells(lower, upper)
    return through(form, layers), radius


def through(form: Form, layers: Sequence[Layer]) -> Form:
    """The form behind some layers."""
    for layer in layers:
        look()
        form = form.affine(layer.affine)
        function: Any = layer.function.bounds
        if function is not None and not layer.function.is_linear:
            form = form.apply(function)
    return form


def of_form(form: TaylorForm, layers: Sequence[Layer], radius: Array) -> Enclosure:
    """Bounds of layers behind a Taylor form on cells of the given radii (k, 2)."""
    return _bounds(through(form, layers), radius)


def _bounds(form: MeanValueForm | TaylorForm | PolynomialForm, radius: Array) -> Enclosure:
    (low, high), gradient = form.value_bounds(), form.gradient_bounds(radius)
    return Enclosure(low[:, 0], high[:, 0], *gradient, np.ones(len(radius), dtype=bool))


def chunk_size(layers: Sequence[Layer], numbers: int, fewest: int = FEWEST_CELLS) -> int:
    """The number of cells or points for which the widest layer has so many numbers.

    It is at least `fewest`, or as many as `LARGEST_LAYER` numbers allow.
    """
    widest = max(layer.outputs for layer in layers)
    return max(1, min(fewest, LARGEST_LAYER // widest), numbers // widest)
