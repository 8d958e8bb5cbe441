"""What is proven of a callable, held against its plain values.

A `Function` is proven as the formula that it is read as. On floats it may be another function: if it looks
at its argument, or keeps something between calls. Then some plain value lies outside the bounds at its
point, or contradicts what was proven before: in an empty cell, or a box without a crossing, two values have
opposite signs, in a chart F goes from + to − in the direction in which it grows, a crossing goes the other
way, or beside a root on a line F has the wrong sign. One such value, and the callable is sampled.

That is a test of samples, not a proof: it sees a callable that is another function where its cells are, or on
a part of the box that some of 256 points lie in.

References
----------
.. [1] M. Roberts, "The unreasonable effectiveness of quasirandom sequences" (2018): the additive recurrence
   of the plastic number.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tracer.arrays import Array, Mask, Signs
from tracer.atlas.atlas import Atlas
from tracer.atlas.classes.margins import Margins
from tracer.atlas.edges.roots import Isolated, Segments
from tracer.atlas.sheet import NO_JUNCTION, Sheet
from tracer.enclosures.formulas.stand_in import Unenclosable
from tracer.fields.function import Function

# The largest numbers of cells of each kind, and of crossings, that are evaluated.
MOST = 48
# Points of a cell, in shares of its sides: a corner, those after it along x1 and x2, and one inside.
SHARES = np.array([[0, 0], [1, 0], [0, 1], [0.383, 0.617]])
# Points of the whole box, in shares of it: evenly spread, whatever the cells are [1]_.
_GOLDEN = np.array([0.7548776662466927, 0.5698402909980532])
SPREAD = (0.5 + np.arange(256)[:, None] * _GOLDEN) % 1.0
# Points on a line.
ON_LINE = 33


def compare_atlas(field: Function, atlas: Atlas) -> None:
    """Hold an atlas against plain values of its field.

    Raises
    ------
    Unenclosable
        If a value contradicts it.
    """
    (x, empty), (at_sheet, wrong_of) = _points_of(atlas), _of_sheet(atlas, atlas.sheet)
    # All values by one call: the callable may change between calls.
    side = field.signs(np.concatenate([x, at_sheet]))
    here, there = np.split(side, [len(x)])
    wrong = np.zeros(len(x), dtype=bool)
    wrong[: 4 * empty] = _on_both_sides(here[: 4 * empty].reshape(empty, 4)).ravel()
    everywhere = not len(atlas.undecided) and not len(atlas.paving.outside)
    if not len(atlas.points) and everywhere:  # F has one sign in the whole box
        wrong |= _on_both_sides(here[None])[0]
    _refute(field, np.concatenate([x, at_sheet]), side, np.append(wrong, wrong_of(there)))
    _need_curves(field, atlas)


def compare_classes(margins: Margins, atlas: Atlas) -> None:
    """Hold the atlas of several fields against plain values of those that are `Function`s, in the same way.

    Raises
    ------
    Unenclosable
        If a value contradicts it.
    """
    functions = [f for f in getattr(margins.network, "fields", ()) if isinstance(f, Function)]
    if not functions:
        return
    for pair, sheet in atlas.sheets.items():
        field, (x, wrong_of) = margins.field(*(pair or (0, 1))).field, _of_sheet(atlas, sheet)
        if hasattr(field, "signs"):
            side = field.signs(x)
            _refute(field, x, side, wrong_of(side))
    x, empty = _points_of(atlas)
    best = margins.proven_argmax(x)
    for function in functions:
        function.signs(x)
    cells = [*best[: 4 * empty].reshape(empty, 4)]
    cells += [] if len(atlas.points) or len(atlas.undecided) else [best]
    if any(len(np.unique(cell[cell >= 0])) > 1 for cell in cells):
        raise Unenclosable("in a cell another field is the largest than before, at a later call")


def _points_of(atlas: Atlas) -> tuple[Array, int]:
    """Points of some empty cells, so many, of other cells, and of the whole box."""
    paving, box = atlas.paving, atlas.box
    kinds = (paving.empty, paving.charts[~atlas.broken], atlas.undecided)
    cells = [_points(paving.lines.at(_some(some))) for some in kinds]
    return np.concatenate([*cells, box.lower + SPREAD * box.sides]), len(_some(paving.empty))


def _of_sheet(atlas: Atlas, sheet: Sheet) -> tuple[Array, Callable[[Signs], Mask]]:
    """Points of charts and crossings of a sheet, and the function from signs there to which are wrong."""
    charts = _some(sheet.charts[~atlas.broken[sheet.charts]])
    number = _some(np.flatnonzero(sheet.junction == NO_JUNCTION))
    crossings, corners = sheet.crossings, _points(atlas.paving.lines.at(atlas.paving.charts[charts]))
    brackets, direction = crossings.brackets[number], crossings.direction[number]

    def wrong(side: Signs) -> Mask:
        at, low, high = np.split(side, [len(corners), len(corners) + len(number)])
        downhill = _downhill(at.reshape(-1, len(SHARES)), sheet.growth(charts)[1])
        return np.concatenate([downhill.ravel(), low == direction, high == -direction])

    return np.concatenate([corners, brackets.lower, brackets.upper]), wrong


def _need_curves(field: Function, atlas: Atlas) -> None:
    """Refuse a function that jumps over 0, and is 0 nowhere else: its sign changes are all that there is.

    Raises
    ------
    Unenclosable
        If there are no charts, but cells in which F jumps over 0.
    """
    if len(atlas.undecided) and not len(atlas.paving.charts):
        cells = atlas.paving.lines.at(_some(atlas.undecided))
        found = field.enclose(cells[:, 0], cells[:, 1])
        if found.may_jump().any():
            raise field.refused("F jumps over 0, and there is no curve F = 0")


def compare_roots(field: Function, line: Segments, found: Isolated) -> None:
    """Hold the roots on a line against plain values, in the same way.

    Raises
    ------
    Unenclosable
        If a value contradicts them.
    """
    low, high = found.brackets.ends()
    (start,), (end,) = line.ends()
    t = np.concatenate([np.linspace(start, end, ON_LINE), low, high])
    x = np.repeat(line.lower, len(t), axis=0)
    x[:, line.axis[0]] = t
    side = field.signs(x)
    if not len(found.brackets) and not len(found.undecided):
        return _refute(field, x, side, _on_both_sides(side[None]).ravel())
    order = np.argsort(low)
    signs = np.concatenate([-found.direction[order][:1], found.direction[order]])
    # Between brackets F has one sign, unless something is undecided there.
    known = np.arange(ON_LINE if len(found.undecided) else 0, len(t))
    after = np.searchsorted(high[order], t[known], side="right")
    inside = np.searchsorted(low[order], t[known], side="left") > after
    wrong = np.zeros(len(t), dtype=bool)
    wrong[known] = (signs[after] * side[known] < 0) & ~inside
    _refute(field, x, side, wrong)


def _some(rows: Any) -> Any:
    """So many of some rows, evenly."""
    return rows[np.arange(min(MOST, len(rows))) * len(rows) // max(1, min(MOST, len(rows)))]


def _points(cells: Array) -> Array:
    """Corners and a point inside of cells (k, 2, 2), one cell after another."""
    lower, upper = cells[:, None, 0], cells[:, None, 1]
    inside = np.clip(lower + SHARES * (upper - lower), lower, upper)
    return np.where(SHARES == 1, upper, inside).reshape(-1, 2)


def _on_both_sides(side: Signs) -> Any:
    """The points (k, n) with a sign, of cells where some have either."""
    both = (side > 0).any(axis=1, keepdims=True) & (side < 0).any(axis=1, keepdims=True)
    return both & (side != 0)


def _downhill(side: Signs, direction: Array) -> Mask:
    """The corners (k, n) before which F has gone from + to − along an axis, in which it grows."""
    wrong = np.zeros_like(side, dtype=bool)
    for axis in (0, 1):
        along = np.where(direction[:, 1 - axis] == 0, np.sign(direction[:, axis]), 0)
        wrong[:, 1 + axis] = (along * side[:, 0] > 0) & (along * side[:, 1 + axis] < 0)
    return wrong


def _refute(field: Any, x: Array, side: Signs, wrong: Mask) -> None:
    if wrong.any():
        k = int(np.argmax(wrong))
        plain, read = ("positive", "negative")[:: int(side[k])]
        raise field.refuted(x[k], plain, read)
